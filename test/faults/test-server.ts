import { ServiceImport } from "../../src/accounts/account/service-import.ts";
import type { Logger } from "../../src/base/log/logger.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import type { Options } from "../../src/config/schema/options.ts";
import { Server } from "../../src/server/process/server.ts";
import { until } from "./until.ts";

/** A server on a free port of 127.0.0.1 whose inside a test looks at. */
export class TestServer extends Server implements AsyncDisposable {
  /** Errors that were logged and are a defect of ours: an exception that reached a socket's handler. */
  readonly defects: readonly string[];
  /** Notices that were logged. */
  readonly notices: readonly string[];

  /** That run as long as the server does. */
  private ownTimers = 0;

  private constructor(options: Options, log: KeptLog) {
    super(options, { log });
    this.defects = log.defects;
    this.notices = log.notices;
  }

  static open(given: Partial<Options> = {}): TestServer {
    // No system account: its heartbeat would be a timer that is always there.
    const server = new TestServer(completeOptions({ host: "127.0.0.1", port: 0, noSystemAccount: true, ...given }), new KeptLog());
    server.start();
    server.ownTimers = server.turn.timers.size;
    return server;
  }

  /** What is left of connections that have gone: nothing, on a server that has none. */
  leftovers(): Record<string, unknown> {
    return {
      connections: this.connections.size,
      registered: this.globalAccount.connections,
      // The account's own imports stay.
      subscriptions: this.globalAccount.interest.all().filter(({ sink }) => !(sink instanceof ServiceImport)).length,
      chunks: this.turn.pool.taken,
      // The pool gives memory back later; heartbeats go on.
      timers: this.turn.timers.size - this.ownTimers - (this.turn.pool.trimWanted ? 1 : 0),
      defects: this.defects,
    };
  }

  /** Waits until every connection has gone, with all that it held. */
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
