/**
 * Takes the messages of a stream's subjects: checks them, stores them, answers them.
 *
 *   fan-out ─▶ deliver ─▶ transform ─▶ checks ─▶ store.append ─▶ id, rollup, copy, acknowledgement ─▶ outbox
 *                │                      └ refused: the error ─▶ outbox
 *                └ something is cold, or a purge is under way: a copy waits in the queue, and all later messages behind it
 * Messages are handled within the delivery that brings them, from the bytes that were read; in the common case nothing is allocated. Disk writes
 * follow at the end of the turn (`Stream.flush`), answers when the disk has them.
 * Source: reference, jetstream §10.1.
 */
import { encode, startsWith } from "../../base/bytes/ascii.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE } from "../../base/scheduling/sliced.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { Sink, SubjectView, Subscription } from "../../messaging/batch/subscription.ts";
import { replaceHeader } from "../../messaging/header/header-write.ts";
import { isJetStreamReply } from "../../messaging/subject/jetstream-subject.ts";
import { isValidLiteral } from "../../messaging/subject/subject.ts";
import type { StreamTrace } from "../../messaging/trace/message-trace.ts";
import { COLD, NOT_STORED } from "../../store/contract/message-store.ts";
import { type ApiError, apiError } from "../error/api-error.ts";
import { InboundQueue } from "./inbound-queue.ts";
import { PubAck } from "./pub-ack.ts";
import { checkPublishing, LOCAL_WRITES, storeFailure, TRACE_ONLY } from "./publish-checks.ts";
import { PublishHeader } from "./publish-headers.ts";
import { Publishing, Rollup, Verdict } from "./publishing.ts";
import { mayRepublish, republishedHeader, republishedSubject } from "./republish.ts";
import type { IngestHost, StreamCore } from "./stream-core.ts";

/** Work for one message, units of the meter, beside its delivery: about 0.4 µs. */
const MESSAGE_UNITS = 8;
/** Bytes copied for one unit, as a shift. */
const COPY_UNIT_SHIFT = 9;
/** Steps of a rollup that are done at once; a longer one continues as a task. */
const INLINE_STEPS_MAX = 8;
const TOO_MANY_HEADER = Buffer.from("NATS/1.0 429 Too Many Requests\r\n\r\n");
const NO_BYTES = new Uint8Array(0);
/** Grows when it is needed. */
const NO_SUBJECT = Buffer.allocUnsafeSlow(1);
const VERSION = encode("NATS/1.0");
const CR = 0x0d;

export class Ingest implements Sink {
  mark = 0;
  readonly takesRuns = true;
  private readonly host: IngestHost;
  private readonly stream: StreamCore;
  private readonly publishing = new Publishing();
  private readonly queue = new InboundQueue();
  /** Waits for the disk, or for a job: messages go to the queue. */
  private blocked = false;
  /** Reads that wait as long as messages do. */
  private readonly readers: (() => void)[] = [];
  private readonly pubAck: PubAck;
  private transformed = new Uint8Array(0);
  /** The subject of a message of an imported stream. */
  private imported = NO_SUBJECT;

  constructor(host: IngestHost, stream: StreamCore) {
    this.host = host;
    this.stream = stream;
    this.pubAck = new PubAck(stream.name, stream.domain);
  }

  /** A purge or another change of many messages is under way: what reads the stream must wait. */
  get isBlocked(): boolean {
    return this.blocked;
  }

  /** Messages that wait to be handled. */
  get waiting(): number {
    return this.queue.size;
  }

  get accountName(): string {
    return this.stream.account.name;
  }

  deliver({ view }: Subscription, batch: MessageBatch, from: number, to: number): number {
    const { stream } = this;
    if (stream.closed) return 0;
    stream.beginChanges();
    for (let index = from; index < to; index++) this.take(batch, index, view);
    return to - from;
  }

  /** @param view of an imported stream; null: the message is published in this account */
  private take(batch: MessageBatch, index: number, view: SubjectView | null): void {
    const { publishing, stream } = this;
    const { message } = publishing;
    const { source } = batch;
    const start = batch.start(index);
    const headerSize = batch.headerSize(index);
    const headerEnd = headerSize > 0 ? start + headerSize : start;
    this.setSubject(batch, index, view);
    publishing.setReply(source, batch.replyStart(index), batch.replyEnd(index));
    message.setHeader(source, start, headerEnd);
    message.setPayload(source, headerEnd, batch.end(index));
    // A reply of JetStream would make an answer a request (jetstream §1.12).
    if (isJetStreamReply(source, publishing.replyStart, publishing.replyEnd)) publishing.setReply(NO_BYTES, 0, 0);
    const { trace } = batch;
    if (trace === null) publishing.setTrace(null, false);
    else publishing.setTrace(trace.addStream(stream.name), trace.only);
    if (headerEnd > start) this.readHeader();
    const { meter } = this.host;
    meter.done += MESSAGE_UNITS + ((batch.end(index) - start) >> COPY_UNIT_SHIFT);
    if (this.isFull()) return this.refuseExcess();
    if (this.blocked) return this.queue.push(publishing);
    if (!this.publish()) this.wait(batch, index, view);
  }

