/**
 * One suite, three subjects: our two ways to hold a WebSocket listener, and nats-server, whose rules they are.
 *
 * A test that finds a rule is played against all of them; what `Bun.serve` says in words of its own stands beside it.
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

export type SubjectName = "codec" | "Bun.serve" | "nats-server";

export interface SubjectOptions {
  readonly websocket?: Partial<WebSocketOptions>;
  readonly server?: Partial<Options>;
  readonly authenticate?: Authenticate;
  /** The same for nats-server, as lines of its configuration: inside the `websocket` block, and outside. */
  readonly websocketConfig?: string;
  readonly serverConfig?: string;
}

export interface Subject {
  readonly name: SubjectName;
  readonly port: number;
  readonly monitorPort: number;
  /** What was logged so far, without process id and time; oldest first. */
  lines(): string[];
  stop(): Promise<void>;
}

class OurSubject implements Subject {
  private readonly written: string[] = [];
  readonly server: Server;

  constructor(
    readonly name: "codec" | "Bun.serve",
    options: SubjectOptions,
  ) {
    const websocket = { ...WEBSOCKET_DEFAULTS, host: "127.0.0.1", noTls: true, ...options.websocket };
    const given = { host: "127.0.0.1", port: 0, httpHost: "127.0.0.1", httpPort: 0, debug: true, ...options.server, websocket };
    this.server = new Server(completeOptions(given), {
      log: this.log(),
      websocketOwner: name,
      authenticate: options.authenticate ?? null,
    });
    this.server.start();
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

class ReferenceSubject implements Subject {
  readonly name = "nats-server";

  private constructor(private readonly server: ReferenceServer) {}

  static async start({ websocketConfig = "", serverConfig = "" }: SubjectOptions): Promise<ReferenceSubject> {
    const config = `debug: true\n${serverConfig}\nwebsocket { listen: "127.0.0.1:-1", no_tls: true\n${websocketConfig}\n}`;
    return new ReferenceSubject(await ReferenceServer.start(config));
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

/** Ours, as a `Server`, for what cannot be seen from outside. */
export function ourServer(subject: Subject): Server {
  if (!(subject instanceof OurSubject)) throw new Error(`${subject.name} is not ours`);
  return subject.server;
}

export async function startSubject(name: SubjectName, options: SubjectOptions = {}): Promise<Subject> {
  return name === "nats-server" ? ReferenceSubject.start(options) : new OurSubject(name, options);
}

/** Subjects with the same options, started when the first test asks; each is there until the file's tests are over. */
export class Subjects {
  private readonly started = new Map<SubjectName, Promise<Subject>>();

  constructor(private readonly options: SubjectOptions = {}) {
    afterAll(async () => {
      const all = await Promise.allSettled(this.started.values());
      this.started.clear();
      for (const result of all) if (result.status === "fulfilled") await result.value.stop();
    });
  }

  get(name: SubjectName): Promise<Subject> {
    let subject = this.started.get(name);
    if (subject === undefined) {
      subject = startSubject(name, this.options);
      this.started.set(name, subject);
    }
    return subject;
  }

  /** Registers a test for each of the subjects; for nats-server where it is installed, as what must come is written in the test. */
  test(title: string, run: (subject: Subject) => Promise<void>, names: readonly SubjectName[] = ALL): void {
    for (const name of names) {
      if (name === "nats-server" && !referenceIsLive()) continue;
      test(`${name}: ${title}`, async () => run(await this.get(name)));
    }
  }
}

export const ALL: readonly SubjectName[] = ["codec", "Bun.serve", "nats-server"];
export const OURS: readonly ("codec" | "Bun.serve")[] = ["codec", "Bun.serve"];
/** Who follows the reference to the letter. */
export const EXACT: readonly SubjectName[] = ["codec", "nats-server"];
