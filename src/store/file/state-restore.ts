/**
 * Opens a store from `index.db`, without reading the blocks that it describes.
 *
 *   valid     totals, subjects, blocks, deleted sequences are as the file says
 *             blocks that have messages with a time to live are read for the ends of these
 *   outdated  the same, then:  last block ─ find the record whose checksum the file names ─▶ add the records behind it, and those of newer blocks
 *                              ─▶ remove what their tombstones name
 * A checkpoint is believed only if each block that is not read still has the size of its mark, so nobody has rewritten or cut it since. Whoever rewrites
 * or removes an earlier block, other than for a limit, removes the file first; a block that is missing makes it useless.
 */
import { BinaryReader } from "../../base/bytes/binary-reader.ts";
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import { Block } from "../block/block.ts";
import { NO_RECORD } from "../block/block-data.ts";
import { statedBlockBytes } from "../block/compressed-block.ts";
import { HashKey } from "../block/hash-key.ts";
import { LengthsChecksum } from "../block/lengths-checksum.ts";
import { CHECKSUM_BYTES, RecordKind } from "../block/record-format.ts";
import { RecordView } from "../block/record-view.ts";
import { endOfTtl } from "../expiry/message-ttl.ts";
import { decodeSequenceSet } from "../sequences/sequence-set-codec.ts";
import { BlockOpening } from "./block-opening.ts";
import { judgeBlock, Verdict } from "./block-verdict.ts";
import { BlockWalk } from "./block-walk.ts";
import { hasTtl, ttlOf } from "./message-expiry.ts";
import { openLastBlock } from "./open-last-block.ts";
import type { BlockState, SavedState } from "./saved-state.ts";
import { notFound, STATE_ROWS, type StateFound, StateRow } from "./state-decoder.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

/** Of a block: enough for what stands before compressed records. */
const HEAD_BYTES = 16;
const ZEROS = new Uint8Array(CHECKSUM_BYTES);

/** Of `StateRestore.run`: `useless` leaves a store that must be reset. */
export type RestoreOutcome = "restored" | "replayed" | "useless";

export class StateRestore {
  /** What the file was. */
  found: StateFound = notFound(StateRow.Missing);
  /** Zeros or incomplete records that were cut off. */
  cutBytes = 0;
  private readonly lengths = new LengthsChecksum();
  private readonly removed: number[] = [];
  private readonly record = new RecordView();
  private readonly end = new Nanoseconds();
  private readonly opening: BlockOpening;

  /** @param numbers of the blocks that are there, ascending, at least one */
  constructor(
    private readonly stored: StoredBlocks,
    private readonly numbers: readonly number[],
  ) {
    this.opening = new BlockOpening(stored.parts, stored.options, stored.files);
  }

  /** Unless it is useless, the store's last block is open afterwards. */
  *run(): Job<RestoreOutcome> {
    const { numbers, stored } = this;
    const { subjects } = stored;
    const known = new Set(numbers);
    const visitor = {
      onSubjects: (count: number) => subjects.reserve(count),
      onSubject(bytes: Uint8Array, start: number, end: number, total: number, firstBlock: number, lastBlock: number) {
        const id = subjects.findOrAdd(bytes, start, end);
        subjects.setTotal(id, total);
        subjects.setFirstBlock(id, firstBlock);
        subjects.setLastBlock(id, lastBlock);
      },
    };
    const evidence = {
      has: (block: number) => known.has(block),
      newest: numbers.at(-1)!,
      lastHash: (block: number) => this.lastHashOf(block),
    };
    this.found = yield* stored.saving.read(visitor, evidence);
    const { row, state } = this.found;
    const { kind } = STATE_ROWS[row];
    if (state === null || kind === "corrupt" || kind === "unusable") return "useless";
    if (!state.blocks.every(({ index }) => known.has(index))) return "useless";
    if (!numbers.every(number => this.opening.hasCurrentKey(number)) || !this.restore(state)) return "useless";
    this.opening.removeLeftovers(known);
    if (!(yield* kind === "valid" ? this.openLast() : this.replay(state))) return "useless";
    yield* this.restoreDeadlines();
    return kind === "valid" ? "restored" : "replayed";
  }

