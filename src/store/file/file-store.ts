/**
 * The file store: a `MessageStore` in the format of nats-server's message blocks. Files by role:
 *
 *   file-store.ts        the contract: checking, appending, removing one, reading one
 *   stored-blocks.ts     the data: blocks, subjects, deleted sequences        active-block.ts     encoding and writing
 *   message-removal.ts   taking single messages out                           message-reading.ts  reading one
 *   file-removal.ts      purge, compact, erase, new limits                    block-loader.ts     reading blocks
 *   file-truncation.ts   giving sequences back                                full-disk.ts        waiting for room
 *   file-queries.ts      totals, last sequences, counts                       file-scan.ts        walks with filters
 *   file-expiry.ts       age, time to live, markers                           recovery.ts         opening what is on the disk
 * A message that is appended is applied at once; it is written with the others of the turn (`flush`), and durable when the disk says so.
 */
import { assert } from "../../base/assert/assert.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { HeaderKey, headerValue, headerValueEnd } from "../../messaging/header/header-read.ts";
import { sizeOf } from "../block/record-writer.ts";
import { STAGED_RECORD_BYTES_MAX } from "../block/staging-arena.ts";
import type { Message } from "../contract/message.ts";
import {
  COLD,
  type MessageScan,
  type MessageStore,
  NOT_STORED,
  RECORD_BYTES_MAX,
  Read,
  RemovalReason,
  SEQUENCE_MAX,
  StoreRefusal,
  type SubjectPage,
} from "../contract/message-store.ts";
import type { StoreLimits } from "../contract/store-limits.ts";
import type { StoreState } from "../contract/store-state.ts";
import type { SubjectFilters } from "../contract/subject-filters.ts";
import { NO_SUBJECT } from "../subjects/subject-table.ts";
import { subjectTotals } from "../subjects/subject-totals.ts";
import { FileExpiry } from "./file-expiry.ts";
import { countFrom, deletedSequences, lastMatching, lastPerSubject, sequenceAt } from "./file-queries.ts";
import { compact, enforceLimits, erase, purge } from "./file-removal.ts";
import { FileScan } from "./file-scan.ts";
import { truncate } from "./file-truncation.ts";
import { StoreUpkeep } from "./store-upkeep.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

const ROLLUP = new HeaderKey("Nats-Rollup");

export class FileStore implements MessageStore {
  private readonly stored: StoredBlocks;
  private readonly expiry: FileExpiry;
  private readonly upkeep: StoreUpkeep;
  private closed = false;
  /** The last sequence of everything that was written, and the position of that write, oldest first. */
  private readonly written: { readonly position: number; readonly sequence: number }[] = [];
  durableSequence: number;
  /** Jobs that apply new limits. */
  private enforcing = 0;

  /** Use `openFileStore`. */
  constructor(stored: StoredBlocks) {
    this.stored = stored;
    this.expiry = new FileExpiry(stored);
    this.durableSequence = stored.state.lastSequence;
    this.upkeep = new StoreUpkeep(stored);
    this.upkeep.start();
  }

  get state(): StoreState {
    return this.stored.state;
  }

  get limits(): StoreLimits {
    return this.stored.limits;
  }

  get applied(): number {
    return this.stored.applied;
  }

  get durable(): number {
    const { line } = this.stored;
    return this.isRelaxed ? this.stored.applied : line.durable;
  }

  get failure(): Error | null {
    return this.stored.failure;
  }

  get isHolding(): boolean {
    return this.stored.active.isHolding;
  }

  private get isRelaxed(): boolean {
    return this.stored.options.relaxed !== null;
  }

  // Writing

