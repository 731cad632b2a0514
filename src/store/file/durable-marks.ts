/**
 * Writes the marks of a store (mark-file.ts) when what they describe is durable.
 *
 *   write ─ noteWritten(position, block, …) ─▶ list, oldest first ─ the line's `durable` rises ─▶ the newest of those that it has passed: one mark
 *   roll ── noteSealed(position, block, …) ─▶ the same list                                  └─▶ and every block that was sealed
 * One entry per turn with changes, none per message.
 */
import type { LengthsChecksum } from "../block/lengths-checksum.ts";
import type { MarkFile } from "./mark-file.ts";

interface Written {
  readonly position: number;
  readonly block: number;
  readonly offset: number;
  readonly high: number;
  readonly low: number;
  readonly lastSequence: number;
  readonly isSealed: boolean;
}

export class DurableMarks {
  private written: Written[] = [];

  constructor(readonly file: MarkFile) {}

  /** All records of the changes up to `position` are in the file of the active block, or in earlier ones. */
  noteWritten(position: number, block: number, offset: number, lengths: LengthsChecksum, lastSequence: number): void {
    this.note(position, block, offset, lengths, lastSequence, false);
  }

  /** The same, and the block gets no more records. */
  noteSealed(position: number, block: number, offset: number, lengths: LengthsChecksum, lastSequence: number): void {
    this.note(position, block, offset, lengths, lastSequence, true);
  }

  /** The changes up to `position` are durable. Whoever replaces or cuts a block calls it first, so that no older mark follows. */
  onDurable(position: number): void {
    const { file, written } = this;
    let count = 0;
    while (count < written.length && written[count].position <= position) count++;
    if (count === 0) return;
    for (let index = 0; index < count; index++) {
      const { block, high, isSealed, lastSequence, low, offset } = written[index];
      if (isSealed) file.sealed(block, offset, { high, low }, lastSequence);
      else if (index === count - 1) file.synced(block, offset, { high, low }, lastSequence);
    }
    written.splice(0, count);
  }

  /** The records that were noted are void: the store is cut, or emptied. */
  forget(): void {
    this.written = [];
  }

  private note(position: number, block: number, offset: number, lengths: LengthsChecksum, lastSequence: number, isSealed: boolean): void {
    this.written.push({ position, block, offset, high: lengths.high, low: lengths.low, lastSequence, isSealed });
  }
}
