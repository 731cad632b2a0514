/**
 * Hours of load with an attacker that plays the rows of the table at random, on one server. Memory, descriptors and the wait of a bystander
 * must stay flat.
 *
 *   one minute:  attacker plays rows, 45 s │ quiet, 15 s, in which the server's memory and descriptors are read
 *                steady load from beginning to end: nothing may be lost or come twice
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileLoad, LOAD_BINARY, OUT_DIRECTORY } from "../../../bench/compare/load.ts";
import { type Server, startServer } from "../../../bench/compare/servers.ts";
import { Random } from "../../../src/base/random/random.ts";
import { seedFromEnv } from "../../doubles/seed.ts";
import { type BystanderFigures, Lines, residentMb } from "../bystander/measurement.ts";
import { ROWS } from "../bystander/rows.ts";
import { SOAK_CONFIGURATION } from "./configuration.ts";
import { growth, type Minute } from "./flatness.ts";
import { SteadyLoad } from "./steady-load.ts";

const ATTACKED_MS = 45_000;
const QUIET_MS = 15_000;
/** The quiet time begins with what is left of the attacks; the bystander measures after that. */
const SETTLE_MS = 5_000;
const ROW_SECONDS = 5;
/** Preparing and playing one row; then its process is ended, as an attacker may vanish at any time. */
const ROW_MS_MAX = 20_000;
/** A row of its own configuration: it needs a limit that would refuse the others. */
const LEFT_OUT = new Set(["connects"]);
const USAGE = `usage: bun test/faults/soak/main.ts [options]
  --duration 120m   how long, in minutes (m) or hours (h); DURATION in the environment does the same
  --ours COMMAND    the server; {port} is replaced (bun run src/main.ts -p {port})
SEED in the environment repeats the attacker's choices.`;

const { values } = parseArgs({
  options: {
    duration: { type: "string", default: process.env.DURATION ?? "120m" },
    ours: { type: "string", default: `${process.execPath} run src/main.ts -p {port}` },
    help: { type: "boolean", short: "h", default: false },
  },
});

function minutesOf(duration: string): number {
  const [, number, unit] = duration.match(/^(\d+)([mh])$/) ?? [];
  if (number === undefined) {
    console.error(USAGE);
    process.exit(2);
  }
  return Number(number) * (unit === "h" ? 60 : 1);
}

/** The bystander's PINGs for this time. @returns its p99, ms */
async function bystand(server: Server, milliseconds: number): Promise<number> {
  const bystander = Bun.spawn([LOAD_BINARY, "bystander", `port=${server.port}`], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const lines = new Lines(bystander.stdout);
  await lines.next(ROW_MS_MAX, "the bystander");
  await Bun.sleep(milliseconds);
  bystander.stdin.end();
  const answer = JSON.parse((await lines.next(ROW_MS_MAX * 2, "the bystander")) ?? '{"error":"the bystander does not end"}');
  if (answer.error) throw new Error(answer.error);
  return (answer as BystanderFigures).ping.p99Us / 1_000;
}

/** Plays one row after the other until the time is over. @returns their names */
async function attack(server: Server, random: Random, milliseconds: number): Promise<string[]> {
  const rows = ROWS.filter(({ id }) => !LEFT_OUT.has(id));
  const played: string[] = [];
  for (const end = performance.now() + milliseconds; performance.now() < end; ) {
    const { id } = rows[random.below(rows.length)]!;
    played.push(id);
    const place = [server.port, server.monitor, server.webSocketPort, ROW_SECONDS].map(String);
    const words = ["nice", "-n", "5", process.execPath, join(import.meta.dir, "../bystander/attacker.ts"), id, ...place];
    const attacker = Bun.spawn(words, { stdin: "pipe", stdout: "ignore", stderr: "ignore" });
    attacker.stdin.write("go\n");
    attacker.stdin.flush();
    await Promise.race([attacker.exited, Bun.sleep(Math.min(ROW_MS_MAX, Math.max(0, end - performance.now())))]);
    attacker.kill("SIGKILL");
    await attacker.exited;
  }
  return played;
}

async function minute(server: Server, random: Random, steady: SteadyLoad): Promise<{ minute: Minute; played: string[] }> {
  const [played, attackedMs] = await Promise.all([attack(server, random, ATTACKED_MS), bystand(server, ATTACKED_MS)]);
  await Bun.sleep(SETTLE_MS);
  const quietMs = await bystand(server, QUIET_MS - SETTLE_MS);
  await steady.check();
  const descriptors = readdirSync(`/proc/${server.pid}/fd`).length;
  return { minute: { rssMb: residentMb(server.pid), descriptors, attackedMs, quietMs }, played };
}

async function main(): Promise<string[]> {
  const seed = seedFromEnv();
  const random = new Random(seed);
  mkdirSync(OUT_DIRECTORY, { recursive: true });
  compileLoad();
  const file = join(OUT_DIRECTORY, "soak.conf");
  writeFileSync(file, SOAK_CONFIGURATION);
  const server = await startServer("soak", `${values.ours} -c ${file}`);
  const minutes: Minute[] = [];
  try {
    const steady = await SteadyLoad.start(server.port);
    console.log(`SEED=${seed}, ${values.duration}`);
    for (const end = performance.now() + minutesOf(values.duration) * 60_000; performance.now() < end; ) {
      const { minute: figures, played } = await minute(server, random, steady);
      minutes.push(figures);
      const { rssMb, descriptors, attackedMs, quietMs } = figures;
      const waits = `PING p99 ${attackedMs.toFixed(1)} ms, quiet ${quietMs.toFixed(1)} ms`;
      console.log(`${minutes.length}: ${rssMb.toFixed(0)} MB, ${descriptors} descriptors, ${waits}; ${played.join(" ")}`);
    }
    await steady.stop();
  } finally {
    await server.stop();
  }
  return growth(minutes);
}

if (values.help) console.log(USAGE);
else {
  const grown = await main().catch((error: Error) => [error.message]);
  for (const one of grown) console.error(`not flat: ${one}`);
  process.exit(grown.length === 0 ? 0 : 1);
}
