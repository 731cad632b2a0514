/**
 * Writes lines to a file in the thread pool: a slow disk delays log lines, never messages.
 *
 *   line ─▶ queue (8 MiB) ─▶ one write at a time, up to 64 KiB ─▶ file
 *                                                                       │ over the size limit
 *                                                                       ▼
 *                               renamed to file.<time> ─▶ a new file, whose first line reports it ─▶ oldest backups removed
 * A batch ends with the line that exceeds the limit, so files are cut between lines, as in the reference.
 * A burst of lines within one turn can fill the queue although the disk is fast. Then the queue is written at once; only if the running
 * write does not end soon, or a write takes long, is the disk slow: then lines are dropped and counted until a write is fast again.
 * `flush` writes the last lines of a process synchronously, after the running write.
 */
import { closeSync, fstatSync, openSync, realpathSync, renameSync, statSync, write, writeSync } from "node:fs";
import { dirname } from "node:path";
import { encode, quote } from "../bytes/ascii.ts";
import type { Level, Subsystem } from "./level.ts";
import { type LineBatch, LineQueue } from "./line-queue.ts";
import { backupPath, purgeBackups } from "./log-backups.ts";
import type { LineFormat, LogSink } from "./log-sink.ts";

export const LOG_FILE_MODE = 0o640;
const BATCH_BYTES_MAX = 64 * 1024;
/** How long the end of the process waits for the running write, ms. */
const FLUSH_MS_MAX = 2_000;
/** When the queue is full, a disk that takes longer for one write is slow, ms. */
const WRITE_MS_MAX = 100;

export interface FileLimits {
  /** Bytes; 0 or negative: no limit. */
  readonly sizeLimit: number;
  /** Files, the current one included; 0 or negative: no limit. */
  readonly filesMax: number;
}

/** System calls used by a log file. Tests replace them by a slow or full disk. */
export interface LogDisk {
  /** In the thread pool. */
  write(fd: number, bytes: Buffer, done: (error: Error | null, taken: number) => void): void;
  /** Blocks. @returns the number of bytes written @throws the system's error */
  writeNow(fd: number, bytes: Buffer): number;
  /** Size of the file, bytes. */
  size(fd: number): number;
}

const DISK: LogDisk = {
  write: (fd, bytes, done) => write(fd, bytes, 0, bytes.length, null, done),
  writeNow: writeSync,
  size: fd => fstatSync(fd).size,
};

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
  /** The last write took too long for a burst of lines. */
  private slow = false;
  private rotations = 0;

  /** @throws the system's error when the file cannot be opened */
  constructor(path: string, format: LineFormat, limits: FileLimits, now: () => number, disk = DISK) {
    this.path = path;
    this.format = format;
    this.limits = limits;
    this.now = now;
    this.disk = disk;
    this.fd = openSync(path, "a", LOG_FILE_MODE);
    this.size = fstatSync(this.fd).size;
    this.sizeLimit = limits.sizeLimit;
  }

  /** Whether the next line exceeds the limit. */
  get tooLarge(): boolean {
    return this.sizeLimit > 0 && this.size > this.sizeLimit;
  }

  add(level: Level, text: string, now: number, subsystem: Subsystem): void {
    const line = this.format.text(level, text, now, subsystem);
    if (!this.queue.fits(line) && !this.slow) this.writeQueue();
    this.queue.push(line);
    this.pump();
  }

  /** Writes the whole queue at once, unless that takes long: then the disk is slow. */
  private writeQueue(): void {
    this.slow = !this.awaitBatch(WRITE_MS_MAX);
    while (!this.slow && !this.queue.empty) {
      const startedAt = this.now();
      this.slow = !this.writeBatchNow(this.nextBatch()!) || this.now() - startedAt > WRITE_MS_MAX;
    }
  }

  close(): void {
    this.closing = true;
    this.pump();
  }

  flush(): void {
    if (this.fd < 0 || !this.awaitBatch(FLUSH_MS_MAX)) return;
    for (let batch = this.nextBatch(); batch !== null; batch = this.nextBatch()) if (!this.writeBatchNow(batch)) return;
  }

  /** @returns false after an error; its lines are lost and counted */
  private writeBatchNow(batch: LineBatch): boolean {
    try {
      for (let rest = batch.bytes; rest.length > 0; ) rest = rest.subarray(this.disk.writeNow(this.fd, rest));
    } catch {
      this.queue.countDropped(batch.lines);
      return false;
    }
    this.grow(batch.bytes.length);
    return true;
  }

  /**
   * Waits for the thread pool's running write, which must precede later lines. Detected by the file's size, because there is no other sign.
   * @returns false when it does not end within the time
   */
  private awaitBatch(msMax: number): boolean {
    const { batch } = this;
    if (batch === null) return true;
    const wanted = this.size + batch.bytes.length;
    for (let waited = 0; this.disk.size(this.fd) < wanted; waited++) {
      if (waited === msMax) return false;
      Bun.sleepSync(1);
    }
    this.batch = null;
    this.grow(batch.bytes.length);
    return true;
  }

  private pump(): void {
    if (this.batch !== null || this.fd < 0) return;
    const batch = this.nextBatch();
    if (batch === null) {
      this.slow = false;
      if (this.closing) this.closeFile();
      return;
    }
    this.batch = batch;
    this.writeOut(batch, batch.bytes);
  }

  private writeOut(batch: LineBatch, rest: Buffer): void {
    const startedAt = this.now();
    this.disk.write(this.fd, rest, (error, taken) => {
      if (this.now() - startedAt <= WRITE_MS_MAX) this.slow = false;
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
    const room = this.sizeLimit <= 0 ? BATCH_BYTES_MAX : this.sizeLimit - this.size;
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
      fd = openSync(this.path, "a", LOG_FILE_MODE);
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

/**
 * Whether the path names a file that may be renamed when it grows: a regular or missing file. Pipes and devices are not, nor are files of
 * the system that lead to one, such as /dev/stdout.
 */
export function isRegularFile(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status === undefined || (status.isFile() && !/^\/(dev|proc)(\/|$)/.test(realpathSync(dirname(path))));
}
