/** Plays one row against one server: starts it, prepares, attacks, and has a bystander measure meanwhile. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOAD_BINARY, OUT_DIRECTORY } from "../../../bench/compare/load.ts";
import { MONITOR_PORT, type Server, startServer } from "../../../bench/compare/servers.ts";
import type { AttackerLine } from "./attacker.ts";
import type { Row } from "./row.ts";

const PING_INTERVAL_MS = 500;
const ACCEPT_INTERVAL_MS = 50;
const PREPARE_TIMEOUT_MS = 180_000;
/** A load that takes longer is broken off: what the bystander saw until then counts. */
const ATTACK_LIMIT_MS = 30_000;
const SIGNAL_TIMEOUT_MS = 30_000;
/** The bystander measures so long before and after the load. */
const CALM_MS = 300;
/** Attackers yield the processor to the server: what is measured is the server, not the scheduler of a small machine. */
const ATTACKER_NICE = 5;

export interface Waits {
  count: number;
  p50Us: number;
  p99Us: number;
  maxUs: number;
}

/** The bystander's figures, see bench/compare/bystander.c. */
export interface BystanderFigures {
  ping: Waits;
  accept: Waits;
  health: Waits;
  timer: Waits;
  refused: number;
  unanswered: number;
  lateUs: number;
}

export interface RowResult extends BystanderFigures {
  /** From a SIGHUP to the line in the log; null for rows without one. */
  signalMs: number | null;
  /** Duration of the load until its last answer. */
  seconds: number;
  rssMb: number;
  notes: string[];
}

/** Reads the lines of a process as they come. */
export class Lines {
  private readonly reader;
  private readonly decoder = new TextDecoder();
  private text = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.reader = stream.getReader();
  }

  /**
   * @returns the next line; null when none comes in time
   * @throws Error when the process ends instead
   */
  async next(timeoutMs: number, what: string): Promise<string | null> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const end = this.text.indexOf("\n");
      if (end >= 0) {
        const line = this.text.slice(0, end);
        this.text = this.text.slice(end + 1);
        return line;
      }
      const read = await Promise.race([this.reader.read(), Bun.sleep(Math.max(1, deadline - Date.now())).then(() => null)]);
      if (read === null) return null;
      if (read.done) throw new Error(`${what} ended without an answer`);
      this.text += this.decoder.decode(read.value, { stream: true });
    }
  }
}

/** @param seconds of a load without an end of its own */
export async function measureRow(row: Row, side: string, command: string, seconds: number): Promise<RowResult> {
  const file = join(OUT_DIRECTORY, "bystander.conf");
  const own = `http: $${MONITOR_PORT}\nping_interval: "${PING_INTERVAL_MS}ms"\nping_max: 1000000\n`;
  writeFileSync(file, own + (row.configuration ?? ""));
  const server = await startServer(`bystander-${side}`, `${command} -c ${file}`);
  const processes: Bun.Subprocess[] = [];
  try {
    return await attackBeside(row, server, join(OUT_DIRECTORY, `bystander-${side}.log`), seconds, processes);
  } finally {
    for (const child of processes) child.kill("SIGKILL");
    await server.stop();
  }
}

async function attackBeside(row: Row, server: Server, log: string, seconds: number, processes: Bun.Subprocess[]) {
  const words = ["nice", "-n", String(ATTACKER_NICE), process.execPath, join(import.meta.dir, "attacker.ts")];
  const attackerWords = [...words, row.id, ...[server.port, server.monitor, server.webSocketPort, seconds].map(String)];
  const attacker = Bun.spawn(attackerWords, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  processes.push(attacker);
  const attackerLines = new Lines(attacker.stdout);
  const hear = async (timeoutMs: number, what: string): Promise<AttackerLine> => {
    const text = await attackerLines.next(timeoutMs, what);
    const line: AttackerLine = text === null ? { event: "late" } : JSON.parse(text);
    if (line.event === "failed") throw new Error(`${what}: ${line.error}`);
    return line;
  };
  if ((await hear(PREPARE_TIMEOUT_MS, "preparing")).event === "late") throw new Error("preparing took too long");

  const options = { port: server.port, monitor: server.monitor, acceptMs: ACCEPT_INTERVAL_MS, timerMs: PING_INTERVAL_MS };
  const bystanderWords = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const bystander = Bun.spawn([LOAD_BINARY, "bystander", ...bystanderWords], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  processes.push(bystander);
  const bystanderLines = new Lines(bystander.stdout);
  await bystanderLines.next(PREPARE_TIMEOUT_MS, "connecting the bystander");
  await Bun.sleep(CALM_MS);
  attacker.stdin.write("go\n");
  attacker.stdin.flush();
  const signal = row.signal ? Bun.sleep((seconds * 1_000) / 4).then(() => signalWait(server.pid, log)) : null;
  const start = performance.now();
  const done = await hear(ATTACK_LIMIT_MS + seconds * 1_000, "attacking");
  const notes = done.event === "done" ? done.notes : ["the load was not done in time"];
  const doneAt = performance.now();
  const rssMb = residentMb(server.pid);
  const signalMs = signal === null ? null : await signal;
  await Bun.sleep(CALM_MS);
  bystander.stdin.end();
  const figures = JSON.parse((await bystanderLines.next(PREPARE_TIMEOUT_MS, "the bystander")) ?? '{"error":"the bystander does not end"}');
  if (figures.error) throw new Error(figures.error);
  return { ...(figures as BystanderFigures), signalMs, seconds: (doneAt - start) / 1_000, rssMb, notes };
}

/** Sends SIGHUP. @returns milliseconds until the reload is in the log; Infinity when it does not come */
async function signalWait(pid: number, log: string): Promise<number> {
  const reloads = () => readFileSync(log, "latin1").split("Reloaded server configuration").length;
  const before = reloads();
  const start = performance.now();
  process.kill(pid, "SIGHUP");
  while (performance.now() - start < SIGNAL_TIMEOUT_MS) {
    if (reloads() > before) return performance.now() - start;
    await Bun.sleep(2);
  }
  return Number.POSITIVE_INFINITY;
}

export function residentMb(pid: number): number {
  const [, kib] = readFileSync(`/proc/${pid}/status`, "latin1").match(/VmRSS:\s+(\d+)/) ?? [];
  return Number(kib) / 1_000;
}
