/**
 * Reads messages for clients without the API's queue: `$JS.API.DIRECT.GET.<stream>` and `….<subject>`. A client that is allowed to send such a
 * request gets the message as it is stored, with headers that say what it is.
 *
 *   request ─▶ one message in memory: answered at once
 *           └─ a batch, several subjects, or a message on the disk: a job
 * Answers wait until the change that they show is durable (outbox). They wait behind a purge by a message, so that none sees half of it.
 * Source: reference, jetstream §1.6, §10.15.
 */
import { decode } from "../../base/bytes/ascii.ts";
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { Timestamp } from "../../base/go/time.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE } from "../../base/scheduling/sliced.ts";
import { LocalSubscriber } from "../../messaging/batch/local-subscriber.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import { HeaderKey, headerText } from "../../messaging/header/header-read.ts";
import { isJetStreamReply } from "../../messaging/subject/jetstream-subject.ts";
import { isValidLiteral } from "../../messaging/subject/subject.ts";
import { Message } from "../../store/contract/message.ts";
import { COLD, Read } from "../../store/contract/message-store.ts";
import { SubjectFilters } from "../../store/contract/subject-filters.ts";
import { isSupportedLevel } from "../config/metadata.ts";
import {
  type DirectGetStatus,
  decodeDirectGet,
  decodeDirectGetBySubject,
  MESSAGE_GET_REQUEST,
  type MessageGetRequest,
  sequenceOf,
  setTime,
} from "./get-request.ts";
import { LAST_SEQUENCE, NUM_PENDING, statusHeader, UP_TO_SEQUENCE } from "./place-header.ts";
import type { StreamCore } from "./stream-core.ts";

const GROUP = "_sys_";
/** Subjects for which `multi_last` sends the last message, at most. */
const SUBJECTS_MAX = 1024;
/** A batch passes on its messages after so many of them or so many bytes; the rest continues when others had their turn. */
const PART_MESSAGES = 256;
const PART_BYTES = 64 * 1024;
const SUBJECT_TOKEN = 5;
const DOT = 0x2e;
const NO_BYTES = new Uint8Array(0);
const ALL = new SubjectFilters([">"]);
const REQUIRED_LEVEL = new HeaderKey("Nats-Required-Api-Level");
const BATCH_NUMBERS = [NUM_PENDING, LAST_SEQUENCE];
const ALONE: readonly Uint8Array[] = [];

export class DirectGet {
  private readonly stream: StreamCore;
  private readonly subscriber: LocalSubscriber;
  private subscriptions: readonly Subscription[] = [];
  private readonly message = new Message();

  constructor(stream: StreamCore) {
    this.stream = stream;
    this.subscriber = new LocalSubscriber(stream.account, error =>
      stream.host.error(`Direct get of stream '${stream.label}' failed: ${error}`),
    );
  }

  /** Serves requests from now on, or no longer. */
  follow(isAllowed: boolean): void {
    if (isAllowed === this.subscriptions.length > 0) return;
    if (!isAllowed) {
      for (const subscription of this.subscriptions) this.subscriber.unsubscribe(subscription);
      this.subscriptions = [];
      return;
    }
    const subject = `$JS.API.DIRECT.GET.${this.stream.name}`;
    const { subscriber } = this;
    this.subscriptions = [
      subscriber.subscribe(subject, GROUP, (batch, index) => this.onRequest(batch, index))!,
      subscriber.subscribe(`${subject}.>`, GROUP, (batch, index) => this.onSubjectRequest(batch, index))!,
    ];
  }

  private onRequest(batch: MessageBatch, index: number): void {
    const reply = replyOf(batch, index);
    if (reply === null || !this.hasLevel(batch, index, reply)) return;
    const request = decodeDirectGet(batch.payload(index));
    if (typeof request === "string") this.sendStatus(reply, request);
    else this.answer(request, reply);
  }

