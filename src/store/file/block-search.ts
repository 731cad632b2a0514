/**
 * Finds a block in the list of a store. The list is ascending both by the numbers of the blocks and by their sequences, so both searches are binary.
 */
import type { Block } from "../block/block.ts";

/** Index of the first block whose last sequence is not below; the number of blocks: none. */
export function indexOfSequence(blocks: readonly Block[], sequence: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (blocks[middle].lastSequence < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the block with a number; -1: it is gone. */
export function indexOfNumber(blocks: readonly Block[], number: number): number {
  let low = 0;
  let high = blocks.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const { index } = blocks[middle];
    if (index === number) return middle;
    if (index < number) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
