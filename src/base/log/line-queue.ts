/**
 * A bounded first-in, first-out queue of lines for a slow destination. Lines that do not fit are dropped and counted.
 * Lines are kept as strings and encoded when they leave.
 */
export const QUEUE_BYTES_MAX = 8 * 1024 * 1024;

export interface LineBatch {
  readonly bytes: Buffer;
  readonly lines: number;
}

export class LineQueue {
  private lines: string[] = [];
  private head = 0;
  private bytes = 0;
  private droppedCount = 0;
  private readonly bytesMax: number;

  constructor(bytesMax = QUEUE_BYTES_MAX) {
    this.bytesMax = bytesMax;
  }

  get empty(): boolean {
    return this.head === this.lines.length;
  }

  fits(line: string): boolean {
    return this.empty || this.bytes + Buffer.byteLength(line) <= this.bytesMax;
  }

  /** @returns false when it did not fit. An empty queue takes a line of any size. */
  push(line: string): boolean {
    const size = Buffer.byteLength(line);
    if (!this.empty && this.bytes + size > this.bytesMax) {
      this.droppedCount++;
      return false;
    }
    this.lines.push(line);
    this.bytes += size;
    return true;
  }

  /** Lines dropped since the last call. */
  takeDropped(): number {
    const count = this.droppedCount;
    this.droppedCount = 0;
    return count;
  }

  /** Counts lines that were lost after leaving the queue. */
  countDropped(lines: number): void {
    this.droppedCount += lines;
  }

  /** Removes and returns the next line; undefined when the queue is empty. */
  shift(): string | undefined {
    if (this.empty) return undefined;
    const line = this.lines[this.head];
    this.lines[this.head++] = "";
    this.bytes -= Buffer.byteLength(line);
    if (this.head === this.lines.length) {
      this.lines = [];
      this.head = 0;
    }
    return line;
  }

  /** Removes lines from the front until they exceed `bytes`, at least one. Null when the queue is empty. */
  take(bytes: number): LineBatch | null {
    if (this.empty) return null;
    let text = "";
    let lines = 0;
    const waiting = this.bytes;
    while (!this.empty && (lines === 0 || waiting - this.bytes <= bytes)) {
      text += this.shift()!;
      lines++;
    }
    return { bytes: Buffer.from(text), lines };
  }
}
