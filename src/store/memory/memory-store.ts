/**
 * The memory store: a `MessageStore` without a disk. Its messages are gone with the process; nothing is ever `Cold`, and all that is applied counts as
 * durable. Files by role:
 *
 *   memory-store.ts       the contract: state, appending, removing one, reading one
 *   removal.ts            purge, compact, truncate, new limits            queries.ts   totals, last and first sequences, counts
 *   memory-expiry.ts      age, time to live, markers                      memory-scan.ts   walks with filters
 *   stored-messages.ts    the data: subject table, sequence index (segment.ts), records (record-space.ts, chunk-pool.ts)
 * Source of behaviour: formats.md §10.11 (order of limits), §10.12, §10.15.
 */
import { assert } from "../../base/assert/assert.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { HeaderKey, headerValue, headerValueEnd } from "../../messaging/header/header-read.ts";
import type { HashKey } from "../../messaging/subject/byte-hash.ts";
import type { Message } from "../contract/message.ts";
import {
  type MessageScan,
  type MessageStore,
  Read,
  RemovalReason,
  SEQUENCE_MAX,
  type StoreObserver,
  StoreRefusal,
  type SubjectPage,
} from "../contract/message-store.ts";
import type { StoreLimits } from "../contract/store-limits.ts";
import type { StoreState } from "../contract/store-state.ts";
import type { SubjectFilters } from "../contract/subject-filters.ts";
import { NO_SUBJECT } from "../subjects/subject-table.ts";
import { subjectTotals } from "../subjects/subject-totals.ts";
import type { ChunkPool } from "./chunk-pool.ts";
import { MemoryExpiry } from "./memory-expiry.ts";
import { MemoryScan } from "./memory-scan.ts";
import { countFrom, deleted, lastMatching, lastPerSubject, sequenceAt } from "./queries.ts";
import { compact, enforceLimits, purge, truncate } from "./removal.ts";
import { StoredMessages, sizeOf } from "./stored-messages.ts";

const ROLLUP = new HeaderKey("Nats-Rollup");

export class MemoryStore implements MessageStore {
  applied = 0;
  readonly failure = null;
  readonly isHolding = false;
  private readonly stored: StoredMessages;
  private readonly expiry: MemoryExpiry;
  private closed = false;

  /**
   * @param key of the subject table, secret because clients choose subjects
   * @param pool shared by the memory stores of a server
   */
  constructor(limits: StoreLimits, observer: StoreObserver, key: HashKey, pool: ChunkPool) {
    this.stored = new StoredMessages(limits, observer, key, pool);
    this.expiry = new MemoryExpiry(this.stored);
  }

  get state(): StoreState {
    return this.stored.state;
  }

  get limits(): StoreLimits {
    return this.stored.limits;
  }

  get durable(): number {
    return this.applied;
  }

  get durableSequence(): number {
    return this.stored.state.lastSequence;
  }

  /** Bytes of memory held for messages, without the subject table. */
  get bytesTaken(): number {
    return this.stored.records.bytesTaken + this.stored.index.bytesTaken;
  }

  // Writing

  check(message: Message): StoreRefusal {
    if (this.closed) return StoreRefusal.Closed;
    const { limits } = this.stored;
    return limits.discard === "new" ? this.checkRoom(message, limits) : StoreRefusal.None;
  }

  append(message: Message, ttlSeconds: number): number {
    const sequence = this.stored.state.lastSequence + 1;
    message.sequence = sequence;
    this.store(message, sequence, ttlSeconds);
    return sequence;
  }

  storeRaw(message: Message, ttlSeconds: number): number {
    const { sequence } = message;
    assert(sequence > this.stored.state.lastSequence && sequence <= SEQUENCE_MAX, "a sequence is above the last one", sequence);
    this.store(message, sequence, ttlSeconds);
    return sequence;
  }

  skip(timeHigh: number, timeLow: number): number {
    const { state } = this.stored;
    const sequence = state.lastSequence + 1;
    this.pass(sequence, 1);
    state.lastTimeHigh = timeHigh;
    state.lastTimeLow = timeLow;
    return sequence;
  }

  skipRange(first: number, count: number, timeHigh: number, timeLow: number): void {
    const { state } = this.stored;
    assert(first === state.lastSequence + 1 && count >= 1, "skipped sequences follow the last one", first, count);
    this.pass(first, count);
    if (state.lastTimeHigh !== 0 || state.lastTimeLow !== 0) return;
    state.lastTimeHigh = timeHigh;
    state.lastTimeLow = timeLow;
  }

  remove(sequence: number): Read {
    if (!this.stored.remove(sequence, RemovalReason.Request)) return Read.Missing;
    this.changed();
    return Read.Found;
  }

  // biome-ignore lint/correctness/useYield: other stores wait for their disk
  *erase(sequence: number): Job<boolean> {
    const { index, records } = this.stored;
    if (!index.seek(sequence)) return false;
    records.erase(index.segment.chunk[index.row], index.segment.offset[index.row]);
    return this.remove(sequence) === Read.Found;
  }

  *purge(filter: string | null, below: number, keep: number): Job<number> {
    return yield* purge(this.stored, filter, below, keep, this.onChange);
  }

