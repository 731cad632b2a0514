import type { EntryTable } from "./entry-table.ts";
import type { MatchResult } from "./match-result.ts";
import type { TrieEntry } from "./trie-entry.ts";

/**
 * Remembers merged results by the set of nodes from which they were merged.
 *
 *   bench.1, bench.2, bench.3 …  all match  `bench.*` and `>`  →  one result for all of them
 * A hundred thousand subjects do not fit into the cache by subject, but they match few combinations of nodes. If the combination is known, a
 * match allocates nothing. There is room for 64 combinations of up to 8 nodes, at positions given by their hashes; a new combination replaces
 * the old one at its position. Every change of the trie empties the memo, so that it never keeps removed entries alive.
 */
const SETS = 64;
const NODES_MAX = 8;

export class MergeMemo<E extends TrieEntry> {
  /** Eight nodes per combination; unused places are 0. Allocated at the first merge, because most tries of small accounts never need it. */
  private nodes: Int32Array | null = null;
  private readonly results: (MatchResult<E> | null)[] = [];
  private filled = false;

  constructor(private readonly entries: EntryTable<E>) {}

  /** The merged result of the first `count` nodes of `found`. @param count at least 2 */
  result(found: readonly number[], count: number): MatchResult<E> {
    if (count > NODES_MAX) return this.merge(found, count);
    const nodes = this.nodes ?? this.open();
    let hash = count;
    for (let index = 0; index < count; index++) hash = Math.imul(hash ^ found[index], 0x9e3779b1);
    const set = (hash >>> 16) % SETS;
    const at = set * NODES_MAX;
    const known = this.results[set];
    if (known !== null && holds(nodes, at, found, count)) return known;
    for (let index = 0; index < NODES_MAX; index++) nodes[at + index] = index < count ? found[index] : 0;
    const result = this.merge(found, count);
    this.results[set] = result;
    this.filled = true;
    return result;
  }

  forget(): void {
    if (!this.filled) return;
    this.results.fill(null);
    this.filled = false;
  }

  private merge(found: readonly number[], count: number): MatchResult<E> {
    const results: MatchResult<E>[] = [];
    for (let index = 0; index < count; index++) results.push(this.entries.result(found[index]));
    return this.entries.merge(results);
  }

  private open(): Int32Array {
    for (let set = 0; set < SETS; set++) this.results.push(null);
    this.nodes = new Int32Array(SETS * NODES_MAX);
    return this.nodes;
  }
}

function holds(nodes: Int32Array, at: number, found: readonly number[], count: number): boolean {
  for (let index = 0; index < count; index++) {
    if (nodes[at + index] !== found[index]) return false;
  }
  return count === NODES_MAX || nodes[at + count] === 0;
}
