/**
 * Messages that wait because the one before them needs bytes from the disk, or a purge is under way. Their bytes are copied. Bounded by the stream
 * (`max_buffered_msgs`, `max_buffered_size`).
 */
import type { StreamTrace } from "../../messaging/trace/message-trace.ts";
import type { Publishing } from "./publishing.ts";

/** Bytes of bookkeeping per message, as counted for the bound. */
const ENTRY_BYTES = 64;

class Waiting {
  readonly bytes: Uint8Array;
  readonly subjectEnd: number;
  readonly replyEnd: number;
  readonly headerEnd: number;
  readonly traced: StreamTrace | null;
  readonly traceOnly: boolean;

  constructor({ message, reply, replyEnd, replyStart, traced, traceOnly }: Publishing) {
    this.traced = traced;
    this.traceOnly = traceOnly;
    const parts: readonly (readonly [Uint8Array, number, number])[] = [
      [message.subject, message.subjectStart, message.subjectEnd],
      [reply, replyStart, replyEnd],
      [message.header, message.headerStart, message.headerEnd],
      [message.payload, message.payloadStart, message.payloadEnd],
    ];
    this.bytes = new Uint8Array(parts.reduce((sum, [, start, end]) => sum + end - start, 0));
    const ends: number[] = [];
    let at = 0;
    for (const [source, start, end] of parts) {
      this.bytes.set(source.subarray(start, end), at);
      at += end - start;
      ends.push(at);
    }
    [this.subjectEnd, this.replyEnd, this.headerEnd] = ends as [number, number, number];
  }
}

export class InboundQueue {
  private waiting: Waiting[] = [];
  private head = 0;
  /** Bytes that wait. */
  bytes = 0;

  get size(): number {
    return this.waiting.length - this.head;
  }

  /** Adds a copy of a message, as it came: before checks changed it. */
  push(publishing: Publishing): void {
    const waiting = new Waiting(publishing);
    this.bytes += waiting.bytes.length + ENTRY_BYTES;
    this.waiting.push(waiting);
  }

  /** Lets `publishing` point to the first message, which stays. @returns false: none waits */
  peek(publishing: Publishing): boolean {
    if (this.size === 0) return false;
    const { bytes, headerEnd, replyEnd, subjectEnd, traced, traceOnly } = this.waiting[this.head];
    const { message } = publishing;
    publishing.setTrace(traced, traceOnly);
    message.setSubject(bytes, 0, subjectEnd);
    publishing.setReply(bytes, subjectEnd, replyEnd);
    message.setHeader(bytes, replyEnd, headerEnd);
    message.setPayload(bytes, headerEnd, bytes.length);
    return true;
  }

  /** Removes the first message. */
  shift(): void {
    this.bytes -= this.waiting[this.head].bytes.length + ENTRY_BYTES;
    this.head++;
    if (this.head === this.waiting.length) this.clear();
    else if (this.head >= 1024 && this.head * 2 > this.waiting.length) {
      this.waiting = this.waiting.slice(this.head);
      this.head = 0;
    }
  }

  clear(): void {
    this.waiting = [];
    this.head = 0;
    this.bytes = 0;
  }
}
