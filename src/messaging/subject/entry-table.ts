import { assert } from "../../base/assert/assert.ts";
import { sameBytes } from "./byte-hash.ts";
import { EntryList } from "./entry-list.ts";
import { MatchResult } from "./match-result.ts";
import { Origin, type TrieEntry } from "./trie-entry.ts";

/**
 * The entries of the trie's nodes: two arrays, indexed by node.
 *
 *   slots     null | the only entry, a plain one | NodeEntries: plain list, queue groups
 *   results   null | the result of a match that finds only this node; built by the first such match after a change
 * A slot with one entry is the common case of millions of literal subscriptions; it saves two objects for each of them. Because of the result
 * per node, a new subject that matches only the subscription `orders.*` allocates nothing.
 */
class NodeEntries<E extends TrieEntry> {
  plain: EntryList<E> | null = null;
  groups: GroupEntries<E>[] = NO_GROUPS;
}

interface GroupEntries<E> {
  readonly name: Uint8Array;
  readonly members: EntryList<E>;
}

// biome-ignore lint/suspicious/noExplicitAny: one empty array for all types of entries
const NO_GROUPS: any[] = [];
const NO_ENTRIES: readonly never[] = [];

/** Effect of adding or removing an entry on the entries of the same node and kind (plain, or its group). */
export enum Change {
  /** The entry was not in the node; nothing changed. */
  None = 0,
  /** The node has other entries of this kind. */
  Some = 1,
  /** It is the first entry of its kind, or was the last one. */
  Edge = 2,
}

export class EntryTable<E extends TrieEntry> {
  private slots: (E | NodeEntries<E> | null)[] = [null];
  private results: (MatchResult<E> | null)[] = [null];

  /** Makes room for a new node. Node numbers have no gaps. */
  addNode(node: number): void {
    if (node < this.slots.length) return;
    this.slots.push(null);
    this.results.push(null);
  }

  /** Releases the memory when no node is left. */
  clear(): void {
    this.slots = [null];
    this.results = [null];
  }

  isEmpty(node: number): boolean {
    // The result first: a match needs it next, and in a huge trie each array access is a cache miss.
    return this.results[node] === null && this.slots[node] === null;
  }

  add(node: number, entry: E): Change {
    this.results[node] = null;
    const slot = this.slots[node];
    if (slot === null && entry.queue === null) {
      this.slots[node] = entry;
      return Change.Edge;
    }
    let entries: NodeEntries<E>;
    if (slot instanceof NodeEntries) {
      entries = slot;
    } else {
      entries = new NodeEntries<E>();
      if (slot !== null) entries.plain = new EntryList(slot);
      this.slots[node] = entries;
    }
    return entry.queue === null ? addPlain(entries, entry) : addMember(entries, entry, entry.queue);
  }

  remove(node: number, entry: E): Change {
    const slot = this.slots[node];
    if (slot === null) return Change.None;
    if (!(slot instanceof NodeEntries)) {
      if (slot !== entry) return Change.None;
      this.slots[node] = null;
      this.results[node] = null;
      return Change.Edge;
    }
    const change = entry.queue === null ? removePlain(slot, entry) : removeMember(slot, entry, entry.queue);
    if (change === Change.None) return change;
    this.results[node] = null;
    if (slot.plain === null && slot.groups.length === 0) this.slots[node] = null;
    return change;
  }

  /** Drops the node's result after a change of weight. */
  dropResult(node: number): void {
    this.results[node] = null;
  }

  /** The result of a match that finds only this node. The node must have entries. */
  result(node: number): MatchResult<E> {
    return this.results[node] ?? this.build(node);
  }

  /** Whether the node has an entry of this queue group; `queue` null: a plain entry. */
  has(node: number, queue: Uint8Array | null): boolean {
    const slot = this.slots[node];
    if (slot === null) return false;
    if (!(slot instanceof NodeEntries)) return queue === null;
    return queue === null ? slot.plain !== null : findGroup(slot.groups, queue) !== -1;
  }

  plainCount(node: number): number {
    const slot = this.slots[node];
    if (slot === null) return 0;
    if (!(slot instanceof NodeEntries)) return 1;
    return slot.plain === null ? 0 : slot.plain.size;
  }

  /** Members of all queue groups together. */
  memberCount(node: number): number {
    const slot = this.slots[node];
    if (!(slot instanceof NodeEntries)) return 0;
    let count = 0;
    for (const group of slot.groups) count += group.members.size;
    return count;
  }

