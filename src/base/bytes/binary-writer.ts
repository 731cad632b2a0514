/** Writes what `BinaryReader` reads, into bytes that grow. Nothing is allocated but those. */
const TWO_32 = 2 ** 32;
const VARINT_BYTES_MAX = 10;

export class BinaryWriter {
  size = 0;
  private space: Uint8Array;

  /** @param expected bytes that will be written, as far as known: growing copies everything */
  constructor(expected = 64) {
    this.space = new Uint8Array(Math.max(VARINT_BYTES_MAX, expected));
  }

  /** What was written; valid until the next write. */
  get bytes(): Uint8Array {
    return this.space.subarray(0, this.size);
  }

  /** Makes room for that many more bytes. @returns the bytes to write into from `size` on; the writer adds to `size` itself */
  room(size: number): Uint8Array {
    const needed = this.size + size;
    if (needed > this.space.length) {
      const larger = new Uint8Array(Math.max(2 * this.space.length, needed));
      larger.set(this.space.subarray(0, this.size));
      this.space = larger;
    }
    return this.space;
  }

  u8(value: number): void {
    this.room(1)[this.size++] = value;
  }

  u16(value: number): void {
    const space = this.room(2);
    space[this.size++] = value;
    space[this.size++] = value >>> 8;
  }

  u32(value: number): void {
    this.room(4);
    this.setU32(this.size, value);
    this.size += 4;
  }

  /** @param value a safe integer, not negative */
  u64(value: number): void {
    this.room(8);
    this.setU64(this.size, value);
    this.size += 8;
  }

  /** Overwrites what was written before. */
  setU32(at: number, value: number): void {
    const { space } = this;
    space[at] = value;
    space[at + 1] = value >>> 8;
    space[at + 2] = value >>> 16;
    space[at + 3] = value >>> 24;
  }

  setU64(at: number, value: number): void {
    this.setU32(at, value % TWO_32);
    this.setU32(at + 4, Math.floor(value / TWO_32));
  }

  /** @param value a safe integer, not negative */
  uvarint(value: number): void {
    this.uvarint64(Math.floor(value / TWO_32), value % TWO_32);
  }

  /** Both halves unsigned. */
  uvarint64(high: number, low: number): void {
    const space = this.room(VARINT_BYTES_MAX);
    let upper = high >>> 0;
    let lower = low >>> 0;
    while (upper !== 0 || lower > 0x7f) {
      space[this.size++] = (lower & 0x7f) | 0x80;
      lower = ((lower >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    space[this.size++] = lower;
  }

  /** A signed number of 64 bits, zig-zag. */
  varint64(high: number, low: number): void {
    const sign = high >> 31;
    this.uvarint64(((high << 1) | (low >>> 31)) ^ sign, (low << 1) ^ sign);
  }

  /** @param value a safe integer */
  varint(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.varint64(high, value - high * TWO_32);
  }

  append(source: Uint8Array, start = 0, end = source.length): void {
    const size = end - start;
    const space = this.room(size);
    // Subjects are short: a loop is faster than `set` with a `subarray`.
    if (size <= 64) for (let at = 0; at < size; at++) space[this.size + at] = source[start + at];
    else space.set(source.subarray(start, end), this.size);
    this.size += size;
  }
}
