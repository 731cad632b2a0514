import type { MatchedGroup } from "./queue-group.ts";
import type { TrieEntry } from "./trie-entry.ts";

/**
 * The entries that match one subject. The list of plain entries never changes: the trie creates a new result when they change, so a delivery can
 * keep using an old one. Queue groups are the trie's own: a result shows at once which members they have now, and may then contain an empty one.
 */
export class MatchResult<E extends TrieEntry> {
  /** Plain entries, in order of subscription within a trie node. */
  readonly plain: readonly E[];
  /** One per queue group name. */
  readonly groups: readonly MatchedGroup<E>[];
  /** Used by the fan-out only, for its plan for this result (messaging/fanout/delivery-plan.ts). */
  plan: unknown = null;
  /** Used by publishers only, which look for the entry of one owner in a long list: what they found, by owner. */
  found: WeakMap<object, E | null> | null = null;

  constructor(plain: readonly E[], groups: readonly MatchedGroup<E>[]) {
    this.plain = plain;
    this.groups = groups;
  }

  get isEmpty(): boolean {
    return this.plain.length === 0 && this.groups.length === 0;
  }
}
