/**
 * Removing many messages of a file store: purge, compact, erase, and limits that became smaller. All are jobs. Each message that is removed
 * is a whole change, so a job that pauses leaves a store that is consistent and only holds more than it will at the end.
 *
 *   whole blocks        leave the list at once; their files go when the change is durable
 *   single messages     a tombstone each, in the active block
 *   a full purge        a new block with one tombstone that keeps the last sequence
 * Source of behaviour: formats.md §10.12.
 */
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import type { Block } from "../block/block.ts";
import { type BlockData, NO_RECORD } from "../block/block-data.ts";
import { HashKey } from "../block/hash-key.ts";
import { CHECKSUM_BYTES } from "../block/record-format.ts";
import { RecordView } from "../block/record-view.ts";
import { RecordWriter } from "../block/record-writer.ts";
import { COLD, Read, RemovalReason } from "../contract/message-store.ts";
import { SubjectFilters } from "../contract/subject-filters.ts";
import { NO_SUBJECT } from "../subjects/subject-table.ts";
import { countMatching } from "../subjects/subject-totals.ts";
import { FileScan } from "./file-scan.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

/** As `MessageStore.purge`. */
export function* purge(stored: StoredBlocks, filter: string | null, below: number, keep: number): Job<number> {
  if (below === 1) return 0;
  const filters = filter === null || filter === ">" ? null : new SubjectFilters([filter]);
  if (filters === null && keep === 0) return below === 0 ? purgeAll(stored) : yield* compact(stored, below);
  const end = below === 0 ? stored.state.lastSequence + 1 : below;
  let most = Number.POSITIVE_INFINITY;
  if (keep > 0) most = (filters === null ? stored.state.messages : yield* countMatching(stored, filters)) - keep;
  const scan = new FileScan(stored, filters, 0, 1);
  const pace = new Pace();
  let removed = 0;
  while (removed < most) {
    const read = scan.advance();
    if (read === Read.Missing || (read === Read.Found ? scan.found : scan.position) >= end) break;
    let isCold = read === Read.Cold;
    if (read === Read.Found) {
      if (stored.messageRemoval.canTake(scan.found)) {
        stored.messageRemoval.take(scan.found, RemovalReason.Request, true);
        removed++;
        if (!pace.due()) continue;
      } else {
        scan.position = scan.found;
        isCold = true;
      }
    }
    stored.settlePart();
    yield isCold ? stored.loader.warm() : PAUSE;
  }
  stored.settlePart();
  return removed;
}

/** As `MessageStore.compact`. */
export function* compact(stored: StoredBlocks, below: number): Job<number> {
  const { state } = stored;
  if (below <= 0 || state.firstSequence > below) return 0;
  if (below > state.lastSequence) return removeAll(stored, below);
  const pace = new Pace();
  let removed = 0;
  while (state.messages > 0 && state.firstSequence < below) {
    const first = state.firstSequence;
    if (!stored.messageRemoval.canTake(first)) {
      endPart(stored);
      yield stored.loader.warm();
      continue;
    }
    // A block that goes as a whole needs no tombstones.
    const isWhole = stored.blockOf(first)!.lastSequence < below;
    stored.blockRemoval.keepDropped();
    stored.messageRemoval.takeQuietly(first, !isWhole);
    removed++;
    if (!pace.due()) continue;
    endPart(stored);
    yield PAUSE;
  }
  if (removed > 0) stored.observer.onRemovedBelow(below);
  endPart(stored);
  return removed;
}

/** Completes a part of a job: a change that is durable when the files of blocks that it has removed are gone. */
function endPart(stored: StoredBlocks): void {
  stored.blockRemoval.unlinkDropped();
  stored.settlePart();
}

/** As `MessageStore.erase`: the record is overwritten with random bytes. */
export function* erase(stored: StoredBlocks, sequence: number): Job<boolean> {
  yield* stored.fullDisk.written();
  while (stored.has(sequence)) {
    const block = stored.blockOf(sequence)!;
    const data = stored.dataOf(block);
    if (data === null) {
      yield stored.loader.warm();
      continue;
    }
    const offset = data.offsetOf(sequence);
    stored.messageRemoval.take(sequence, RemovalReason.Request, true);
    stored.settleWritten();
    if (offset !== NO_RECORD) eraseRecord(stored, block, data, offset);
    stored.settle();
    return true;
  }
  return false;
}

