/**
 * The record of a message in a block, as it is on the disk after decryption and decompression. Little-endian.
 *
 *   0   4  length of the record; bit 31: it has a header
 *   4   8  sequence; bit 63: nothing is stored (a gap, or an erased message); bit 62: a tombstone, which removes that sequence
 *   12  8  time, nanoseconds since 1970, signed
 *   20  2  subject size, then the subject
 *       4  header size, then the header: only with bit 31
 *          payload
 *       8  checksum: HighwayHash-64 over sequence, time, subject, header and payload, not over the length words
 * A sequence with both bits, or above 2^53 - 1, cannot be read by this program. Source: nats-server's message blocks.
 */

export const RECORD_HEADER_BYTES = 22;
export const HEADER_LENGTH_BYTES = 4;
export const CHECKSUM_BYTES = 8;
/** A record without subject, header and payload: gaps and tombstones. */
export const RECORD_BYTES_MIN = RECORD_HEADER_BYTES + CHECKSUM_BYTES;
export const SUBJECT_BYTES_MAX = 0xffff;
/** In the length word. */
export const HEADER_BIT = 0x8000_0000;
/** In the upper half of the sequence. */
export const GAP_BIT = 0x8000_0000;
export const TOMBSTONE_BIT = 0x4000_0000;

export enum RecordKind {
  Message = 0,
  /** Sequences up to this one, from the last one before it, hold no message. */
  Gap,
  /** The message was overwritten with random bytes. Also a record with sequence 0, which old servers wrote for that. */
  Erased,
  /** Removes a sequence of this block or an earlier one. */
  Tombstone,
}

/** Why bytes are not a record. */
export enum RecordFault {
  None = 0,
  /** It ends behind the bytes, as far as its length says: a write was cut, or the length is damaged. */
  Cut,
  /** The length word is zero: space that was preallocated, or damage. */
  Zero,
  /** The length words contradict each other, or exceed the limit. */
  BadLength,
  BadChecksum,
  /** The checksum is right, but the sequence cannot be read. */
  BadSequence,
}

/** Bytes of a record. @param headerSize 0: it has no header */
export function recordSize(subjectSize: number, headerSize: number, payloadSize: number): number {
  const size = RECORD_BYTES_MIN + subjectSize + payloadSize;
  return headerSize === 0 ? size : size + HEADER_LENGTH_BYTES + headerSize;
}