  check(message: Message): StoreRefusal | typeof COLD {
    const { stored } = this;
    if (this.closed) return StoreRefusal.Closed;
    if (stored.failure !== null) return StoreRefusal.Failed;
    const size = sizeOf(message);
    if (size > RECORD_BYTES_MAX) return StoreRefusal.TooLarge;
    if (stored.fullDisk.isFull && !stored.active.hasReserved(size)) return StoreRefusal.NoSpace;
    if (size > STAGED_RECORD_BYTES_MAX && stored.parts.disk.space(stored.options.directory).freeBytes < size) return StoreRefusal.NoSpace;
    return stored.limits.discard === "new" ? this.checkRoom(message, size) : StoreRefusal.None;
  }

  append(message: Message, ttlSeconds: number): number {
    const { stored } = this;
    const size = sizeOf(message);
    if (!this.canRemove(message, size)) return COLD;
    message.sequence = stored.state.lastSequence + 1;
    try {
      this.store(message, size, ttlSeconds);
    } catch (error) {
      stored.onFailure(error as Error);
    }
    // A full block, or a large message, is written at once.
    return stored.failure === null ? message.sequence : NOT_STORED;
  }

  storeRaw(message: Message, ttlSeconds: number): number {
    const { state } = this.stored;
    const { sequence } = message;
    assert(sequence > state.lastSequence && sequence <= SEQUENCE_MAX, "a sequence is above the last one", sequence);
    const size = sizeOf(message);
    if (!this.canRemove(message, size)) return COLD;
    if (sequence > state.lastSequence + 1) this.passTo(sequence - 1, message.timeHigh, message.timeLow);
    this.store(message, size, ttlSeconds);
    return sequence;
  }

  skip(timeHigh: number, timeLow: number): number {
    const sequence = this.stored.state.lastSequence + 1;
    this.passTo(sequence, timeHigh, timeLow);
    this.stored.settle();
    return sequence;
  }

  skipRange(first: number, count: number, timeHigh: number, timeLow: number): void {
    const { state } = this.stored;
    assert(first === state.lastSequence + 1 && count >= 1, "skipped sequences follow the last one", first, count);
    const isFirst = state.lastTimeHigh === 0 && state.lastTimeLow === 0;
    if (isFirst) this.passTo(first + count - 1, timeHigh, timeLow);
    else this.passTo(first + count - 1, state.lastTimeHigh, state.lastTimeLow);
    this.stored.settle();
  }

  remove(sequence: number): Read {
    const { stored } = this;
    if (!stored.has(sequence)) return Read.Missing;
    if (!stored.messageRemoval.canTake(sequence)) return Read.Cold;
    stored.messageRemoval.take(sequence, RemovalReason.Request, true);
    stored.settle();
    return Read.Found;
  }

  erase(sequence: number): Job<boolean> {
    return this.frozenByError(erase(this.stored, sequence));
  }

  purge(filter: string | null, below: number, keep: number): Job<number> {
    return this.frozenByError(purge(this.stored, filter, below, keep));
  }

  compact(below: number): Job<number> {
    return this.frozenByError(compact(this.stored, below));
  }

  truncate(above: number): Job<void> {
    return truncate(this.stored, above);
  }

  expire(timeHigh: number, timeLow: number, onLast: (message: Message) => void): Job<bigint | null> {
    return this.frozenByError(this.expiry.expire(timeHigh, timeLow, onLast));
  }

  get nextExpiry(): bigint | null {
    return this.expiry.next();
  }

  *reconfigure(limits: StoreLimits): Job<void> {
    this.stored.limits = limits;
    this.enforcing++;
    yield* this.frozenByError(enforceLimits(this.stored));
    this.enforcing--;
  }

  setCompression(compressed: boolean): void {
    const { stored } = this;
    stored.compressed = compressed;
    stored.rewriting.addAll();
  }

  /** Resolves when the complete blocks have the form that the configuration asks for. */
  rewritten(): Promise<void> {
    return this.stored.rewriting.idle();
  }

  /** Does now what is done every two minutes: rewrites sparse blocks, and brings the files that describe the store up to date. */
  tidy(): Promise<void> {
    return this.upkeep.run();
  }

