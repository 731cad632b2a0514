import type { TrieEntry } from "./trie-entry.ts";

/**
 * The entries that match one subject. A returned result never changes: the trie creates a new one when interest changes, so a delivery can
 * keep using an old one while subscriptions change.
 */
export class MatchResult<E extends TrieEntry> {
  /** Plain entries, in order of subscription within a trie node. */
  readonly plain: readonly E[];
  /** One array per queue group name, never empty. Remote members come first: a group that begins with a local member has no remote one. */
  readonly groups: readonly (readonly E[])[];
  /** Used by the fan-out only, for its plan for this result (messaging/fanout/delivery-plan.ts). */
  plan: unknown = null;

  constructor(plain: readonly E[], groups: readonly (readonly E[])[]) {
    this.plain = plain;
    this.groups = groups;
  }

  get isEmpty(): boolean {
    return this.plain.length === 0 && this.groups.length === 0;
  }
}
