/**
 * What a stream sends: acknowledgements, errors, copies for republishing, answers of direct gets. Each message waits for the change of the store
 * that it depends on, so that nobody sees what a power failure could take back.
 *
 *   ack, message ─▶ page: bytes and offsets, with a gate each ─ store.durable ≥ gate ─▶ phase Deliver: a run of messages to the account
 *   after        ─▶ code that runs when its change is durable, in order with the messages
 * A page is a `MessageBatch` with its bytes, written as a read would contain them, so that a run of acknowledgements travels like messages of a
 * client: matched once per receiver, encoded once, nothing allocated per message. Messages leave in the order in which they were added.
 */
import { putBytes } from "../../base/bytes/put-bytes.ts";
import type { Task } from "../../base/scheduling/scheduler.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { MESSAGES_MAX, MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { PubAck } from "./pub-ack.ts";

/** Where the messages are published: the account of the stream. */
export interface OutboxPublisher {
  /** Publishes messages `from` to `to` of a batch. */
  publishBatch(batch: MessageBatch, from: number, to: number): number;
}

/** The event loop, as outboxes need it. */
export interface OutboxHost {
  readonly meter: WorkMeter;
  readonly pages: OutboxPages;
  /** Calls `work` in a later slice, until it returns false. */
  addTask(task: Task): void;
}

/** An idle stream needs little: its first page is small. */
const SMALL_MESSAGES = 16;
const SMALL_BYTES = 2 * 1024;
const PAGE_BYTES = 128 * 1024;
/** Unused pages that are kept. */
const SPARE_PAGES_MAX = 64;
const CRLF_BYTES = 2;
const NO_BYTES = Buffer.alloc(0);
/** Gate of a message that is never sent. */
const DROPPED = -1;
const CR = 0x0d;
const LF = 0x0a;

class OutboxPage {
  readonly batch: MessageBatch;
  readonly gates: Float64Array;
  /** 1: the message answers a publisher. */
  readonly answers: Uint8Array;
  bytes: Buffer;
  /** Bytes that are used. */
  size = 0;
  /** Messages that were sent. */
  sent = 0;
  /** The subject of the last message that is not an acknowledgement. */
  subjectStart = 0;
  subjectEnd = 0;
  /** Code that runs before the message of that index is sent; sorted by index. */
  readonly calls: { readonly index: number; gate: number; readonly isRead: boolean; readonly run: () => void }[] = [];
  readonly messagesMax: number;

  constructor(messagesMax: number, bytes: number) {
    this.messagesMax = messagesMax;
    this.batch = new MessageBatch(messagesMax);
    this.gates = new Float64Array(messagesMax);
    this.answers = new Uint8Array(messagesMax);
    this.bytes = Buffer.allocUnsafeSlow(bytes);
    this.open();
  }

  open(): void {
    const { batch } = this;
    batch.clear();
    batch.source = this.bytes;
    batch.subjectSource = this.bytes;
    batch.fromClient = false;
    this.size = 0;
    this.sent = 0;
    this.subjectStart = 0;
    this.subjectEnd = 0;
    this.calls.length = 0;
  }

  isLastSubject(subject: Uint8Array, start: number, end: number): boolean {
    const { bytes, subjectStart } = this;
    const size = end - start;
    if (size !== this.subjectEnd - subjectStart) return false;
    for (let index = 0; index < size; index++) if (bytes[subjectStart + index] !== subject[start + index]) return false;
    return true;
  }

  hasRoom(bytes: number): boolean {
    return this.batch.count < this.messagesMax && this.size + bytes <= this.bytes.length;
  }
}

/** Pages that no outbox of the event loop uses. */
export class OutboxPages {
  private readonly small: OutboxPage[] = [];
  private readonly large: OutboxPage[] = [];

  /** @param bytes that the next message needs; larger than a page: a page of that size is made, and not kept */
  take(isFirst: boolean, bytes: number): OutboxPage {
    if (isFirst && bytes <= SMALL_BYTES) return this.small.pop() ?? new OutboxPage(SMALL_MESSAGES, SMALL_BYTES);
    if (bytes > PAGE_BYTES) return new OutboxPage(1, bytes);
    return this.large.pop() ?? new OutboxPage(MESSAGES_MAX, PAGE_BYTES);
  }

