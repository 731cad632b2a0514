/**
 * Writes lines to standard error, or to a log file that is a pipe or a device: one write per turn of the event loop.
 *
 *   line ─▶ pending ─▶ end of the turn, PENDING_CHARS_MAX reached, `flush()` ─▶ one write
 * One write per line would cost more than the message that a trace line describes. A killed process loses
 * the lines of its last turn only.
 * A slow reader of a blocking pipe slows the server down, as with the reference. With a non-blocking pipe lines wait in `pending`
 * and are dropped and counted when that is full. After an error (no space, no reader) its lines are lost and counted, and the next line
 * is tried again.
 */
import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import type { Clock } from "../clock/clock.ts";
import { LOG_FILE_MODE } from "./file-sink.ts";
import type { Level, Subsystem } from "./level.ts";
import { QUEUE_BYTES_MAX } from "./line-queue.ts";
import type { LineFormat, LogSink } from "./log-sink.ts";

/** Waiting text is written at once above this size, in characters. */
const PENDING_CHARS_MAX = 64 * 1024;
const RETRY_MS = 10;
const STDERR = 2;
const LF = 0x0a;

/** The end of a stream that takes bytes. Replaced by tests. */
export interface LogStream {
  /** Its name in a line about lost lines. */
  readonly name: string;
  /** Writes bytes and returns how many were accepted; throws like `fs.writeSync`. */
  write(bytes: Uint8Array): number;
  close(): void;
}

export const STANDARD_ERROR: LogStream = { name: "standard error", write: bytes => writeSync(STDERR, bytes), close: () => {} };

/** A log file that is no regular file. @throws the system's error when it cannot be opened */
export function openStream(path: string): LogStream {
  const descriptor = openSync(path, "a", LOG_FILE_MODE);
  return { name: "the log file", write: bytes => writeSync(descriptor, bytes), close: () => closeSync(descriptor) };
}

export class StreamSink implements LogSink {
  private pending = "";
  /** Bytes that wait because the stream is full. */
  private unwritten: Uint8Array | null = null;
  private scheduled = false;
  private dropped = 0;
  /** Dropped lines that a waiting line reports; 0 when none does. */
  private reporting = 0;
  /** The last line was written in part only. */
  private cut = false;
  private closing = false;

  constructor(
    private readonly format: LineFormat,
    private readonly clock: Clock,
    private readonly stream: LogStream = STANDARD_ERROR,
  ) {}

  add(level: Level, text: string, now: number, subsystem: Subsystem): void {
    if (this.unwritten !== null && this.pending.length >= QUEUE_BYTES_MAX) {
      this.dropped++;
      return;
    }
    this.reportDropped(now);
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

  private reportDropped(now: number): void {
    if (this.dropped === 0) return;
    const text = `${this.dropped} log lines dropped: ${this.stream.name} did not accept them`;
    this.reporting = this.dropped;
    this.dropped = 0;
    this.pending += this.format.text("WRN", text, now, "server");
  }

  flush(): void {
    if (this.unwritten !== null && !this.writeOut(this.unwritten)) return;
    if (this.pending !== "") {
      const bytes = Buffer.from(this.cut ? `\n${this.pending}` : this.pending);
      this.pending = "";
      if (!this.writeOut(bytes)) return;
    }
    if (this.closing) this.stream.close();
    this.closing = false;
  }

  close(): void {
    this.closing = true;
    this.flush();
  }

  /** @returns false when a part has to wait; it is kept in `unwritten` and tried again */
  private writeOut(bytes: Uint8Array): boolean {
    let rest = bytes;
    this.unwritten = null;
    try {
      while (rest.length > 0) {
        rest = rest.subarray(this.stream.write(rest));
        this.cut = false;
      }
      this.reporting = 0;
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") {
        this.unwritten = rest;
        this.clock.after(RETRY_MS, () => this.flush());
        return false;
      }
      this.cut = this.cut || (rest.length < bytes.length && bytes[bytes.length - rest.length - 1] !== LF);
      this.countLost(rest);
      return true;
    }
  }

  private countLost(bytes: Uint8Array): void {
    for (let at = 1; at < bytes.length; at++) if (bytes[at] === LF) this.dropped++; // the first may end a line that was written
    // The report of earlier losses is lost too, unless it was the part that was written; counting it again is the lesser mistake.
    if (this.reporting > 0) this.dropped += this.reporting - 1;
    this.reporting = 0;
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
