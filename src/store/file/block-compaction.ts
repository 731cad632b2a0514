/**
 * The records of a complete block that are still needed: without messages that are gone, so that a stream whose messages are replaced or deleted
 * here and there gives back its space.
 *
 *   messages that are there                            stay
 *   tombstones of messages in earlier blocks           stay: their records may still be there
 *   other tombstones, erased messages, gaps            go: what they speak of goes with them, and later blocks have higher sequences
 * Source of the rule: formats.md §10.11.
 */
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import type { Block } from "../block/block.ts";
import { RecordFault, RecordKind } from "../block/record-format.ts";
import { RecordView } from "../block/record-view.ts";

/** Smaller blocks are not worth it when a message goes; those that stay sparse are rewritten now and then, whatever their size. */
const BYTES_MIN = 2 * 1024 * 1024;

/** Less than half of a block is needed. */
export function isSparse({ bytes, messages, size }: Block): boolean {
  return messages > 0 && bytes * 2 < size;
}

/** The same, and it is large. */
export function isWorthCompacting(block: Block): boolean {
  return block.size > BYTES_MIN && isSparse(block);
}

export interface Compacted {
  readonly bytes: Buffer;
  readonly tombstones: number;
}

/**
 * @param records of the block, up to `size`; borrowed
 * @param has whether the store has the message
 * @returns null: a record cannot be read, or nothing would go
 */
export function* compacted(records: Uint8Array, size: number, has: (sequence: number) => boolean): Sliced<Compacted | null> {
  const record = new RecordView();
  const pace = new Pace();
  const target = Buffer.allocUnsafeSlow(size);
  let end = 0;
  let tombstones = 0;
  let first = 0;
  for (let at = 0; at < size; at = record.end) {
    if (record.read(records, at, size) !== RecordFault.None) return null;
    const { kind, sequence } = record;
    const isTombstone = kind === RecordKind.Tombstone;
    if (!isTombstone && first === 0) first = sequence;
    const stays = isTombstone ? first === 0 || sequence < first : kind === RecordKind.Message && has(sequence);
    if (stays) {
      target.set(records.subarray(at, record.end), end);
      end += record.end - at;
      if (isTombstone) tombstones++;
    }
    if (pace.due()) yield PAUSE;
  }
  return end === 0 || end === size ? null : { bytes: target.subarray(0, end), tombstones };
}
