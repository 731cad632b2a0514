/**
 * One record of a block as offsets in the block's bytes. Reused from record to record; copies nothing and keeps no bytes.
 *
 * The checks are those of lengths and sequence only. Checksums are verified for many records in one call (record-hasher.ts).
 */
import type { Message } from "../contract/message.ts";
import { RECORD_BYTES_MAX } from "../contract/message-store.ts";
import {
  CHECKSUM_BYTES,
  HEADER_LENGTH_BYTES,
  RECORD_BYTES_MIN,
  RECORD_HEADER_BYTES,
  RecordFault,
  RecordKind,
  TOMBSTONE_BIT,
} from "./record-format.ts";

const TWO_32 = 2 ** 32;
/** Upper half of the sequence without its two bits, and its largest value in a safe integer. */
const SEQUENCE_HIGH_BITS = 0x3fff_ffff;
const SEQUENCE_HIGH_MAX = 0x001f_ffff;
/** Record bytes before the subject size ends; with fewer the length word alone is looked at. */
const LENGTH_WORD_BYTES = 4;

export class RecordView {
  /** Offset of the record, and of the byte behind it. */
  start = 0;
  end = 0;
  kind = RecordKind.Message;
  sequence = 0;
  /** Nanoseconds since 1970, see base/clock/nanoseconds.ts. */
  timeHigh = 0;
  timeLow = 0;
  subjectStart = 0;
  subjectEnd = 0;
  /** An empty range: none. */
  headerStart = 0;
  headerEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;

  get size(): number {
    return this.end - this.start;
  }

  /**
   * Reads the record at an offset.
   * @param limit offset where the bytes end that may be looked at
   * @returns why it is not a record; then only `start` is right, and with `BadSequence` all but `sequence`
   */
  read(bytes: Uint8Array, at: number, limit: number): RecordFault {
    this.start = at;
    if (limit - at < LENGTH_WORD_BYTES) return RecordFault.Cut;
    const lengthWord = word(bytes, at);
    if (lengthWord === 0) return RecordFault.Zero;
    if (limit - at < RECORD_HEADER_BYTES) return RecordFault.Cut;
    const size = lengthWord & 0x7fff_ffff;
    const subjectSize = bytes[at + 20] | (bytes[at + 21] << 8);
    const hasHeader = lengthWord < 0;
    const least = RECORD_BYTES_MIN + subjectSize + (hasHeader ? HEADER_LENGTH_BYTES : 0);
    if (size < least || size > RECORD_BYTES_MAX) return RecordFault.BadLength;
    if (size > limit - at) return RecordFault.Cut;
    const body = at + RECORD_HEADER_BYTES;
    this.end = at + size;
    this.subjectStart = body;
    this.subjectEnd = body + subjectSize;
    if (hasHeader) {
      const headerSize = word(bytes, this.subjectEnd) >>> 0;
      if (headerSize > size - least) return RecordFault.BadLength;
      this.headerStart = this.subjectEnd + HEADER_LENGTH_BYTES;
      this.headerEnd = this.headerStart + headerSize;
    } else {
      this.headerStart = this.subjectEnd;
      this.headerEnd = this.subjectEnd;
    }
    this.payloadStart = this.headerEnd;
    this.payloadEnd = this.end - CHECKSUM_BYTES;
    this.timeLow = word(bytes, at + 12) >>> 0;
    this.timeHigh = word(bytes, at + 16);
    return this.readSequence(word(bytes, at + 8), word(bytes, at + 4) >>> 0);
  }

  private readSequence(high: number, low: number): RecordFault {
    const upper = high & SEQUENCE_HIGH_BITS;
    const isTombstone = (high & TOMBSTONE_BIT) !== 0;
    if (upper > SEQUENCE_HIGH_MAX || (isTombstone && high < 0)) return RecordFault.BadSequence;
    this.sequence = upper * TWO_32 + low;
    if (isTombstone) this.kind = RecordKind.Tombstone;
    else if (high < 0 || this.sequence === 0) this.kind = this.end - this.start === RECORD_BYTES_MIN ? RecordKind.Gap : RecordKind.Erased;
    else this.kind = RecordKind.Message;
    return RecordFault.None;
  }

  /** Points a message to the record. @param bytes those that were read; borrowed by the message */
  fill(message: Message, bytes: Uint8Array): void {
    message.sequence = this.sequence;
    message.timeHigh = this.timeHigh;
    message.timeLow = this.timeLow;
    message.setSubject(bytes, this.subjectStart, this.subjectEnd);
    message.setHeader(bytes, this.headerStart, this.headerEnd);
    message.setPayload(bytes, this.payloadStart, this.payloadEnd);
  }
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
