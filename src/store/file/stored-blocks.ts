/**
 * What a file store holds: its blocks, the index of subjects, the deleted sequences; and what adds to it. The other roles are objects of their own,
 * which see as much of it as they need:
 *
 *   reading          load, sizes             message-reading.ts        messageRemoval   take single messages       message-removal.ts
 *   subjectEnds      first, last of one      subject-ends.ts           blockRemoval     blocks and their files     block-removal.ts
 *   loader           blocks into memory      block-loader.ts           rewriting        form of complete blocks    block-rewriting.ts
 *   fullDisk         wait for room           full-disk.ts              saving, marks    what the next start reads  state-saving.ts, durable-marks.ts
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
import type { BlockData } from "../block/block-data.ts";
import type { LengthsChecksum } from "../block/lengths-checksum.ts";
import type { CommitLine } from "../commit/commit-line.ts";
import type { Message } from "../contract/message.ts";
import type { StoreObserver } from "../contract/message-store.ts";
import type { StoreLimits } from "../contract/store-limits.ts";
import { StoreState } from "../contract/store-state.ts";
import { Deadlines } from "../expiry/deadlines.ts";
import { SequenceSet } from "../sequences/sequence-set.ts";
import { SubjectOrder } from "../subjects/subject-order.ts";
import { SubjectTable } from "../subjects/subject-table.ts";
import { ActiveBlock, type BlockOwner } from "./active-block.ts";
import { BlockFiles } from "./block-files.ts";
import { BlockLoader } from "./block-loader.ts";
import { BlockRemoval } from "./block-removal.ts";
import { BlockRewriting } from "./block-rewriting.ts";
import { indexOfSequence } from "./block-search.ts";
import { DurableMarks } from "./durable-marks.ts";
import { FullDisk } from "./full-disk.ts";
import { MARK_FILE, MarkFile } from "./mark-file.ts";
import { MessageReading } from "./message-reading.ts";
import { MessageRemoval } from "./message-removal.ts";
import { StateSaving } from "./state-saving.ts";
import type { StoreOptions, StoreParts } from "./store-parts.ts";
import { SubjectEnds } from "./subject-ends.ts";

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
  readonly reading = new MessageReading(this);
  readonly subjectEnds = new SubjectEnds(this);
  readonly messageRemoval = new MessageRemoval(this);
  readonly blockRemoval = new BlockRemoval(this);
  readonly fullDisk = new FullDisk(this);
  /** Complete blocks are to be compressed. */
  compressed: boolean;
  line!: CommitLine;
  active!: ActiveBlock;
  /** In the order of their numbers; the last one is active. */
  blocks: Block[] = [];
  limits: StoreLimits;
  applied = 0;
  failure: Error | null = null;
  closed = false;
  /** Waits of `whenDurable`. */
  private readonly waits = new Set<{ readonly position: number; readonly resolve: () => void; readonly reject: (error: Error) => void }>();
  /** Of a block. */
  private lastNumber = 0;
  /** Rises whenever a subject loses its id. */
  subjectRemovals = 0;
  /** Rises whenever sequences are given back. */
  rewinds = 0;
  /** The block of the last look-up. */
  private found: Block | null = null;
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
    this.blockRemoval.reset();
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
    this.fullDisk.begin();
  }

  onFailure(error: Error): void {
    // What is under way when a store is destroyed fails, as its directory goes.
    if (this.failure !== null || this.closed) return;
    this.failure = error;
    this.line.fail(error);
    this.giveUpWaits(error);
    this.fullDisk.endWaits();
    this.observer.onFailure(error, false);
  }

  /** Ends waits of `whenDurable` with an error: what they wait for may never come. */
  giveUpWaits(error: Error): void {
    for (const { reject } of this.waits) reject(error);
    this.waits.clear();
  }

  /** Resolves when all changes so far are durable. Rejects when the store fails. */
  whenDurable(): Promise<void> {
    const { applied, failure, line } = this;
    if (failure !== null) return Promise.reject(failure);
    if (line.durable >= applied) return Promise.resolve();
    // Not as a step of the line: steps run one after the other, and a barrier behind this one could be what it waits for.
    return new Promise((resolve, reject) => this.waits.add({ position: applied, resolve, reject }));
  }

  /** More may be durable: ends waits of `whenDurable`. */
  endDurableWaits(): void {
    const { line, waits } = this;
    for (const wait of waits) {
      if (wait.position > line.durable) continue;
      waits.delete(wait);
      wait.resolve();
    }
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

  /** A block has one message less. @param size of its record; 0: it was lost by damage */
  countRemoved(block: Block, size: number): void {
    const { state } = this;
    block.messages--;
    block.bytes -= size;
    state.messages--;
    state.bytes -= size;
    this.newMessages--;
    this.newBytes -= size;
    this.rewriting.noteRemoval(block);
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
    const block = blocks[indexOfSequence(blocks, sequence)];
    if (block === undefined || !block.covers(sequence)) return null;
    this.found = block;
    return block;
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

  /** A block without records need not be read: what is written from now on is all that it has. */
  keepEmpty(block: Block): void {
    const { cache } = this.parts;
    cache.put(block, cache.empty(block.firstSequence));
  }

  /** A subject has no message any more. */
  removeSubject(id: number): void {
    this.subjects.remove(id);
    this.subjectRemovals++;
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
    this.blockRemoval.unlink(old.filter(block => block.removed));
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
    this.fullDisk.endWaits();
    this.marks.file.close();
    this.active.close();
    this.line.close();
    this.files.keys?.close();
    for (const block of this.blocks) this.retire(block);
  }
}
