import type { TrieEntry } from "./trie-entry.ts";

/**
 * The entries that match one subject. Immutable once returned: the trie makes a new result when interest changes, so a delivery may
 * walk an old one while subscriptions change.
 */
export class MatchResult<E extends TrieEntry> {
  /** Plain entries, in order of subscription within a trie node. */
  readonly plain: readonly E[];
  /** One array per queue group name, never empty; remote members in front, so one that begins with a local member has no other. */
  readonly groups: readonly (readonly E[])[];
  /** Room for the fan-out, which keeps here what it found out about this result (messaging/fanout/delivery-plan.ts). */
  plan: unknown = null;

  constructor(plain: readonly E[], groups: readonly (readonly E[])[]) {
    this.plain = plain;
    this.groups = groups;
  }

  get isEmpty(): boolean {
    return this.plain.length === 0 && this.groups.length === 0;
  }
}