  /** When messages with a time to live end is not in the file: the blocks that have some are read. */
  private *restoreDeadlines(): Job<void> {
    const { end, record, stored } = this;
    const pace = new Pace();
    for (const block of [...stored.blocks]) {
      if (block.ttlCount === 0) continue;
      for (let at = block.firstSequence; at <= block.lastSequence; at++) {
        if (pace.due()) yield PAUSE;
        if (!stored.has(at)) continue;
        while (stored.dataOf(block) === null) yield stored.loader.warm();
        const data = block.data!;
        const offset = data.offsetOf(at);
        if (offset === NO_RECORD) continue;
        record.read(stored.bytesAt(block, data, offset), offset, data.size);
        const { headerEnd, headerStart, timeHigh, timeLow } = record;
        if (headerEnd === headerStart || !hasTtl(data.bytes, headerStart, headerEnd)) continue;
        if (endOfTtl(timeHigh, timeLow, ttlOf(data.bytes, headerStart, headerEnd), end)) stored.deadlines.add(at, end.high, end.low);
      }
    }
  }

  private lastHashOf(index: number): Uint8Array | null {
    const { files, parts } = this.stored;
    const block = new Block(index, this.stored.pathOf(index));
    try {
      const size = parts.disk.status(block.path)?.size ?? 0;
      if (size === 0) return ZEROS;
      return size < CHECKSUM_BYTES ? null : files.readNow(block, size - CHECKSUM_BYTES, size);
    } catch {
      return null;
    }
  }

  /** Takes over what the file says. @returns false: a block does not have the size of its mark */
  private restore(saved: SavedState): boolean {
    const { numbers, stored } = this;
    const { deleted, state } = stored;
    const described = new Map(saved.blocks.map(block => [block.index, block]));
    const last = saved.blocks.at(-1)!;
    let previousLast = 0;
    let before: Block | null = null;
    for (const number of numbers) {
      if (number > last.index) break;
      const block = new Block(number, stored.pathOf(number));
      const known = described.get(number);
      const status = stored.parts.disk.status(block.path);
      if (status === null) return false;
      block.size = status.size;
      if (number !== last.index) this.noteForm(block);
      if (number !== last.index && !this.hasMarkedSize(block)) return false;
      if (known === undefined) {
        // Only tombstones are left in it.
        block.beginAfter(before?.lastSequence ?? 0, before?.lastTimeHigh ?? 0, before?.lastTimeLow ?? 0);
        block.tombstones = 1;
      } else {
        this.describe(block, known);
        if (!this.addDeleted(known)) return false;
        if (known.messages > 0 && deleted.has(block.firstSequence)) return false;
        if (known.messages > 0) {
          if (previousLast !== 0 && block.firstSequence > previousLast + 1) deleted.addSpan(previousLast + 1, block.firstSequence - 1);
          previousLast = block.lastSequence;
        }
      }
      stored.blocks.push(block);
      before = block;
    }
    state.messages = saved.messages;
    state.bytes = saved.bytes;
    state.subjects = stored.subjects.size;
    stored.setFirst(saved.firstSequence, saved.firstTime.high, saved.firstTime.low);
    stored.setLast(saved.lastSequence, saved.lastTime.high, saved.lastTime.low);
    if (saved.messages === 0) deleted.clear();
    else if (previousLast < saved.lastSequence) deleted.addSpan(previousLast + 1, saved.lastSequence);
    deleted.removeSpan(1, saved.firstSequence - 1);
    state.deleted = deleted.size;
    return true;
  }

