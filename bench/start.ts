/**
 * Size, start and idle memory of servers as programs.
 *
 *   bun run bench/start.ts [--rounds 20] [--server "name=command …"]…
 * A command gets `-p <port>` appended. Without `--server`: the executable of `make build`, the program from its sources, and nats-server
 * if it is installed. The start is the time from the spawn of the process until its port accepts a connection, as the median of all
 * rounds. The servers alternate, so that a slowdown of the machine affects all. The memory is the resident memory a second later.
 */
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = join(import.meta.dir, "..");
/** A server that does not listen within this time counts as broken. */
const START_MS_MAX = 10_000;
/** Time between the start and reading the memory. */
const SETTLE_MS = 1_000;
const MIB = 1024 * 1024;

interface Candidate {
  readonly name: string;
  readonly command: readonly string[];
}

interface Sample {
  readonly startMs: number;
  readonly residentBytes: number;
}

/** Returns a port that was free a moment ago. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

async function accepts(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch {
    return false;
  }
}

async function startOnce({ name, command }: Candidate, settles: boolean): Promise<Sample> {
  const port = freePort();
  const before = performance.now();
  const child = Bun.spawn([...command, "-p", String(port)], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  try {
    while (!(await accepts(port))) {
      if (performance.now() - before > START_MS_MAX || child.exitCode !== null) throw new Error(`${name} does not listen on port ${port}`);
    }
    const startMs = performance.now() - before;
    if (settles) await Bun.sleep(SETTLE_MS);
    return { startMs, residentBytes: residentBytes(child.pid) };
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib ?? 0) * 1024;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function candidates(given: readonly string[]): Candidate[] {
  if (given.length > 0) {
    return given.map(text => {
      const [, name, command] = /^([^=]+)=(.+)$/.exec(text) ?? [];
      if (name === undefined) throw new Error(`--server takes "name=command", not ${JSON.stringify(text)}`);
      return { name, command: command.split(" ") };
    });
  }
  const executable = join(ROOT, "dist/bunats");
  const reference = Bun.which("nats-server");
  return [
    ...(existsSync(executable) ? [{ name: "bunats, executable", command: [executable] }] : []),
    { name: "bunats, from sources", command: [process.execPath, "run", join(ROOT, "src/main.ts")] },
    ...(reference === null ? [] : [{ name: "nats-server", command: [realpathSync(reference)] }]),
  ];
}

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { rounds: { type: "string", default: "20" }, server: { type: "string", multiple: true, default: [] } },
});
const all = candidates(values.server);
const rounds = Number(values.rounds);
const samples = new Map<Candidate, Sample[]>(all.map(one => [one, []]));
for (const one of all) await startOnce(one, false); // loads the files into the page cache
for (let round = 0; round < rounds; round++) {
  for (const one of all) samples.get(one)!.push(await startOnce(one, round < 3));
}
const rows = all.map(one => {
  const starts = samples.get(one)!.map(({ startMs }) => startMs);
  const idle = median(
    samples
      .get(one)!
      .slice(0, 3)
      .map(({ residentBytes }) => residentBytes),
  );
  const size = existsSync(one.command[0]) ? statSync(one.command[0]).size : 0;
  const shown = (value: number, unit: string) => `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
  return [one.name, shown(size / 1e6, "MB"), shown(median(starts), "ms"), shown(Math.min(...starts), "ms"), shown(idle / MIB, "MiB")];
});
console.log("| server | program | start, median | start, best | memory, idle |\n| --- | --- | --- | --- | --- |");
for (const row of rows) console.log(`| ${row.join(" | ")} |`);
