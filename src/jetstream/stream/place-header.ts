/**
 * Headers that say where a message is stored, for direct gets and republished messages.
 *
 *   stored headers without their last line break, or NATS/1.0
 *   Nats-Stream, Nats-Subject, Nats-Sequence, Nats-Time-Stamp          write
 *   Nats-Num-Pending, Nats-Last-Sequence, Nats-Msg-Size                writeNumber, as many as needed
 *   an empty line                                                      end
 * A name that is stored already is repeated, as in the reference. Nothing is allocated per message.
 * Source: jetstream §1.6, §5.3.
 */
import { CR, encode, LF, writeSafeInteger } from "../../base/bytes/ascii.ts";
import { TIME_BYTES_MAX, writeTime } from "../../base/go/rfc3339.ts";
import type { Message } from "../../store/contract/message.ts";

const VERSION_LINE = encode("NATS/1.0\r\n");
const SUBJECT = encode("\r\nNats-Subject: ");
const SEQUENCE = encode("\r\nNats-Sequence: ");
const TIME = encode("\r\nNats-Time-Stamp: ");
const LINE_BREAK_BYTES = 2;
const SEQUENCE_DIGITS_MAX = 16;
/** Up to this size a loop is faster than a native copy. */
const LOOP_BYTES_MAX = 64;

/** Names of numbers that can be added, with what surrounds them. */
export const NUM_PENDING = encode("Nats-Num-Pending: ");
export const LAST_SEQUENCE = encode("Nats-Last-Sequence: ");
export const MESSAGE_SIZE = encode("Nats-Msg-Size: ");
export const UP_TO_SEQUENCE = encode("Nats-UpTo-Sequence: ");

export class PlaceHeader {
  private readonly streamLine: Uint8Array;
  private readonly fixedBytes: number;

  /** @param stream its name */
  constructor(stream: string) {
    this.streamLine = encode(`Nats-Stream: ${stream}`);
    this.fixedBytes =
      VERSION_LINE.length +
      this.streamLine.length +
      SUBJECT.length +
      SEQUENCE.length +
      TIME.length +
      2 * LINE_BREAK_BYTES +
      SEQUENCE_DIGITS_MAX;
  }

  /** Bytes that the headers need at most, with these numbers. */
  bytesMax(message: Message, numbers: readonly Uint8Array[]): number {
    let size = this.fixedBytes + TIME_BYTES_MAX + message.headerSize + message.subjectSize;
    for (const name of numbers) size += name.length + SEQUENCE_DIGITS_MAX + LINE_BREAK_BYTES;
    return size;
  }

  /** Everything but numbers and the end. @returns the offset after it */
  write(target: Uint8Array, at: number, message: Message): number {
    const { headerStart, headerEnd } = message;
    const hasHeader = headerEnd - headerStart > LINE_BREAK_BYTES;
    let next = hasHeader
      ? copy(message.header, headerStart, headerEnd - LINE_BREAK_BYTES, target, at)
      : copy(VERSION_LINE, 0, VERSION_LINE.length, target, at);
    next = copy(this.streamLine, 0, this.streamLine.length, target, next);
    next = copy(SUBJECT, 0, SUBJECT.length, target, next);
    next = copy(message.subject, message.subjectStart, message.subjectEnd, target, next);
    next = copy(SEQUENCE, 0, SEQUENCE.length, target, next);
    next = writeSafeInteger(target, next, message.sequence);
    next = copy(TIME, 0, TIME.length, target, next);
    return lineBreak(target, writeTime(target, next, message.timeHigh, message.timeLow));
  }

  writeNumber(target: Uint8Array, at: number, name: Uint8Array, value: number): number {
    const next = copy(name, 0, name.length, target, at);
    return lineBreak(target, writeSafeInteger(target, next, value));
  }

  end(target: Uint8Array, at: number): number {
    return lineBreak(target, at);
  }
}

/** The headers of a message that has a status and no content. @param status code and text */
export function statusHeader(status: string, numbers: readonly (readonly [name: Uint8Array, value: number])[] = []): Buffer {
  const lines = numbers.map(([name, value]) => `${Buffer.from(name).toString()}${value}\r\n`).join("");
  return encode(`NATS/1.0 ${status}\r\n${lines}\r\n`);
}

function lineBreak(target: Uint8Array, at: number): number {
  target[at] = CR;
  target[at + 1] = LF;
  return at + LINE_BREAK_BYTES;
}

function copy(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  const size = end - start;
  if (size > LOOP_BYTES_MAX) target.set(source.subarray(start, end), at);
  else for (let index = 0; index < size; index++) target[at + index] = source[start + index];
  return at + size;
}
