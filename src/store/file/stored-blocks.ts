/**
 * What a file store holds: its blocks, the index of subjects, the deleted sequences, and the small changes that everything is made of.
 *
 *   sequence ─ binary search ─▶ Block ─ data in memory? ─▶ slot ─▶ record         not in memory: `Cold`, and the block is read in the background
 *   subject ─▶ SubjectTable: total, first and last block, first and last sequence (0: not known since the start), size of the last record
 * `deleted` has the sequences from the first to the last one that hold no message, whatever block they are in.
 * A change of the store has one position; the records that it writes belong to it. `applied` rises when it is complete.
 * Invariants: a subject in the table has messages; a block's `messages` and `bytes` describe those that are left; slots of deleted messages in
 * memory are empty.
 */
import { assert } from "../../base/assert/assert.ts";
import { removeTree } from "../../base/disk/remove-tree.ts";
import { Random } from "../../base/random/random.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { Block } from "../block/block.ts";
import { type BlockData, NO_RECORD } from "../block/block-data.ts";
import { HashKey } from "../block/hash-key.ts";
import type { LengthsChecksum } from "../block/lengths-checksum.ts";
import { RecordView } from "../block/record-view.ts";
import { RecordWriter } from "../block/record-writer.ts";
import type { CommitLine } from "../commit/commit-line.ts";
import type { Message } from "../contract/message.ts";
import { COLD, Read, type RemovalReason, type StoreObserver } from "../contract/message-store.ts";
import type { StoreLimits } from "../contract/store-limits.ts";
import { StoreState } from "../contract/store-state.ts";
import { Deadlines } from "../expiry/deadlines.ts";
import { SequenceSet } from "../sequences/sequence-set.ts";
import { SubjectOrder } from "../subjects/subject-order.ts";
import { NO_SUBJECT, SubjectTable } from "../subjects/subject-table.ts";
import { ActiveBlock, type BlockOwner } from "./active-block.ts";
import { BlockFiles } from "./block-files.ts";
import { BlockLoader } from "./block-loader.ts";
import { BlockRewriting } from "./block-rewriting.ts";
import { DurableMarks } from "./durable-marks.ts";
import { MARK_FILE, MarkFile } from "./mark-file.ts";
import { StateSaving } from "./state-saving.ts";
import type { StoreOptions, StoreParts } from "./store-parts.ts";

const CHECKSUM_BYTES = 8;
/** How often a store looks for room while the disk is full. */
const ROOM_INTERVAL_MS = 1000;

export class StoredBlocks implements BlockOwner {
  readonly parts: StoreParts;
  readonly options: StoreOptions;
  readonly observer: StoreObserver;
  readonly state = new StoreState();
  subjects: SubjectTable;
  /** The subjects by their bytes, for queries with wildcards. */
  order: SubjectOrder;
  readonly deleted = new SequenceSet();
  /** Ends of messages' own times to live. While blocks are recovered, nothing is dropped, because it is not known yet what is there. */
  readonly deadlines = new Deadlines({ has: sequence => this.state.lastSequence === 0 || this.has(sequence) });
  readonly loader: BlockLoader;
  readonly files: BlockFiles;
  readonly rewriting: BlockRewriting;
  readonly marks: DurableMarks;
  readonly saving: StateSaving;
  /** Complete blocks are to be compressed. */
  compressed: boolean;
  line!: CommitLine;
  active!: ActiveBlock;
  /** In the order of their numbers; the last one is active. */
  blocks: Block[] = [];
  limits: StoreLimits;
  applied = 0;
  /** The disk is full. */
  isFull = false;
  failure: Error | null = null;
  private closed = false;
  /** Waits of `whenDurable`. */
  private readonly waits = new Set<(error: Error) => void>();
  /** Waits of `written`. */
  private readonly roomWaits: (() => void)[] = [];
  /** Of a block. */
  private lastNumber = 0;
  /** Rises whenever a subject loses its id. */
  subjectRemovals = 0;
  /** Rises whenever sequences are given back. */
  rewinds = 0;
  /** The block of the last look-up. */
  private found: Block | null = null;
  private readonly record = new RecordView();
  /** Removed blocks whose files are still there; null: files go by themselves. */
  private dropped: Block[] | null = null;
  private newMessages = 0;
  private newBytes = 0;

