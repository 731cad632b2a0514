/**
 * One or more consecutive messages of one publisher for the same receivers, as offsets into the bytes that were read.
 *
 *   source  …PUB foo.1 5\r\nhello\r\nPUB foo.2 2\r\nhi\r\n…
 *               ^^^^^    ^^^^^ message 0     ^^ message 1
 * Messages have only this form, from the parser to every sink. Messages with the same match result share a batch, also on several subjects:
 * echo, permissions and statistics are handled once for all of them, and each receiver's output is written in one run. Nothing is allocated
 * per message. The batch is reused, so a sink that keeps bytes must copy them.
 */
import { assert } from "../../base/assert/assert.ts";
import { decode } from "../../base/bytes/ascii.ts";
import type { MessageTrace } from "../trace/message-trace.ts";
import type { Originator } from "./originator.ts";

const EMPTY = Buffer.alloc(0);

export const MESSAGES_MAX = 1024;

/** Fields of one message in `fields`, at `index << STRIDE_SHIFT`. Offsets are into `source`, the subject's into `subjectSource`. */
export const STRIDE_SHIFT = 3;
export const SUBJECT_START = 0;
/** Consecutive messages on one subject share the subject offsets of the first. */
export const SUBJECT_END = 1;
export const REPLY_START = 2;
export const REPLY_END = 3;
/** Bytes of the header block; -1: the message was sent without one. */
export const HEADER_SIZE = 4;
export const START = 5;
export const END = 6;

/** A service import that messages came through, linked to the import before it. */
export interface ImportStep {
  readonly via: object;
  readonly before: ImportStep | null;
  /** Before this import, or an earlier one, the message had a reply of JetStream (`$JS.…`). */
  readonly jetStreamReply: boolean;
}

export class MessageBatch {
  /** Bytes that hold replies, headers and payloads. */
  source: Buffer = EMPTY;
  /** Bytes that hold the subjects: usually `source`; after a mapping another buffer. */
  subjectSource: Buffer = EMPTY;
  count = 0;
  /** Headers and payloads of all messages, without their CRLF. */
  bytes = 0;
  /** The batch should be delivered once it holds this many payload bytes. Set by the publisher. */
  bytesMax = 64 * 1024;
  /** The only receiver is one plain subscription. Set by the fan-out. */
  oneReceiver = false;
  /** The sizes as the publisher wrote them, if they are not canonical (`007`): receivers see them unchanged. */
  sizesText: Buffer | null = null;
  /** Longest subject plus reply in the batch, in bytes. */
  namesBytesMax = 0;
  /** At least one message has a reply subject. */
  hasReplies = false;
  /** At least one message has a header block. */
  hasHeaders = false;
  /** Changes whenever the batch is emptied; data derived from an older version is stale. */
  version = 0;
  /** The publisher is a client connection: slow consumers may stall it, or drop its messages. */
  fromClient = true;
  /** How long the publisher should wait for slow consumers, ms; 0: not at all. Set by sinks at delivery, reset by the publisher. */
  stallMs = 0;
  /** The consumer that set `stallMs`: its `Stall` (connections/link/stall.ts). */
  stalledBy: object | null = null;
  /** Who published; null: the server itself. */
  originator: Originator | null = null;
  /** The leaf cluster that the messages came from; empty: none. */
  originCluster = "";
  /** The last service import that the messages came through; null: they were published in this account. */
  imported: ImportStep | null = null;
  /**
   * The client may publish its only message as an answer and not otherwise (`allow_responses`), and did not publish it on a subject of
   * JetStream. Imports then make no JetStream request of it (core §5.4).
   */
  isAllowedAnswer = false;
  /** The client published its only message on a subject of JetStream, which a mapping may have changed. */
  wasForJetStream = false;
  /** Trace of its only message; null: the message is not traced. */
  trace: MessageTrace | null = null;
  /** Scratch for splitting a line: start and end of up to nine arguments. */
  readonly argumentBounds = new Int32Array(18);
  fields: Int32Array;

  /** @param messagesMax capacity; a parser needs `MESSAGES_MAX` */
  constructor(messagesMax = MESSAGES_MAX) {
    this.fields = new Int32Array(messagesMax << STRIDE_SHIFT);
  }

