import type { Random } from "../../base/random/random.ts";
import { SubjectTrie } from "../../messaging/subject/subject-trie.ts";
import { Origin, type TrieEntry } from "../../messaging/subject/trie-entry.ts";
import type { Pattern } from "./pattern.ts";

/**
 * Patterns of which any may cover a subject: the question of nearly every check.
 *
 * Up to eight are compared one after the other: most differ in the first bytes, and no hash has to be computed, so that costs less than
 * any cache would, whatever the subjects. More of them stand in a trie, whose answers are worth remembering (`isDirect`).
 * bench/micro/permission.ts shows both.
 */
export const DIRECT_PATTERNS_MAX = 8;

export class PatternSet {
  private readonly direct: readonly Pattern[];
  private readonly trie: SubjectTrie<TrieEntry> | null;
  /** Whether asking is cheaper than remembering. */
  readonly isDirect: boolean;

  constructor(patterns: readonly Pattern[], random: Random) {
    this.isDirect = patterns.length <= DIRECT_PATTERNS_MAX;
    this.direct = this.isDirect ? patterns : [];
    this.trie = this.isDirect ? null : trieOf(patterns, random);
  }

  /** @param source borrowed for the call */
  covers(source: Uint8Array, start: number, end: number): boolean {
    if (this.trie !== null) return this.trie.hasInterest(source, start, end);
    const direct = this.direct;
    for (let index = 0; index < direct.length; index++) {
      if (direct[index].covers(source, start, end)) return true;
    }
    return false;
  }
}

function trieOf(patterns: readonly Pattern[], random: Random): SubjectTrie<TrieEntry> {
  const trie = uncachedTrie<TrieEntry>(random);
  for (const { subject } of patterns) trie.insert({ subject, queue: null, origin: Origin.Local, weight: 1 });
  return trie;
}

/** One that keeps no results: decisions are remembered by each connection. */
export function uncachedTrie<E extends TrieEntry>(random: Random): SubjectTrie<E> {
  return new SubjectTrie<E>({ cache: false, random, schedule: task => task() });
}