/**
 * Replaces a record by one of the same size that stores nothing, with random bytes, as a change of its own. The message was taken out before.
 * The file is replaced, and nothing is written into it any more.
 */
function eraseRecord(stored: StoredBlocks, block: Block, data: BlockData, offset: number): void {
  if (block.removed) return;
  const { active, options, parts, rewriting } = stored;
  if (block === active.block) active.roll();
  const record = new RecordView();
  record.read(stored.bytesAt(block, data, offset), offset, data.size);
  const { end, sequence, size } = record;
  const { bytes } = data;
  new RecordWriter(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length)).erased(offset, size, sequence, target => {
    parts.fillRandom(target);
  });
  parts.hasher.sealRecordsOf(bytes, offset, end, HashKey.ofBlock(options.name, block.index));
  if (end === block.size) block.lastHash.set(bytes.subarray(end - CHECKSUM_BYTES, end));
  rewriting.overwrite(block, data, offset, end);
}

/** Removes what new limits no longer allow: above the number and size of all messages first, then above the number of each subject. */
export function* enforceLimits(stored: StoredBlocks): Job<void> {
  const pace = new Pace();
  yield* enforceTotals(stored, pace);
  yield* enforceSubjects(stored, pace);
  stored.settle();
}

/**
 * Removes at a start what limits had removed before, because that is not recorded on the disk. In the order in which a message that is stored
 * removes others: those of its subject first. Otherwise a message would go in place of one of the same subject.
 */
export function* repeatLimits(stored: StoredBlocks): Job<void> {
  const pace = new Pace();
  yield* enforceSubjects(stored, pace);
  yield* enforceTotals(stored, pace);
  stored.settle();
}

function* enforceTotals(stored: StoredBlocks, pace: Pace): Job<void> {
  const { limits, state } = stored;
  const isAbove = () => {
    const { bytesMax, messagesMax } = limits;
    return (messagesMax > 0 && state.messages > messagesMax) || (bytesMax > 0 && state.bytes > bytesMax);
  };
  while (limits.discard === "old" && isAbove()) yield* takeOldest(stored, state.firstSequence, pace);
}

function* enforceSubjects(stored: StoredBlocks, pace: Pace): Job<void> {
  const most = stored.limits.messagesPerSubjectMax;
  if (most <= 0) return;
  // Subjects that come meanwhile are limited when their messages are stored.
  for (let id = stored.subjects.next(NO_SUBJECT); id !== NO_SUBJECT; id = stored.subjects.next(id)) {
    while (stored.subjects.isUsed(id) && stored.subjects.totalOf(id) > most) yield* takeOldestOf(stored, id, pace);
    if (!pace.due()) continue;
    stored.settlePart();
    yield PAUSE;
  }
}

function* takeOldestOf(stored: StoredBlocks, id: number, pace: Pace): Job<void> {
  const first = stored.subjectEnds.firstOf(id);
  if (first !== 0) yield* takeOldest(stored, first, pace);
  else stored.removeSubject(id); // damage has taken all its messages
}

function* takeOldest(stored: StoredBlocks, sequence: number, pace: Pace): Job<void> {
  if (sequence === COLD || !stored.messageRemoval.canTake(sequence)) {
    stored.settlePart();
    yield stored.loader.warm();
    return;
  }
  stored.messageRemoval.take(sequence, RemovalReason.Limit, false);
  if (!pace.due()) return;
  stored.settlePart();
  yield PAUSE;
}

function purgeAll(stored: StoredBlocks): number {
  return removeAll(stored, stored.state.lastSequence + 1);
}

/** Removes all messages; the next one has at least sequence `next`. */
function removeAll(stored: StoredBlocks, next: number): number {
  const { state } = stored;
  const removed = state.messages;
  stored.clear(next);
  if (removed > 0) stored.observer.onRemovedBelow(next);
  stored.settle();
  return removed;
}
