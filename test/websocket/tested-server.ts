/**
 * The servers that the WebSocket tests run against: ours with each of its two owners of a WebSocket listener, and nats-server.
 *
 * A test of a rule runs against all three; where the texts of `Bun.serve` differ, the test names both.
 */
import { afterAll, test } from "bun:test";
import type { Authenticate } from "../../src/auth/users/given-authenticator.ts";
import type { Logger } from "../../src/base/log/logger.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import type { Options } from "../../src/config/schema/options.ts";
import { WEBSOCKET_DEFAULTS, type WebSocketOptions } from "../../src/config/schema/websocket-options.ts";
import { Server } from "../../src/server/process/server.ts";
import { referenceIsLive } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";

export type TestedServerName = "codec" | "Bun.serve" | "nats-server";

export interface TestedServerOptions {
  readonly websocket?: Partial<WebSocketOptions>;
  readonly server?: Partial<Options>;
  readonly authenticate?: Authenticate;
  /** The same for nats-server, as lines of its configuration: inside the `websocket` block, and outside. */
  readonly websocketConfig?: string;
  readonly serverConfig?: string;
}

export interface TestedServer {
  readonly name: TestedServerName;
  readonly port: number;
  readonly monitorPort: number;
  /** Lines logged so far, without process id and time; oldest first. */
  lines(): string[];
  stop(): Promise<void>;
}

class TestedOwnServer implements TestedServer {
  private readonly written: string[] = [];
  readonly server: Server;

  private constructor(
    readonly name: "codec" | "Bun.serve",
    options: TestedServerOptions,
  ) {
    const websocket = { ...WEBSOCKET_DEFAULTS, host: "127.0.0.1", noTls: true, ...options.websocket };
    const given = { host: "127.0.0.1", port: 0, httpHost: "127.0.0.1", httpPort: 0, debug: true, ...options.server, websocket };
    this.server = new Server(completeOptions(given), {
      log: this.log(),
      websocketOwner: name,
      authenticate: options.authenticate ?? null,
    });
  }

  static async start(name: "codec" | "Bun.serve", options: TestedServerOptions): Promise<TestedOwnServer> {
    const tested = new TestedOwnServer(name, options);
    await tested.server.start();
    return tested;
  }

  private log(): Logger {
    const write = (level: string) => (text: string) => void this.written.push(`[${level}] ${text}`);
    return {
      debugEnabled: true,
      traceEnabled: false,
      notice: write("INF"),
      warn: write("WRN"),
      error: write("ERR"),
      fatal: write("FTL"),
      debug: write("DBG"),
      trace: write("TRC"),
      warnRateLimited: write("WRN"),
    };
  }

  get port(): number {
    return this.server.websocketPort!;
  }

  get monitorPort(): number {
    return this.server.monitorPort!;
  }

  lines(): string[] {
    return this.written;
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}

class TestedReference implements TestedServer {
  readonly name = "nats-server";

  private constructor(private readonly server: ReferenceServer) {}

  static async start({ websocketConfig = "", serverConfig = "" }: TestedServerOptions): Promise<TestedReference> {
    const config = `debug: true\n${serverConfig}\nwebsocket { listen: "127.0.0.1:-1", no_tls: true\n${websocketConfig}\n}`;
    return new TestedReference(await ReferenceServer.start(config));
  }

  get port(): number {
    return this.server.websocketPort;
  }

  get monitorPort(): number {
    return this.server.monitorPort;
  }

  lines(): string[] {
    const lines = this.server.log().trimEnd().split("\n");
    return lines.map(line => line.replace(/^\[\d+\] \S+ \S+ /, ""));
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}

/** Our server as a `Server`, for tests of its internal state. */
export function ourServer(tested: TestedServer): Server {
  if (!(tested instanceof TestedOwnServer)) throw new Error(`${tested.name} is not ours`);
  return tested.server;
}

export async function startTestedServer(name: TestedServerName, options: TestedServerOptions = {}): Promise<TestedServer> {
  return name === "nats-server" ? TestedReference.start(options) : TestedOwnServer.start(name, options);
}

/** Servers with the same options, each started by the first test that needs it and stopped after the last test of the file. */
export class TestedServers {
  private readonly started = new Map<TestedServerName, Promise<TestedServer>>();

  constructor(private readonly options: TestedServerOptions = {}) {
    afterAll(async () => {
      const all = await Promise.allSettled(this.started.values());
      this.started.clear();
      for (const result of all) if (result.status === "fulfilled") await result.value.stop();
    });
  }

  get(name: TestedServerName): Promise<TestedServer> {
    let tested = this.started.get(name);
    if (tested === undefined) {
      tested = startTestedServer(name, this.options);
      this.started.set(name, tested);
    }
    return tested;
  }

  /** Registers a test for each server; for nats-server only where it is installed, as the expected answers stand in the test. */
  test(title: string, run: (tested: TestedServer) => Promise<void>, names: readonly TestedServerName[] = ALL): void {
    for (const name of names) {
      if (name === "nats-server" && !referenceIsLive()) continue;
      test(`${name}: ${title}`, async () => run(await this.get(name)));
    }
  }
}

export const ALL: readonly TestedServerName[] = ["codec", "Bun.serve", "nats-server"];
export const OURS: readonly ("codec" | "Bun.serve")[] = ["codec", "Bun.serve"];
/** Servers that behave exactly as the reference. */
export const EXACT: readonly TestedServerName[] = ["codec", "nats-server"];
