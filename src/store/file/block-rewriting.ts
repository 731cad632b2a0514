/**
 * Brings the files of complete blocks into the form that the stream's configuration asks for: compressed or not.
 *
 *   sealed, sparse, or the configuration changed ─▶ waiting ─ one block at a time, under the scheduler ─▶ <n>.blk replaced
 * It is work in the background: when it fails, the block stays as it was, which every reader accepts. The block that is written is never compressed.
 * A record that is erased is erased in memory, and the block's file is replaced, which the erasure waits for: overwriting it in place could tear it.
 * While the disk is full the new file gets the room of the reserve; if that is not enough, the erasure waits until there is room.
 */
import type { Job } from "../../base/scheduling/job.ts";
import type { Block } from "../block/block.ts";
import type { BlockData } from "../block/block-data.ts";
import { HashKey } from "../block/hash-key.ts";
import { LengthsChecksum } from "../block/lengths-checksum.ts";
import type { CommitLine } from "../commit/commit-line.ts";
import type { StoreState } from "../contract/store-state.ts";
import { compacted, isSparse, isWorthCompacting } from "./block-compaction.ts";
import type { BlockFiles } from "./block-files.ts";
import type { DurableMarks } from "./durable-marks.ts";
import { isNoSpace } from "./space-reserve.ts";
import type { StoreOptions, StoreParts } from "./store-parts.ts";

const CHECKSUM_BYTES = 8;

/** The store whose blocks are rewritten. */
export interface RewritingOwner {
  readonly parts: StoreParts;
  readonly files: BlockFiles;
  readonly line: CommitLine;
  readonly marks: DurableMarks;
  readonly options: StoreOptions;
  readonly blocks: readonly Block[];
  readonly active: { readonly block: Block };
  /** Complete blocks are to be compressed. */
  readonly compressed: boolean;
  /** Of the change that is being made. */
  readonly position: number;
  readonly fullDisk: {
    /** Resolves when there is more room. @returns false: nobody looks for room any more, because the store fails or closes */
    makeRoom(): Promise<boolean>;
  };
  readonly state: StoreState;
  readonly saving: {
    /** Removes the description of the store. Durable when it resolves. */
    remove(): Promise<void>;
  };
  has(sequence: number): boolean;
  /** Resolves when all changes so far are durable. */
  whenDurable(): Promise<void>;
}

/** The content of a compressed block of which records were erased, until its file has been replaced. */
interface PendingErasure {
  readonly bytes: Buffer;
  readonly size: number;
  /** Number of erasures so far, and of those that are not complete. */
  made: number;
  open: number;
}

export class BlockRewriting {
  private readonly stored: RewritingOwner;
  private readonly waiting = new Set<Block>();
  private readonly erasures = new Map<Block, PendingErasure>();
  private running: Promise<void> | null = null;
  private stopped = false;

  constructor(stored: RewritingOwner) {
    this.stored = stored;
  }

  /** The block is complete, and durable: its file is rewritten if it has another form. */
  add(block: Block): void {
    if (this.stopped || !this.isDue(block)) return;
    this.waiting.add(block);
    this.running ??= this.work();
  }

  /** A message of the block was removed. */
  noteRemoval(block: Block): void {
    if (isWorthCompacting(block)) this.add(block);
  }

  /** Rewrites blocks of which less than half is needed, also small ones. */
  compactAll(): void {
    for (const block of this.stored.blocks) if (isSparse(block)) this.add(block);
  }

  /** Looks at all complete blocks: the configuration was changed. */
  addAll(): void {
    for (const block of this.stored.blocks) this.add(block);
  }

  /** Resolves when nothing is under way any more. Blocks that wait stay as they are. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.waiting.clear();
    await this.running;
  }

  /** Resolves when no block waits. */
  async idle(): Promise<void> {
    await this.running;
  }

  /**
   * Writes bytes of a complete block that were overwritten in memory. They belong to the change that is being made.
   * @param data of the block, with the new bytes from `start` to `end`
   */
  overwrite(block: Block, data: BlockData, start: number, end: number): void {
    const { line, position } = this.stored;
    block.changes++;
    line.barrier(position, this.erasure(block, data, start, end));
  }

  /** Makes a compressed block one that can be written on: uncompressed, and `size` bytes long. @param records of the block; borrowed */
  *reopen(block: Block, records: Uint8Array, size: number): Job<void> {
    block.changes++;
    const content = this.erasures.get(block)?.bytes ?? records;
    yield this.withRoom(() => this.replace(block, content, size, false, () => true)).then(() => {});
  }

