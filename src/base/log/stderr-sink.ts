/**
 * Writes lines to standard error, one write per turn of the event loop.
 *
 *   line ─▶ pending ─▶ end of the turn, PENDING_CHARS_MAX reached, `flush()` ─▶ one write
 * One write per line would cost more than the message that a trace line describes. A killed process loses
 * the lines of its last turn only.
 * A slow reader of a blocking pipe slows the server down, as with the reference. With a non-blocking pipe lines wait in `pending`
 * and are dropped and counted when that is full.
 */
import { fstatSync, writeSync } from "node:fs";
import type { Clock } from "../clock/clock.ts";
import type { Level, Subsystem } from "./level.ts";
import { QUEUE_BYTES_MAX } from "./line-queue.ts";
import type { LineFormat, LogSink } from "./log-sink.ts";

/** Waiting text is written at once above this size, in characters. */
const PENDING_CHARS_MAX = 64 * 1024;
const RETRY_MS = 10;
const STDERR = 2;

/** Writes bytes and returns how many were accepted; throws like `fs.writeSync`. */
export type WriteSome = (bytes: Uint8Array) => number;

export class StderrSink implements LogSink {
  private readonly format: LineFormat;
  private readonly write: WriteSome;
  private pending = "";
  /** Bytes not accepted by standard error yet. */
  private unwritten: Uint8Array | null = null;
  private scheduled = false;
  private dropped = 0;
  private broken = false;

  /** @param write replaced by tests */
  constructor(
    format: LineFormat,
    private readonly clock: Clock,
    write: WriteSome = bytes => writeSync(STDERR, bytes),
  ) {
    this.format = format;
    this.write = write;
  }

  add(level: Level, text: string, now: number, subsystem: Subsystem): void {
    if (this.broken) return;
    if (this.unwritten !== null && this.pending.length >= QUEUE_BYTES_MAX) {
      this.dropped++;
      return;
    }
    if (this.dropped > 0) {
      this.pending += this.format.text("WRN", `${this.dropped} log lines dropped: standard error did not accept them`, now, "server");
      this.dropped = 0;
    }
    this.pending += this.format.text(level, text, now, subsystem);
    if (this.unwritten !== null) return;
    if (this.pending.length >= PENDING_CHARS_MAX) this.flush();
    else if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.flush();
      });
    }
  }

  flush(): void {
    if (this.unwritten !== null && !this.writeOut(this.unwritten)) return;
    if (this.pending === "") return;
    const bytes = Buffer.from(this.pending);
    this.pending = "";
    this.writeOut(bytes);
  }

  close(): void {
    this.flush();
  }

  /** @returns false when a part has to wait; it is kept in `unwritten` and tried again */
  private writeOut(bytes: Uint8Array): boolean {
    let rest = bytes;
    try {
      while (rest.length > 0) rest = rest.subarray(this.write(rest));
      this.unwritten = null;
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") {
        // The reader has closed its end (EPIPE), or standard error is closed; there is no other place to report this.
        this.broken = true;
        this.unwritten = null;
        this.pending = "";
        return true;
      }
      this.unwritten = rest;
      this.clock.after(RETRY_MS, () => this.flush());
      return false;
    }
  }
}

/** Whether it is a character device, as in the reference; avoids loading `node:tty`. */
export function stderrIsTerminal(): boolean {
  try {
    return fstatSync(STDERR).isCharacterDevice();
  } catch {
    return false;
  }
}
