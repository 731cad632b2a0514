/**
 * A message store with strings instead of ranges of bytes, for tests: what is `Cold` is waited for and asked again, jobs are run to their end, and
 * everything that the observer hears is written down.
 */
import { Nanoseconds, nanosecondsOf } from "../../src/base/clock/nanoseconds.ts";
import type { Job } from "../../src/base/scheduling/job.ts";
import { PAUSE } from "../../src/base/scheduling/sliced.ts";
import { Message } from "../../src/store/contract/message.ts";
import {
  COLD,
  type MessageScan,
  type MessageStore,
  Read,
  RemovalReason,
  SEQUENCE_MAX,
  type StoreObserver,
  StoreRefusal,
  type SubjectPage,
} from "../../src/store/contract/message-store.ts";
import type { StoreLimits } from "../../src/store/contract/store-limits.ts";
import { SubjectFilters } from "../../src/store/contract/subject-filters.ts";
import type { ModelMessage, ModelRefusal, ModelState } from "../doubles/model-store.ts";
import { ProcessKilled } from "../doubles/process-disk.ts";
import type { StoreKind, StorePlace } from "./store-kind.ts";

const REASONS: Record<RemovalReason, string> = {
  [RemovalReason.Limit]: "limit",
  [RemovalReason.Age]: "age",
  [RemovalReason.Ttl]: "ttl",
  [RemovalReason.Request]: "request",
};

const REFUSALS: Record<StoreRefusal, ModelRefusal | "too large" | "failed" | "no space" | "closed" | null> = {
  [StoreRefusal.None]: null,
  [StoreRefusal.TooLarge]: "too large",
  [StoreRefusal.MaxMessages]: "max messages",
  [StoreRefusal.MaxBytes]: "max bytes",
  [StoreRefusal.MaxMessagesPerSubject]: "max messages per subject",
  [StoreRefusal.Failed]: "failed",
  [StoreRefusal.NoSpace]: "no space",
  [StoreRefusal.Closed]: "closed",
};

/** A header block that says the time to live, as a client's has: a store reads it again when it is opened. */
export function withTtl(header: string, ttlSeconds: number): string {
  if (ttlSeconds === 0 || header.includes("Nats-TTL")) return header;
  const lines = header === "" ? "NATS/1.0\r\n" : header.slice(0, -2);
  return `${lines}Nats-TTL: ${ttlSeconds === -1 ? "never" : ttlSeconds}\r\n\r\n`;
}

/** Runs a job to its end. */
export async function finish<T>(job: Job<T>): Promise<T> {
  while (true) {
    const step = job.next();
    if (step.done) return step.value;
    if (step.value !== PAUSE) await step.value;
  }
}

export class DrivenStore implements StoreObserver {
  /** Removals since the list was emptied: sequence, subject, reason. */
  removed: string[] = [];
  removedBelow: number[] = [];
  /** What the observer's usage adds up to. */
  usedMessages = 0;
  usedBytes = 0;
  private readonly into = new Message();
  private readonly from = new Message();
  private readonly time = new Nanoseconds();
  store!: MessageStore;
  private readonly place: StorePlace;
  /** Limits may remove messages when a store is opened, which nobody is told. */
  private isOpening = false;
  private notifyDurable = () => {};

  private constructor(place: StorePlace) {
    this.place = place;
  }

  /** Opens a new store. */
  static open(kind: StoreKind, limits: StoreLimits): Promise<DrivenStore> {
    return DrivenStore.openAt(kind.newPlace(), limits);
  }

  static async openAt(place: StorePlace, limits: StoreLimits): Promise<DrivenStore> {
    const driven = new DrivenStore(place);
    await driven.open(limits);
    return driven;
  }

  /** Closes the store and opens it again. */
  async reopen(): Promise<void> {
    await this.store.close();
    await this.open(this.store.limits);
  }

  /** Kills the process of the store when all changes are durable, and opens what it has written. */
  async kill(): Promise<void> {
    while (this.store.durable < this.store.applied) await new Promise<void>(resolve => (this.notifyDurable = resolve));
    this.place.kill();
    await this.open(this.store.limits);
  }

