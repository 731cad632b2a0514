/** A server with JetStream in a process of its own, which can be stopped or killed and started again on the same files. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM, RunningProgram, TemporaryDirectory } from "../../cli/program.ts";
import { findReference } from "../../reference/reference-server.ts";
import { RawClient } from "./raw-client.ts";
import type { Restart } from "./step.ts";

export type ServerKind = "ours" | "nats-server";

export class TestedServer implements AsyncDisposable {
  private readonly directory = new TemporaryDirectory();
  private program!: RunningProgram;
  private readonly clients: RawClient[] = [];

  private constructor(private readonly kind: ServerKind) {}

  /**
   * @param limits of each account: the value of its `jetstream`. The accounts are called A0, A1 …, each with one user of that name;
   *   the user of the system account is SYS
   * @param options further ones of the server's `jetstream` block @param more further options of the server
   */
  static async start(kind: ServerKind, limits: readonly string[], options = "", more = ""): Promise<TestedServer> {
    const server = new TestedServer(kind);
    writeFileSync(server.directory.join("server.conf"), `${configuration(server.directory.join("store"), limits, options)}\n${more}`);
    await server.startProgram();
    return server;
  }

  get port(): number {
    return this.program.port;
  }

  async client(account: number): Promise<RawClient> {
    const client = await RawClient.open(this.program.port, `A${account}`);
    this.clients.push(client);
    return client;
  }

  /** @param whileStopped changes the files in the store's directory */
  async restart(how: Restart, whileStopped: (store: string) => void = () => {}): Promise<void> {
    await this.end(how);
    whileStopped(join(this.directory.join("store"), "jetstream"));
    await this.startProgram();
  }

  /** Files in the directory above that of the store. */
  get outside(): string[] {
    return readdirSync(this.directory.path).sort();
  }

  /** What the running server has logged. */
  get log(): string {
    return this.program.text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("kill");
    this.directory[Symbol.dispose]();
  }

  private async startProgram(): Promise<void> {
    const command = this.kind === "ours" ? PROGRAM : [findReference().path ?? "nats-server"];
    this.program = await RunningProgram.start([...command, "-a", "127.0.0.1", "-c", this.directory.join("server.conf")]);
  }

  private async end(how: Restart): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    if (how === "kill") return this.program.stop();
    this.program.signal("SIGTERM");
    await this.program.status();
  }
}

function configuration(store: string, limits: readonly string[], options: string): string {
  const accounts = limits.map((value, index) => `A${index} { users: [{ user: A${index}, password: A${index} }], jetstream: ${value} }`);
  return [
    "server_name: tested",
    `jetstream { store_dir: ${JSON.stringify(store)}, max_mem: 1G, max_file: 10G, ${options} }`,
    `accounts {\n${accounts.join("\n")}\n$SYS { users: [{ user: SYS, password: SYS }] }\n}\n`,
  ].join("\n");
}
