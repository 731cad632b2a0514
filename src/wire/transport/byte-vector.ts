/**
 * Byte ranges of several buffers that are sent in order: the protocol lines of a run of messages are in one buffer, their payloads in the
 * chunk in which they arrived. The vector is reused; it borrows the buffers until `clear`.
 */
import { assert } from "../../base/assert/assert.ts";

export const RANGES_MAX = 512;

export class ByteVector {
  count = 0;
  /** Bytes of all ranges. */
  bytes = 0;
  readonly sources: Buffer[] = [];
  readonly starts = new Int32Array(RANGES_MAX);
  readonly ends = new Int32Array(RANGES_MAX);

  /** The caller checks `count` against `RANGES_MAX`. */
  add(source: Buffer, start: number, end: number): void {
    const index = this.count++;
    assert(index < RANGES_MAX && start <= end, "a vector has room for the range, and the range is not negative", index, end - start);
    this.sources[index] = source;
    this.starts[index] = start;
    this.ends[index] = end;
    this.bytes += end - start;
  }

  clear(): void {
    this.sources.length = 0;
    this.count = 0;
    this.bytes = 0;
  }
}