  private onSubjectRequest(batch: MessageBatch, index: number): void {
    const reply = replyOf(batch, index);
    if (reply === null || !this.hasLevel(batch, index, reply)) return;
    const start = startOfToken(batch, index, SUBJECT_TOKEN);
    const end = batch.subjectEnd(index);
    const bodySize = batch.end(index) - batch.start(index) - Math.max(0, batch.headerSize(index));
    if (bodySize === 0 && this.stream.isOpenForReads && isValidLiteral(batch.subjectSource, start, end))
      return this.answerLast(batch.subjectSource, start, end, reply, false);
    const request = decodeDirectGetBySubject(batch.payload(index), decode(batch.subjectSource, start, end));
    if (typeof request === "string") this.sendStatus(reply, request);
    else this.answer(request, reply);
  }

  private hasLevel(batch: MessageBatch, index: number, reply: Uint8Array): boolean {
    if (batch.headerSize(index) <= 0) return true;
    const header = batch.header(index);
    const level = headerText(header, 0, header.length, REQUIRED_LEVEL);
    if (level === null || level === "" || isSupportedLevel(level)) return true;
    this.sendStatus(reply, "412 Required Api Level");
    return false;
  }

  private answer(request: MessageGetRequest, reply: Uint8Array): void {
    const { stream } = this;
    const isSingle = request.batch === 0 && request.multiLast.length === 0 && request.startTime === null && request.nextBySubject === "";
    if (isSingle && stream.isOpenForReads) {
      if (request.sequence !== 0) return this.answerSequence(sequenceOf(request.sequence), reply, request.noHeaders);
      if (!hasWildcard(request.lastBySubject)) {
        const subject = Buffer.from(request.lastBySubject);
        return this.answerLast(subject, 0, subject.length, reply, request.noHeaders);
      }
    }
    this.answerLater(request, reply);
  }

  private answerLater(request: MessageGetRequest, reply: Uint8Array): void {
    const { stream } = this;
    stream.whenOpenForReads(() => {
      const job = request.multiLast.length > 0 ? this.sendLastOfEach(request, reply) : this.sendBatch(request, reply);
      void stream.host.run(job).then(() => stream.endChangesSoon());
    });
  }

  /** Answers with the last message of a literal subject. */
  private answerLast(subject: Uint8Array, start: number, end: number, reply: Uint8Array, noHeaders: boolean): void {
    const sequence = this.stream.store.lastOf(subject, start, end);
    if (sequence === 0) return this.sendStatus(reply, "404 Message Not Found");
    if (sequence !== COLD) return this.answerSequence(sequence, reply, noHeaders);
    this.answerLater({ ...MESSAGE_GET_REQUEST.zero(), lastBySubject: decode(subject, start, end), noHeaders }, reply);
  }

  private answerSequence(sequence: number, reply: Uint8Array, noHeaders: boolean): void {
    const { message, stream } = this;
    const read = stream.store.load(sequence, message);
    if (read === Read.Cold) return this.answerLater({ ...MESSAGE_GET_REQUEST.zero(), sequence, noHeaders }, reply);
    if (read !== Read.Found) return this.sendStatus(reply, "404 Message Not Found");
    this.send(reply, message, noHeaders);
  }

