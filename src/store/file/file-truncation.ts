/**
 * Removing all messages above a sequence of a file store. Their sequences are given back, so nothing of them may be left.
 *
 *   1.blk        2.blk                     3.blk            4.blk, new
 *   records      records │ above: cut      removed          tombstones that stood behind the cut, and one for the last sequence
 * Tombstones of messages that stay deleted are written again first; then the blocks behind go, the newest first; then a copy that ends earlier
 * takes the place of the block with the last sequence.
 * Source of behaviour: formats.md §10.12.
 */
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import type { Block } from "../block/block.ts";
import type { BlockData } from "../block/block-data.ts";
import { HashKey } from "../block/hash-key.ts";
import { LengthsChecksum } from "../block/lengths-checksum.ts";
import { RecordFault, RecordKind } from "../block/record-format.ts";
import { RecordView } from "../block/record-view.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

const CHECKSUM_BYTES = 8;

interface Tombstone {
  readonly sequence: number;
  readonly timeHigh: number;
  readonly timeLow: number;
}

/** As `MessageStore.truncate`. */
export function* truncate(stored: StoredBlocks, above: number): Job<void> {
  if (above >= stored.state.lastSequence) return;
  yield* stored.fullDisk.written();
  yield* stored.deadlines.dropAbove(above);
  yield* new Truncation(stored, above).run();
}

class Truncation {
  private readonly stored: StoredBlocks;
  private readonly above: number;
  private readonly record = new RecordView();
  private readonly pace = new Pace();
  /** What must be written again. */
  private readonly tombstones: Tombstone[] = [];
  /** Offset behind the last record of the kept block that stays, and the time of that record. */
  private end = 0;
  private endHigh = 0;
  private endLow = 0;
  private records: Uint8Array = new Uint8Array(0);

  constructor(stored: StoredBlocks, above: number) {
    this.stored = stored;
    this.above = above;
  }

  *run(): Job<void> {
    const { above, pace, stored } = this;
    const { blocks, state } = stored;
    const kept = blocks.findLast(({ firstSequence, messages }) => messages > 0 && firstSequence <= above) ?? null;
    const isKept = stored.has(above);
    if (kept !== null) kept.cutting = true;
    stored.active.roll();
    const gone = blocks.filter(block => block !== stored.active.block && (kept === null || block.index > kept.index));
    for (const block of gone.toReversed()) yield* this.empty(block, kept);
    if (kept !== null) yield* this.empty(kept, kept);
    stored.cutSequences(above);
    if (isKept) stored.setLast(above, this.endHigh, this.endLow);
    else if (above === 0) stored.setLast(0, 0, 0);
    else stored.setLast(above, state.lastTimeHigh, state.lastTimeLow);
    stored.active.block.beginAfter(state.lastSequence, state.lastTimeHigh, state.lastTimeLow);
    for (const block of gone) stored.retire(block);
    stored.blocks = blocks.filter(block => !block.removed);
    if (kept !== null) this.cut(kept);
    for (const { sequence, timeHigh, timeLow } of this.tombstones) {
      stored.active.appendTombstone(sequence, timeHigh, timeLow);
      if (pace.due()) yield PAUSE;
    }
    if (!isKept && above > 0) stored.active.appendTombstone(above, state.lastTimeHigh, state.lastTimeLow);
    stored.active.write();
    stored.settle();
    stored.blockRemoval.cutFiles(gone.toReversed(), () => this.announce(kept), kept === null ? null : () => this.cutFile(kept));
    stored.settle();
  }

  /** Takes out the messages of a block that are above, and notes what must stay. @param kept the block that stays in part */
  private *empty(block: Block, kept: Block | null): Job<void> {
    const { above, pace, stored } = this;
    let data = stored.dataOf(block);
    while (data === null) {
      yield stored.loader.warm();
      data = stored.dataOf(block);
    }
    this.walk(data, block === kept);
    for (let at = stored.deleted.previousMissing(block.lastSequence); block.messages > 0 && at > above; ) {
      while (stored.dataOf(block) === null) yield stored.loader.warm();
      stored.messageRemoval.takeLast(block, block.data!, at);
      at = stored.deleted.previousMissing(at - 1);
      if (pace.due()) yield PAUSE;
    }
  }

  /** Finds the end of the records that stay, and the tombstones behind it. @param isKept a part of the block stays */
  private walk(data: BlockData, isKept: boolean): void {
    const { above, record, tombstones } = this;
    this.end = 0;
    let isBehind = !isKept;
    for (let at = 0; at < data.size; at = record.end) {
      if (record.read(data.bytes, at, data.size) !== RecordFault.None) break;
      const { kind, sequence, timeHigh, timeLow } = record;
      if (kind !== RecordKind.Tombstone && sequence > above) isBehind = true;
      else if (isBehind && kind === RecordKind.Tombstone && sequence <= above) tombstones.push({ sequence, timeHigh, timeLow });
      if (isBehind) continue;
      this.end = record.end;
      if (kind === RecordKind.Tombstone) continue;
      this.endHigh = timeHigh;
      this.endLow = timeLow;
    }
  }

  private cut(kept: Block): void {
    const { above, end, stored } = this;
    const { bytes } = kept.data!;
    if (end > 0) kept.lastHash.set(bytes.subarray(end - CHECKSUM_BYTES, end));
    this.records = bytes;
    stored.parts.cache.drop(kept);
    kept.size = end;
    kept.lastSequence = Math.min(kept.lastSequence, above);
    kept.lastTimeHigh = this.endHigh;
    kept.lastTimeLow = this.endLow;
  }

  /** Marks of what will be cut off are void before it goes. */
  private announce(kept: Block | null): Promise<void> {
    const { above, end, records, stored } = this;
    const lengths = new LengthsChecksum();
    stored.marks.onDurable(stored.line.durable);
    if (kept === null) return stored.marks.file.cutting(0, 0, lengths, above);
    stored.parts.hasher.verifyRecords(records, 0, end, HashKey.ofBlock(stored.options.name, kept.index), lengths);
    return stored.marks.file.cutting(kept.index, end, lengths, above);
  }

  private async cutFile(kept: Block): Promise<void> {
    const { parts, rewriting } = this.stored;
    await parts.run(rewriting.reopen(kept, this.records, this.end));
    kept.cutting = false;
    rewriting.add(kept);
  }
}