  constructor(parts: StoreParts, options: StoreOptions, limits: StoreLimits, observer: StoreObserver) {
    this.parts = parts;
    this.options = options;
    this.limits = limits;
    this.observer = observer;
    this.subjects = new SubjectTable(parts.subjectKey);
    this.order = this.newOrder();
    this.loader = new BlockLoader(this);
    this.files = new BlockFiles(parts, options);
    this.rewriting = new BlockRewriting(this);
    this.compressed = options.compressed;
    this.saving = new StateSaving(this);
    this.marks = new DurableMarks(new MarkFile(parts.disk, parts.files, `${options.directory}/msgs/${MARK_FILE}`));
  }

  /** Forgets what was read, so that it can be read in another way. */
  reset(): void {
    Object.assign(this.state, new StoreState());
    this.subjects = new SubjectTable(this.parts.subjectKey);
    this.order = this.newOrder();
    this.deleted.clear();
    this.deadlines.clear();
    for (const block of this.blocks) this.retire(block);
    this.active?.close();
    this.blocks = [];
    this.found = null;
    this.dropped = null;
    this.forgetUsage();
  }

  /** What the store holds is not reported as a change: its owner asks for it. */
  forgetUsage(): void {
    this.newMessages = 0;
    this.newBytes = 0;
  }

  /** Continues with a new block, because there is none, or none that can be written on. */
  beginBlock(index: number): void {
    const block = new Block(index, this.pathOf(index));
    block.key = this.files.keys?.take(index) ?? null;
    this.onBlockAdded(block);
    this.active = new ActiveBlock(this.parts, this.options, this, block, null);
  }

  /** Continues with the last block. @param lengths of its records */
  openActive(lengths: LengthsChecksum): void {
    const last = this.blocks.at(-1)!;
    this.lastNumber = Math.max(this.lastNumber, last.index);
    this.active = new ActiveBlock(this.parts, this.options, this, last, lengths);
  }

  pathOf(index: number): string {
    return this.files.pathOf(index);
  }

  // BlockOwner

  get position(): number {
    return this.applied + 1;
  }

  get nextNumber(): number {
    return this.lastNumber + 1;
  }

  onBlockAdded(block: Block): void {
    const { state } = this;
    this.lastNumber = block.index;
    block.beginAfter(state.lastSequence, state.lastTimeHigh, state.lastTimeLow);
    this.blocks.push(block);
    this.keepEmpty(block);
  }

  onBlockSealed(block: Block, lengths: LengthsChecksum, lastChange: number): void {
    this.line.afterDurable(this.position - 1, () => this.rewriting.add(block));
    this.marks.noteSealed(lastChange, block.index, block.size, lengths, this.state.lastSequence);
    if (!this.readsRemoved) this.parts.cache.recycle(block);
  }

  onNoSpace(): void {
    if (this.isFull) return;
    this.isFull = true;
    this.observer.onFailure(new Error("no space left on device"), true);
    this.lookForRoom();
  }

  onFailure(error: Error): void {
    // What is under way when a store is destroyed fails, as its directory goes.
    if (this.failure !== null || this.closed) return;
    this.failure = error;
    this.line.fail(error);
    for (const reject of this.waits) reject(error);
    this.waits.clear();
    this.endRoomWaits();
    this.observer.onFailure(error, false);
  }

  /** Asks again and again whether there is room, and then goes on. */
  private lookForRoom(): void {
    const { commits, reserve } = this.parts;
    commits.clock.after(
      ROOM_INTERVAL_MS,
      async () => {
        if (this.closed || this.failure !== null) return;
        if (!(await reserve.restore()) || !this.active.retry()) return this.lookForRoom();
        this.isFull = false;
        this.endRoomWaits();
        this.observer.onResumed();
      },
      false,
    );
  }

  /** Waits while a full disk does not take what was stored. Ends also when the store fails or is closed. */
  *written(): Job<void> {
    while (this.active.isHolding && this.failure === null && !this.closed) {
      yield new Promise<void>(resolve => this.roomWaits.push(resolve));
    }
  }

  private endRoomWaits(): void {
    for (const resolve of this.roomWaits.splice(0)) resolve();
  }

