/**
 * The running checksum of the length words of a block's records. The checksum of a record does not cover its length words, so a changed length can
 * give a wrong record with a right checksum; this sum, kept in the mark beside the block, shows it. It depends on the order, and can be continued.
 *
 *   sum = 0;  per record: sum = mix(sum, length word and subject size), and with a header sum = mix(sum, header size)
 *   mix(sum, word) = x ^ (x >> 32) with x = (sum ^ word) × 0x9e3779b97f4a7c15, all 64 bits
 * `mix` is a bijection of the sum for every word and of the word for every sum, so a change of one word always changes the result.
 * `RecordHasher` computes it in the same walk as the checksums.
 */
export class LengthsChecksum {
  /** Unsigned halves of the 64 bits. */
  high = 0;
  low = 0;

  /** Back to that of no record, or to a stored one. */
  set(high = 0, low = 0): this {
    this.high = high >>> 0;
    this.low = low >>> 0;
    return this;
  }

  copy(other: LengthsChecksum): this {
    return this.set(other.high, other.low);
  }

  equals(other: LengthsChecksum): boolean {
    return this.high === other.high && this.low === other.low;
  }
}
