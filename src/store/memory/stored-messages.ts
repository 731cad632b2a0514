/**
 * What a memory store holds, and the two changes that everything is made of: `put` a message behind all others, `take` one out.
 *
 *   subject ─▶ SubjectTable: id, total, first and last sequence ────┐
 *   sequence ─▶ SequenceIndex: chunk, offset, id, next, previous ───┴─▶ RecordSpace: times, header, payload
 * The messages of a subject form a list in both directions (`next`, `previous` in the index), so the first and the last message of a subject are
 * known after every removal, whichever message it was; limits per subject and last-by-subject never search.
 * Invariants: a subject in the table has messages; its list, the index and the records have the same messages; `state` describes them.
 */
import { compareTimes } from "../../base/clock/nanoseconds.ts";
import { Random } from "../../base/random/random.ts";
import type { HashKey } from "../../messaging/subject/byte-hash.ts";
import type { Message } from "../contract/message.ts";
import { RemovalReason, type StoreObserver } from "../contract/message-store.ts";
import type { StoreLimits } from "../contract/store-limits.ts";
import { StoreState } from "../contract/store-state.ts";
import { Deadlines } from "../expiry/deadlines.ts";
import { SubjectOrder } from "../subjects/subject-order.ts";
import { SubjectTable } from "../subjects/subject-table.ts";
import type { ChunkPool } from "./chunk-pool.ts";
import { type RecordOwner, RecordSpace } from "./record-space.ts";
import { SequenceIndex } from "./sequence-index.ts";

/** What a message counts besides subject, header and payload: its sequence and time. Source: formats.md §10.15. */
const MESSAGE_OVERHEAD_BYTES = 16;

export class StoredMessages implements RecordOwner {
  readonly state = new StoreState();
  readonly index = new SequenceIndex();
  readonly records: RecordSpace;
  /** Ends of messages' own times to live. */
  readonly deadlines = new Deadlines(this);
  subjects: SubjectTable;
  /** The subjects by their bytes, for queries with wildcards. */
  order: SubjectOrder;
  /** Rises whenever a subject loses its id. */
  subjectRemovals = 0;
  /** Rises whenever sequences are given back, see `MessageStore.truncate`. */
  rewinds = 0;
  /** Changes of messages and bytes that the observer was not told yet. */
  private newMessages = 0;
  private newBytes = 0;

  constructor(
    public limits: StoreLimits,
    readonly observer: StoreObserver,
    private readonly key: HashKey,
    pool: ChunkPool,
  ) {
    this.records = new RecordSpace(pool, this);
    this.subjects = new SubjectTable(key);
    this.order = this.newOrder();
  }

  has(sequence: number): boolean {
    return this.index.seek(sequence);
  }

  /** Stores a copy of a message at a sequence above the last one. Limits are not applied. @returns the id of its subject */
  put(message: Message, sequence: number, ttlSeconds: number): number {
    const { index, records, state, subjects } = this;
    const id = subjects.findOrAdd(message.subject, message.subjectStart, message.subjectEnd);
    const size = sizeOf(message);
    const previous = subjects.lastSequenceOf(id);
    if (previous !== 0) {
      index.seek(previous);
      index.segment.next[index.row] = sequence;
    }
    const offset = records.write(message, sequence, ttlSeconds);
    index.add(sequence);
    const { row, segment } = index;
    segment.chunk[row] = records.written;
    segment.offset[row] = offset;
    segment.subject[row] = id;
    segment.next[row] = 0;
    segment.previous[row] = previous;
    subjects.noteStored(id, 0, sequence, size);
    if (state.messages === 0) {
      state.firstSequence = sequence;
      state.firstTimeHigh = message.timeHigh;
      state.firstTimeLow = message.timeLow;
    }
    state.messages++;
    state.bytes += size;
    state.lastSequence = sequence;
    state.lastTimeHigh = message.timeHigh;
    state.lastTimeLow = message.timeLow;
    this.newMessages++;
    this.newBytes += size;
    return id;
  }

  /** Takes a message out and reports it. @returns false: there is none */
  remove(sequence: number, reason: RemovalReason): boolean {
    if (!this.index.seek(sequence)) return false;
    const id = this.index.segment.subject[this.index.row];
    const { subjects } = this;
    const isLast = subjects.totalOf(id) === 1;
    this.take(id, sequence);
    const start = subjects.startOf(id);
    this.observer.onRemoved(sequence, subjects.bytesOf(id), start, start + subjects.sizeOf(id), reason);
    if (isLast) this.removeSubject(id);
    return true;
  }

  /** Takes the message out that the index stands on, without a report. */
  removeQuietly(): void {
    const { index, subjects } = this;
    const id = index.segment.subject[index.row];
    this.take(id, index.sequence);
    if (subjects.totalOf(id) === 0) this.removeSubject(id);
  }

  /** Removes the oldest messages until the store is within its limits. */
  applyLimits(): void {
    const { limits, state } = this;
    if (limits.discard !== "old") return;
    while (limits.messagesMax > 0 && state.messages > limits.messagesMax) this.remove(state.firstSequence, RemovalReason.Limit);
    while (limits.bytesMax > 0 && state.bytes > limits.bytesMax) this.remove(state.firstSequence, RemovalReason.Limit);
  }