  *compact(below: number): Job<number> {
    return yield* compact(this.stored, below, this.onChange);
  }

  *truncate(above: number): Job<void> {
    yield* truncate(this.stored, above, this.onChange);
  }

  *expire(timeHigh: number, timeLow: number, onLast: (message: Message) => void): Job<bigint | null> {
    return yield* this.expiry.expire(timeHigh, timeLow, onLast, this.onChange);
  }

  get nextExpiry(): bigint | null {
    return this.expiry.next();
  }

  setCompression(): void {}

  *reconfigure(limits: StoreLimits): Job<void> {
    this.stored.limits = limits;
    yield* enforceLimits(this.stored, this.onChange);
  }

  flush(): void {}

  // Reading

  load(sequence: number, into: Message): Read {
    if (!this.stored.index.seek(sequence)) return Read.Missing;
    this.stored.read(into);
    return Read.Found;
  }

  async warm(): Promise<void> {}

  lastOf(subject: Uint8Array, start: number, end: number): number {
    const { subjects } = this.stored;
    const id = subjects.find(subject, start, end);
    return id === NO_SUBJECT ? 0 : subjects.lastSequenceOf(id);
  }

  totalOf(subject: Uint8Array, start: number, end: number): number {
    const { subjects } = this.stored;
    const id = subjects.find(subject, start, end);
    return id === NO_SUBJECT ? 0 : subjects.totalOf(id);
  }

  scan(filters: SubjectFilters | null, from: number, direction: 1 | -1 = 1): MessageScan {
    return new MemoryScan(this.stored, filters, from, direction);
  }

  sequenceAt(timeHigh: number, timeLow: number): number {
    return sequenceAt(this.stored, timeHigh, timeLow);
  }

  lastMatching(filter: string, atMost: number): Job<number> {
    return lastMatching(this.stored, filter, atMost);
  }

  subjectTotals(filter: string, skipped: number, most: number): Job<SubjectPage> {
    return subjectTotals(this.stored, filter, skipped, most);
  }

  countFrom(sequence: number, filters: SubjectFilters | null, onlyLast: boolean): Job<{ messages: number; upTo: number }> {
    return countFrom(this.stored, sequence, filters, onlyLast);
  }

  lastPerSubject(filters: readonly string[], upTo: number, most: number): Job<number[] | null> {
    return lastPerSubject(this.stored, filters, upTo, most);
  }

  deleted(): Job<number[]> {
    return deleted(this.stored);
  }

  // Closing

  /** Gives the memory back, as nothing can be read from a closed store. The observer is told that nothing is held any more. */
  close(): Promise<void> {
    return this.destroy();
  }

  async destroy(): Promise<void> {
    this.closed = true;
    const { state } = this.stored;
    this.stored.clear();
    this.stored.setEmptyFirst(state.lastSequence + 1);
    this.changed();
  }

  /** Completes a change. */
  private readonly onChange = () => this.changed();

  private changed(): void {
    this.applied++;
    this.stored.settle();
  }

  private store(message: Message, sequence: number, ttlSeconds: number): void {
    assert(!this.closed, "nothing is stored in a closed store", sequence);
    const { stored } = this;
    const id = stored.put(message, sequence, ttlSeconds);
    if (ttlSeconds > 0) this.expiry.add(message, ttlSeconds);
    stored.applySubjectLimit(id);
    stored.applyLimits();
    this.changed();
  }

  /** Uses up sequences without messages. */
  private pass(first: number, count: number): void {
    const { state } = this.stored;
    state.lastSequence = first + count - 1;
    if (state.messages === 0) this.stored.setEmptyFirst(first + count);
    this.changed();
  }

  /**
   * Discard policy `new`. A message whose subject is at its limit replaces the oldest one of the subject, so the number of messages does not
   * matter, and the bytes only if it is larger. A roll-up may exceed the limit of its subject, because it removes the others.
   */
  private checkRoom(message: Message, limits: StoreLimits): StoreRefusal {
    const { index, records, state, subjects } = this.stored;
    const id = subjects.find(message.subject, message.subjectStart, message.subjectEnd);
    const most = limits.messagesPerSubjectMax;
    const replaces = most > 0 && id !== NO_SUBJECT && subjects.totalOf(id) >= most;
    if (replaces && limits.discardNewPerSubject && !isRollup(message)) return StoreRefusal.MaxMessagesPerSubject;
    if (limits.messagesMax > 0 && state.messages >= limits.messagesMax && !replaces) return StoreRefusal.MaxMessages;
    if (limits.bytesMax <= 0 || state.bytes + sizeOf(message) <= limits.bytesMax) return StoreRefusal.None;
    if (!replaces || !index.seek(subjects.firstSequenceOf(id))) return StoreRefusal.MaxBytes;
    const replaced = records.contentSize(index.segment.chunk[index.row], index.segment.offset[index.row]);
    return replaced < message.headerSize + message.payloadSize ? StoreRefusal.MaxBytes : StoreRefusal.None;
  }
}

function isRollup(message: Message): boolean {
  const { header, headerEnd, headerStart } = message;
  const at = headerValue(header, headerStart, headerEnd, ROLLUP);
  return at !== -1 && headerValueEnd(header, at, headerEnd) > at;
}
