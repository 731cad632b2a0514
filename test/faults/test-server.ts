import { ServiceImport } from "../../src/accounts/account/service-import.ts";
import type { Logger } from "../../src/base/log/logger.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import type { Options } from "../../src/config/schema/options.ts";
import { Server } from "../../src/server/process/server.ts";
import { startNow } from "./start-now.ts";
import { until } from "./until.ts";

/** A server on a free port of 127.0.0.1 that shows its internal state to tests. */
export class TestServer extends Server implements AsyncDisposable {
  /** Logged errors that are defects of the server: exceptions that reached a socket's handler. */
  readonly defects: readonly string[];
  /** Logged notices. */
  readonly notices: readonly string[];

  /** Timers that run as long as the server. */
  private ownTimers = 0;

  private constructor(options: Options, log: KeptLog) {
    super(options, { log });
    this.defects = log.defects;
    this.notices = log.notices;
  }

  static open(given: Partial<Options> = {}): TestServer {
    // No system account: its heartbeat is a timer that never ends.
    const server = new TestServer(completeOptions({ host: "127.0.0.1", port: 0, noSystemAccount: true, ...given }), new KeptLog());
    startNow(server);
    server.ownTimers = server.turn.timers.size;
    return server;
  }

  /** With JetStream, whose start takes a while. */
  static async openWithJetStream(given: Partial<Options>): Promise<TestServer> {
    const server = new TestServer(completeOptions({ host: "127.0.0.1", port: 0, ...given }), new KeptLog());
    await server.start();
    return server;
  }

  /** State that connections hold: equal to `NOTHING_LEFT` on a server without connections. */
  leftovers(): Record<string, unknown> {
    return {
      connections: this.connections.size,
      registered: this.globalAccount.connections,
      // The account's own imports stay.
      subscriptions: this.globalAccount.interest.all().filter(({ sink }) => !(sink instanceof ServiceImport)).length,
      chunks: this.turn.pool.taken,
      // The pool frees memory later.
      timers: this.turn.timers.size - this.ownTimers - (this.turn.pool.trimWanted ? 1 : 0),
      defects: this.defects,
    };
  }

  /** Waits until all connections and their state are gone. */
  async cleared(): Promise<void> {
    await until(
      () => Bun.deepEquals(this.leftovers(), NOTHING_LEFT),
      () => `left behind: ${JSON.stringify(this.leftovers())}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export const NOTHING_LEFT = { connections: 0, registered: 0, subscriptions: 0, chunks: 0, timers: 0, defects: [] };

class KeptLog implements Logger {
  readonly debugEnabled = false;
  readonly traceEnabled = false;
  readonly defects: string[] = [];
  readonly notices: string[] = [];

  notice(text: string): void {
    this.notices.push(text);
  }
  error(text: string): void {
    if (text.startsWith("unexpected error")) this.defects.push(text);
  }
  warn(): void {}
  warnRateLimited(): void {}
  fatal(): void {}
  debug(): void {}
  trace(): void {}
}
