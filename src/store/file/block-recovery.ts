/**
 * Reads all blocks and builds the store's state from their records.
 *
 *   msgs/*.blk, the newest first ─▶ good records ─▶ verdict ─▶ messages, gaps, tombstones ─▶ subjects, deleted sequences, totals
 * The newest block comes first, because a tombstone stands behind the message that it removes, in the same block or a later one. So every message is
 * looked at once, and only numbers are kept.
 * A torn tail and zeros that were written in advance are cut off. A damaged block stays as it is: what is readable is used, the rest is reported.
 * Source of behaviour: formats.md §10.13.
 */
import { compareTimes, Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import { Block } from "../block/block.ts";
import { HashKey } from "../block/hash-key.ts";
import { LengthsChecksum } from "../block/lengths-checksum.ts";
import { CHECKSUM_BYTES, RecordKind } from "../block/record-format.ts";
import { RecordView } from "../block/record-view.ts";
import { SEQUENCE_MAX } from "../contract/message-store.ts";
import { endOfTtl } from "../expiry/message-ttl.ts";
import { SequenceSet } from "../sequences/sequence-set.ts";
import { BlockOpening } from "./block-opening.ts";
import { type BlockScan, type BlockVerdict, judgeBlock, ScanEnd, Verdict } from "./block-verdict.ts";
import { BlockWalk } from "./block-walk.ts";
import { hasTtl, ttlOf } from "./message-expiry.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

/** Lost sequences that are remembered one by one. */
const LOST_MAX = 1_000_000;
const OFFSETS_MIN = 4096;

interface Marked {
  readonly block: number;
  readonly offset: number;
  readonly high: number;
  readonly low: number;
  readonly lastSequence: number;
  readonly isLast: boolean;
}

export class BlockRecovery {
  /** Blocks with damage. */
  readonly damaged: Block[] = [];
  /** Bytes that were cut off blocks. */
  cutBytes = 0;
  /** The store has come further than the records that are left. */
  isBehind = false;
  /** Checksum of the length words of the newest block. */
  readonly lengths = new LengthsChecksum();
  private readonly stored: StoredBlocks;
  private readonly opening: BlockOpening;
  /** Sequences that later records remove. */
  private readonly removed = new SequenceSet();
  /** Of blocks that are whole, the newest first. */
  private readonly marked: Marked[] = [];
  private readonly lost: { readonly first: number; readonly last: number }[] = [];
  private block!: Block;
  private bytes!: Buffer;
  private readonly record = new RecordView();
  private readonly end = new Nanoseconds();
  /** Where the records of the block are, tombstones excepted. */
  private offsets = new Uint32Array(OFFSETS_MIN);
  private count = 0;
  /** Sequence of the last message of the block so far. */
  private passed = 0;
  private readonly lastMessages = new Map<Block, number>();
  /** First sequence of the block behind; 0: there is none. */
  private nextFirst = 0;
  /** The highest sequence and its time, of any record. */
  private last = 0;
  private lastHigh = 0;
  private lastLow = 0;

  constructor(stored: StoredBlocks) {
    this.stored = stored;
    this.opening = new BlockOpening(stored.parts, stored.options, stored.files);
  }

  /** @param numbers of the blocks, ascending @param lastSequence how far the store has come at least, 0: not known */
  *run(numbers: readonly number[], lastSequence: number): Job<void> {
    const { stored } = this;
    const blocks: Block[] = [];
    for (const number of numbers.toReversed()) {
      const block = new Block(number, stored.pathOf(number));
      // A removal that the last process had begun can end after the files were listed.
      if (stored.parts.disk.status(block.path) === null) continue;
      blocks.unshift(block);
      yield* this.readBlock(block, number === numbers.at(-1));
    }
    this.writeMarks();
    this.opening.removeLeftovers(new Set(numbers));
    this.isBehind = lastSequence > this.last;
    this.noteLast(lastSequence, this.lastHigh, this.lastLow);
    this.complete(blocks);
    this.reportLost();
  }

  private *readBlock(block: Block, isLast: boolean): Job<void> {
    const { options, parts } = this.stored;
    const { fault, records: bytes } = yield* this.opening.open(block);
    this.block = block;
    this.bytes = bytes;
    this.count = 0;
    this.passed = 0;
    const key = HashKey.ofBlock(options.name, block.index);
    const walk = new BlockWalk(parts.hasher, key, bytes, bytes.length, record => this.note(record));
    const marks = this.stored.marks.file;
    const found = marks.marksOf(block.index);
    const scan = yield* walk.run(found);
    const isFollowed = marks.newestBlock > block.index || (!marks.existed && !isLast);
    const verdict = judgeBlock(found, scan, isFollowed);
    if (verdict.ignoresMarks) marks.forget(block.index);
    block.size = scan.offset;
    if (isLast) this.lengths.set(walk.lengths.high, walk.lengths.low);
    const isTorn = verdict.verdict === Verdict.TornTail;
    if (fault !== null) yield* this.keepDamaged(walk, scan, { ...verdict, text: fault });
    else if (verdict.verdict === Verdict.Damaged || (isTorn && block.compressed)) yield* this.keepDamaged(walk, scan, verdict);
    else yield* this.completeFile(walk, scan, isLast);
    yield* this.addRecords();
    if (block.size > 0) block.lastHash.set(bytes.subarray(block.size - CHECKSUM_BYTES, block.size));
    if (block.firstSequence !== 0) this.nextFirst = block.firstSequence;
  }

  /** What is readable counts; nothing is changed. */
  private *keepDamaged(walk: BlockWalk, { end, lastSequence, offset }: BlockScan, verdict: BlockVerdict): Job<void> {
    const { block, bytes, lost, stored } = this;
    block.damaged = true;
    this.damaged.push(block);
    stored.parts.log.error(`JetStream found damage in ${block.path}: ${verdict.text}. Nothing was changed, what is readable is kept`);
    let behind = lastSequence + 1;
    if (end !== ScanEnd.End) {
      yield* walk.behind(this.nextFirst === 0 ? SEQUENCE_MAX : this.nextFirst - 1, (first, last) => {
        if (first <= last) lost.push({ first, last });
      });
      behind = Math.max(behind, this.lastNoted() + 1);
      block.size = bytes.length;
      stored.state.lostBytes += bytes.length - offset;
    }
    const upTo = this.nextFirst > 0 ? this.nextFirst - 1 : verdict.lostTo;
    if (behind <= upTo) lost.push({ first: behind, last: upTo });
  }

  /** Sequence of the last record that was noted, 0: none. */
  private lastNoted(): number {
    if (this.count === 0) return 0;
    this.record.read(this.bytes, this.offsets[this.count - 1], this.bytes.length);
    return this.record.sequence;
  }

  /** Cuts off what is behind the records, and makes what was found durable: after the end of a process it may be in memory only. */
  private *completeFile(walk: BlockWalk, { lastSequence, offset }: BlockScan, isLast: boolean): Job<void> {
    const { block, bytes, stored } = this;
    const marks = stored.marks.file;
    const isMarked = marks.marksOf(block.index).some(mark => mark.offset === offset);
    if (isMarked && bytes.length === offset) return;
    const file = stored.parts.files.fileAt(block.path);
    try {
      const opened = file.open();
      if (bytes.length > offset) {
        opened.truncate(offset);
        this.cutBytes += bytes.length - offset;
      }
      yield file.during(opened.sync());
    } finally {
      file.close();
    }
    if (isMarked) return;
    const { high, low } = walk.lengths;
    this.marked.push({ block: block.index, offset, high, low, lastSequence, isLast });
  }

  /** Oldest first, and not before all blocks were judged: a mark says that everything in earlier blocks is durable, too. */
  private writeMarks(): void {
    const { file } = this.stored.marks;
    for (const { block, high, isLast, lastSequence, low, offset } of this.marked.toReversed()) {
      const last = Math.max(lastSequence, file.lastSequence);
      if (isLast) file.synced(block, offset, { high, low }, last);
      else file.sealed(block, offset, { high, low }, last);
    }
  }

  private note({ kind, sequence, start, timeHigh, timeLow }: RecordView): void {
    this.noteLast(sequence, timeHigh, timeLow);
    if (kind === RecordKind.Tombstone) {
      this.removed.add(sequence);
      this.block.tombstones++;
      return;
    }
    if (this.count === this.offsets.length) {
      const larger = new Uint32Array(2 * this.count);
      larger.set(this.offsets);
      this.offsets = larger;
    }
    this.offsets[this.count++] = start;
  }

  private noteLast(sequence: number, timeHigh: number, timeLow: number): void {
    if (sequence <= this.last) return;
    this.last = sequence;
    this.lastHigh = timeHigh;
    this.lastLow = timeLow;
  }

  /** Adds what was noted, when all tombstones of the block are known. */
  private *addRecords(): Job<void> {
    const { block, bytes, offsets, record, removed, stored } = this;
    const pace = new Pace();
    const hasRemoved = removed.size > 0;
    for (let index = 0; index < this.count; index++) {
      record.read(bytes, offsets[index], bytes.length);
      const { kind, sequence, timeHigh, timeLow } = record;
      // An erased message has no time.
      if (kind === RecordKind.Erased) block.addRecord(sequence, 0, block.lastTimeHigh, block.lastTimeLow);
      else block.addRecord(sequence, 0, timeHigh, timeLow);
      if (pace.due()) yield PAUSE;
      if (kind !== RecordKind.Message || (hasRemoved && removed.has(sequence))) continue;
      if (this.passed !== 0 && sequence > this.passed + 1) stored.deleted.addSpan(this.passed + 1, sequence - 1);
      if (block.messages === 0) {
        block.firstSequence = sequence;
        block.firstTimeHigh = timeHigh;
        block.firstTimeLow = timeLow;
      }
      this.passed = sequence;
      this.addMessage();
    }
    if (this.passed !== 0) this.lastMessages.set(block, this.passed);
  }

  private addMessage(): void {
    const { block, bytes, record, stored } = this;
    const { state, subjects } = stored;
    const { headerEnd, headerStart, sequence, size } = record;
    const id = subjects.findOrAdd(bytes, record.subjectStart, record.subjectEnd);
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
    if (headerEnd > headerStart && hasTtl(bytes, headerStart, headerEnd)) this.addDeadline();
  }

  private addDeadline(): void {
    const { block, bytes, end, record, stored } = this;
    const { headerEnd, headerStart, sequence, timeHigh, timeLow } = record;
    block.ttlCount++;
    if (endOfTtl(timeHigh, timeLow, ttlOf(bytes, headerStart, headerEnd), end)) stored.deadlines.add(sequence, end.high, end.low);
  }

  /** All blocks are read. @param blocks ascending */
  private complete(blocks: Block[]): void {
    const { stored } = this;
    const { deleted, state } = stored;
    stored.blocks = blocks;
    joinBlocks(blocks);
    state.subjects = stored.subjects.size;
    stored.setLast(this.last, this.lastHigh, this.lastLow);
    const first = blocks.find(({ messages }) => messages > 0);
    if (first === undefined) {
      deleted.clear();
      stored.setFirst(this.last === 0 ? 0 : this.last + 1, 0, 0);
    } else {
      stored.setFirst(first.firstSequence, first.firstTimeHigh, first.firstTimeLow);
      this.addGaps(first, blocks);
    }
    state.deleted = deleted.size;
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

  private reportLost(): void {
    const { lost, removed, stored } = this;
    const { lostSequences } = stored.state;
    for (const { first, last } of lost) {
      for (let sequence = first; sequence <= last && lostSequences.length < LOST_MAX; sequence++) {
        if (!removed.has(sequence) && !stored.has(sequence)) lostSequences.push(sequence);
      }
    }
    lostSequences.sort((a, b) => a - b);
    const count = lostSequences.length;
    if (count === 0) return;
    const range = `${lostSequences[0]} to ${lostSequences[count - 1]}`;
    stored.parts.log.error(`JetStream stream ${stored.options.name} has lost ${count} messages to damage, sequences ${range}`);
  }
}

/** A block that only has tombstones stands behind the one before it; the times of blocks do not fall. */
function joinBlocks(blocks: readonly Block[]): void {
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
