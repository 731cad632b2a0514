/**
 * Takes single messages out of a file store, whoever asks for it: a client, a limit, the end of a time to live, or a purge.
 *
 *   take ─ a tombstone, if it is to be recorded ─▶ slot cleared, totals, ends of the subject ─▶ first sequence of the block, and of the store
 *                                                                                             ─▶ a block without messages is removed
 * The block of the message must be in memory: ask `canTake` first. What a limit removes is not recorded on the disk, because the next start applies
 * the limits again.
 */
import { assert } from "../../base/assert/assert.ts";
import type { Block } from "../block/block.ts";
import { type BlockData, NO_RECORD } from "../block/block-data.ts";
import { RecordView } from "../block/record-view.ts";
import type { RemovalReason, StoreObserver } from "../contract/message-store.ts";
import type { StoreState } from "../contract/store-state.ts";
import type { SequenceSet } from "../sequences/sequence-set.ts";
import { NO_SUBJECT, type SubjectTable } from "../subjects/subject-table.ts";
import type { ActiveBlock } from "./active-block.ts";
import type { BlockRemoval } from "./block-removal.ts";
import type { SubjectEnds } from "./subject-ends.ts";

/** The store whose messages are taken out. */
export interface MessagesOwner {
  readonly state: StoreState;
  readonly subjects: SubjectTable;
  readonly subjectEnds: SubjectEnds;
  readonly deleted: SequenceSet;
  /** In the order of their numbers. */
  readonly blocks: readonly Block[];
  readonly blockRemoval: BlockRemoval;
  readonly active: ActiveBlock;
  readonly observer: StoreObserver;
  blockOf(sequence: number): Block | null;
  dataOf(block: Block): BlockData | null;
  bytesAt(block: Block, data: BlockData, offset: number): Buffer;
  /** Keeps the content of a block without records in memory. */
  keepEmpty(block: Block): void;
  setFirst(sequence: number, timeHigh: number, timeLow: number): void;
  /** A block has one message less. @param size of its record; 0: it was lost by damage */
  countRemoved(block: Block, size: number): void;
  /** A subject has no message any more. */
  removeSubject(id: number): void;
}

export class MessageRemoval {
  private readonly stored: MessagesOwner;
  private readonly record = new RecordView();

  constructor(stored: MessagesOwner) {
    this.stored = stored;
  }

  /** Whether `take` can remove the message at once. */
  canTake(sequence: number): boolean {
    const { stored } = this;
    const block = stored.blockOf(sequence);
    return block === null || stored.dataOf(block) !== null;
  }

  /** Whether `take` can remove the message that is put next at once. */
  canTakeNext(): boolean {
    const { stored } = this;
    const { block } = stored.active;
    if (block.size === 0 && block.data === null) stored.keepEmpty(block);
    return stored.dataOf(block) !== null;
  }

  /** Blocks that were looked at stay until another one was read: those of the messages up to one, and that of `sequence`. All are needed at once. */
  keepInMemory(upTo: number, sequence: number): void {
    const { blocks } = this.stored;
    for (let index = 0; index < blocks.length && blocks[index].firstSequence <= upTo; index++) keep(blocks[index]);
    const block = this.stored.blockOf(sequence);
    if (block !== null) keep(block);
  }

  /** Removes a message that is there and whose block is in memory. @param isRecorded on the disk, by a tombstone */
  take(sequence: number, reason: RemovalReason, isRecorded: boolean): void {
    const { stored } = this;
    const { observer, subjects } = stored;
    const id = this.takeOut(sequence, isRecorded);
    if (id === NO_SUBJECT) return;
    const start = subjects.startOf(id);
    observer.onRemoved(sequence, subjects.bytesOf(id), start, start + subjects.sizeOf(id), reason);
    if (subjects.totalOf(id) === 0) stored.removeSubject(id);
  }