  private *sendBatch(request: MessageGetRequest, reply: Uint8Array): Job<void> {
    const { message, stream } = this;
    const { store } = stream;
    // A negative number is a batch without messages, as in the reference.
    const isBatch = request.batch !== 0;
    const from = request.startTime === null ? sequenceOf(request.sequence) : yield* this.sequenceAt(request.startTime);
    const filters = request.nextBySubject === "" ? null : new SubjectFilters([request.nextBySubject]);
    let pending = 0;
    let countedUpTo = 0;
    if (isBatch) ({ messages: pending, upTo: countedUpTo } = yield* store.countFrom(from, filters, false));
    const isNamed = request.lastBySubject !== "" || (from > 0 && filters === null);
    if (!isBatch && isNamed) return yield* this.sendOne(request, from, reply);
    const bytesMax = request.bytesMax === 0 ? stream.host.pendingBytesMax : Number(request.bytesMax);
    const scan = store.scan(filters ?? ALL, Math.max(1, from));
    let sentBytes = 0;
    let passedBytes = 0;
    let lastSequence = 0;
    const most = isBatch ? Number(request.batch) : 1;
    let sent = 0;
    while (sent < most && !stream.closed) {
      const read = scan.step(message);
      if (read === Read.Cold) yield store.warm();
      else if (read === Read.Paused || read === Read.Damaged) yield PAUSE;
      else if (read === Read.Missing) break;
      else {
        // Without headers nothing says what is left, and the reference counts it only for them.
        if (isBatch && pending > 0 && !request.noHeaders) pending--;
        if (isBatch && !request.noHeaders) this.sendOfBatch(reply, message, pending, lastSequence);
        else this.send(reply, message, request.noHeaders);
        lastSequence = message.sequence;
        sent++;
        sentBytes += message.subjectSize + message.headerSize + message.payloadSize;
        if (sentBytes >= bytesMax) break;
        if (sentBytes - passedBytes >= PART_BYTES || sent % PART_MESSAGES === 0) {
          passedBytes = sentBytes;
          stream.outbox.release(store.durable);
          yield PAUSE;
        }
      }
    }
    if (sent === 0 && most > 0) return this.sendStatus(reply, "404 Message Not Found");
    if (!isBatch) return;
    // Messages that arrived meanwhile count too.
    if (store.state.lastSequence !== countedUpTo) ({ messages: pending } = yield* store.countFrom(lastSequence + 1, filters, false));
    this.sendEnd(reply, [
      [NUM_PENDING, pending],
      [LAST_SEQUENCE, lastSequence],
    ]);
  }

  /** Sends one message that is named by its sequence or its subject. */
  private *sendOne(request: MessageGetRequest, from: number, reply: Uint8Array): Job<void> {
    const { message, stream } = this;
    const { store } = stream;
    let sequence = from;
    if (request.lastBySubject !== "") sequence = yield* store.lastMatching(request.lastBySubject, store.state.lastSequence);
    let read = sequence === 0 ? Read.Missing : store.load(sequence, message);
    while (read === Read.Cold) {
      yield store.warm();
      read = store.load(sequence, message);
    }
    if (read !== Read.Found) return this.sendStatus(reply, "404 Message Not Found");
    this.send(reply, message, request.noHeaders);
  }

  /** The last message of each subject. `no_hdr` has no effect. */
  private *sendLastOfEach(request: MessageGetRequest, reply: Uint8Array): Job<void> {
    const { message, stream } = this;
    const { store } = stream;
    const { firstSequence, lastSequence } = store.state;
    let upTo = sequenceOf(request.upToSequence);
    if (request.upToTime !== null) {
      upTo = yield* this.sequenceAt(request.upToTime);
      if (upTo <= firstSequence) return this.sendStatus(reply, "404 No Results");
      upTo--;
    }
    if (upTo === 0) upTo = lastSequence;
    // As in the reference, whose file store finds nothing up to a sequence that it does not have.
    if (stream.rules.isFile && upTo > lastSequence) return this.sendStatus(reply, "404 No Results");
    const found = yield* store.lastPerSubject(request.multiLast, upTo, SUBJECTS_MAX);
    if (found === null) return this.sendStatus(reply, "413 Too Many Results");
    if (found.length === 0) return this.sendStatus(reply, "404 No Results");
    const least = sequenceOf(request.sequence);
    const bytesMax = request.bytesMax === 0 ? stream.host.pendingBytesMax : Number(request.bytesMax);
    let pending = found.length;
    let sent = 0;
    let sentBytes = 0;
    let last = 0;
    for (const sequence of found) {
      pending--;
      if (sequence < least) continue;
      let read = store.load(sequence, message);
      while (read === Read.Cold) {
        yield store.warm();
        read = store.load(sequence, message);
      }
      if (read !== Read.Found) return this.sendStatus(reply, "404 Message Not Found");
      this.sendOfBatch(reply, message, pending, last);
      last = sequence;
      sent++;
      sentBytes += message.subjectSize + message.headerSize + message.payloadSize;
      if (sentBytes >= bytesMax || (request.batch > 0 && sent >= request.batch)) break;
      yield PAUSE;
    }
    this.sendEnd(reply, [
      [NUM_PENDING, pending],
      [LAST_SEQUENCE, last],
      [UP_TO_SEQUENCE, upTo],
    ]);
  }