  /** Whether it is compressed, and the size of its records. */
  private noteForm(block: Block): void {
    const { files } = this.stored;
    const head = files.readNow(block, 0, Math.min(HEAD_BYTES, block.size));
    const size = statedBlockBytes(head);
    if (size === null) return;
    block.compressed = true;
    block.size = size;
  }

  private addDeleted(saved: BlockState): boolean {
    if (saved.deleted === 0) return true;
    const { deleted } = this.stored;
    const set = decodeSequenceSet(new BinaryReader(saved.deletedSet));
    if (set === null) return false;
    for (let first = set.next(1); first !== 0; ) {
      const end = set.nextMissing(first);
      deleted.addSpan(first, end - 1);
      first = set.next(end);
    }
    return true;
  }

  private describe(block: Block, saved: BlockState): void {
    block.firstSequence = saved.firstSequence;
    block.firstTimeHigh = saved.firstTime.high;
    block.firstTimeLow = saved.firstTime.low;
    block.lastSequence = saved.lastSequence;
    block.lastTimeHigh = saved.lastTime.high;
    block.lastTimeLow = saved.lastTime.low;
    block.messages = saved.messages;
    block.bytes = saved.bytes;
    block.ttlCount = saved.ttls;
    // How many there are is not in the file. Where every byte belongs to a message there are none.
    block.tombstones = block.size > saved.bytes ? 1 : 0;
  }

  /** A block without a mark passes here: nats-server wrote it, and the file is its own; see `replay`. */
  private hasMarkedSize({ index, size }: Block): boolean {
    const marks = this.stored.marks.file.marksOf(index);
    return marks.length === 0 || marks.some(({ offset }) => offset === size);
  }

  /** Opens the last block of a file that is current. */
  private *openLast(): Job<boolean> {
    const { stored } = this;
    const block = stored.blocks.at(-1)!;
    const mark = stored.marks.file.marksOf(block.index).find(({ offset }) => offset === block.size);
    if (mark === undefined) {
      if (!(yield* this.readTail(block, null))) return false;
    } else {
      this.lengths.set(mark.lengthsHigh, mark.lengthsLow);
      block.lastHash.set(this.found.state!.lastHash);
    }
    yield* openLastBlock(stored, this.lengths);
    return true;
  }

  private *replay(saved: SavedState): Job<boolean> {
    const { numbers, stored } = this;
    const last = stored.blocks.at(-1)!;
    for (const block of stored.blocks) if (block !== last && stored.marks.file.marksOf(block.index).length === 0) return false;
    if (!(yield* this.readTail(last, saved.lastHash))) return false;
    for (const number of numbers) {
      if (number <= last.index) continue;
      const block = new Block(number, stored.pathOf(number));
      block.beginAfter(stored.state.lastSequence, stored.state.lastTimeHigh, stored.state.lastTimeLow);
      stored.blocks.push(block);
      if (!(yield* this.readTail(block, ZEROS))) return false;
    }
    yield* openLastBlock(stored, this.lengths);
    stored.blockRemoval.keepDropped();
    if (!(yield* this.remove())) return false;
    stored.blockRemoval.unlinkDropped();
    return true;
  }

