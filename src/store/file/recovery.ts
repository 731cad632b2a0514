/**
 * Opens what is on the disk: reads every block and builds the store's state from its records.
 *
 *   msgs/*.blk, the newest first ─▶ records ─▶ messages, gaps, tombstones ─▶ subjects, deleted sequences, totals ─▶ limits
 * The newest block comes first, because a tombstone stands behind the message that it removes, in the same block or a later one. So every message is
 * looked at once, and only numbers are kept.
 * The last block may end in the middle of a record, or in zeros that were written in advance: it is cut there. Damage elsewhere is reported, and
 * nothing is deleted.
 * Source of behaviour: formats.md §10.13.
 */
import { compareTimes, Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE } from "../../base/scheduling/sliced.ts";
import { Block } from "../block/block.ts";
import { HashKey } from "../block/hash-key.ts";
import { RecordFault, RecordKind } from "../block/record-format.ts";
import { RecordScan } from "../block/record-scan.ts";
import type { RecordView } from "../block/record-view.ts";
import { endOfTtl } from "../expiry/message-ttl.ts";
import { SequenceSet } from "../sequences/sequence-set.ts";
import { BlockOpening } from "./block-opening.ts";
import { hasTtl, ttlOf } from "./message-expiry.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

/** Bytes of records between two pauses. */
const STEP_BYTES = 256 * 1024;
const BLOCK_FILE = /^(\d+)\.blk$/;
const CHECKSUM_BYTES = 8;

/** What recovery found out beside the state. */
export interface Recovered {
  /** Blocks with damage, with the offset of the first bad record. */
  readonly damaged: readonly { readonly block: Block; readonly offset: number }[];
  /** Bytes that were cut off the last block. */
  readonly cutBytes: number;
}

/** Numbers of the block files, ascending. */
export function blockNumbers(stored: StoredBlocks): number[] {
  const { disk } = stored.parts;
  const names = disk.list(`${stored.options.directory}/msgs`).map(({ name }) => BLOCK_FILE.exec(name));
  return names.flatMap(match => (match === null ? [] : [Number(match[1])])).sort((a, b) => a - b);
}

/** Reads all blocks. The store must be new; it is ready for its limits to be enforced afterwards. */
export function* recover(stored: StoredBlocks): Job<Recovered> {
  return yield* new Recovery(stored).run();
}

class Recovery {
  private readonly stored: StoredBlocks;
  private readonly opening: BlockOpening;
  /** Sequences that later records remove. */
  private readonly removed = new SequenceSet();
  private readonly damaged: { block: Block; offset: number }[] = [];
  private cutBytes = 0;
  private readonly end = new Nanoseconds();
  private block!: Block;
  private bytes!: Buffer;
  /** Sequence of the last message of the block so far. */
  private passed = 0;
  private readonly lastMessages = new Map<Block, number>();
  /** The highest sequence and its time, of any record. */
  private last = 0;
  private lastHigh = 0;
  private lastLow = 0;

  constructor(stored: StoredBlocks) {
    this.stored = stored;
    this.opening = new BlockOpening(stored.parts, stored.options, stored.files);
  }

  *run(): Job<Recovered> {
    const { stored } = this;
    const numbers = blockNumbers(stored);
    const blocks: Block[] = [];
    for (const number of numbers.toReversed()) {
      const block = new Block(number, stored.pathOf(number));
      blocks.unshift(block);
      yield* this.readBlock(block, number === numbers.at(-1));
    }
    this.opening.removeLeftovers(new Set(numbers));
    this.complete(blocks);
    return { damaged: this.damaged, cutBytes: this.cutBytes };
  }

  private *readBlock(block: Block, isLast: boolean): Job<void> {
    const { hasher } = this.stored.parts;
    const { fault, records: bytes } = yield* this.opening.open(block);
    const key = HashKey.ofBlock(this.stored.options.name, block.index);
    this.block = block;
    this.bytes = bytes;
    // First what removes: within a block, too, it stands behind the message.
    const removals = new RecordScan(hasher, key, bytes, 0, bytes.length, { onRecord: record => this.noteRemoval(record) });
    while (removals.step(STEP_BYTES)) yield PAUSE;
    const end = removals.position;
    this.passed = 0;
    const records = new RecordScan(hasher, key, bytes, 0, end, { onRecord: record => this.addRecord(record) });
    while (records.step(STEP_BYTES)) yield PAUSE;
    if (this.passed !== 0) this.lastMessages.set(block, this.passed);
    block.size = end;
    if (end > 0) block.lastHash.set(bytes.subarray(end - CHECKSUM_BYTES, end));
    if (removals.fault === RecordFault.None && fault === null) return;
    if (isLast && fault === null && !block.compressed) this.cut(block, end, bytes.length);
    else {
      block.damaged = true;
      this.damaged.push({ block, offset: end });
    }
  }

  /** The records of the last block end here: what follows was not written completely, or in advance. */
  private cut(block: Block, end: number, size: number): void {
    const file = this.stored.parts.files.fileAt(block.path);
    const opened = file.open();
    opened.truncate(end);
    opened.syncNow();
    file.close();
    this.cutBytes += size - end;
  }

