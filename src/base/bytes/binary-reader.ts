/**
 * Reads the binary formats of files and of replication: little-endian numbers and variable-length ones (LEB128, seven bits per byte, low ones
 * first). The bytes are untrusted.
 *
 *   reader.uvarint() … reader.uvarint()   then once   if (reader.damaged) …
 * Reading past the end, or a number that is too large, sets `damaged`, and from then on everything is 0. So a decoder checks once per item
 * instead of once per field, and its loops must end when `damaged` is set. Nothing is allocated.
 */
const TWO_32 = 2 ** 32;
/** The upper half of `Number.MAX_SAFE_INTEGER`. */
const SAFE_HIGH_MAX = 2 ** 21 - 1;
const VARINT_BYTES_MAX = 10;

export class BinaryReader {
  damaged = false;
  /** Halves of the last 64-bit number: the upper one of `varint64` is signed. */
  high = 0;
  low = 0;

  /** @param bytes borrowed @param at where the next read starts */
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
    readonly end = bytes.length,
  ) {}

  get left(): number {
    return this.end - this.at;
  }

  u8(): number {
    return this.has(1) ? this.bytes[this.at++] : 0;
  }

  u16(): number {
    if (!this.has(2)) return 0;
    const { at, bytes } = this;
    this.at += 2;
    return bytes[at] | (bytes[at + 1] << 8);
  }

  u32(): number {
    if (!this.has(4)) return 0;
    const { at, bytes } = this;
    this.at += 4;
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  }

  /** Eight bytes; a number above 2^53 - 1 is damage. */
  u64(): number {
    this.low = this.u32();
    this.high = this.u32();
    return this.safe();
  }

  /** A number above 2^53 - 1 is damage. */
  uvarint(): number {
    this.uvarint64();
    return this.safe();
  }

  /** Reads into `high` and `low`; both are unsigned. */
  uvarint64(): void {
    this.high = 0;
    this.low = 0;
    if (this.damaged) return;
    const { bytes, end } = this;
    for (let count = 0; count < VARINT_BYTES_MAX && this.at < end; count++) {
      const byte = bytes[this.at++];
      // The last of ten bytes holds bit 63 only.
      if (count === VARINT_BYTES_MAX - 1 && byte > 1) break;
      this.addSeven(byte & 0x7f, 7 * count);
      if (byte < 0x80) return;
    }
    this.damage();
  }

  /** A signed number (zig-zag) into `high`, signed, and `low`, unsigned. */
  varint64(): void {
    this.uvarint64();
    const sign = -(this.low & 1);
    const low = (this.low >>> 1) | (this.high << 31);
    this.high = (this.high >>> 1) ^ sign;
    this.low = (low ^ sign) >>> 0;
  }

  /** A signed number; beyond 2^53 - 1 in either direction it is damage. */
  varint(): number {
    this.varint64();
    const value = this.high * TWO_32 + this.low;
    if (Number.isSafeInteger(value)) return value;
    return this.damage();
  }

  /** Skips bytes. @returns where they start; with `damaged` the place means nothing */
  skip(size: number): number {
    const { at } = this;
    if (this.has(size)) this.at += size;
    return at;
  }

  private addSeven(bits: number, shift: number): void {
    if (shift < 28) this.low |= bits << shift;
    else if (shift === 28) {
      this.low = (this.low | (bits << 28)) >>> 0;
      this.high = bits >>> 4;
    } else this.high = (this.high | (bits << (shift - 32))) >>> 0;
  }

  private safe(): number {
    return this.high <= SAFE_HIGH_MAX ? this.high * TWO_32 + this.low : this.damage();
  }

  private has(size: number): boolean {
    if (!this.damaged && size <= this.end - this.at) return true;
    this.damage();
    return false;
  }

  private damage(): number {
    this.damaged = true;
    this.high = 0;
    this.low = 0;
    return 0;
  }
}
