/**
 * Opens what is on the disk, in the fastest way that what is there allows.
 *
 *   index.db is current          ─▶ its state; no block is read                                       state-restore.ts
 *   index.db is a checkpoint     ─▶ its state, then the records behind it; blocks have their marks     state-restore.ts
 *   otherwise                    ─▶ all blocks                                                        block-recovery.ts
 * In each case the same comes out. After damage, or if the store had come further than the records that are left, it goes on in a new block: bytes
 * that are damaged are not overwritten, and sequences are not used twice.
 */
import type { Job } from "../../base/scheduling/job.ts";
import type { Block } from "../block/block.ts";
import { BlockRecovery } from "./block-recovery.ts";
import { beginBlock, openLastBlock } from "./open-last-block.ts";
import { STATE_ROWS, stateText } from "./state-decoder.ts";
import { StateRestore } from "./state-restore.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

/** How a store was opened. */
export interface Recovered {
  readonly from: "state" | "checkpoint" | "blocks";
  /** Blocks with damage. */
  readonly damaged: readonly Block[];
  /** Bytes that were cut off blocks: zeros that were written in advance, or records that were not written completely. */
  readonly cutBytes: number;
}

const BLOCK_FILE = /^(\d+)\.blk$/;

/** Numbers of the block files, ascending. */
export function blockNumbers(stored: StoredBlocks): number[] {
  const { disk } = stored.parts;
  const names = disk.list(`${stored.options.directory}/msgs`).map(({ name }) => BLOCK_FILE.exec(name));
  return names.flatMap(match => (match === null ? [] : [Number(match[1])])).sort((a, b) => a - b);
}

/** Builds the state of a store that is new. It is ready for its limits to be enforced afterwards. @param numbers of its blocks, ascending, at least one */
export function* recover(stored: StoredBlocks, numbers: readonly number[]): Job<Recovered> {
  const restore = new StateRestore(stored, numbers);
  const outcome = yield* restore.run();
  if (outcome === "restored" || outcome === "replayed") {
    return { from: outcome === "restored" ? "state" : "checkpoint", damaged: [], cutBytes: restore.cutBytes };
  }
  const { found } = restore;
  const text = stateText(found);
  if (text !== "") stored.parts.log.warn(`  ${text}`);
  stored.reset();
  if (STATE_ROWS[found.row].kind === "corrupt") yield stored.saving.remove();
  const blocks = new BlockRecovery(stored);
  yield* blocks.run(numbers, Math.max(stored.marks.file.lastSequence, found.state?.lastSequence ?? 0));
  yield* continueAfter(stored, blocks);
  return { from: "blocks", damaged: blocks.damaged, cutBytes: blocks.cutBytes };
}

/** After damage, or if the store had come further than its records, the last sequence is recorded in a new block. */
function* continueAfter(stored: StoredBlocks, { isBehind, lengths }: BlockRecovery): Job<void> {
  const { lastSequence, lastTimeHigh, lastTimeLow } = stored.state;
  const last = stored.blocks.at(-1)!;
  const { damaged } = last;
  if (isBehind && last.size > 0) yield* beginBlock(stored, last.index + 1);
  else yield* openLastBlock(stored, lengths);
  if (!isBehind && !damaged) return;
  if (lastSequence > 0) stored.active.appendTombstone(lastSequence, lastTimeHigh, lastTimeLow);
  stored.settle();
}
