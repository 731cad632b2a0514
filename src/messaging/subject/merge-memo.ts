import type { EntryTable } from "./entry-table.ts";
import type { MatchResult } from "./match-result.ts";
import type { TrieEntry } from "./trie-entry.ts";

/**
 * Remembers merged results by the set of nodes from which they were merged.
 *
 *   bench.1, bench.2, bench.3 …  all match  `bench.*` and `>`  →  one result for all of them
 * A hundred thousand subjects do not fit into the cache by subject, but they match few combinations of nodes. If the combination is known, a
 * match allocates nothing. There is room for 64 combinations, at positions given by their hashes; a new combination replaces the old one at
 * its position. A combination is valid while its nodes have the results from which it was merged, so changes elsewhere in the trie do not matter.
 */
interface Combination<E extends TrieEntry> {
  readonly nodes: Int32Array;
  /** The results of the nodes. */
  readonly parts: readonly MatchResult<E>[];
  readonly result: MatchResult<E>;
}

const COMBINATIONS = 64;
/** Larger combinations are not remembered, to bound the memory. */
const NODES_MAX = 16_384;

export class MergeMemo<E extends TrieEntry> {
  /** Nodes and entries that were copied for merged results. Rises. */
  steps = 0;
  /** Empty until the first merge, because most tries of small accounts never need it. */
  private combinations: (Combination<E> | null)[] = [];
  /** Number of combinations. */
  private kept = 0;

  constructor(private readonly entries: EntryTable<E>) {}

  /** The merged result of the first `count` nodes of `found`. @param count at least 2 */
  result(found: readonly number[], count: number): MatchResult<E> {
    if (this.combinations.length === 0) this.combinations = new Array(COMBINATIONS).fill(null);
    let hash = count;
    for (let index = 0; index < count; index++) hash = Math.imul(hash ^ found[index], 0x9e3779b1);
    const position = (hash >>> 16) % COMBINATIONS;
    const known = this.combinations[position];
    if (known !== null && known.nodes.length === count && this.isOf(known, found)) return known.result;
    const parts: MatchResult<E>[] = [];
    for (let index = 0; index < count; index++) parts.push(this.entries.result(found[index]));
    const result = this.entries.merge(parts);
    this.steps += count + result.plain.length;
    if (count <= NODES_MAX) this.keep(position, found, parts, result);
    return result;
  }

  /** Nothing is remembered. */
  get isEmpty(): boolean {
    return this.kept === 0;
  }

  private keep(position: number, found: readonly number[], parts: readonly MatchResult<E>[], result: MatchResult<E>): void {
    const nodes = new Int32Array(parts.length);
    for (let index = 0; index < nodes.length; index++) nodes[index] = found[index];
    if (this.combinations[position] === null) this.kept++;
    this.combinations[position] = { nodes, parts, result };
  }

  /** Forgets combinations that are no longer valid, so that they do not keep removed entries alive. */
  forgetStale(): void {
    for (const [position, combination] of this.combinations.entries()) {
      if (combination === null || this.isOf(combination, combination.nodes)) continue;
      this.combinations[position] = null;
      this.kept--;
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