  /** Publishers that wait get the error: the disk is full, and what they sent is held in memory. */
  refuseWaiting(error: ApiError): void {
    const { outbox, store } = this.stream;
    outbox.refuseWaiting(store.durable, this.pubAck.error(error));
  }

  /** The store has failed: publishers that wait get the error. */
  fail(error: ApiError): void {
    const { outbox, store } = this.stream;
    outbox.fail(store.durable, this.pubAck.error(error));
  }

  private setSubject(batch: MessageBatch, index: number, view: SubjectView | null): void {
    const { message } = this.publishing;
    const start = batch.subjectStart(index);
    const end = batch.subjectEnd(index);
    if (view === null) return message.setSubject(batch.subjectSource, start, end);
    let size = view.write(batch.subjectSource, start, end, this.imported, 0);
    while (size === -1) {
      this.imported = Buffer.allocUnsafeSlow(this.imported.length * 2);
      size = view.write(batch.subjectSource, start, end, this.imported, 0);
    }
    message.setSubject(this.imported, 0, size);
  }

  /** Publishes a message of the stream's own, which nobody gets an answer for. The bytes are borrowed for the call. */
  publishOwn(subject: Uint8Array, header: Uint8Array): void {
    const { publishing, stream } = this;
    stream.beginChanges();
    publishing.message.setSubject(subject, 0, subject.length);
    publishing.message.setPayload(NO_BYTES, 0, 0);
    publishing.setReply(NO_BYTES, 0, 0);
    publishing.setTrace(null, false);
    publishing.replaceHeader(header);
    if (this.blocked) this.queue.push(publishing);
    else if (!this.publish()) {
      publishing.message.setSubject(subject, 0, subject.length);
      publishing.replaceHeader(header);
      this.queue.push(publishing);
      this.resumeAfter(stream.whenReady());
    }
    stream.endChangesSoon();
  }

  /** The message at `index` needs something from the disk. */
  private wait(batch: MessageBatch, index: number, view: SubjectView | null): void {
    const { publishing } = this;
    const { message } = publishing;
    // The checks may have changed subject and headers; they start again from what came.
    const start = batch.start(index);
    this.setSubject(batch, index, view);
    message.setHeader(batch.source, start, start + Math.max(0, batch.headerSize(index)));
    if (message.headerSize > 0) this.readHeader();
    this.queue.push(publishing);
    this.resumeAfter(this.stream.whenReady());
  }

  /** Removes the status text, and finds the headers that mean something. */
  private readHeader(): void {
    const { publishing } = this;
    const { message } = publishing;
    const { header, headerEnd, headerStart } = message;
    if (startsWith(header, headerStart, headerEnd, VERSION) && header[headerStart + VERSION.length] !== CR) {
      const block = withoutStatus(publishing.headerBlock);
      if (block === null) return publishing.replaceHeader(null);
      publishing.replaceHeader(block);
    } else publishing.headers.read(header, headerStart, headerEnd);
    // A stored message must not be traced again when it is delivered.
    if (publishing.traced !== null && !publishing.traceOnly)
      publishing.replaceHeader(replaceHeader(publishing.headerBlock, "Nats-Trace-Dest", "trace disabled"));
  }

  private isFull(): boolean {
    const { limits, pace, store } = this.stream;
    const messages = this.queue.size + store.applied - store.durable;
    return messages >= limits.bufferedMessagesMax || this.queue.bytes + pace.unsyncedBytes >= limits.bufferedBytesMax;
  }

  /** Checks and stores the current message. @returns false: it must wait for the disk, and nothing was changed */
  private publish(): boolean {
    const { publishing, stream } = this;
    const { rules } = stream;
    if (publishing.message.headerSize === 0) publishing.headers.clear();
    if (rules.transform !== null) this.transformSubject();
    const verdict = checkPublishing(publishing, stream, publishing.traceOnly ? TRACE_ONLY : LOCAL_WRITES);
    if (verdict === Verdict.Cold) return false;
    if (verdict === Verdict.Pass && !publishing.traceOnly) {
      if (!this.store()) return false;
    } else this.finish(verdict);
    if (publishing.traced !== null) this.endTrace(publishing.traced, verdict);
    return true;
  }