  private async open(limits: StoreLimits): Promise<void> {
    this.isOpening = true;
    this.store = await this.place.open(limits, this);
    this.isOpening = false;
    this.usedMessages = this.store.state.messages;
    this.usedBytes = this.store.state.bytes;
  }

  get state(): ModelState {
    const { state } = this.store;
    return {
      messages: state.messages,
      bytes: state.bytes,
      firstSequence: state.firstSequence,
      firstTime: nanosecondsOf(state.firstTimeHigh, state.firstTimeLow),
      lastSequence: state.lastSequence,
      lastTime: nanosecondsOf(state.lastTimeHigh, state.lastTimeLow),
      subjects: state.subjects,
      deleted: state.deleted,
    };
  }

  async check(subject: string, header: string, payload: string): Promise<string | null> {
    this.fill(subject, header, payload, 0n);
    return REFUSALS[(await this.hot(() => this.store.check(this.from), COLD)) as StoreRefusal];
  }

  /** @param sequence null: the next one */
  async append(
    subject: string,
    header: string,
    payload: string,
    time: bigint,
    ttlSeconds: number,
    sequence: number | null = null,
  ): Promise<number> {
    const { from, store } = this;
    this.fill(subject, header, payload, time);
    const call = () => {
      if (sequence === null) return store.append(from, ttlSeconds);
      from.sequence = sequence;
      return store.storeRaw(from, ttlSeconds);
    };
    const stored = await this.hot(call, COLD);
    from.subject.fill(0x21); // The store has copied them.
    store.flush();
    return stored;
  }

  skip(time: bigint): number {
    this.time.setBigInt(time);
    const sequence = this.store.skip(this.time.high, this.time.low);
    this.store.flush();
    return sequence;
  }

  skipRange(count: number, time: bigint): void {
    this.time.setBigInt(time);
    this.store.skipRange(this.store.state.lastSequence + 1, count, this.time.high, this.time.low);
    this.store.flush();
  }

  async remove(sequence: number): Promise<boolean> {
    const read = await this.hot(() => this.store.remove(sequence), Read.Cold);
    this.store.flush();
    return read === Read.Found;
  }

  erase(sequence: number): Promise<boolean> {
    return this.change(this.store.erase(sequence));
  }

  purge(filter: string | null, below: number, keep: number): Promise<number> {
    return this.change(this.store.purge(filter, below, keep));
  }

  compact(below: number): Promise<number> {
    return this.change(this.store.compact(below));
  }

  truncate(above: number): Promise<void> {
    return this.change(this.store.truncate(above));
  }

  expire(now: bigint, onLast: (message: ModelMessage) => void): Promise<bigint | null> {
    this.time.setBigInt(now);
    return this.change(this.store.expire(this.time.high, this.time.low, message => onLast(visible(message))));
  }

  /** For `onLast` of `expire`: appends at once. The store must not be cold. */
  appendNow(subject: string, header: string, time: bigint, ttlSeconds: number): void {
    this.fill(subject, header, "", time);
    if (this.store.append(this.from, ttlSeconds) === COLD) throw new Error("the store is cold");
  }

  reconfigure(limits: StoreLimits): Promise<void> {
    return this.change(this.store.reconfigure(limits));
  }

  async load(sequence: number): Promise<ModelMessage | null> {
    const read = await this.hot(() => this.store.load(sequence, this.into), Read.Cold);
    return read === Read.Found ? visible(this.into) : null;
  }

  lastOf(subject: string): Promise<number> {
    const bytes = Buffer.from(`..${subject}..`);
    return this.hot(() => this.store.lastOf(bytes, 2, bytes.length - 2), COLD);
  }

  totalOf(subject: string): number {
    const bytes = Buffer.from(`..${subject}..`);
    return this.store.totalOf(bytes, 2, bytes.length - 2);
  }

  lastMatching(filter: string, atMost: number): Promise<number> {
    return finish(this.store.lastMatching(filter, atMost));
  }