  /** Removes the oldest messages of a subject that are above its limit. */
  applySubjectLimit(id: number): void {
    const { messagesPerSubjectMax: most } = this.limits;
    if (most <= 0) return;
    const { subjects } = this;
    while (subjects.totalOf(id) > most) this.remove(subjects.firstSequenceOf(id), RemovalReason.Limit);
  }

  /** Forgets all messages at once. Sequences stay. */
  clear(): void {
    const { state } = this;
    this.newMessages -= state.messages;
    this.newBytes -= state.bytes;
    this.index.clear();
    this.records.clear();
    this.deadlines.clear();
    this.subjects = new SubjectTable(this.key);
    this.order = this.newOrder();
    this.subjectRemovals++;
    state.messages = 0;
    state.bytes = 0;
  }

  /** Ends a change: reclaims memory, completes the state, and reports what the store holds more or less. */
  settle(): void {
    const { observer, records, state } = this;
    if (records.wasteful) records.compact();
    state.subjects = this.subjects.size;
    state.deleted = state.firstSequence === 0 ? 0 : state.lastSequence - state.firstSequence + 1 - state.messages;
    const { newBytes, newMessages } = this;
    this.newMessages = 0;
    this.newBytes = 0;
    if (newMessages !== 0 || newBytes !== 0) observer.onUsage(newMessages, newBytes);
  }

  /** Sets the first sequence to that of the first message at or above a sequence; the last one plus 1: there is none. */
  advanceFirst(from: number): void {
    const { index, records, state } = this;
    if (state.messages > 0 && index.seekAtOrAfter(from)) {
      const { row, segment } = index;
      state.firstSequence = index.sequence;
      state.firstTimeHigh = records.timeHigh(segment.chunk[row], segment.offset[row]);
      state.firstTimeLow = records.timeLow(segment.chunk[row], segment.offset[row]);
    } else this.setEmptyFirst(state.lastSequence + 1);
  }

  setEmptyFirst(sequence: number): void {
    const { state } = this;
    state.firstSequence = sequence;
    state.firstTimeHigh = 0;
    state.firstTimeLow = 0;
  }

  /** Reads the message that the index stands on. */
  read(into: Message): void {
    const { row, segment } = this.index;
    this.records.read(segment.chunk[row], segment.offset[row], into);
    this.readSubject(segment.subject[row], into);
  }

  readSubject(id: number, into: Message): void {
    const { subjects } = this;
    const start = subjects.startOf(id);
    into.setSubject(subjects.bytesOf(id), start, start + subjects.sizeOf(id));
  }

  /** Compares the time of the message that the index stands on with another one. Negative: it is earlier. */
  compareTime(timeHigh: number, timeLow: number): number {
    const { row, segment } = this.index;
    const chunk = segment.chunk[row];
    const offset = segment.offset[row];
    return compareTimes(this.records.timeHigh(chunk, offset), this.records.timeLow(chunk, offset), timeHigh, timeLow);
  }

  /** The time to live of the message that the index stands on, as `MessageStore.append` got it. */
  ttl(): number {
    const { row, segment } = this.index;
    return this.records.ttl(segment.chunk[row], segment.offset[row]);
  }

  private newOrder(): SubjectOrder {
    // As secret as the key.
    return new SubjectOrder(this.subjects, new Random(this.key.first));
  }

  private removeSubject(id: number): void {
    this.subjects.remove(id);
    this.subjectRemovals++;
  }

  // For RecordSpace

  isLive(sequence: number, chunk: number, offset: number): boolean {
    const { index } = this;
    return index.seek(sequence) && index.segment.chunk[index.row] === chunk && index.segment.offset[index.row] === offset;
  }

  onMoved(sequence: number, chunk: number, offset: number): void {
    const { index } = this;
    index.seek(sequence);
    index.segment.chunk[index.row] = chunk;
    index.segment.offset[index.row] = offset;
  }

  /** Takes the message out that the index stands on. Its subject stays in the table, even without messages. */
  private take(id: number, sequence: number): void {
    const { index, records, state, subjects } = this;
    const { row, segment } = index;
    const chunk = segment.chunk[row];
    const offset = segment.offset[row];
    const next = segment.next[row];
    const previous = segment.previous[row];
    const size = subjects.sizeOf(id) + records.contentSize(chunk, offset) + MESSAGE_OVERHEAD_BYTES;
    records.free(chunk, offset);
    index.remove();
    if (previous === 0) subjects.setFirstSequence(id, next);
    else {
      index.seek(previous);
      index.segment.next[index.row] = next;
    }
    if (next === 0) subjects.setLastSequence(id, previous);
    else {
      index.seek(next);
      index.segment.previous[index.row] = previous;
    }
    subjects.addToTotal(id, -1);
    state.messages--;
    state.bytes -= size;
    this.newMessages--;
    this.newBytes -= size;
    if (sequence === state.firstSequence) this.advanceFirst(sequence + 1);
  }
}

/** What a message counts. */
export function sizeOf(message: Message): number {
  const { headerEnd, headerStart, payloadEnd, payloadStart, subjectEnd, subjectStart } = message;
  return subjectEnd - subjectStart + (headerEnd - headerStart) + (payloadEnd - payloadStart) + MESSAGE_OVERHEAD_BYTES;
}
