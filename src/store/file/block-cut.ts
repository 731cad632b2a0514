/**
 * Removes all messages above a sequence without a trace: later blocks go, and the block that has the sequence is cut behind it and written on.
 *
 *   block 3 │ 21 22 23 T5 24 │   block 4 │ 25 T22 26 │   cut after 22 ─▶   block 3 │ 21 22 T5 T22 │
 * Tombstones (T) behind the cut that delete messages which stay deleted are written again; one of the sequence itself, if it holds no message, keeps
 * the store's last sequence.
 * Source of behaviour: formats.md §10.12, truncate.
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

/** What a tombstone says. */
interface Deletion {
  readonly sequence: number;
  readonly timeHigh: number;
  readonly timeLow: number;
}

export function* cutAfter(stored: StoredBlocks, above: number): Job<void> {
  const { parts, state } = stored;
  yield* removeMessages(stored, above);
  const index = Math.max(0, lastIndexUpTo(stored.blocks, above));
  const kept = stored.blocks[index];
  const deletions: Deletion[] = [];
  for (const block of stored.blocks.slice(index)) {
    if (block !== kept && block.tombstones === 0) continue;
    const data = yield* contentOf(stored, block);
    collectDeletions(data, block === kept ? recordsUpTo(data, above).end : 0, above, deletions);
  }
  const data = yield* contentOf(stored, kept);
  stored.active.write();
  const removed = stored.blocks.splice(index + 1);
  for (const block of removed) stored.retire(block);
  const { end, lastSequence, timeHigh, timeLow } = recordsUpTo(data, above);
  stored.active.close();
  const lengths = new LengthsChecksum();
  if (end > 0) parts.hasher.verifyRecords(data.bytes, 0, end, HashKey.ofBlock(stored.options.name, kept.index), lengths);
  if (kept.compressed) yield* stored.rewriting.reopen(kept, data.bytes, end);
  kept.changes++; // so that its file is not replaced by one that is being made in the background
  parts.cache.drop(kept);
  kept.size = end;
  if (lastSequence < kept.firstSequence) kept.beginAfter(above);
  else kept.lastSequence = lastSequence;
  kept.lastTimeHigh = timeHigh;
  kept.lastTimeLow = timeLow;
  stored.deleted.removeSpan(above + 1, Number.MAX_SAFE_INTEGER);
  stored.marks.forget();
  yield stored.marks.file.cutting(kept.index, end, lengths, above);
  stored.openActive(lengths);
  yield stored.active.trim();
  state.deleted = stored.deleted.size;
  stored.setLast(above, timeHigh, timeLow);
  if (state.messages === 0) stored.setFirst(above === 0 ? 0 : above + 1, 0, 0);
  for (const deletion of deletions) stored.active.appendTombstone(deletion.sequence, deletion.timeHigh, deletion.timeLow);
  if (lastSequence < above) stored.active.appendTombstone(above, timeHigh, timeLow);
  stored.settleWritten();
  stored.line.barrier(stored.position, async () => {
    // The newest first, so that after a crash the rest is still the beginning of the stream.
    for (const block of removed.reverse()) await stored.files.remove(block);
    await stored.active.sync();
    await parts.disk.syncDirectory(`${stored.options.directory}/msgs`);
  });
}

function* removeMessages(stored: StoredBlocks, above: number): Job<void> {
  const { deleted, state } = stored;
  const pace = new Pace();
  while (state.messages > 0) {
    const last = deleted.previousMissing(state.lastSequence);
    if (last <= above || last < state.firstSequence) return;
    if (!stored.canTake(last)) {
      yield stored.loader.warm();
      continue;
    }
    stored.takeQuietly(last, false);
    if (pace.due()) yield PAUSE;
  }
}

function* contentOf(stored: StoredBlocks, block: Block): Job<BlockData> {
  if (block === stored.active.block) stored.active.write();
  for (;;) {
    const data = stored.dataOf(block);
    if (data !== null) return data;
    yield stored.loader.warm();
  }
}

/** Index of the last block that has a sequence and begins at this one or before; -1: none. */
function lastIndexUpTo(blocks: readonly Block[], sequence: number): number {
  let index = blocks.length - 1;
  while (index >= 0 && (blocks[index].isEmpty || blocks[index].firstSequence > sequence)) index--;
  return index;
}

/** Where the records up to a sequence end, and what the last one is that is no tombstone. Tombstones of later sequences count as later ones. */
function recordsUpTo(data: BlockData, upTo: number): Omit<Deletion, "sequence"> & { readonly end: number; readonly lastSequence: number } {
  const record = new RecordView();
  let [end, lastSequence, timeHigh, timeLow] = [0, 0, 0, 0];
  for (let at = 0; at < data.size; at = record.end) {
    if (record.read(data.bytes, at, data.size) !== RecordFault.None || record.sequence > upTo) break;
    end = record.end;
    if (record.kind === RecordKind.Tombstone) continue;
    ({ sequence: lastSequence, timeHigh, timeLow } = record);
  }
  return { end, lastSequence, timeHigh, timeLow };
}

/** Adds the tombstones from an offset on that delete sequences up to `upTo`. */
function collectDeletions(data: BlockData, from: number, upTo: number, into: Deletion[]): void {
  const record = new RecordView();
  for (let at = from; at < data.size; at = record.end) {
    if (record.read(data.bytes, at, data.size) !== RecordFault.None) return;
    const { kind, sequence, timeHigh, timeLow } = record;
    if (kind === RecordKind.Tombstone && sequence <= upTo) into.push({ sequence, timeHigh, timeLow });
  }
}