  flush(): void {
    const { stored } = this;
    const { active, line, state } = stored;
    if (stored.failure !== null || this.closed) return;
    active.write();
    if (stored.failure !== null) return;
    if (stored.applied > line.registered) line.advance(stored.applied);
    const last = this.written.at(-1);
    if (last === undefined || last.position < stored.applied) {
      this.written.push({ position: stored.applied, sequence: state.lastSequence });
      stored.marks.noteWritten(stored.applied, active.block.index, active.block.size, active.lengths, state.lastSequence);
    }
    this.noteDurable();
  }

  /** Called by the commit line. */
  onDurable(): void {
    this.noteDurable();
    this.stored.observer.onDurable();
  }

  private noteDurable(): void {
    const { written } = this;
    const { durable } = this;
    this.stored.marks.onDurable(this.stored.line.durable);
    this.stored.endDurableWaits();
    let count = 0;
    while (count < written.length && written[count].position <= durable) count++;
    if (count === 0) return;
    this.durableSequence = Math.max(this.durableSequence, written[count - 1].sequence);
    written.splice(0, count);
  }

  // Reading

  load(sequence: number, into: Message): Read {
    return this.stored.reading.load(sequence, into);
  }

  warm(): Promise<void> {
    return this.stored.loader.warm();
  }

  lastOf(subject: Uint8Array, start: number, end: number): number | typeof COLD {
    const { stored } = this;
    const id = stored.subjects.find(subject, start, end);
    return id === NO_SUBJECT ? 0 : stored.subjectEnds.lastOf(id);
  }

  totalOf(subject: Uint8Array, start: number, end: number): number {
    const { subjects } = this.stored;
    const id = subjects.find(subject, start, end);
    return id === NO_SUBJECT ? 0 : subjects.totalOf(id);
  }

  scan(filters: SubjectFilters | null, from: number, direction: 1 | -1 = 1): MessageScan {
    return new FileScan(this.stored, filters, from, direction);
  }

  sequenceAt(timeHigh: number, timeLow: number): number | typeof COLD {
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
    return deletedSequences(this.stored);
  }

  // Internal

  /** An error of the disk within a job freezes the store. */
  private *frozenByError<T>(job: Job<T>): Job<T> {
    try {
      return yield* job;
    } catch (error) {
      this.stored.onFailure(error as Error);
      throw error;
    }
  }

  private store(message: Message, size: number, ttlSeconds: number): void {
    assert(!this.closed && this.stored.failure === null, "nothing is stored in a closed or frozen store", message.sequence);
    const { stored } = this;
    const id = stored.put(message, size);
    this.expiry.add(message, ttlSeconds);
    this.removeOld(id);
    stored.settle();
  }

  private passTo(last: number, timeHigh: number, timeLow: number): void {
    this.stored.putGap(last, timeHigh, timeLow);
  }

  /**
   * Whether everything that the message would push out can be removed at once. While new limits are applied, that is one message of its subject:
   * the job removes the rest.
   */
  private canRemove(message: Message, size: number): boolean {
    const { stored } = this;
    const { deleted, limits, state, subjects } = stored;
    const { bytesMax, discard, messagesMax, messagesPerSubjectMax: most } = limits;
    let excess = messagesMax > 0 ? state.messages + 1 - messagesMax : 0;
    let excessBytes = bytesMax > 0 ? state.bytes + size - bytesMax : 0;
    let replaced = 0;
    if (most > 0) {
      const id = subjects.find(message.subject, message.subjectStart, message.subjectEnd);
      if (id !== NO_SUBJECT && subjects.totalOf(id) >= most) {
        replaced = stored.subjectEnds.firstOf(id);
        if (replaced === COLD) return false;
        const replacedSize = replaced === 0 ? 0 : stored.reading.sizeOf(replaced);
        if (replacedSize === COLD) return false;
        excess--;
        excessBytes -= replacedSize;
      }
    }
    if (discard !== "old" || this.enforcing > 0) return true;
    let at = state.firstSequence;
    let isCold = false;
    for (; (excess > 0 || excessBytes > 0) && at <= state.lastSequence; at = deleted.nextMissing(at + 1)) {
      if (at === replaced) continue;
      const freed = stored.reading.sizeOf(at);
      isCold = freed === COLD;
      if (isCold) break;
      excess--;
      excessBytes -= freed;
    }
    // What is left of the excess is the message itself, which then goes out of the active block.
    if (!isCold && (excess > 0 || excessBytes > 0)) isCold = !stored.messageRemoval.canTakeNext();
    if (isCold) stored.messageRemoval.keepInMemory(at, replaced);
    return !isCold;
  }