  /** Handles a message that is not stored. */
  private finish(verdict: Verdict): void {
    const { publishing } = this;
    if (verdict === Verdict.Refuse) this.refuse(publishing.refusal!);
    else if (verdict === Verdict.Duplicate) this.acknowledge(publishing.duplicateOf, true);
    else if (verdict === Verdict.Skip) {
      publishing.traced?.pass(publishing.subjectText, true);
      if (!publishing.traceOnly) this.skip();
    }
  }

  /** The trace tells what is durable. */
  private endTrace(traced: StreamTrace, verdict: Verdict): void {
    const { publishing, stream } = this;
    let error = "";
    if (verdict === Verdict.Duplicate) error = "msgid is duplicate";
    else if (verdict === Verdict.Refuse) error = publishing.cause === "" ? String(publishing.refusal) : publishing.cause;
    const { applied } = stream.store;
    stream.outbox.after(stream.gate, () => {
      const { durable, failure } = stream.store;
      traced.end(error === "" && durable < applied ? (failure?.message ?? "stream closed") : error);
    });
  }

  private store(): boolean {
    const { publishing, stream } = this;
    const { rules, store } = stream;
    const { message } = publishing;
    message.timeHigh = stream.time.high;
    message.timeLow = stream.time.low;
    let copySubject: Uint8Array | null = null;
    let before = 0;
    if (rules.republish !== null) {
      copySubject = this.copySubject();
      if (copySubject !== null) {
        const last = store.lastOf(message.subject, message.subjectStart, message.subjectEnd);
        if (last === COLD) return false;
        before = last;
      }
    }
    const sequence = store.append(message, publishing.ttlSeconds);
    if (sequence === COLD) return false;
    if (sequence === NOT_STORED) {
      this.refuse(storeFailure(store.failure!));
      return true;
    }
    stream.pace.add(message.subjectSize + message.headerSize + message.payloadSize);
    this.remember(sequence);
    const rest = publishing.rollup === Rollup.None ? null : this.rollUp(1);
    if (copySubject !== null) {
      const { payload, payloadEnd, payloadStart } = message;
      const header = republishedHeader(stream.place, message, before, rules.republish!.headersOnly);
      const end = rules.republish!.headersOnly ? payloadStart : payloadEnd;
      stream.outbox.message(stream.gate, copySubject, 0, copySubject.length, header, payload, payloadStart, end);
    }
    this.acknowledgeAfter(rest, sequence);
    return true;
  }

  /** Nobody wants the message: its sequence is used up. */
  private skip(): void {
    const { publishing, stream } = this;
    const sequence = stream.store.skip(stream.time.high, stream.time.low);
    this.remember(sequence);
    const { rollup } = publishing;
    this.acknowledgeAfter(rollup === Rollup.None ? null : this.rollUp(0), sequence);
    // As in the reference, a full purge reports what it removed, even if that is nothing: from then on the limits of the account are in force.
    if (rollup === Rollup.All) stream.account.addUsage(stream, 0);
  }

  private remember(sequence: number): void {
    const { headers, message } = this.publishing;
    const { stream } = this;
    if (!headers.any || !headers.has(PublishHeader.MsgId)) {
      stream.lastMessageId = "";
      return;
    }
    stream.lastMessageId = headers.text(PublishHeader.MsgId);
    stream.ids.remember(message.header, headers.start(PublishHeader.MsgId), headers.end(PublishHeader.MsgId), sequence, stream.time);
  }

  /** Removes what the message replaces. @param keep newest messages that stay @returns settles when all is removed; null: it is */
  private rollUp(keep: number): Promise<unknown> | null {
    const { message, rollup } = this.publishing;
    const { store } = this.stream;
    const filter =
      rollup === Rollup.All ? null : Buffer.from(message.subject.subarray(message.subjectStart, message.subjectEnd)).toString();
    return this.runInline(store.purge(filter, 0, keep));
  }

  /** Does a few steps of a job at once. @returns runs the rest in slices; null: nothing is left */
  private runInline(job: Job<unknown>): Promise<unknown> | null {
    for (let step = 0; step < INLINE_STEPS_MAX; step++) {
      const { done, value } = job.next();
      if (done) return null;
      if (value !== PAUSE) return value.then(() => this.host.run(job));
    }
    return this.host.run(job);
  }

  /** Runs code after the purge that is under way, before the messages that wait. */
  afterBlock(run: () => void): void {
    this.readers.push(run);
  }

