import type { Random } from "../../base/random/random.ts";
import { SubjectTrie } from "../../messaging/subject/subject-trie.ts";
import { Origin, type TrieEntry } from "../../messaging/subject/trie-entry.ts";
import type { Pattern } from "./pattern.ts";

/**
 * A set of patterns. Nearly every permission check asks whether one of them covers a subject.
 *
 * Up to eight are compared one after another: most differ in the first bytes and no hash is needed, which costs less than
 * any cache, whatever the subjects. Larger sets use a trie, whose answers should be cached (`isDirect` is false).
 * bench/micro/permission.ts shows both.
 */
export const DIRECT_PATTERNS_MAX = 8;

export class PatternSet {
  private readonly direct: readonly Pattern[];
  private readonly trie: SubjectTrie<TrieEntry> | null;
  /** True when a check costs less than a cached decision. */
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

/** A trie without a result cache, because each connection caches its decisions. */
export function uncachedTrie<E extends TrieEntry>(random: Random): SubjectTrie<E> {
  return new SubjectTrie<E>({ cache: false, random, schedule: task => task() });
}