  /** Resolves when all changes so far are durable. Rejects when the store fails. */
  whenDurable(): Promise<void> {
    const { applied, failure, line } = this;
    if (failure !== null) return Promise.reject(failure);
    if (line.durable >= applied) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waits.add(reject);
      line.afterDurable(applied, () => {
        this.waits.delete(reject);
        resolve();
      });
    });
  }

  // Changes

  /** Completes a change. */
  settle(): void {
    const { state } = this;
    this.applied++;
    state.subjects = this.subjects.size;
    state.deleted = state.firstSequence === 0 ? 0 : state.lastSequence - state.firstSequence + 1 - state.messages;
    if (this.newMessages === 0 && this.newBytes === 0) return;
    const messages = this.newMessages;
    const bytes = this.newBytes;
    this.newMessages = 0;
    this.newBytes = 0;
    this.observer.onUsage(messages, bytes);
  }

  /** Completes a change before another one that is a barrier: that must not count as part of it. */
  settleWritten(): void {
    const { active, line } = this;
    active.write();
    this.settle();
    if (this.applied > line.registered) line.advance(this.applied);
  }

  /** The same, unless nothing was removed: jobs call it before each pause, since what was written without its end must not become durable. */
  settlePart(): void {
    if (this.newMessages !== 0) this.settle();
  }

  /** Appends a message at a sequence above the last one. Limits are not applied. @returns the id of its subject */
  put(message: Message, size: number): number {
    const { active, state, subjects } = this;
    const { sequence, timeHigh, timeLow } = message;
    const offset = active.appendMessage(message, size);
    const { block } = active;
    const id = subjects.findOrAdd(message.subject, message.subjectStart, message.subjectEnd);
    subjects.noteStored(id, block.index, sequence, size);
    this.dataOfActive(block, sequence, offset)?.addSlot(sequence, offset, id);
    block.messages++;
    block.bytes += size;
    if (state.messages === 0) this.setFirst(sequence, timeHigh, timeLow);
    state.messages++;
    state.bytes += size;
    this.setLast(sequence, timeHigh, timeLow);
    this.newMessages++;
    this.newBytes += size;
    return id;
  }

  /** Uses up the sequences from the last one to `sequence`, with one record. */
  putGap(sequence: number, timeHigh: number, timeLow: number): void {
    const { active, state } = this;
    const first = state.lastSequence + 1;
    active.appendGap(sequence, timeHigh, timeLow);
    this.setLast(sequence, timeHigh, timeLow);
    if (state.messages === 0) this.setFirst(sequence + 1, 0, 0);
    else this.deleted.addSpan(first, sequence);
  }

  setLast(sequence: number, timeHigh: number, timeLow: number): void {
    const { state } = this;
    state.lastSequence = sequence;
    state.lastTimeHigh = timeHigh;
    state.lastTimeLow = timeLow;
  }

  setFirst(sequence: number, timeHigh: number, timeLow: number): void {
    const { state } = this;
    state.firstSequence = sequence;
    state.firstTimeHigh = timeHigh;
    state.firstTimeLow = timeLow;
  }

  /** The content of the active block, if it is in memory; of a new block, an empty one. */
  private dataOfActive(block: Block, sequence: number, offset: number): BlockData | null {
    const { cache } = this.parts;
    const { data } = block;
    if (data !== null && block.messages === 0) data.restart(sequence);
    if (data === null && offset === 0) cache.put(block, cache.empty(sequence));
    return block.data;
  }

  /** Messages are removed while others are stored, which needs the content of their blocks; or sealed blocks are written again. */
  private get readsRemoved(): boolean {
    const { bytesMax, messagesMax, messagesPerSubjectMax } = this.limits;
    return bytesMax > 0 || messagesMax > 0 || messagesPerSubjectMax > 0 || this.compressed;
  }

  // Finding

  /** The block whose range has the sequence; null: it lies between two blocks, or outside. */
  blockOf(sequence: number): Block | null {
    const { blocks, found } = this;
    if (found?.covers(sequence) && !found.removed) return found;
    const block = blocks[this.indexOfBlock(sequence)];
    if (block === undefined || !block.covers(sequence)) return null;
    this.found = block;
    return block;
  }

  /** Index of the first block whose last sequence is not below; the number of blocks: none. */
  indexOfBlock(sequence: number): number {
    const { blocks } = this;
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (blocks[middle].lastSequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the block with a number; -1: it is gone. */
  indexOfNumber(number: number): number {
    const { blocks } = this;
    let low = 0;
    let high = blocks.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const { index } = blocks[middle];
      if (index === number) return middle;
      if (index < number) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Bytes of header and payload of a message that is there. */
  contentSizeOf(sequence: number): number | typeof COLD {
    const { record } = this;
    const size = this.sizeOf(sequence);
    return size <= 0 ? size : record.headerEnd - record.headerStart + record.payloadEnd - record.payloadStart;
  }

  /** Bytes of the record of a message that is there; 0: it was lost by damage. */
  sizeOf(sequence: number): number | typeof COLD {
    const block = this.blockOf(sequence)!;
    const data = this.dataOf(block);
    if (data === null) return COLD;
    const offset = data.offsetOf(sequence);
    if (offset === NO_RECORD) return 0;
    const { record } = this;
    record.read(this.bytesAt(block, data, offset), offset, data.size);
    return record.size;
  }

  has(sequence: number): boolean {
    const { deleted, state } = this;
    return state.messages > 0 && sequence >= state.firstSequence && sequence <= state.lastSequence && !deleted.has(sequence);
  }

  /** The content of a block; null: it is being read, ask again after `warm`. */
  dataOf(block: Block): BlockData | null {
    const { data } = block;
    if (data !== null) {
      this.parts.cache.use(data);
      return data;
    }
    this.loader.request(block);
    return null;
  }

  /** Bytes of a record in memory, written if they are only staged. */
  bytesAt(block: Block, data: BlockData, offset: number): Buffer {
    if (offset >= data.size && block === this.active.block) this.active.write();
    assert(offset < data.size, "a slot leads to a record in memory", offset, data.size);
    return data.bytes;
  }

  load(sequence: number, into: Message): Read {
    if (!this.has(sequence)) return Read.Missing;
    const block = this.blockOf(sequence)!;
    const data = this.dataOf(block);
    if (data === null) return Read.Cold;
    const offset = data.offsetOf(sequence);
    if (offset === NO_RECORD) return Read.Damaged;
    const { record } = this;
    const bytes = this.bytesAt(block, data, offset);
    record.read(bytes, offset, data.size);
    record.fill(into, bytes);
    return Read.Found;
  }

  // Removing

  /** Whether `take` can remove the message at once. */
  canTake(sequence: number): boolean {
    const block = this.blockOf(sequence);
    return block === null || this.dataOf(block) !== null;
  }

  /** Whether `take` can remove the message that is put next at once. */
  canTakeNext(): boolean {
    const { block } = this.active;
    if (block.size === 0 && block.data === null) this.keepEmpty(block);
    return this.dataOf(block) !== null;
  }

  /** A block without records need not be read: what is written from now on is all that it has. */
  private keepEmpty(block: Block): void {
    const { cache } = this.parts;
    cache.put(block, cache.empty(block.firstSequence));
  }

  /** Blocks that were looked at stay until another one was read: those of the messages up to one, and that of `sequence`. All are needed at once. */
  keepInMemory(upTo: number, sequence: number): void {
    const { blocks } = this;
    for (let index = 0; index < blocks.length && blocks[index].firstSequence <= upTo; index++) keep(blocks[index]);
    const block = this.blockOf(sequence);
    if (block !== null) keep(block);
  }

  /** Removes a message that is there and whose block is in memory. @param isRecorded on the disk, by a tombstone */
  take(sequence: number, reason: RemovalReason, isRecorded: boolean): void {
    const { observer, subjects } = this;
    const id = this.takeOut(sequence, isRecorded);
    if (id === NO_SUBJECT) return;
    const start = subjects.startOf(id);
    observer.onRemoved(sequence, subjects.bytesOf(id), start, start + subjects.sizeOf(id), reason);
    if (subjects.totalOf(id) === 0) this.removeSubject(id);
  }

  /** The same without a report to the observer. */
  takeQuietly(sequence: number, isRecorded: boolean): void {
    const id = this.takeOut(sequence, isRecorded);
    if (id !== NO_SUBJECT && this.subjects.totalOf(id) === 0) this.removeSubject(id);
  }

  /** Takes a message out. Its subject stays in the table, even without messages. @returns the subject; `NO_SUBJECT`: the message was lost by damage */
  private takeOut(sequence: number, isRecorded: boolean): number {
    const { record, state } = this;
    const block = this.blockOf(sequence)!;
    const data = block.data!;
    const offset = data.offsetOf(sequence);
    if (isRecorded && offset !== NO_RECORD) {
      record.read(this.bytesAt(block, data, offset), offset, data.size);
      this.active.appendTombstone(sequence, record.timeHigh, record.timeLow);
    } else if (isRecorded) this.active.appendTombstone(sequence, block.lastTimeHigh, block.lastTimeLow);
    const id = this.uncount(block, data, sequence);
    if (sequence !== state.firstSequence) this.deleted.add(sequence);
    if (sequence === block.firstSequence) this.advanceFirstOf(block, sequence);
    if (sequence === state.firstSequence) this.moveFirst();
    else if (block.messages === 0) this.removeIfUnneeded(block);
    return id;
  }

  /** Takes a message out of all totals. @returns the subject; `NO_SUBJECT`: the message was lost by damage */
  private uncount(block: Block, data: BlockData, sequence: number): number {
    const { record, state } = this;
    const offset = data.offsetOf(sequence);
    const id = offset === NO_RECORD ? NO_SUBJECT : data.subjectOf(sequence);
    if (id !== NO_SUBJECT) {
      record.read(this.bytesAt(block, data, offset), offset, data.size);
      data.clearSlot(sequence);
      this.forget(id, block, sequence);
      block.bytes -= record.size;
      state.bytes -= record.size;
      this.newBytes -= record.size;
    }
    block.messages--;
    state.messages--;
    this.newMessages--;
    return id;
  }

  /** Takes the last message out, which is in memory: its sequence will be given back. The first one and the list of blocks stay as they are. */
  takeLast(block: Block, data: BlockData, sequence: number): void {
    const id = this.uncount(block, data, sequence);
    if (id !== NO_SUBJECT && this.subjects.totalOf(id) === 0) this.removeSubject(id);
  }

  /** The first message of a block, which is in memory, was removed. */
  private advanceFirstOf(block: Block, sequence: number): void {
    if (block.messages === 0) return;
    const { record } = this;
    const data = block.data!;
    const next = this.deleted.nextMissing(sequence + 1);
    block.firstSequence = next;
    const offset = data.offsetOf(next);
    if (offset === NO_RECORD) return;
    record.read(this.bytesAt(block, data, offset), offset, data.size);
    block.firstTimeHigh = record.timeHigh;
    block.firstTimeLow = record.timeLow;
  }

  private removeSubject(id: number): void {
    this.subjects.remove(id);
    this.subjectRemovals++;
  }

  /** The subject has one message less: the one at `sequence` of a block. */
  private forget(id: number, block: Block, sequence: number): void {
    const { subjects } = this;
    const left = subjects.addToTotal(id, -1);
    if (left === 0) return;
    if (subjects.firstSequenceOf(id) === sequence) {
      const last = subjects.lastSequenceOf(id);
      if (left === 1 && last > sequence) {
        // The only one left is the last one: no search, as when each subject keeps one message.
        subjects.setFirstBlock(id, subjects.lastBlockOf(id));
        subjects.setFirstSequence(id, last);
        return;
      }
      const next = this.nextInMemory(id, block, sequence + 1);
      subjects.setFirstSequence(id, next);
    }
    if (subjects.lastSequenceOf(id) === sequence) {
      const previous = block.data!.previousOf(id, sequence - 1);
      subjects.setLastSequence(id, previous);
      subjects.setLastSize(id, 0);
      if (previous !== 0) subjects.setLastBlock(id, block.index);
    }
  }

  /** The next message of a subject, if it is in memory and nothing before it is not; 0: not known. */
  private nextInMemory(id: number, block: Block, from: number): number {
    const { blocks, subjects } = this;
    let next = block.data!.nextOf(id, from);
    if (next !== 0) return next;
    for (let index = this.indexOfNumber(block.index) + 1; index > 0 && index < blocks.length; index++) {
      const { data, index: number } = blocks[index];
      subjects.setFirstBlock(id, number);
      if (data === null || number > subjects.lastBlockOf(id)) return 0;
      next = data.nextOf(id, from);
      if (next !== 0) return next;
    }
    return 0;
  }

  /** The first message was removed: the next one that is left becomes the first. Blocks before it are removed. */
  private moveFirst(): void {
    const { active, deleted, state } = this;
    if (state.messages === 0) {
      this.setFirst(state.lastSequence + 1, 0, 0);
      deleted.clear();
      while (this.blocks[0] !== active.block) this.removeBlock(this.blocks[0]);
      return;
    }
    const first = deleted.nextMissing(state.firstSequence + 1);
    if (first > state.firstSequence + 1) deleted.removeSpan(state.firstSequence, first - 1);
    const block = this.blockOf(first)!;
    assert(block.firstSequence === first, "a block knows its first message", first, block.firstSequence);
    this.setFirst(first, block.firstTimeHigh, block.firstTimeLow);
    while (this.blocks[0].messages === 0) this.removeBlock(this.blocks[0]);
  }

  /** Removes a block without messages, unless it records deletes of earlier blocks. */
  private removeIfUnneeded(block: Block): void {
    if (block !== this.active.block && block.tombstones === 0) this.removeBlock(block);
  }

  /** After opening: blocks that hold nothing any more are removed, except damaged ones. */
  removeEmptyBlocks(): void {
    const { active } = this;
    let isFront = true;
    for (const block of [...this.blocks]) {
      if (block === active.block) return;
      if (block.messages > 0 || block.damaged) isFront = false;
      else if (isFront || block.tombstones === 0) this.removeBlock(block);
    }
  }

  /** Removes a block; its file goes when this change is durable. */
  private removeBlock(block: Block): void {
    const { active, state } = this;
    assert(block !== active.block, "the active block stays");
    this.blocks.splice(this.indexOfNumber(block.index), 1);
    this.retire(block);
    if (block.lastSequence === state.lastSequence) active.appendTombstone(state.lastSequence, state.lastTimeHigh, state.lastTimeLow);
    if (this.dropped !== null) this.dropped.push(block);
    else this.line.afterDurable(Math.max(this.line.registered, active.lastPosition), () => this.removeFiles(block));
  }

  private async removeFiles(block: Block): Promise<void> {
    await this.files.remove(block);
    this.marks.file.forget(block.index);
  }

  /** From now on the files of removed blocks are kept, until `unlinkDropped`. */
  keepDropped(): void {
    this.dropped ??= [];
  }

  /** Completes the change that removed blocks; the next change removes their files, and is durable when they are gone. */
  unlinkDropped(): void {
    const { dropped } = this;
    this.dropped = null;
    if (dropped === null || dropped.length === 0) return;
    this.settleWritten();
    this.unlink(dropped);
    this.settle();
  }

  /** A change that removes files of blocks, in this order: what a crash leaves must be a whole part of the store. */
  unlink(blocks: readonly Block[]): void {
    this.line.barrier(this.position, () => this.removeDurably(blocks));
  }

  /** The same for a truncation. @param before, @param after belong to the change */
  cutFiles(blocks: readonly Block[], before: () => Promise<void>, after: (() => Promise<void>) | null): void {
    this.line.barrier(this.position, async () => {
      await before();
      await this.removeDurably(blocks);
      await after?.();
    });
  }

  private async removeDurably(blocks: readonly Block[]): Promise<void> {
    for (const block of blocks) await this.removeFiles(block);
    await this.parts.disk.syncDirectory(`${this.options.directory}/msgs`);
  }

  /** The block is not part of the store any more. */
  retire(block: Block): void {
    block.removed = true;
    this.parts.cache.drop(block);
  }

  /** All messages above a sequence are gone: it becomes the last one. The caller sets its time. */
  cutSequences(above: number): void {
    const { deleted, state } = this;
    state.lastSequence = above;
    this.rewinds++;
    deleted.removeSpan(above + 1, Number.MAX_SAFE_INTEGER);
    if (state.messages > 0) return;
    deleted.clear();
    this.setFirst(above === 0 ? 0 : above + 1, 0, 0);
  }

  /** Removes all messages. The next one gets at least sequence `next`. Two changes: the second one is durable when the old files are gone. */
  clear(next: number): void {
    const { active, parts, state } = this;
    const old = this.blocks;
    this.setLast(Math.max(state.lastSequence, next - 1), state.lastTimeHigh, state.lastTimeLow);
    active.roll();
    this.blocks = [active.block];
    for (const block of old) if (block !== active.block) this.retire(block);
    this.newMessages -= state.messages;
    this.newBytes -= state.bytes;
    state.messages = 0;
    state.bytes = 0;
    this.subjects = new SubjectTable(parts.subjectKey);
    this.order = this.newOrder();
    this.subjectRemovals++;
    this.deadlines.clear();
    this.deleted.clear();
    this.setFirst(next, 0, 0);
    if (state.lastSequence > 0) active.appendTombstone(state.lastSequence, state.lastTimeHigh, state.lastTimeLow);
    this.settleWritten();
    // Oldest first, so that after a crash the rest is still the end of the stream.
    this.unlink(old.filter(block => block.removed));
  }

  /**
   * Replaces a record by one of the same size that stores nothing, with random bytes. Call it after `take`, as a change of its own.
   * The file is replaced, and nothing is written into it any more.
   */
  eraseRecord(block: Block, data: BlockData, offset: number): void {
    if (block.removed) return;
    const { active, parts, record } = this;
    if (block === active.block) active.roll();
    record.read(this.bytesAt(block, data, offset), offset, data.size);
    const { end, sequence, size } = record;
    const { bytes } = data;
    new RecordWriter(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length)).erased(offset, size, sequence, target => {
      parts.fillRandom(target);
    });
    parts.hasher.sealRecordsOf(bytes, offset, end, HashKey.ofBlock(this.options.name, block.index));
    if (end === block.size) block.lastHash.set(bytes.subarray(end - CHECKSUM_BYTES, end));
    this.rewriting.overwrite(block, data, offset, end);
  }

  /** Leaves files that end with their last record, and are durable. */
  async saveState(): Promise<void> {
    await this.active.trim();
    await this.active.sync();
    await this.saving.save();
    await this.marks.file.sync();
  }

  /** Removes the directory of the blocks. */
  removeDirectory(): Job<void> {
    return removeTree(this.parts.disk, `${this.options.directory}/msgs`);
  }

  private newOrder(): SubjectOrder {
    // As secret as the key.
    return new SubjectOrder(this.subjects, new Random(this.parts.subjectKey.first));
  }

  /** Closes the files. */
  close(): void {
    this.closed = true;
    this.endRoomWaits();
    this.marks.file.close();
    this.active.close();
    this.line.close();
    this.files.keys?.close();
    for (const block of this.blocks) this.retire(block);
  }

  // Subjects

  /** The first sequence of a subject that has messages; `COLD`: it must be looked for in blocks on the disk. */
  firstOf(id: number): number | typeof COLD {
    const { blocks, subjects } = this;
    const known = subjects.firstSequenceOf(id);
    if (known !== 0) return known;
    let index = this.indexOfNumber(subjects.firstBlockOf(id));
    if (index === -1) index = 0;
    for (; index < blocks.length; index++) {
      const data = this.dataOf(blocks[index]);
      if (data === null) return COLD;
      const first = data.nextOf(id, 0);
      subjects.setFirstBlock(id, blocks[index].index);
      if (first === 0) continue;
      subjects.setFirstSequence(id, first);
      return first;
    }
    throw new Error(`subject ${id} has messages, but no block has one`);
  }

  /** The last sequence of a subject, likewise. */
  lastOf(id: number): number | typeof COLD {
    const { blocks, subjects } = this;
    const known = subjects.lastSequenceOf(id);
    if (known !== 0) return known;
    let index = this.indexOfNumber(subjects.lastBlockOf(id));
    if (index === -1) index = blocks.length - 1;
    for (; index >= 0; index--) {
      const data = this.dataOf(blocks[index]);
      if (data === null) return COLD;
      const last = data.previousOf(id, Number.MAX_SAFE_INTEGER);
      subjects.setLastBlock(id, blocks[index].index);
      if (last === 0) continue;
      subjects.setLastSequence(id, last);
      return last;
    }
    throw new Error(`subject ${id} has messages, but no block has one`);
  }
}

function keep({ data }: Block): void {
  if (data !== null) data.isAwaited = true;
}
