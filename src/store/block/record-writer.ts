/**
 * Encodes records at an offset of a block or of the staging space. The checksum is left as it is: it is written for many records in one call
 * (record-hasher.ts).
 *
 * Short pieces are copied in a loop: a native copy costs as much as 40 bytes one by one (bench/micro/record.ts). Words would be faster up to 64 bytes,
 * but need a view of each source; 64-bit floats do not keep all bytes.
 */
import type { Message } from "../contract/message.ts";
import {
  CHECKSUM_BYTES,
  GAP_BIT,
  HEADER_BIT,
  HEADER_LENGTH_BYTES,
  RECORD_BYTES_MIN,
  RECORD_HEADER_BYTES,
  recordSize,
  TOMBSTONE_BIT,
} from "./record-format.ts";

const TWO_32 = 2 ** 32;
const LOOP_BYTES_MAX = 40;
const nativeCopy = Buffer.prototype.copy;

export class RecordWriter {
  /** @param bytes where it writes @param view of the same bytes */
  constructor(
    private readonly bytes: Buffer,
    private readonly view: DataView,
  ) {}

  /**
   * Encodes a message with its sequence and time. The caller has made room: `sizeOf`.
   * @returns the offset behind the record
   */
  message(at: number, message: Message): number {
    const payloadAt = this.begin(at, message);
    this.put(message.payload, message.payloadStart, message.payloadEnd, payloadAt);
    return payloadAt + message.payloadEnd - message.payloadStart + CHECKSUM_BYTES;
  }

  /** Encodes all that stands before the payload. @returns the offset of the payload */
  begin(at: number, message: Message): number {
    const subjectSize = message.subjectEnd - message.subjectStart;
    const headerSize = message.headerEnd - message.headerStart;
    const payloadSize = message.payloadEnd - message.payloadStart;
    const size = recordSize(subjectSize, headerSize, payloadSize);
    this.start(at, headerSize === 0 ? size : size + HEADER_BIT, message.sequence, 0, message.timeHigh, message.timeLow, subjectSize);
    let to = at + RECORD_HEADER_BYTES;
    this.put(message.subject, message.subjectStart, message.subjectEnd, to);
    to += subjectSize;
    if (headerSize > 0) {
      this.view.setUint32(to, headerSize, true);
      to += HEADER_LENGTH_BYTES;
      this.put(message.header, message.headerStart, message.headerEnd, to);
      to += headerSize;
    }
    return to;
  }

  /** Encodes that the sequences up to this one, from the last one before it, hold no message. @returns the offset behind the record */
  gap(at: number, sequence: number, timeHigh: number, timeLow: number): number {
    this.start(at, RECORD_BYTES_MIN, sequence, GAP_BIT, timeHigh, timeLow, 0);
    return at + RECORD_BYTES_MIN;
  }

  /** Encodes that a sequence was removed. @param timeHigh, timeLow of the removed message @returns the offset behind the record */
  tombstone(at: number, sequence: number, timeHigh: number, timeLow: number): number {
    this.start(at, RECORD_BYTES_MIN, sequence, TOMBSTONE_BIT, timeHigh, timeLow, 0);
    return at + RECORD_BYTES_MIN;
  }

  /**
   * Overwrites a message with an erased one of the same size.
   * @param size of the record
   * @param fillRandom fills bytes with random ones
   * @returns the offset behind the record
   */
  erased(at: number, size: number, sequence: number, fillRandom: (target: Uint8Array) => void): number {
    this.start(at, size, sequence, GAP_BIT, 0, 0, 0);
    fillRandom(this.bytes.subarray(at + RECORD_HEADER_BYTES, at + size - CHECKSUM_BYTES));
    return at + size;
  }

  private start(
    at: number,
    lengthWord: number,
    sequence: number,
    sequenceBit: number,
    timeHigh: number,
    timeLow: number,
    subjectSize: number,
  ): void {
    const { view } = this;
    const sequenceLow = sequence >>> 0;
    view.setUint32(at, lengthWord, true);
    view.setUint32(at + 4, sequenceLow, true);
    view.setUint32(at + 8, (sequence - sequenceLow) / TWO_32 + sequenceBit, true);
    view.setUint32(at + 12, timeLow, true);
    view.setInt32(at + 16, timeHigh, true);
    view.setUint16(at + 20, subjectSize, true);
  }

  private put(source: Uint8Array, start: number, end: number, at: number): void {
    const { bytes } = this;
    if (end - start > LOOP_BYTES_MAX) nativeCopy.call(source, bytes, at, start, end);
    else for (let from = start, to = at; from < end; from++, to++) bytes[to] = source[from];
  }
}

/** Bytes of a message's record. */
export function sizeOf(message: Message): number {
  return recordSize(
    message.subjectEnd - message.subjectStart,
    message.headerEnd - message.headerStart,
    message.payloadEnd - message.payloadStart,
  );
}
