import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import type { EntryTable } from "./entry-table.ts";
import type { MatchResult } from "./match-result.ts";
import type { TrieEntry } from "./trie-entry.ts";

/**
 * Remembers merged results by the set of nodes from which they were merged.
 *
 *   bench.1, bench.2, bench.3 …  all match  `bench.*` and `>`  →  one result for all of them
 * A hundred thousand subjects do not fit into the cache by subject, but they match few combinations of nodes. If the combination is known, a
 * match allocates nothing. There is room for 128 combinations, in pairs of positions given by their hashes; a new combination
 * becomes the first of its pair, and the first becomes the second. A combination is valid while its nodes have the results from which it was merged, so changes elsewhere in the trie do not matter.
 */
interface Combination<E extends TrieEntry> {
  readonly nodes: Int32Array;
  /** The results of the nodes. */
  readonly parts: readonly MatchResult<E>[];
  readonly result: MatchResult<E>;
}

/** A power of two. */
const COMBINATIONS = 128;
/** Nodes and entries that are copied for one unit of work, as a shift. */
const COPY_UNIT_SHIFT = 1;
/** Larger combinations are not remembered, to bound the memory. */
const NODES_MAX = 4_096;
/** All combinations are forgotten when this number of entries was copied for them since the last time. */
const COPIES_MAX = 1_048_576;
/** A node counts as much as this number of entries, because `forgetStale` reads the nodes. */
const COPIES_PER_NODE = 8;

export class MergeMemo<E extends TrieEntry> {
  /** Empty until the first merge, because most tries of small accounts never need it. */
  private combinations: (Combination<E> | null)[] = [];
  /** Nothing is remembered. */
  isEmpty = true;
  private copies = 0;

  constructor(
    private readonly entries: EntryTable<E>,
    private readonly meter: WorkMeter,
  ) {}

  /** The merged result of the first `count` nodes of `found`. @param count at least 2 */
  result(found: readonly number[], count: number): MatchResult<E> {
    if (this.combinations.length === 0) this.combinations = new Array(COMBINATIONS).fill(null);
    let hash = count;
    for (let index = 0; index < count; index++) {
      hash = Math.imul(hash ^ found[index], 0x9e3779b1);
      hash ^= hash >>> 15; // so that the first nodes count too
    }
    const position = hash & (COMBINATIONS - 2);
    for (let way = position; way < position + 2; way++) {
      const known = this.combinations[way];
      if (known !== null && known.nodes.length === count && this.isOf(known, found)) return known.result;
    }
    const parts: MatchResult<E>[] = [];
    for (let index = 0; index < count; index++) parts.push(this.entries.result(found[index]));
    const result = this.entries.merge(parts);
    this.meter.done += (count + result.plain.length) >> COPY_UNIT_SHIFT;
    if (count <= NODES_MAX) this.keep(position, found, parts, result);
    return result;
  }

  private keep(position: number, found: readonly number[], parts: readonly MatchResult<E>[], result: MatchResult<E>): void {
    const nodes = new Int32Array(parts.length);
    for (let index = 0; index < nodes.length; index++) nodes[index] = found[index];
    const { combinations } = this;
    this.copies += nodes.length * COPIES_PER_NODE + result.plain.length;
    if (this.copies > COPIES_MAX) {
      combinations.fill(null);
      this.copies = 0;
    }
    const first = combinations[position];
    if (first !== null) combinations[position + 1] = first;
    combinations[position] = { nodes, parts, result };
    this.isEmpty = false;
  }

  /** Forgets combinations that are no longer valid, so that they do not keep removed entries alive. */
  forgetStale(): void {
    this.isEmpty = true;
    for (const [position, combination] of this.combinations.entries()) {
      if (combination === null) continue;
      if (this.isOf(combination, combination.nodes)) this.isEmpty = false;
      else this.combinations[position] = null;
    }
  }

  private isOf({ nodes, parts }: Combination<E>, found: ArrayLike<number>): boolean {
    const { entries } = this;
    for (let index = 0; index < nodes.length; index++) {
      const node = nodes[index];
      if (node !== found[index] || entries.known(node) !== parts[index]) return false;
    }
    return true;
  }
}
