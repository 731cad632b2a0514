/**
 * Removes blocks of a file store and their files. A file goes only when the change that made it unneeded is durable.
 *
 *   one block           out of the list ─ change durable ─▶ file removed                 nothing depends on when it goes
 *   a part of a purge   keepDropped ─ blocks collect ─▶ unlinkDropped: the next change removes their files, in order, and is durable when they are gone
 *   a truncation        marks ─▶ files removed ─▶ file cut
 * A block that records deletes of earlier blocks stays, even without messages, until those are gone. The active block always stays.
 */
import { assert } from "../../base/assert/assert.ts";
import type { Block } from "../block/block.ts";
import type { CommitLine } from "../commit/commit-line.ts";
import type { StoreState } from "../contract/store-state.ts";
import type { ActiveBlock } from "./active-block.ts";
import type { BlockFiles } from "./block-files.ts";
import { indexOfNumber } from "./block-search.ts";
import type { DurableMarks } from "./durable-marks.ts";
import type { StoreOptions, StoreParts } from "./store-parts.ts";

/** The store whose blocks are removed. */
export interface BlocksOwner {
  readonly parts: StoreParts;
  readonly options: StoreOptions;
  readonly state: StoreState;
  /** In the order of their numbers. */
  readonly blocks: Block[];
  readonly active: ActiveBlock;
  readonly files: BlockFiles;
  readonly marks: DurableMarks;
  readonly line: CommitLine;
  /** Of the change that is being made. */
  readonly position: number;
  /** The block is not part of the store any more. */
  retire(block: Block): void;
  settle(): void;
  settleWritten(): void;
}

export class BlockRemoval {
  private readonly stored: BlocksOwner;
  /** Removed blocks whose files are still there; null: files go by themselves. */
  private dropped: Block[] | null = null;

  constructor(stored: BlocksOwner) {
    this.stored = stored;
  }

  /** Forgets the blocks whose files were kept. */
  reset(): void {
    this.dropped = null;
  }

  /** Removes a block without messages, unless it records deletes of earlier blocks. */
  removeIfUnneeded(block: Block): void {
    if (block !== this.stored.active.block && block.tombstones === 0) this.remove(block);
  }

  /** After opening: blocks that hold nothing any more are removed, except damaged ones. */
  removeEmpty(): void {
    const { active, blocks } = this.stored;
    let isFront = true;
    for (const block of [...blocks]) {
      if (block === active.block) return;
      if (block.messages > 0 || block.damaged) isFront = false;
      else if (isFront || block.tombstones === 0) this.remove(block);
    }
  }

  /** Removes a block; its file goes when this change is durable. */
  remove(block: Block): void {
    const { dropped, stored } = this;
    const { active, blocks, line, state } = stored;
    assert(block !== active.block, "the active block stays");
    blocks.splice(indexOfNumber(blocks, block.index), 1);
    stored.retire(block);
    if (block.lastSequence === state.lastSequence) active.appendTombstone(state.lastSequence, state.lastTimeHigh, state.lastTimeLow);
    if (dropped !== null) dropped.push(block);
    else line.afterDurable(Math.max(line.registered, active.lastPosition), () => this.removeFiles(block));
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
    this.stored.settleWritten();
    this.unlink(dropped);
    this.stored.settle();
  }

  /** A change that removes files of blocks, in this order: what a crash leaves must be a whole part of the store. */
  unlink(blocks: readonly Block[]): void {
    this.stored.line.barrier(this.stored.position, () => this.removeDurably(blocks));
  }

  /** The same for a truncation. @param before, @param after belong to the change */
  cutFiles(blocks: readonly Block[], before: () => Promise<void>, after: (() => Promise<void>) | null): void {
    this.stored.line.barrier(this.stored.position, async () => {
      await before();
      await this.removeDurably(blocks);
      await after?.();
    });
  }

  private async removeFiles(block: Block): Promise<void> {
    await this.stored.files.remove(block);
    this.stored.marks.file.forget(block.index);
  }

  private async removeDurably(blocks: readonly Block[]): Promise<void> {
    for (const block of blocks) await this.removeFiles(block);
    await this.stored.parts.disk.syncDirectory(`${this.stored.options.directory}/msgs`);
  }
}