  /** The block may be read again from its file before that is replaced, so all erasures share one copy of the content. */
  private erasure(block: Block, data: BlockData, start: number, end: number): () => Promise<void> {
    let pending = this.erasures.get(block);
    if (pending === undefined) {
      pending = { bytes: data.bytes, size: block.size, made: 0, open: 0 };
      this.erasures.set(block, pending);
    } else if (pending.bytes !== data.bytes) data.bytes.copy(pending.bytes, start, start, end);
    pending.made++;
    pending.open++;
    const { bytes, size } = pending;
    const { parts } = this.stored;
    return async () => {
      for (let isDone = false; !isDone && !block.removed; ) {
        const { made } = pending;
        const lengths = await this.announce(block, bytes, size);
        const isCurrent = () => !block.removed && pending.made === made;
        isDone = await this.withRoom(() => this.replace(block, bytes, size, block.compressed, isCurrent));
        if (isDone && block.data?.bytes !== bytes) parts.cache.drop(block);
        if (isDone) this.stored.marks.file.sealed(block.index, size, lengths, this.stored.marks.file.lastSequence);
      }
      if (--pending.open === 0) this.erasures.delete(block);
    };
  }

  /** Repeats work that finds no space when there is more room. */
  private async withRoom<T>(work: () => Promise<T>): Promise<T> {
    while (true) {
      try {
        return await work();
      } catch (error) {
        if (!isNoSpace(error) || !(await this.stored.fullDisk.makeRoom())) throw error;
      }
    }
  }

  /** Marks that the block may get this content. @returns the checksum of the length words in it */
  private async announce(block: Block, bytes: Buffer, size: number): Promise<LengthsChecksum> {
    const { line, marks, options, parts } = this.stored;
    marks.onDurable(line.durable);
    const lengths = new LengthsChecksum();
    parts.hasher.verifyRecords(bytes, 0, size, HashKey.ofBlock(options.name, block.index), lengths);
    await marks.file.replacing(block.index, size, lengths, marks.file.lastSequence);
    return lengths;
  }

  private async work(): Promise<void> {
    for (const block of this.waiting) {
      this.waiting.delete(block);
      try {
        await this.compact(block);
        await this.rewrite(block);
      } catch (error) {
        if (!block.removed) this.stored.parts.log.warn(`JetStream could not rewrite ${block.path}: ${(error as Error).message}`);
      }
    }
    this.running = null;
  }

  /** Replaces a block of which less than half is needed by one without what is gone. */
  private async compact(block: Block): Promise<void> {
    const { marks, parts, state } = this.stored;
    // The last sequence must be found in some record.
    if (!this.isComplete(block) || !isSparse(block) || block.lastSequence === state.lastSequence) return;
    const { changes, replacements } = block;
    const isUnchanged = () => !this.erasures.has(block) && this.isAsBefore(block, changes, replacements);
    const records = await this.recordsOf(block);
    if (records === null || !isUnchanged()) return;
    const kept = await parts.run(compacted(records, block.size, sequence => this.stored.has(sequence)));
    if (kept === null || !isUnchanged()) return;
    // What has removed the messages must be durable before they go.
    await this.stored.whenDurable();
    // A description from before, with messages that a limit has removed since, would miss them here.
    await this.stored.saving.remove();
    if (!isUnchanged()) return;
    const { bytes, tombstones } = kept;
    const lengths = await this.announce(block, bytes, bytes.length);
    const isReplaced = await this.replace(block, bytes, bytes.length, this.stored.compressed, isUnchanged);
    if (!isReplaced) return;
    block.tombstones = tombstones;
    block.lastHash.set(bytes.subarray(bytes.length - CHECKSUM_BYTES));
    marks.file.sealed(block.index, bytes.length, lengths, marks.file.lastSequence);
  }

  /** The records of a complete block; null: they cannot be read. */
  private async recordsOf(block: Block): Promise<Uint8Array | null> {
    const { files, parts } = this.stored;
    const { data, size } = block;
    if (data !== null && data.size >= size) return data.bytes;
    const { records } = await parts.run(files.read(block, null));
    return records.length < size ? null : records;
  }

  private async rewrite(block: Block): Promise<void> {
    if (!this.hasOtherForm(block)) return;
    const { compressed } = this.stored;
    const { changes, replacements, size } = block;
    const records = await this.recordsOf(block);
    if (records === null) return;
    const isUnchanged = () => this.isAsBefore(block, changes, replacements);
    const isSmaller = (fileBytes: number) => !compressed || fileBytes < size;
    const isReplaced = await this.replace(block, records, size, compressed, fileBytes => isUnchanged() && isSmaller(fileBytes));
    if (!isReplaced && !isUnchanged()) this.add(block);
  }

  private isDue(block: Block): boolean {
    return this.hasOtherForm(block) || (this.isComplete(block) && isSparse(block));
  }

  private isAsBefore(block: Block, changes: number, replacements: number): boolean {
    return !block.removed && !block.cutting && block.changes === changes && block.replacements === replacements;
  }

  private isComplete(block: Block): boolean {
    return !block.removed && !block.damaged && !block.cutting && block !== this.stored.active.block && block.size > 0;
  }

  private hasOtherForm(block: Block): boolean {
    return this.isComplete(block) && block.compressed !== this.stored.compressed;
  }

  private replace(
    block: Block,
    records: Uint8Array,
    size: number,
    compressed: boolean,
    isStillRight: (fileBytes: number) => boolean,
  ): Promise<boolean> {
    const { files, parts } = this.stored;
    return parts.rewriteTurns.take(() => parts.run(files.replace(block, records, size, compressed, isStillRight)));
  }
}
