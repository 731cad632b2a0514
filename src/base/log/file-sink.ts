/**
 * Writes lines to a file in the thread pool: a slow disk delays log lines, never messages.
 *
 *   line ─▶ queue (8 MiB, then dropped and counted) ─▶ one write at a time, up to 64 KiB ─▶ file
 *                                                                       │ over the size limit
 *                                                                       ▼
 *                               renamed to file.<time> ─▶ a new file, whose first line reports it ─▶ oldest backups removed
 * A batch ends with the line that exceeds the limit, so files are cut between lines, as in the reference.
 * `flush` writes the last lines of a process synchronously, after the running write.
 */
import { closeSync, fstatSync, openSync, renameSync, write, writeSync } from "node:fs";
import { encode, quote } from "../bytes/ascii.ts";
import type { Level, Subsystem } from "./level.ts";
import { type LineBatch, LineQueue } from "./line-queue.ts";
import { backupPath, purgeBackups } from "./log-backups.ts";
import type { LineFormat, LogSink } from "./log-sink.ts";

const MODE = 0o640;
const BATCH_BYTES_MAX = 64 * 1024;
/** How long the end of the process waits for the running write, ms. */
const FLUSH_MS_MAX = 2_000;

export interface FileLimits {
  /** Bytes; 0: no limit. */
  readonly sizeLimit: number;
  /** Files, the current one included; 0: no limit. */
  readonly filesMax: number;
}

/** System calls used by a log file. Tests replace them by a slow or full disk. */
export interface LogDisk {
  write(fd: number, bytes: Buffer, done: (error: Error | null, taken: number) => void): void;
}

const DISK: LogDisk = { write: (fd, bytes, done) => write(fd, bytes, 0, bytes.length, null, done) };

export class FileSink implements LogSink {
  readonly path: string;
  private readonly format: LineFormat;
  private readonly limits: FileLimits;
  private readonly now: () => number;
  private readonly disk: LogDisk;
  private readonly queue = new LineQueue();
  private fd: number;
  private size: number;
  /** Size limit; grows when rotation fails. */
  private sizeLimit: number;
  /** The batch being written. */
  private batch: LineBatch | null = null;
  private closing = false;
  private rotations = 0;

  /** @throws the system's error when the file cannot be opened */
  constructor(path: string, format: LineFormat, limits: FileLimits, now: () => number, disk = DISK) {
    this.path = path;
    this.format = format;
    this.limits = limits;
    this.now = now;
    this.disk = disk;
    this.fd = openSync(path, "a", MODE);
    this.size = fstatSync(this.fd).size;
    this.sizeLimit = limits.sizeLimit;
  }

  /** Whether the next line exceeds the limit. */
  get tooLarge(): boolean {
    return this.sizeLimit > 0 && this.size > this.sizeLimit;
  }

  add(level: Level, text: string, now: number, subsystem: Subsystem): void {
    this.queue.push(this.format.text(level, text, now, subsystem));
    this.pump();
  }

  close(): void {
    this.closing = true;
    this.pump();
  }

  flush(): void {
    if (this.fd < 0) return;
    this.awaitBatch();
    for (let batch = this.nextBatch(); batch !== null; batch = this.nextBatch()) {
      try {
        for (let rest = batch.bytes; rest.length > 0; ) rest = rest.subarray(writeSync(this.fd, rest));
      } catch {
        return; // there is no other place to report the error
      }
      this.grow(batch.bytes.length);
    }
  }

  /** Waits for the thread pool's running write, which must precede later lines. Detected by the file's size, because there is no other sign. */
  private awaitBatch(): void {
    if (this.batch === null) return;
    const wanted = this.size + this.batch.bytes.length;
    for (let waited = 0; waited < FLUSH_MS_MAX && fstatSync(this.fd).size < wanted; waited++) Bun.sleepSync(1);
    this.size = wanted;
    this.batch = null;
  }

  private pump(): void {
    if (this.batch !== null || this.fd < 0) return;
    const batch = this.nextBatch();
    if (batch === null) {
      if (this.closing) this.closeFile();
      return;
    }
    this.batch = batch;
    this.writeOut(batch, batch.bytes);
  }

  private writeOut(batch: LineBatch, rest: Buffer): void {
    this.disk.write(this.fd, rest, (error, taken) => {
      if (this.batch !== batch) return; // `flush` already wrote past it
      if (error === null && taken < rest.length) return this.writeOut(batch, rest.subarray(taken));
      this.batch = null;
      // After an error the disk is tried again with the next line.
      if (error !== null) return this.countLost(batch);
      this.grow(batch.bytes.length);
      this.pump();
    });
  }

  /** Takes lines up to the one that exceeds the size limit. */
  private nextBatch(): LineBatch | null {
    const dropped = this.queue.empty ? 0 : this.queue.takeDropped();
    if (dropped > 0) {
      const text = this.format.text("WRN", `${dropped} log lines dropped: the log file did not accept them`, this.now(), "server");
      return { bytes: Buffer.from(text), lines: dropped };
    }
    const room = this.sizeLimit === 0 ? BATCH_BYTES_MAX : this.sizeLimit - this.size;
    return this.queue.take(Math.min(room, BATCH_BYTES_MAX));
  }

  private countLost(batch: LineBatch): void {
    this.queue.countDropped(batch.lines);
    if (this.closing) this.closeFile();
  }

  private grow(bytes: number): void {
    this.size += bytes;
    if (this.tooLarge) this.rotate();
  }

  private rotate(): void {
    const now = this.now();
    const backup = backupPath(this.path, now, this.rotations++ % 1_000);
    let fd: number;
    try {
      renameSync(this.path, backup);
      fd = openSync(this.path, "a", MODE);
    } catch (error) {
      // The old file stays open; the next attempt follows when its size has doubled.
      this.sizeLimit *= 2;
      const text = `Unable to rotate the logfile (${(error as Error).message}), will attempt next rotation at size ${this.sizeLimit}`;
      this.queue.push(this.format.text("ERR", text, now, "server"));
      return;
    }
    closeSync(this.fd);
    this.fd = fd;
    this.sizeLimit = this.limits.sizeLimit;
    this.size = 0;
    this.writeOwnLine("INF", `Rotated log, backup saved as ${quote(encode(backup))}`);
    if (this.limits.filesMax > 0) purgeBackups(this.path, this.limits.filesMax, (level, text) => this.writeOwnLine(level, text));
  }

  /** Writes a line about the file itself at once, with the reference's text. */
  private writeOwnLine(level: Level, text: string): void {
    const bytes = Buffer.from(this.format.text(level, text, this.now(), "server").replace(/\n$/, "\r\n"));
    try {
      writeSync(this.fd, bytes);
      this.size += bytes.length;
    } catch {
      this.queue.countDropped(1);
    }
  }

  private closeFile(): void {
    closeSync(this.fd);
    this.fd = -1;
  }
}