  private *sequenceAt(time: Timestamp): Job<number> {
    const { store } = this.stream;
    const { high, low } = setTime(new Nanoseconds(), time);
    let sequence = store.sequenceAt(high, low);
    while (sequence === COLD) {
      yield store.warm();
      sequence = store.sequenceAt(high, low);
    }
    return sequence;
  }

  /** Sends a message alone. */
  private send(reply: Uint8Array, message: Message, noHeaders: boolean): void {
    const { outbox, place } = this.stream;
    const start = outbox.begin(reply, 0, reply.length, (noHeaders ? 0 : place.bytesMax(message, ALONE)) + message.payloadSize);
    this.end(message, noHeaders ? start : place.end(outbox.target, place.write(outbox.target, start, message)));
  }

  /** Sends a message that is one of several. */
  private sendOfBatch(reply: Uint8Array, message: Message, pending: number, lastSequence: number): void {
    const { outbox, place } = this.stream;
    const start = outbox.begin(reply, 0, reply.length, place.bytesMax(message, BATCH_NUMBERS) + message.payloadSize);
    const { target } = outbox;
    let at = place.writeNumber(target, place.write(target, start, message), NUM_PENDING, pending);
    at = place.writeNumber(target, at, LAST_SEQUENCE, lastSequence);
    this.end(message, place.end(target, at));
  }

  private end({ payload, payloadEnd, payloadStart, sequence }: Message, headerEnd: number): void {
    const { outbox, store } = this.stream;
    // What is already durable need not wait for later changes.
    const gate = sequence <= store.durableSequence ? 0 : this.stream.readGate;
    outbox.end(gate, headerEnd, payload, payloadStart, payloadEnd);
    this.stream.sendSoon();
  }

  private sendStatus(reply: Uint8Array, text: DirectGetStatus): void {
    this.sendHeader(reply, statusHeader(text));
  }

  private sendEnd(reply: Uint8Array, numbers: readonly (readonly [name: Uint8Array, value: number])[]): void {
    this.sendHeader(reply, statusHeader("204 EOB", numbers));
  }

  private sendHeader(reply: Uint8Array, header: Uint8Array): void {
    const { outbox, readGate } = this.stream;
    outbox.message(readGate, reply, 0, reply.length, header, NO_BYTES, 0, 0);
    this.stream.sendSoon();
  }
}

/** null: no answer is wanted, or it would be a request. */
function replyOf(batch: MessageBatch, index: number): Uint8Array | null {
  const start = batch.replyStart(index);
  const end = batch.replyEnd(index);
  if (start === end || isJetStreamReply(batch.source, start, end)) return null;
  const reply = new Uint8Array(end - start);
  for (let at = start; at < end; at++) reply[at - start] = batch.source[at];
  return reply;
}

function startOfToken(batch: MessageBatch, index: number, token: number): number {
  const { subjectSource } = batch;
  const end = batch.subjectEnd(index);
  let at = batch.subjectStart(index);
  for (let passed = 0; passed < token && at < end; at++) if (subjectSource[at] === DOT) passed++;
  return at;
}

function hasWildcard(subject: string): boolean {
  return subject.split(".").some(token => token === "*" || token === ">");
}