  /** Appends the node's entries, the plain ones first. */
  collect(node: number, target: E[]): void {
    const slot = this.slots[node];
    if (slot === null) return;
    if (!(slot instanceof NodeEntries)) {
      target.push(slot);
      return;
    }
    if (slot.plain !== null) for (const entry of slot.plain.snapshot()) target.push(entry);
    for (const group of slot.groups) for (const entry of group.members.snapshot()) target.push(entry);
  }

  private build(node: number): MatchResult<E> {
    const slot = this.slots[node];
    assert(slot != null, "a matched trie node has entries", node);
    const result =
      slot instanceof NodeEntries
        ? new MatchResult<E>(
            slot.plain === null ? NO_ENTRIES : slot.plain.snapshot(),
            slot.groups.length === 0 ? NO_ENTRIES : slot.groups.map(group => remoteFirst(group.members.snapshot())),
          )
        : new MatchResult<E>([slot], NO_ENTRIES);
    this.results[node] = result;
    return result;
  }
}

function addPlain<E extends TrieEntry>(entries: NodeEntries<E>, entry: E): Change {
  if (entries.plain === null) {
    entries.plain = new EntryList(entry);
    return Change.Edge;
  }
  entries.plain.add(entry);
  return Change.Some;
}

function addMember<E extends TrieEntry>(entries: NodeEntries<E>, entry: E, queue: Uint8Array): Change {
  const index = findGroup(entries.groups, queue);
  if (index !== -1) {
    entries.groups[index].members.add(entry);
    return Change.Some;
  }
  const group = { name: queue, members: new EntryList(entry) };
  if (entries.groups === NO_GROUPS) entries.groups = [group];
  else entries.groups.push(group);
  return Change.Edge;
}

function removePlain<E extends TrieEntry>(entries: NodeEntries<E>, entry: E): Change {
  if (entries.plain === null || !entries.plain.remove(entry)) return Change.None;
  if (entries.plain.size > 0) return Change.Some;
  entries.plain = null;
  return Change.Edge;
}

function removeMember<E extends TrieEntry>(entries: NodeEntries<E>, entry: E, queue: Uint8Array): Change {
  const index = findGroup(entries.groups, queue);
  if (index === -1) return Change.None;
  const members = entries.groups[index].members;
  if (!members.remove(entry)) return Change.None;
  if (members.size > 0) return Change.Some;
  entries.groups.splice(index, 1);
  return Change.Edge;
}

function findGroup<E>(groups: readonly GroupEntries<E>[], queue: Uint8Array): number {
  for (let index = 0; index < groups.length; index++) {
    const name = groups[index].name;
    if (name.length === queue.length && sameBytes(name, 0, queue, 0, queue.length)) return index;
  }
  return -1;
}

/** Order of a group's members: plain routes, then members for leaf nodes, then local ones. */
const RANKS: Record<Origin, number> = {
  [Origin.Route]: 0,
  [Origin.RouteLeaf]: 1,
  [Origin.LeafHub]: 2,
  [Origin.LeafSpoke]: 2,
  [Origin.Gateway]: 3,
  [Origin.Local]: 3,
};

/**
 * Sorts remote members to the front. The selection of a member relies on this order: only remote members have weights, and a group that
 * begins with a local member has no remote one. Leaf nodes come directly before local members, so that a scan that skips a leaf node finds a
 * local member next.
 */
export function remoteFirst<E extends TrieEntry>(members: readonly E[]): readonly E[] {
  for (const member of members) {
    if (member.origin !== Origin.Local) return members.slice().sort((a, b) => RANKS[a.origin] - RANKS[b.origin]);
  }
  return members;
}

/** Merges results: plain entries in the given order, queue groups of the same name joined. */
export function mergeResults<E extends TrieEntry>(results: readonly MatchResult<E>[]): MatchResult<E> {
  const plain: E[] = [];
  const groups: (readonly E[])[] = [];
  for (const result of results) {
    for (const entry of result.plain) plain.push(entry);
    for (const group of result.groups) mergeGroup(groups, group);
  }
  return new MatchResult(plain, groups.length === 0 ? NO_ENTRIES : groups);
}

function mergeGroup<E extends TrieEntry>(groups: (readonly E[])[], group: readonly E[]): void {
  const name = group[0].queue!;
  for (let index = 0; index < groups.length; index++) {
    const other = groups[index][0].queue!;
    if (other.length === name.length && sameBytes(other, 0, name, 0, name.length)) {
      groups[index] = remoteFirst(groups[index].concat(group));
      return;
    }
  }
  groups.push(group);
}