  give(page: OutboxPage): void {
    const spare = page.messagesMax === SMALL_MESSAGES ? this.small : page.messagesMax === MESSAGES_MAX ? this.large : null;
    if (spare === null || spare.length >= SPARE_PAGES_MAX) return;
    page.open();
    spare.push(page);
  }
}

export class Outbox implements Task {
  private readonly host: OutboxHost;
  private readonly publisher: OutboxPublisher;
  /** Oldest first. */
  private pages: OutboxPage[] = [];
  private durable = 0;
  /** Of the message that was begun: its page, the bytes of that page, and where its headers begin. */
  private opened!: OutboxPage;
  target: Buffer = NO_BYTES;
  private at = 0;
  private sending = false;
  private isTask = false;

  constructor(host: OutboxHost, publisher: OutboxPublisher) {
    this.host = host;
    this.publisher = publisher;
  }

  /** Nothing waits. */
  get isEmpty(): boolean {
    return this.pages.length === 0;
  }

  /** Adds a positive acknowledgement. @param reply subject of the publisher, bytes `start` to `end`; copied */
  ack(gate: number, reply: Uint8Array, start: number, end: number, ack: PubAck, sequence: number, isDuplicate: boolean): void {
    const page = this.pageFor(end - start + ack.bytesMax + CRLF_BYTES);
    const { batch, bytes } = page;
    const at = page.size;
    const replyEnd = putBytes(reply, start, end, bytes, at);
    const tail = isDuplicate ? ack.writeDuplicate(bytes, replyEnd, sequence) : ack.write(bytes, replyEnd, sequence);
    bytes[tail] = CR;
    bytes[tail + 1] = LF;
    page.gates[batch.count] = gate;
    page.answers[batch.count] = 1;
    batch.add(at, replyEnd, replyEnd, replyEnd, -1, replyEnd, tail);
    page.size = tail + CRLF_BYTES;
  }

  /** Adds any message. All bytes are copied. @param header a whole header block; null: none */
  message(
    gate: number,
    subject: Uint8Array,
    subjectStart: number,
    subjectEnd: number,
    header: Uint8Array | null,
    payload: Uint8Array,
    payloadStart: number,
    payloadEnd: number,
  ): void {
    const headerSize = header === null ? 0 : header.length;
    const at = this.begin(subject, subjectStart, subjectEnd, headerSize + payloadEnd - payloadStart);
    const headerEnd = header === null ? at : putBytes(header, 0, headerSize, this.target, at);
    this.end(gate, headerEnd, payload, payloadStart, payloadEnd);
  }

  /**
   * Begins a message whose headers the caller writes into `target`, from the returned offset on. Call `end` before anything else.
   * @param room bytes of headers and payload, at most
   */
  begin(subject: Uint8Array, start: number, end: number, room: number): number {
    const page = this.pageFor(end - start + room + CRLF_BYTES);
    const { bytes } = page;
    // Answers of one request have one subject: its bytes are there already, and the fan-out matches it once.
    if (page.isLastSubject(subject, start, end)) this.at = page.size;
    else {
      page.subjectStart = page.size;
      page.subjectEnd = putBytes(subject, start, end, bytes, page.size);
      this.at = page.subjectEnd;
    }
    this.opened = page;
    this.target = bytes;
    return this.at;
  }

  /** Ends the message. @param headerEnd offset after the headers; where they begin: the message has none */
  end(gate: number, headerEnd: number, payload: Uint8Array, payloadStart: number, payloadEnd: number): void {
    const { at, opened: page, target } = this;
    const { batch } = page;
    const { subjectEnd, subjectStart } = page;
    const end = putBytes(payload, payloadStart, payloadEnd, target, headerEnd);
    target[end] = CR;
    target[end + 1] = LF;
    page.gates[batch.count] = gate;
    page.answers[batch.count] = 0;
    batch.add(subjectStart, subjectEnd, subjectEnd, subjectEnd, headerEnd === at ? -1 : headerEnd - at, at, end);
    page.size = end + CRLF_BYTES;
  }

  /** Adds an answer to a publisher that is no acknowledgement. @param reply subject of the publisher @param header a whole header block; null: none */
  refusal(gate: number, reply: Uint8Array, start: number, end: number, header: Uint8Array | null, body: Uint8Array): void {
    this.message(gate, reply, start, end, header, body, 0, body.length);
    const { answers, batch } = this.pages[this.pages.length - 1];
    answers[batch.count - 1] = 1;
  }

