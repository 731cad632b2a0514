/**
 * The process of an attacker: `bun attacker.ts ROW client-port monitor-port websocket-port seconds`. It prepares the row, prints a line,
 * waits for a line on standard input, attacks, and prints what it noted.
 */
import { LOAD_BINARY } from "../../../bench/compare/load.ts";
import { AttackClient } from "./attack-client.ts";
import type { Attack, Flood } from "./row.ts";
import { ROWS } from "./rows.ts";

/** Lines that this process prints, as JSON. */
export type AttackerLine =
  | { event: "prepared" }
  | { event: "done"; notes: string[] }
  | { event: "late" }
  | { event: "failed"; error: string };

class ProcessAttack implements Attack {
  readonly notes: string[] = [];
  isOver = false;

  constructor(
    readonly ports: Attack["ports"],
    private readonly seconds: number,
  ) {}

  count(full: number): number {
    return full;
  }

  connect(fields?: object): Promise<AttackClient> {
    return AttackClient.connect(this.ports.client, fields);
  }

  async flood(flood: Flood): Promise<void> {
    const options = { port: this.ports.client, messages: 1e12, warmup: 1, timeoutMs: 3_600_000, ...flood };
    await this.runLoad("run", options);
  }

  async floodConnects(atOnce: number): Promise<void> {
    this.note(await this.runLoad("connect", { port: this.ports.client, inFlight: atOnce }));
  }

  async get(path: string): Promise<number> {
    const client = await AttackClient.open(this.ports.monitor);
    await client.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    await client.closed();
    return client.receivedBytes;
  }

  async timeOver(): Promise<void> {
    await Bun.sleep(this.seconds * 1_000);
    this.isOver = true;
  }

  note(text: string): void {
    this.notes.push(text);
  }

  /** Runs the load generator until the time is over. @returns what it printed */
  private async runLoad(role: string, options: object): Promise<string> {
    const words = Object.entries(options).map(([name, value]) => `${name}=${value}`);
    const load = Bun.spawn([LOAD_BINARY, role, ...words], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    await this.timeOver();
    if (load.exitCode !== null) throw new Error(`the load generator ended: ${await load.stdout.text()}`);
    if (role === "run") load.kill("SIGKILL");
    else load.stdin.end();
    return (await load.stdout.text()).trim();
  }
}

function print(line: AttackerLine): void {
  console.log(JSON.stringify(line));
}

async function main(): Promise<void> {
  const [id, client, monitor, webSocket, seconds] = process.argv.slice(2);
  const row = ROWS.find(one => one.id === id);
  if (row === undefined) throw new Error(`no row ${id}`);
  const attack = new ProcessAttack({ client: Number(client), monitor: Number(monitor), webSocket: Number(webSocket) }, Number(seconds));
  const load = await row.prepare(attack);
  print({ event: "prepared" });
  for await (const _ of console) break;
  await load();
  print({ event: "done", notes: attack.notes });
}

if (import.meta.main) {
  await main().catch((error: Error) => print({ event: "failed", error: error.message }));
  process.exit(0);
}
