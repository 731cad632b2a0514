/**
 * Lines that wait for a place that takes them slowly: first in, first out, with a bound. What does not fit is dropped and counted.
 * A burst of lines costs one string each; they become bytes when they leave.
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

  /** @returns false when it did not fit */
  push(line: string): boolean {
    const size = Buffer.byteLength(line);
    if (this.bytes + size > this.bytesMax) {
      this.droppedCount++;
      return false;
    }
    this.lines.push(line);
    this.bytes += size;
    return true;
  }

  /** How many lines were dropped since it was last asked. */
  takeDropped(): number {
    const count = this.droppedCount;
    this.droppedCount = 0;
    return count;
  }

  /** Lines were lost behind the queue. */
  countDropped(lines: number): void {
    this.droppedCount += lines;
  }

  /** The next line, which is gone then; undefined when there is none. */
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

  /** Lines from the front on, until they are more than `bytes`; at least one. Null when there are none. */
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
