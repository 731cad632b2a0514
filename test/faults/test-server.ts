import { completeOptions, type Options } from "../../src/config/options.ts";
import type { Logger } from "../../src/log/logger.ts";
import { Server } from "../../src/server/server.ts";
import { until } from "./until.ts";

/** A server on a free port of 127.0.0.1 whose inside a test looks at. */
export class TestServer extends Server implements AsyncDisposable {
  /** Errors that were logged and are a defect of ours: an exception that reached a socket's handler. */
  readonly defects: string[];

  private constructor(options: Options, defects: string[]) {
    super(options, { log: new DefectLog(defects) });
    this.defects = defects;
  }

  static open(given: Partial<Options> = {}): TestServer {
    const server = new TestServer(completeOptions({ host: "127.0.0.1", port: 0, ...given }), []);
    server.start();
    return server;
  }

  /** What is left of connections that have gone: nothing, on a server that has none. */
  leftovers(): Record<string, unknown> {
    return {
      connections: this.connections.size,
      registered: this.globalAccount.connections,
      subscriptions: this.globalAccount.interest.all().length,
      chunks: this.turn.pool.taken,
      timers: this.turn.timers.size,
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

class DefectLog implements Logger {
  readonly debugEnabled = false;
  readonly traceEnabled = false;

  constructor(private readonly defects: string[]) {}

  notice(): void {}
  warn(): void {}
  warnRateLimited(): void {}
  fatal(): void {}
  debug(): void {}
  trace(): void {}
  error(text: string): void {
    if (text.startsWith("unexpected error")) this.defects.push(text);
  }
}
