/**
 * One or more consecutive messages of one publisher on one subject, as offsets into the bytes they were read in.
 *
 *   source  …PUB foo 5\r\nhello\r\nPUB foo 2\r\nhi\r\n…
 *               ^^^ subject   ^^^^^ message 0     ^^ message 1
 * The only form in which messages travel: from the parser to every sink. Consecutive messages on one subject have the same
 * receivers, so matching, echo, permissions and statistics are settled once for all of them, and each receiver's output is
 * written in one run. Nothing is allocated per message; the batch is reused, so a sink that keeps bytes copies them.
 */
import type { Sink } from "./sink.ts";

const EMPTY = Buffer.alloc(0);

export const MESSAGES_MAX = 1024;

/** Fields of one message in `fields`. Offsets are into `source`. */
const STRIDE = 5;
const REPLY_START = 0;
const REPLY_END = 1;
/** Bytes of the message that are the header block; -1 when it was sent without one. */
const HEADER_SIZE = 2;
const START = 3;
const END = 4;

export class MessageBatch {
  /** Bytes that hold replies, headers and payloads. */
  source: Buffer = EMPTY;
  /** Bytes that hold the subject; usually `source`, another one after a mapping. */
  subjectSource: Buffer = EMPTY;
  subjectStart = 0;
  subjectEnd = 0;
  count = 0;
  /** Headers and payloads of all messages, without their CRLF. */
  bytes = 0;
  /** The sizes as their publisher wrote them, where that is not how they are written (`007`): receivers see them unchanged. */
  sizesText: Buffer | null = null;
  /** No reply is longer. */
  replyBytesMax = 0;
  /** Changes whenever the batch is emptied: what was derived from it is then stale. */
  version = 0;
  /** The publisher is a client connection: it can be stalled, or its messages dropped, for consumers that are too slow. */
  fromClient = true;
  /** Set at delivery by a sink whose output is backed up: how long the publisher should wait for it, ms; 0: go on. The publisher resets it. */
  stallMs = 0;
  /** The sink that asked for it. */
  stalledBy: Sink | null = null;
  readonly fields = new Int32Array(MESSAGES_MAX * STRIDE);

  /** Appends a message; its bytes lie at `start` to `end` of `source` and are followed there by CRLF. The caller checks `count`. */
  add(replyStart: number, replyEnd: number, headerSize: number, start: number, end: number): void {
    const fields = this.fields;
    const at = this.count * STRIDE;
    fields[at + REPLY_START] = replyStart;
    fields[at + REPLY_END] = replyEnd;
    fields[at + HEADER_SIZE] = headerSize;
    fields[at + START] = start;
    fields[at + END] = end;
    this.count++;
    this.bytes += end - start;
    if (replyEnd - replyStart > this.replyBytesMax) this.replyBytesMax = replyEnd - replyStart;
  }

  /** Empties it and lets go of the bytes it pointed into. */
  clear(): void {
    this.count = 0;
    this.bytes = 0;
    this.replyBytesMax = 0;
    this.sizesText = null;
    this.version++;
    this.source = EMPTY;
    this.subjectSource = EMPTY;
  }

  replyStart(index: number): number {
    return this.fields[index * STRIDE + REPLY_START];
  }
  replyEnd(index: number): number {
    return this.fields[index * STRIDE + REPLY_END];
  }
  /** -1: no header block. */
  headerSize(index: number): number {
    return this.fields[index * STRIDE + HEADER_SIZE];
  }
  start(index: number): number {
    return this.fields[index * STRIDE + START];
  }
  end(index: number): number {
    return this.fields[index * STRIDE + END];
  }
}