  private noteRemoval({ kind, sequence, timeHigh, timeLow }: RecordView): void {
    if (kind !== RecordKind.Tombstone) return;
    this.removed.add(sequence);
    this.block.tombstones++;
    this.noteLast(sequence, timeHigh, timeLow);
  }

  private noteLast(sequence: number, timeHigh: number, timeLow: number): void {
    if (sequence <= this.last) return;
    this.last = sequence;
    this.lastHigh = timeHigh;
    this.lastLow = timeLow;
  }

  private addRecord(record: RecordView): void {
    const { block, removed, stored } = this;
    const { kind, sequence, timeHigh, timeLow } = record;
    if (kind === RecordKind.Tombstone) return;
    this.noteLast(sequence, timeHigh, timeLow);
    // An erased message has no time.
    if (kind === RecordKind.Erased) block.addRecord(sequence, 0, block.lastTimeHigh, block.lastTimeLow);
    else block.addRecord(sequence, 0, timeHigh, timeLow);
    if (kind !== RecordKind.Message || removed.has(sequence)) return;
    if (this.passed !== 0 && sequence > this.passed + 1) stored.deleted.addSpan(this.passed + 1, sequence - 1);
    if (block.messages === 0) {
      block.firstSequence = sequence;
      block.firstTimeHigh = timeHigh;
      block.firstTimeLow = timeLow;
    }
    this.passed = sequence;
    this.addMessage(record);
  }

  private addMessage(record: RecordView): void {
    const { block, bytes, stored } = this;
    const { headerEnd, headerStart, sequence, size, subjectEnd, subjectStart } = record;
    const { state, subjects } = stored;
    const id = subjects.findOrAdd(bytes, subjectStart, subjectEnd);
    const total = subjects.addToTotal(id, 1);
    if (total === 1 || sequence > subjects.lastSequenceOf(id)) {
      subjects.setLastSequence(id, sequence);
      subjects.setLastBlock(id, block.index);
      subjects.setLastSize(id, size);
    }
    if (total === 1 || sequence < subjects.firstSequenceOf(id)) {
      subjects.setFirstSequence(id, sequence);
      subjects.setFirstBlock(id, block.index);
    }
    block.messages++;
    block.bytes += size;
    state.messages++;
    state.bytes += size;
    if (headerEnd > headerStart && hasTtl(bytes, headerStart, headerEnd)) this.addDeadline(record);
  }

  private addDeadline({ headerEnd, headerStart, sequence, timeHigh, timeLow }: RecordView): void {
    const { block, bytes, end, stored } = this;
    block.ttlCount++;
    if (endOfTtl(timeHigh, timeLow, ttlOf(bytes, headerStart, headerEnd), end)) stored.deadlines.add(sequence, end.high, end.low);
  }

  /** All blocks are read. @param blocks ascending */
  private complete(blocks: Block[]): void {
    const { stored } = this;
    const { deleted } = stored;
    stored.blocks = blocks;
    stored.setLast(this.last, this.lastHigh, this.lastLow);
    this.joinBlocks(blocks);
    const first = blocks.find(({ messages }) => messages > 0);
    if (first === undefined) {
      deleted.clear();
      stored.setFirst(this.last === 0 ? 0 : this.last + 1, 0, 0);
    } else {
      stored.setFirst(first.firstSequence, first.firstTimeHigh, first.firstTimeLow);
      this.addGaps(first, blocks);
    }
  }

  /** A block that only has tombstones stands behind the one before it; the times of blocks do not fall. */
  private joinBlocks(blocks: readonly Block[]): void {
    let sequence = 0;
    let timeHigh = 0;
    let timeLow = 0;
    for (const block of blocks) {
      if (block.isEmpty) block.beginAfter(sequence, timeHigh, timeLow);
      if (compareTimes(block.lastTimeHigh, block.lastTimeLow, timeHigh, timeLow) < 0) {
        block.lastTimeHigh = timeHigh;
        block.lastTimeLow = timeLow;
      }
      sequence = block.lastSequence;
      timeHigh = block.lastTimeHigh;
      timeLow = block.lastTimeLow;
    }
  }

  /** Sequences between the last message of one block and the first one of the next hold nothing; neither do those behind the last message. */
  private addGaps(first: Block, blocks: readonly Block[]): void {
    const { deleted, state } = this.stored;
    let previous = first;
    for (const block of blocks) {
      if (block.index <= first.index || block.messages === 0) continue;
      this.addGap(this.lastMessageOf(previous) + 1, block.firstSequence - 1);
      previous = block;
    }
    this.addGap(this.lastMessageOf(previous) + 1, state.lastSequence);
    deleted.removeSpan(1, state.firstSequence - 1);
  }

  private addGap(first: number, last: number): void {
    if (first <= last) this.stored.deleted.addSpan(first, last);
  }

  /** The block's last message: its range may end with removed ones. */
  private lastMessageOf(block: Block): number {
    return this.lastMessages.get(block)!;
  }
}