  /** Removes what is above the limits, the oldest first: of the subject, then by number, then by bytes. `canRemove` has agreed. */
  private removeOld(id: number): void {
    const { stored } = this;
    const { limits, state, subjects } = stored;
    const { bytesMax, discard, messagesMax, messagesPerSubjectMax: most } = limits;
    if (most > 0 && subjects.totalOf(id) > most) {
      const first = stored.subjectEnds.firstOf(id) as number;
      if (first < state.lastSequence) stored.messageRemoval.take(first, RemovalReason.Limit, false);
      else subjects.setTotal(id, 1); // damage has taken all that were counted before
    }
    if (discard !== "old" || this.enforcing > 0) return;
    while ((messagesMax > 0 && state.messages > messagesMax) || (bytesMax > 0 && state.bytes > bytesMax)) {
      stored.messageRemoval.take(state.firstSequence, RemovalReason.Limit, false);
    }
  }

  /** Discard policy `new`, as in the memory store. */
  private checkRoom(message: Message, size: number): StoreRefusal | typeof COLD {
    const { stored } = this;
    const { limits, state, subjects } = stored;
    const id = subjects.find(message.subject, message.subjectStart, message.subjectEnd);
    const most = limits.messagesPerSubjectMax;
    const replaces = most > 0 && id !== NO_SUBJECT && subjects.totalOf(id) >= most;
    if (replaces && limits.discardNewPerSubject && !isRollup(message)) return StoreRefusal.MaxMessagesPerSubject;
    if (limits.messagesMax > 0 && state.messages >= limits.messagesMax && !replaces) return StoreRefusal.MaxMessages;
    if (limits.bytesMax <= 0 || state.bytes + size <= limits.bytesMax) return StoreRefusal.None;
    if (!replaces) return StoreRefusal.MaxBytes;
    const first = stored.subjectEnds.firstOf(id);
    if (first === COLD) return COLD;
    if (first === 0) return StoreRefusal.MaxBytes;
    const content = stored.reading.contentSizeOf(first);
    if (content === COLD) return COLD;
    return content < message.headerSize + message.payloadSize ? StoreRefusal.MaxBytes : StoreRefusal.None;
  }

  // Closing

  async close(): Promise<void> {
    if (this.closed) return;
    this.flush();
    this.closed = true;
    const { stored } = this;
    if (stored.active.isHolding) stored.giveUpWaits(new Error("the store is closed"));
    await this.upkeep.stop();
    await stored.rewriting.stop();
    stored.fullDisk.stop();
    // What a full disk does not take was acknowledged to nobody.
    if (stored.failure === null && stored.active.retry()) await this.complete();
    stored.close();
  }

  private async complete(): Promise<void> {
    const { stored } = this;
    try {
      await stored.line.drain();
      await stored.saveState();
    } catch (error) {
      stored.onFailure(error as Error);
    }
  }

  async destroy(): Promise<void> {
    this.closed = true;
    const { stored } = this;
    void this.upkeep.stop();
    stored.close();
    await stored.rewriting.stop();
    await stored.parts.run(stored.removeDirectory());
  }
}

function isRollup(message: Message): boolean {
  const { header, headerEnd, headerStart } = message;
  const at = headerValue(header, headerStart, headerEnd, ROLLUP);
  return at !== -1 && headerValueEnd(header, at, headerEnd) > at;
}
