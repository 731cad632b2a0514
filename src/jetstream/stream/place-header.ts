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
import { putBytes } from "../../base/bytes/put-bytes.ts";
import { TIME_BYTES_MAX, TimeWriter } from "../../base/go/rfc3339.ts";
import type { Message } from "../../store/contract/message.ts";

const VERSION_LINE = "NATS/1.0\r\n";
const SEQUENCE = encode("\r\nNats-Sequence: ");
const TIME = encode("\r\nNats-Time-Stamp: ");
const LINE_BREAK_BYTES = 2;
const SEQUENCE_DIGITS_MAX = 16;

/** Names of numbers that can be added, with what surrounds them. */
export const NUM_PENDING = encode("Nats-Num-Pending: ");
export const LAST_SEQUENCE = encode("Nats-Last-Sequence: ");
export const MESSAGE_SIZE = encode("Nats-Msg-Size: ");
export const UP_TO_SEQUENCE = encode("Nats-UpTo-Sequence: ");

export class PlaceHeader {
  /** The lines from the version to the subject, and their part that follows stored headers. */
  private readonly start: Uint8Array;
  private readonly streamLine: Uint8Array;
  private readonly fixedBytes: number;
  private readonly times = new TimeWriter();

  /** @param stream its name */
  constructor(stream: string) {
    this.start = encode(`${VERSION_LINE}Nats-Stream: ${stream}\r\nNats-Subject: `);
    this.streamLine = this.start.subarray(VERSION_LINE.length);
    this.fixedBytes = this.start.length + SEQUENCE.length + TIME.length + 2 * LINE_BREAK_BYTES + SEQUENCE_DIGITS_MAX;
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
    let next = at;
    if (headerEnd - headerStart > LINE_BREAK_BYTES) {
      next = putBytes(message.header, headerStart, headerEnd - LINE_BREAK_BYTES, target, at);
      next = putBytes(this.streamLine, 0, this.streamLine.length, target, next);
    } else next = putBytes(this.start, 0, this.start.length, target, at);
    next = putBytes(message.subject, message.subjectStart, message.subjectEnd, target, next);
    next = putBytes(SEQUENCE, 0, SEQUENCE.length, target, next);
    next = writeSafeInteger(target, next, message.sequence);
    next = putBytes(TIME, 0, TIME.length, target, next);
    return lineBreak(target, this.times.write(target, next, message.timeHigh, message.timeLow));
  }

  writeNumber(target: Uint8Array, at: number, name: Uint8Array, value: number): number {
    const next = putBytes(name, 0, name.length, target, at);
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
