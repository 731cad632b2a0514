/**
 * Ids of a table, sorted by the bytes of their subjects: a list of leaves of up to 512 ids.
 *
 *   [17 4 9 …]  [3 88 …]  [12 …]        found by binary search over the leaves, then within one
 * Not one array: inserting would move megabytes. Not a deeper tree: ten million subjects are 30,000 leaves, and inserting one into their list
 * takes a few microseconds. Four to eight bytes per id.
 *
 * A subject must be removed here before the table forgets it.
 */
import { compareSubject } from "./subject-sort.ts";
import type { SubjectTable } from "./subject-table.ts";

const LEAF_IDS = 512;

export class SortedIds {
  count = 0;
  /** The position that the last search found: the leaf and the index in it. Behind the last id it is the end of the last leaf. */
  leaf = 0;
  index = 0;

  private readonly leaves: Uint32Array[] = [];
  private readonly sizes: number[] = [];

  /** @param version rises with every change: positions of before are void */
  constructor(
    private readonly table: SubjectTable,
    public version: number,
  ) {}

  /** Number of ids in a leaf; 0: there is no such leaf. */
  sizeOf(leaf: number): number {
    return leaf < this.sizes.length ? this.sizes[leaf] : 0;
  }

  at(leaf: number, index: number): number {
    return this.leaves[leaf][index];
  }

  /** Sets the position to the first subject that is not less than the bytes. */
  seek(source: Uint8Array, start: number, end: number): void {
    this.search(source, start, end, 0);
  }

  /** Sets the position to the first subject that is greater than the bytes. */
  seekBehind(source: Uint8Array, start: number, end: number): void {
    this.search(source, start, end, 1);
  }

  /** Inserts an id that is not here. */
  insert(id: number): void {
    this.seekId(id);
    const { leaf } = this;
    if (leaf === this.leaves.length) this.addLeaf(leaf);
    else if (this.sizes[leaf] === LEAF_IDS) this.split();
    const ids = this.leaves[this.leaf];
    ids.copyWithin(this.index + 1, this.index, this.sizes[this.leaf]);
    ids[this.index] = id;
    this.sizes[this.leaf]++;
    this.count++;
    this.version++;
  }

  /** Removes an id, if it is here. */
  remove(id: number): void {
    this.seekId(id);
    const { index, leaf } = this;
    if (index >= this.sizeOf(leaf) || this.leaves[leaf][index] !== id) return;
    this.leaves[leaf].copyWithin(index, index + 1, this.sizes[leaf]);
    this.sizes[leaf]--;
    this.count--;
    this.version++;
    if (this.sizes[leaf] === 0) this.cutLeaf(leaf);
    else if (this.sizes[leaf] < LEAF_IDS / 4) this.merge(leaf);
  }

  /** Appends an id whose subject is greater than all others here. */
  append(id: number): void {
    let leaf = this.leaves.length - 1;
    if (leaf < 0 || this.sizes[leaf] === LEAF_IDS) this.addLeaf(++leaf);
    this.leaves[leaf][this.sizes[leaf]++] = id;
    this.count++;
    this.version++;
  }

  private seekId(id: number): void {
    const start = this.table.startOf(id);
    this.search(this.table.bytesOf(id), start, start + this.table.sizeOf(id), 0);
  }

  /** @param bound finds the first subject whose comparison with the bytes is at least this */
  private search(source: Uint8Array, start: number, end: number, bound: 0 | 1): void {
    const { leaves, sizes, table } = this;
    // The last leaf whose first subject is before.
    let low = 0;
    let high = leaves.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareSubject(table, leaves[middle][0], source, start, end) < bound) low = middle + 1;
      else high = middle;
    }
    const leaf = Math.max(0, low - 1);
    low = 0;
    high = leaf < leaves.length ? sizes[leaf] : 0;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareSubject(table, leaves[leaf][middle], source, start, end) < bound) low = middle + 1;
      else high = middle;
    }
    this.leaf = leaf;
    this.index = low;
    // For whoever reads, the end of a leaf is the start of the next one.
    if (low !== this.sizeOf(leaf) || leaf + 1 >= leaves.length) return;
    this.leaf = leaf + 1;
    this.index = 0;
  }

  private addLeaf(leaf: number): void {
    this.leaves.splice(leaf, 0, new Uint32Array(LEAF_IDS));
    this.sizes.splice(leaf, 0, 0);
  }

  private cutLeaf(leaf: number): void {
    this.leaves.splice(leaf, 1);
    this.sizes.splice(leaf, 1);
  }

  /** Makes room at the position, whose leaf is full. */
  private split(): void {
    const { leaf } = this;
    // Ascending subjects fill the leaves, as in `append`.
    const isEnd = this.index === LEAF_IDS && leaf === this.leaves.length - 1;
    const half = isEnd ? LEAF_IDS : LEAF_IDS / 2;
    this.addLeaf(leaf + 1);
    this.leaves[leaf + 1].set(this.leaves[leaf].subarray(half));
    this.sizes[leaf + 1] = LEAF_IDS - half;
    this.sizes[leaf] = half;
    if (this.index < half) return;
    this.leaf = leaf + 1;
    this.index -= half;
  }

  /** Joins a small leaf with a neighbour, if both together are small enough. */
  private merge(leaf: number): void {
    const left = leaf + 1 < this.leaves.length ? leaf : leaf - 1;
    if (left < 0 || this.sizes[left] + this.sizes[left + 1] > LEAF_IDS / 2) return;
    this.leaves[left].set(this.leaves[left + 1].subarray(0, this.sizes[left + 1]), this.sizes[left]);
    this.sizes[left] += this.sizes[left + 1];
    this.cutLeaf(left + 1);
  }
}