  /** Appends a message. Its bytes are in `source` from `start` to `end`, and CRLF follows them. The caller checks that there is room. */
  add(
    subjectStart: number,
    subjectEnd: number,
    replyStart: number,
    replyEnd: number,
    headerSize: number,
    start: number,
    end: number,
  ): void {
    const fields = this.fields;
    const at = this.count << STRIDE_SHIFT;
    assert(at < fields.length, "a batch has room for the message that is added", this.count);
    fields[at + SUBJECT_START] = subjectStart;
    fields[at + SUBJECT_END] = subjectEnd;
    fields[at + REPLY_START] = replyStart;
    fields[at + REPLY_END] = replyEnd;
    fields[at + HEADER_SIZE] = headerSize;
    fields[at + START] = start;
    fields[at + END] = end;
    this.count++;
    this.bytes += end - start;
    if (replyEnd !== replyStart) this.hasReplies = true;
    if (headerSize > 0) this.hasHeaders = true;
    const names = subjectEnd - subjectStart + replyEnd - replyStart;
    if (names > this.namesBytesMax) this.namesBytesMax = names;
  }

  /** Empties the batch and releases the bytes it points into. */
  clear(): void {
    this.count = 0;
    this.bytes = 0;
    this.namesBytesMax = 0;
    this.hasReplies = false;
    this.hasHeaders = false;
    this.sizesText = null;
    this.version++;
    this.source = EMPTY;
    this.subjectSource = EMPTY;
    this.originator = null;
    this.originCluster = "";
    this.imported = null;
    this.isAllowedAnswer = false;
    this.wasForJetStream = false;
    this.trace = null;
  }

  /** Moves the messages to an empty batch of the same capacity, for a delivery that continues later. This batch is empty then. */
  moveTo(other: MessageBatch): void {
    assert(other.count === 0 && other.fields.length === this.fields.length, "messages are moved to an empty batch of the same size");
    const { fields } = other;
    other.fields = this.fields;
    this.fields = fields;
    other.source = this.source;
    other.subjectSource = this.subjectSource;
    other.count = this.count;
    other.bytes = this.bytes;
    other.bytesMax = this.bytesMax;
    other.oneReceiver = this.oneReceiver;
    other.sizesText = this.sizesText;
    other.namesBytesMax = this.namesBytesMax;
    other.hasReplies = this.hasReplies;
    other.hasHeaders = this.hasHeaders;
    other.fromClient = this.fromClient;
    other.originator = this.originator;
    other.originCluster = this.originCluster;
    other.imported = this.imported;
    other.isAllowedAnswer = this.isAllowedAnswer;
    other.wasForJetStream = this.wasForJetStream;
    other.trace = this.trace;
    other.takeStall(this);
    other.version++;
    this.clear();
  }

  /** Moves the wait for slow consumers from another batch, in which they got these messages, to this one. */
  takeStall(other: MessageBatch): void {
    if (other.stallMs === 0) return;
    this.stallMs += other.stallMs;
    this.stalledBy = other.stalledBy;
    other.stallMs = 0;
    other.stalledBy = null;
  }

  subjectStart(index: number): number {
    return this.fields[(index << STRIDE_SHIFT) + SUBJECT_START];
  }
  subjectEnd(index: number): number {
    return this.fields[(index << STRIDE_SHIFT) + SUBJECT_END];
  }
  replyStart(index: number): number {
    return this.fields[(index << STRIDE_SHIFT) + REPLY_START];
  }
  replyEnd(index: number): number {
    return this.fields[(index << STRIDE_SHIFT) + REPLY_END];
  }
  /** -1: no header block. */
  headerSize(index: number): number {
    return this.fields[(index << STRIDE_SHIFT) + HEADER_SIZE];
  }
  start(index: number): number {
    return this.fields[(index << STRIDE_SHIFT) + START];
  }
  end(index: number): number {
    return this.fields[(index << STRIDE_SHIFT) + END];
  }

  // Parts of a message, for code that is not on the hot path: texts are copies, buffers are views of borrowed bytes.

  subjectText(index: number): string {
    return decode(this.subjectSource, this.subjectStart(index), this.subjectEnd(index));
  }
  /** Empty: no reply subject. */
  replyText(index: number): string {
    return decode(this.source, this.replyStart(index), this.replyEnd(index));
  }
  /** The header block with its closing blank line; empty: none. */
  header(index: number): Buffer {
    const start = this.start(index);
    return this.source.subarray(start, start + Math.max(0, this.headerSize(index)));
  }
  /** The bytes after the header block. */
  payload(index: number): Buffer {
    return this.source.subarray(this.start(index) + Math.max(0, this.headerSize(index)), this.end(index));
  }
}
