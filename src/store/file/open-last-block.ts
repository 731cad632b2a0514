/** Where an opened store goes on: in its last block, or in a new one. */
import type { Job } from "../../base/scheduling/job.ts";
import type { LengthsChecksum } from "../block/lengths-checksum.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

/** A new block with this number. */
export function* beginBlock(stored: StoredBlocks, index: number): Job<void> {
  if (stored.files.keys !== null) yield stored.files.keys.prepare(index);
  stored.beginBlock(index);
}

/** @param lengths of the records of the last block */
export function* openLastBlock(stored: StoredBlocks, lengths: LengthsChecksum): Job<void> {
  const last = stored.blocks.at(-1)!;
  if (last.compressed || last.damaged) yield* beginBlock(stored, last.index + 1);
  else stored.openActive(lengths);
}
