/**
 * The program's log: lines on standard error, in one write per turn of the event loop.
 *
 *   line ─▶ pending ─▶ end of the turn, PENDING_CHARS_MAX reached, a fatal line, `flush()` ─▶ one write
 * A write of its own for each line would cost more than the message that a trace line is about. What is lost by a process that is
 * killed are the lines of its last turn.
 * Whoever reads a pipe slowly slows the server, as with the reference, unless the pipe does not block: then lines wait in `pending`,
 * and are dropped, counted, when that is full.
 */
import { fstatSync, writeSync } from "node:fs";
import { type Level, LogLine } from "./log-line.ts";
import type { Logger } from "./logger.ts";
import { RepeatFilter } from "./repeat-filter.ts";

/** Written at once when so much waits. */
const PENDING_CHARS_MAX = 64 * 1024;
/** Where lines are dropped because standard error takes none. */
const STUCK_CHARS_MAX = 1024 * 1024;
const RETRY_MS = 10;
const REPEAT_MS = 1_000;
const REPEATS_MAX = 1_024;
/** How often the wall clock is compared with the monotonic one, which tells the microseconds. */
const CLOCK_SYNC_MS = 1_000;
/** The wall clock shows whole milliseconds: by so much the two may differ without one having been set. */
const CLOCK_DRIFT_MAX_MS = 2;
const STDERR = 2;

export interface StderrLoggerOptions {
  readonly debug: boolean;
  readonly trace: boolean;
  readonly logTime: boolean;
  readonly logTimeUtc: boolean;
  /** Default: when standard error is a terminal. */
  readonly colors?: boolean;
  /** Writes as many bytes as are taken, returns how many; throws as `fs.writeSync` does. For tests. */
  readonly write?: (bytes: Uint8Array) => number;
}

export class StderrLogger implements Logger {
  readonly debugEnabled: boolean;
  readonly traceEnabled: boolean;
  private readonly line: LogLine;
  private readonly write: (bytes: Uint8Array) => number;
  private readonly repeats = new RepeatFilter(REPEAT_MS, REPEATS_MAX);
  private pending = "";
  /** Bytes that standard error did not take. */
  private stuck: Uint8Array | null = null;
  private scheduled = false;
  private dropped = 0;
  private broken = false;
  /** Wall clock less monotonic clock, ms. */
  private wallOffset = performance.timeOrigin;
  private syncedAt = Number.NEGATIVE_INFINITY;

  constructor(options: StderrLoggerOptions) {
    this.debugEnabled = options.debug;
    this.traceEnabled = options.trace;
    const colors = options.colors ?? isTerminal();
    this.line = new LogLine({ pid: process.pid, time: options.logTime, utc: options.logTimeUtc, colors });
    this.write = options.write ?? (bytes => writeSync(STDERR, bytes));
  }

  notice(text: string): void {
    this.add("INF", text);
  }

  warn(text: string): void {
    this.add("WRN", text);
  }

  error(text: string): void {
    this.add("ERR", text);
  }

  /** Written before it returns, as the caller is about to end the process. */
  fatal(text: string): void {
    this.add("FTL", text);
    this.flush();
  }

  debug(text: string): void {
    if (this.debugEnabled) this.add("DBG", text);
  }

  trace(text: string): void {
    if (this.traceEnabled) this.add("TRC", text);
  }

  warnRateLimited(text: string): void {
    if (this.repeats.passes(text, performance.now())) this.add("WRN", text);
  }

  /** Writes what waits, as far as standard error takes it. */
  flush(): void {
    if (this.stuck !== null && !this.writeOut(this.stuck)) return;
    if (this.pending === "") return;
    const bytes = Buffer.from(this.pending);
    this.pending = "";
    this.writeOut(bytes);
  }

  private add(level: Level, text: string): void {
    if (this.broken) return;
    if (this.stuck !== null && this.pending.length >= STUCK_CHARS_MAX) {
      this.dropped++;
      return;
    }
    const now = this.now();
    if (this.dropped > 0) {
      this.pending += this.line.text("WRN", `${this.dropped} log lines dropped: standard error took none`, now);
      this.dropped = 0;
    }
    this.pending += this.line.text(level, text, now);
    if (this.stuck !== null) return;
    if (this.pending.length >= PENDING_CHARS_MAX) this.flush();
    else if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.flush();
      });
    }
  }

  /** @returns false when some of it has to wait: then it is in `stuck`, and is tried again */
  private writeOut(bytes: Uint8Array): boolean {
    let rest = bytes;
    try {
      while (rest.length > 0) rest = rest.subarray(this.write(rest));
      this.stuck = null;
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") {
        // Nobody reads it any more (EPIPE), or it was closed: there is no other place to say so.
        this.broken = true;
        this.stuck = null;
        this.pending = "";
        return true;
      }
      this.stuck = rest;
      setTimeout(() => this.flush(), RETRY_MS);
      return false;
    }
  }

  /** Wall clock with microseconds, ms. */
  private now(): number {
    const monotonic = performance.now();
    if (monotonic - this.syncedAt >= CLOCK_SYNC_MS) {
      this.syncedAt = monotonic;
      const offset = Date.now() - monotonic;
      if (Math.abs(offset - this.wallOffset) > CLOCK_DRIFT_MAX_MS) this.wallOffset = offset;
    }
    return this.wallOffset + monotonic;
  }
}

/** A character device, as the reference asks; cheaper to load than `node:tty`. */
function isTerminal(): boolean {
  try {
    return fstatSync(STDERR).isCharacterDevice();
  } catch {
    return false;
  }
}