  /** Messages wait until the promise is settled. @param then runs before reads and messages that wait */
  private resumeAfter(promise: Promise<unknown>, then: () => void = () => {}): void {
    const resume = () => {
      this.blocked = false;
      if (!this.stream.closed) then();
      for (const run of this.readers.splice(0)) run();
      if (!this.stream.closed) this.drain();
    };
    this.blocked = true;
    // A job that ends with an error of the disk has frozen the store, so the messages are refused.
    void promise.then(resume, resume);
  }

  /** Handles messages that wait; a share of them, then the rest in a later slice. */
  private drain(): void {
    const { publishing, queue, stream } = this;
    const { meter } = this.host;
    stream.beginChanges();
    while (!this.blocked && queue.peek(publishing)) {
      const { headerEnd, headerStart } = publishing.message;
      if (headerEnd > headerStart) publishing.headers.read(publishing.message.header, headerStart, headerEnd);
      if (!this.publish()) {
        this.resumeAfter(stream.whenReady());
        break;
      }
      queue.shift();
      meter.done += MESSAGE_UNITS;
      if (meter.exhausted && queue.size > 0) {
        this.resumeAfter(this.host.run(pauseOnce()));
        break;
      }
    }
    stream.endChangesSoon();
  }

  private transformSubject(): void {
    const { message } = this.publishing;
    const { transform } = this.stream.rules;
    // A client may publish on a subject with wildcards; no transform covers it.
    if (!isValidLiteral(message.subject, message.subjectStart, message.subjectEnd)) return;
    const size = transform!.resultBytesMax(message.subjectSize);
    if (this.transformed.length < size) this.transformed = new Uint8Array(size);
    const end = transform!.transform(message.subject, message.subjectStart, message.subjectEnd, this.transformed, 0, this.host.random);
    if (end !== -1) message.setSubject(this.transformed, 0, end);
  }

  private copySubject(): Uint8Array | null {
    const { stream } = this;
    const subject = republishedSubject(stream.rules.republish!, this.publishing.message, this.host.random);
    if (subject === null || mayRepublish(subject)) return subject;
    const text = Buffer.from(subject).toString();
    this.host.warnRateLimited(`Stream '${stream.label}' suppressing republish with invalid subject ${JSON.stringify(text)}`);
    return null;
  }

  /** @param rest what must be removed before the message may be acknowledged; null: nothing */
  private acknowledgeAfter(rest: Promise<unknown> | null, sequence: number): void {
    if (rest === null) return this.acknowledge(sequence, false);
    const { publishing, stream } = this;
    const { hasReply, reply, replyEnd, replyStart } = publishing;
    const isWanted = hasReply && !stream.rules.noAck;
    const copy = isWanted ? Uint8Array.from(reply.subarray(replyStart, replyEnd)) : NO_BYTES;
    this.resumeAfter(rest, () => {
      publishing.setReply(copy, 0, copy.length);
      const { failure } = stream.store;
      if (failure === null) this.acknowledge(sequence, false);
      else this.refuse(storeFailure(failure));
    });
  }

  private acknowledge(sequence: number, isDuplicate: boolean): void {
    const { publishing, stream } = this;
    if (!publishing.hasReply || stream.rules.noAck) return;
    const { failure } = stream.store;
    // A duplicate of a message that may be lost, too.
    if (failure !== null) return this.sendError(storeFailure(failure), null);
    const { reply, replyEnd, replyStart } = publishing;
    stream.outbox.ack(stream.gate, reply, replyStart, replyEnd, this.pubAck, sequence, isDuplicate);
  }

  /** More messages wait than may: the publisher hears of it even if the stream acknowledges nothing. */
  private refuseExcess(): void {
    const { host, publishing, stream } = this;
    host.warnRateLimited(`Dropping messages due to excessive stream ingest rate on '${stream.account.name}' > '${stream.name}'`);
    if (publishing.hasReply) this.sendError(apiError("StreamTooManyRequests"), TOO_MANY_HEADER);
  }

  private refuse(error: ApiError): void {
    if (this.publishing.hasReply && !this.stream.rules.noAck) this.sendError(error, null);
  }

  private sendError(error: ApiError, header: Uint8Array | null): void {
    const { publishing, stream } = this;
    const { reply, replyEnd, replyStart } = publishing;
    stream.outbox.refusal(stream.readGate, reply, replyStart, replyEnd, header, this.pubAck.error(error));
  }
}

function* pauseOnce(): Job<void> {
  yield PAUSE;
}

/** Removes a status line's text; null: nothing is left. A block without a line break stays as it is. */
function withoutStatus(block: Uint8Array): Uint8Array | null {
  const line = block.indexOf(CR);
  if (line === -1) return block;
  const rest = Buffer.concat([VERSION, block.subarray(line)]);
  return rest.length <= VERSION.length + 4 ? null : rest;
}