  /** The same without a report to the observer. */
  takeQuietly(sequence: number, isRecorded: boolean): void {
    const id = this.takeOut(sequence, isRecorded);
    this.endSubject(id);
  }

  /** Takes the last message out, which is in memory: its sequence will be given back. The first one and the list of blocks stay as they are. */
  takeLast(block: Block, data: BlockData, sequence: number): void {
    const id = this.uncount(block, data, sequence);
    this.endSubject(id);
  }

  /** Takes a message out. Its subject stays in the table, even without messages. @returns the subject; `NO_SUBJECT`: the message was lost by damage */
  private takeOut(sequence: number, isRecorded: boolean): number {
    const { record, stored } = this;
    const { active, deleted, state } = stored;
    const block = stored.blockOf(sequence)!;
    const data = block.data!;
    const offset = data.offsetOf(sequence);
    if (isRecorded && offset !== NO_RECORD) {
      record.read(stored.bytesAt(block, data, offset), offset, data.size);
      active.appendTombstone(sequence, record.timeHigh, record.timeLow);
    } else if (isRecorded) active.appendTombstone(sequence, block.lastTimeHigh, block.lastTimeLow);
    const id = this.uncount(block, data, sequence);
    if (sequence !== state.firstSequence) deleted.add(sequence);
    if (sequence === block.firstSequence) this.advanceFirstOf(block, sequence);
    if (sequence === state.firstSequence) this.moveFirst();
    else if (block.messages === 0) stored.blockRemoval.removeIfUnneeded(block);
    return id;
  }

  /** Takes a message out of all totals. @returns the subject; `NO_SUBJECT`: the message was lost by damage */
  private uncount(block: Block, data: BlockData, sequence: number): number {
    const { record, stored } = this;
    const offset = data.offsetOf(sequence);
    const id = offset === NO_RECORD ? NO_SUBJECT : data.subjectOf(sequence);
    let size = 0;
    if (id !== NO_SUBJECT) {
      record.read(stored.bytesAt(block, data, offset), offset, data.size);
      size = record.size;
      data.clearSlot(sequence);
      stored.subjectEnds.forget(id, block, sequence);
    }
    stored.countRemoved(block, size);
    return id;
  }

  private endSubject(id: number): void {
    const { stored } = this;
    if (id !== NO_SUBJECT && stored.subjects.totalOf(id) === 0) stored.removeSubject(id);
  }

  /** The first message of a block, which is in memory, was removed. */
  private advanceFirstOf(block: Block, sequence: number): void {
    if (block.messages === 0) return;
    const { record, stored } = this;
    const data = block.data!;
    const next = stored.deleted.nextMissing(sequence + 1);
    block.firstSequence = next;
    const offset = data.offsetOf(next);
    if (offset === NO_RECORD) return;
    record.read(stored.bytesAt(block, data, offset), offset, data.size);
    block.firstTimeHigh = record.timeHigh;
    block.firstTimeLow = record.timeLow;
  }

  /** The first message was removed: the next one that is left becomes the first. Blocks before it are removed. */
  private moveFirst(): void {
    const { stored } = this;
    const { active, blockRemoval, deleted, state } = stored;
    if (state.messages === 0) {
      stored.setFirst(state.lastSequence + 1, 0, 0);
      deleted.clear();
      while (stored.blocks[0] !== active.block) blockRemoval.remove(stored.blocks[0]);
      return;
    }
    const first = deleted.nextMissing(state.firstSequence + 1);
    if (first > state.firstSequence + 1) deleted.removeSpan(state.firstSequence, first - 1);
    const block = stored.blockOf(first)!;
    assert(block.firstSequence === first, "a block knows its first message", first, block.firstSequence);
    stored.setFirst(first, block.firstTimeHigh, block.firstTimeLow);
    while (stored.blocks[0].messages === 0) blockRemoval.remove(stored.blocks[0]);
  }
}

function keep({ data }: Block): void {
  if (data !== null) data.isAwaited = true;
}
