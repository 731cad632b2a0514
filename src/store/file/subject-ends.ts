/**
 * The first and the last message of each subject of a file store, as the subject table knows them; what it does not know is looked for in the blocks.
 *
 *   known        the sequence is in the table
 *   not known    (0) since the store was opened, or since the message there was removed: from the block that the table names, block by block
 * A block that is not in memory ends a search with `COLD`. What a search has found out, also about blocks that have none, is kept in the table.
 */
import type { Block } from "../block/block.ts";
import type { BlockData } from "../block/block-data.ts";
import { COLD } from "../contract/message-store.ts";
import type { SubjectTable } from "../subjects/subject-table.ts";
import { indexOfNumber } from "./block-search.ts";

/** The store whose subjects these are. */
export interface SubjectsOwner {
  readonly subjects: SubjectTable;
  /** In the order of their numbers. */
  readonly blocks: readonly Block[];
  /** The content of a block; null: it is being read. */
  dataOf(block: Block): BlockData | null;
}

export class SubjectEnds {
  private readonly stored: SubjectsOwner;

  constructor(stored: SubjectsOwner) {
    this.stored = stored;
  }

  /** The first sequence of a subject that has messages; 0: damage has taken all; `COLD`: it must be looked for in blocks on the disk. */
  firstOf(id: number): number | typeof COLD {
    const { stored } = this;
    const { blocks, subjects } = stored;
    const known = subjects.firstSequenceOf(id);
    if (known !== 0) return known;
    let index = indexOfNumber(blocks, subjects.firstBlockOf(id));
    if (index === -1) index = 0;
    for (; index < blocks.length; index++) {
      const data = stored.dataOf(blocks[index]);
      if (data === null) return COLD;
      const first = data.nextOf(id, 0);
      subjects.setFirstBlock(id, blocks[index].index);
      if (first === 0) continue;
      subjects.setFirstSequence(id, first);
      return first;
    }
    return 0;
  }

  /** The last sequence of a subject, likewise. */
  lastOf(id: number): number | typeof COLD {
    const { stored } = this;
    const { blocks, subjects } = stored;
    const known = subjects.lastSequenceOf(id);
    if (known !== 0) return known;
    let index = indexOfNumber(blocks, subjects.lastBlockOf(id));
    if (index === -1) index = blocks.length - 1;
    for (; index >= 0; index--) {
      const data = stored.dataOf(blocks[index]);
      if (data === null) return COLD;
      const last = data.previousOf(id, Number.MAX_SAFE_INTEGER);
      subjects.setLastBlock(id, blocks[index].index);
      if (last === 0) continue;
      subjects.setLastSequence(id, last);
      return last;
    }
    return 0;
  }

  /** The subject has one message less: the one at `sequence` of a block. */
  forget(id: number, block: Block, sequence: number): void {
    const { subjects } = this.stored;
    const left = subjects.addToTotal(id, -1);
    if (left === 0) return;
    if (subjects.firstSequenceOf(id) === sequence) {
      const last = subjects.lastSequenceOf(id);
      if (left === 1 && last > sequence) {
        // The only one left is the last one: no search, as when each subject keeps one message.
        subjects.setFirstBlock(id, subjects.lastBlockOf(id));
        subjects.setFirstSequence(id, last);
        return;
      }
      const next = this.nextInMemory(id, block, sequence + 1);
      subjects.setFirstSequence(id, next);
    }
    if (subjects.lastSequenceOf(id) === sequence) {
      const previous = block.data!.previousOf(id, sequence - 1);
      subjects.setLastSequence(id, previous);
      subjects.setLastSize(id, 0);
      if (previous !== 0) subjects.setLastBlock(id, block.index);
    }
  }

  /** The next message of a subject, if it is in memory and nothing before it is not; 0: not known. */
  private nextInMemory(id: number, block: Block, from: number): number {
    const { blocks, subjects } = this.stored;
    let next = block.data!.nextOf(id, from);
    if (next !== 0) return next;
    for (let index = indexOfNumber(blocks, block.index) + 1; index > 0 && index < blocks.length; index++) {
      const { data, index: number } = blocks[index];
      subjects.setFirstBlock(id, number);
      if (data === null || number > subjects.lastBlockOf(id)) return 0;
      next = data.nextOf(id, from);
      if (next !== 0) return next;
    }
    return 0;
  }
}