  /**
   * Reads a block and adds the records behind the one with the checksum `after`; zeros: all records; null: none.
   * @returns false: the block is damaged, or there is no such record
   */
  private *readTail(block: Block, after: Uint8Array | null): Job<boolean> {
    const { lengths, stored } = this;
    const { options, parts } = stored;
    const { fault, records: bytes } = yield* this.opening.open(block);
    if (fault !== null) return false;
    const behind: number[] = [];
    let isBehind = after === ZEROS;
    const key = HashKey.ofBlock(options.name, block.index);
    const walk = new BlockWalk(parts.hasher, key, bytes, bytes.length, ({ end, start }) => {
      if (isBehind) behind.push(start);
      else if (after !== null) isBehind = bytes.compare(after, 0, CHECKSUM_BYTES, end - CHECKSUM_BYTES, end) === 0;
    });
    const marks = stored.marks.file;
    const found = marks.marksOf(block.index);
    const scan = yield* walk.run(found);
    const { ignoresMarks, verdict } = judgeBlock(found, scan, marks.newestBlock > block.index);
    if (block.compressed && scan.offset < bytes.length) return false;
    if (ignoresMarks || verdict === Verdict.Damaged || (after !== null && !isBehind)) return false;
    lengths.set(walk.lengths.high, walk.lengths.low);
    block.size = scan.offset;
    if (block.size > 0) block.lastHash.set(bytes.subarray(block.size - CHECKSUM_BYTES, block.size));
    const record = new RecordView();
    for (const offset of behind) {
      record.read(bytes, offset, bytes.length);
      this.add(block, record, bytes);
    }
    yield* this.makeDurable(block, bytes.length);
    if (block.index === this.numbers.at(-1)) marks.synced(block.index, block.size, lengths, stored.state.lastSequence);
    else marks.sealed(block.index, block.size, lengths, stored.state.lastSequence);
    return true;
  }

  /** What was found may be in memory only. */
  private *makeDurable(block: Block, fileBytes: number): Job<void> {
    const file = this.stored.parts.files.fileAt(block.path);
    try {
      const opened = file.open();
      if (fileBytes > block.size && !block.compressed) opened.truncate(block.size);
      this.cutBytes += fileBytes - block.size;
      yield file.during(opened.sync());
    } finally {
      file.close();
    }
  }

  private add(block: Block, { headerEnd, headerStart, kind, sequence, size, ...record }: RecordView, bytes: Buffer): void {
    const { stored } = this;
    const { state, subjects } = stored;
    const { subjectEnd, subjectStart, timeHigh, timeLow } = record;
    if (kind === RecordKind.Tombstone) {
      block.tombstones++;
      this.removed.push(sequence);
      if (sequence > state.lastSequence) this.passTo(sequence, timeHigh, timeLow);
      return;
    }
    if (sequence <= state.lastSequence) return;
    if (kind !== RecordKind.Message) {
      // An erased message has no time.
      const [high, low] = kind === RecordKind.Erased ? [state.lastTimeHigh, state.lastTimeLow] : [timeHigh, timeLow];
      block.addRecord(sequence, 0, high, low);
      this.passTo(sequence, high, low);
      return;
    }
    if (sequence > state.lastSequence + 1) this.passTo(sequence - 1, timeHigh, timeLow);
    block.addRecord(sequence, 0, timeHigh, timeLow);
    const id = subjects.findOrAdd(bytes, subjectStart, subjectEnd);
    subjects.noteStored(id, block.index, sequence, size);
    block.messages++;
    block.bytes += size;
    if (state.messages === 0) stored.setFirst(sequence, timeHigh, timeLow);
    state.messages++;
    state.bytes += size;
    state.subjects = subjects.size;
    stored.setLast(sequence, timeHigh, timeLow);
    if (headerEnd > headerStart && hasTtl(bytes, headerStart, headerEnd)) block.ttlCount++;
  }

  /** The sequences up to this one hold no message. */
  private passTo(sequence: number, timeHigh: number, timeLow: number): void {
    const { stored } = this;
    const { state } = stored;
    const first = state.lastSequence + 1;
    stored.setLast(sequence, timeHigh, timeLow);
    if (state.messages === 0) stored.setFirst(sequence + 1, 0, 0);
    else state.deleted += stored.deleted.addSpan(first, sequence);
  }

  /** Removes what tombstones name. @returns false: a message is not where the file says */
  private *remove(): Job<boolean> {
    const { removed, stored } = this;
    for (const sequence of removed) {
      while (stored.has(sequence)) {
        if (!stored.messageRemoval.canTake(sequence)) {
          yield stored.loader.warm();
          continue;
        }
        if (stored.blockOf(sequence)!.data!.offsetOf(sequence) === NO_RECORD) return false;
        stored.messageRemoval.takeQuietly(sequence, false);
      }
    }
    return true;
  }
}