  sequenceAt(time: bigint): Promise<number> {
    this.time.setBigInt(time);
    return this.hot(() => this.store.sequenceAt(this.time.high, this.time.low), COLD);
  }

  /** All messages that a scan finds. */
  async scan(filters: readonly string[] | null, from: number, direction: 1 | -1): Promise<ModelMessage[]> {
    const scan = this.store.scan(filters === null ? null : new SubjectFilters(filters), from, direction);
    const found: ModelMessage[] = [];
    while (true) {
      const read = await this.hot(() => scan.step(this.into), Read.Cold);
      if (read === Read.Missing) return found;
      if (read === Read.Found) found.push(visible(this.into));
    }
  }

  /** One step of a scan, with its messages in memory. */
  step(scan: MessageScan, into: Message): Promise<Read> {
    return this.hot(() => scan.step(into), Read.Cold);
  }

  subjectTotals(filter: string): Promise<{ subject: string; messages: number }[]> {
    return this.subjectPage(filter, 0, Number.MAX_SAFE_INTEGER).then(({ totals }) => totals);
  }

  subjectPage(filter: string, skipped: number, most: number): Promise<SubjectPage> {
    return finish(this.store.subjectTotals(filter, skipped, most));
  }

  async countFrom(sequence: number, filters: readonly string[] | null, onlyLast: boolean): Promise<number> {
    const { messages, upTo } = await finish(
      this.store.countFrom(sequence, filters === null ? null : new SubjectFilters(filters), onlyLast),
    );
    if (upTo !== this.store.state.lastSequence) throw new Error(`counted up to ${upTo}`);
    return messages;
  }

  lastPerSubject(filters: readonly string[], upTo: number, most: number): Promise<number[] | null> {
    return finish(this.store.lastPerSubject(filters, upTo, most));
  }

  deleted(): Promise<number[]> {
    return finish(this.store.deleted());
  }

  // StoreObserver

  onUsage(messages: number, bytes: number): void {
    this.usedMessages += messages;
    this.usedBytes += bytes;
  }

  onRemoved(sequence: number, subject: Uint8Array, start: number, end: number, reason: RemovalReason): void {
    if (!this.isOpening) this.removed.push(`${sequence} ${text(subject, start, end)} ${REASONS[reason]}`);
  }

  onRemovedBelow(sequence: number): void {
    if (!this.isOpening) this.removedBelow.push(sequence);
  }

  onDurable(): void {
    this.notifyDurable();
  }

  onFailure(error: Error): void {
    if (error instanceof ProcessKilled) return;
    throw error;
  }

  onResumed(): void {}

  /** Fills the message to store: all parts in one buffer, as a client's read has them. */
  private fill(subject: string, header: string, payload: string, time: bigint): void {
    const { from } = this;
    const bytes = Buffer.from(`PUB ${subject} ${header}${payload}\r\n`);
    this.time.setBigInt(time);
    from.timeHigh = this.time.high;
    from.timeLow = this.time.low;
    const headerStart = 4 + Buffer.byteLength(subject) + 1;
    const payloadStart = headerStart + Buffer.byteLength(header);
    from.setSubject(bytes, 4, headerStart - 1);
    from.setHeader(bytes, headerStart, payloadStart);
    from.setPayload(bytes, payloadStart, bytes.length - 2);
  }

  private async change<T>(job: Job<T>): Promise<T> {
    const result = await finish(job);
    this.store.flush();
    return result;
  }

  private async hot<T>(call: () => T, cold: T): Promise<T> {
    for (let answer = call(); ; answer = call()) {
      if (answer !== cold) return answer;
      await this.store.warm();
    }
  }
}

/** Sequences beyond all others, for queries without an upper end. */
export const ANY_SEQUENCE = SEQUENCE_MAX;

function visible(message: Message): ModelMessage {
  return {
    sequence: message.sequence,
    subject: text(message.subject, message.subjectStart, message.subjectEnd),
    header: text(message.header, message.headerStart, message.headerEnd),
    payload: text(message.payload, message.payloadStart, message.payloadEnd),
    time: nanosecondsOf(message.timeHigh, message.timeLow),
  };
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString();
}