  /**
   * Runs code when the change is durable, after all messages that were added before. It must not throw.
   * @param isRead it need not wait while the disk is full
   */
  after(gate: number, run: () => void, isRead = false): void {
    const page = this.pageFor(0);
    page.calls.push({ index: page.batch.count, gate, isRead, run });
  }

  /**
   * Sends what waits for changes up to `durable`. Not more than a share of work; the rest is a task.
   * Messages that receivers add meanwhile are sent by the next call.
   */
  release(durable: number): void {
    this.durable = durable;
    if (this.sending || this.isTask) return;
    if (this.work()) {
      this.isTask = true;
      this.host.addTask(this);
    }
  }

  work(): boolean {
    const { meter } = this.host;
    this.sending = true;
    try {
      while (this.sendPart()) {
        if (meter.exhausted) return true;
      }
    } finally {
      this.sending = false;
    }
    this.isTask = false;
    return false;
  }

  /** Drops everything that waits: the stream is gone. Code that waits runs. */
  clear(): void {
    const calls = this.pages.flatMap(page => page.calls.splice(0));
    for (const page of this.pages.splice(0)) this.host.pages.give(page);
    for (const { run } of calls) run();
  }

  /**
   * The store has failed, and changes after `durable` may be lost: publishers that wait for them get an error, other messages that depend on them
   * are dropped. Messages for which nothing must become durable stay. Code that waits runs with the next release.
   */
  fail(durable: number, error: Uint8Array): void {
    this.release(durable);
    this.refuseWaiting(durable, error);
    for (const { batch, calls, gates, sent } of this.pages) {
      for (let index = sent; index < batch.count; index++) if (gates[index] > durable) gates[index] = DROPPED;
      for (const call of calls) call.gate = 0;
    }
    this.release(durable);
  }

  /**
   * Publishers that wait for changes after `durable` get an error instead, before everything else. Other messages wait on, reads do not.
   */
  refuseWaiting(durable: number, error: Uint8Array): void {
    const waiting = this.pages;
    this.pages = [];
    for (const { answers, batch, bytes, calls, gates, sent } of waiting) {
      for (let index = sent; index < batch.count; index++) {
        if (gates[index] <= durable || answers[index] === 0) continue;
        gates[index] = DROPPED;
        this.message(0, bytes, batch.subjectStart(index), batch.subjectEnd(index), null, error, 0, error.length);
      }
      for (const call of calls) if (call.isRead) call.gate = 0;
    }
    this.pages.push(...waiting);
  }

  /** Sends messages of the first page, or runs one call. @returns false: nothing is due */
  private sendPart(): boolean {
    const page = this.pages[0];
    if (page === undefined) return false;
    const { batch, calls, gates } = page;
    const { durable } = this;
    const from = page.sent;
    if (from === batch.count && calls.length === 0) {
      // It was sent while others were put before it.
      this.finish(page);
      return true;
    }
    const call = calls[0];
    if (call !== undefined && call.index === from) {
      if (call.gate > durable) return false;
      calls.shift();
      call.run();
      this.finish(page);
      return true;
    }
    const end = call === undefined ? batch.count : call.index;
    if (from < end && gates[from] === DROPPED) {
      page.sent = from + 1;
      this.finish(page);
      return true;
    }
    let to = from;
    while (to < end && gates[to] <= durable && gates[to] !== DROPPED) to++;
    if (to === from) return false;
    page.sent = to;
    this.publisher.publishBatch(batch, from, to);
    this.finish(page);
    return true;
  }

  /** Gives a page back that has nothing to send, unless it was dropped meanwhile. */
  private finish(page: OutboxPage): void {
    if (page.sent < page.batch.count || page.calls.length > 0 || this.pages[0] !== page) return;
    this.pages.shift();
    this.host.pages.give(page);
  }

  private pageFor(bytes: number): OutboxPage {
    const { pages } = this;
    const last = pages[pages.length - 1];
    if (last?.hasRoom(bytes)) return last;
    const page = this.host.pages.take(pages.length === 0, bytes);
    pages.push(page);
    return page;
  }
}
