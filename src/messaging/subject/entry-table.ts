import { assert } from "../../base/assert/assert.ts";
import { bytesEqual } from "../../base/bytes/ascii.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { HashKey } from "./byte-hash.ts";
import { BytesMap } from "./bytes-map.ts";
import { EntryList } from "./entry-list.ts";
import { MatchResult } from "./match-result.ts";
import { GroupChanges, JoinedGroup, type MatchedGroup, QueueGroup } from "./queue-group.ts";
import type { TrieEntry } from "./trie-entry.ts";

/**
 * The entries of the trie's nodes: two arrays, indexed by node.
 *
 *   slots     null | the only entry, a plain one | NodeEntries: plain list, queue groups
 *   results   null | the result of a match that finds only this node; built by the first such match after a change
 * A slot with one entry is the common case of millions of literal subscriptions; it saves two objects for each of them. Because of the result
 * per node, a new subject that matches only the subscription `orders.*` allocates nothing. A result contains the node's queue groups themselves,
 * so it is only built again when a group begins or ends, or gets its first remote member or loses its last one.
 */
class NodeEntries<E extends TrieEntry> {
  plain: EntryList<E> | null = null;
  groups: QueueGroup<E>[] = NO_GROUPS;
  /** The groups by name; null while there are few. */
  groupIndex: BytesMap<QueueGroup<E>> | null = null;
}

/** Entries that are copied for one unit of work, as a shift. */
const COPY_UNIT_SHIFT = 4;

/** Up to this number of groups at one node are searched; more have an index. */
const GROUPS_SEARCHED_MAX = 16;

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
  /** Like `Some`, but results that contain the group show the change by themselves. */
  Live = 3,
}

export class EntryTable<E extends TrieEntry> {
  /** Changes of queue groups. */
  readonly groupChanges: GroupChanges;
  /** Secret, because clients choose the names of groups. */
  private readonly hashKey: HashKey;
  private slots: (E | NodeEntries<E> | null)[] = [null];
  private results: (MatchResult<E> | null)[] = [null];

  /** @param meter counts the entries that were copied */
  constructor(
    private readonly meter: WorkMeter,
    hashKey = HashKey.secret(),
  ) {
    this.groupChanges = new GroupChanges(meter);
    this.hashKey = hashKey;
  }

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
    const change = this.addTo(node, entry);
    if (change !== Change.Live) this.results[node] = null;
    return change;
  }

  private addTo(node: number, entry: E): Change {
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
    return entry.queue === null ? addPlain(entries, entry) : this.addMember(entries, entry, entry.queue);
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
    if (change !== Change.Live) this.results[node] = null;
    if (slot.plain === null && slot.groups.length === 0) this.slots[node] = null;
    return change;
  }

  /** Called after the weight of a queue entry has changed. */
  noteWeight(node: number, queue: Uint8Array): void {
    const slot = this.slots[node];
    if (slot instanceof NodeEntries) findGroup(slot, queue)?.noteChange();
  }

  /** The result of a match that finds only this node. The node must have entries. */
  result(node: number): MatchResult<E> {
    return this.results[node] ?? this.build(node);
  }

  /** The node's result if it is known, else null or undefined. */
  known(node: number): MatchResult<E> | null | undefined {
    return this.results[node];
  }

  /** Whether the node has an entry of this queue group; `queue` null: a plain entry. */
  has(node: number, queue: Uint8Array | null): boolean {
    const slot = this.slots[node];
    if (slot === null) return false;
    if (!(slot instanceof NodeEntries)) return queue === null;
    return queue === null ? slot.plain !== null : findGroup(slot, queue) !== undefined;
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
    for (const group of slot.groups) count += group.length;
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
    for (const group of slot.groups) for (const entry of group.members) target.push(entry);
  }

  private build(node: number): MatchResult<E> {
    const slot = this.slots[node];
    assert(slot != null, "a matched trie node has entries", node);
    const result =
      slot instanceof NodeEntries
        ? new MatchResult<E>(
            slot.plain === null ? NO_ENTRIES : slot.plain.snapshot(),
            slot.groups.length === 0 ? NO_ENTRIES : slot.groups.slice(),
          )
        : new MatchResult<E>([slot], NO_ENTRIES);
    this.results[node] = result;
    this.meter.done += (result.plain.length + result.groups.length) >> COPY_UNIT_SHIFT;
    return result;
  }

  private addMember(entries: NodeEntries<E>, entry: E, queue: Uint8Array): Change {
    const known = findGroup(entries, queue);
    if (known !== undefined) return changeMembers(known, () => known.add(entry));
    const group = new QueueGroup<E>(queue, this.groupChanges);
    group.add(entry);
    if (entries.groups === NO_GROUPS) entries.groups = [];
    const { groups } = entries;
    group.index = groups.length;
    groups.push(group);
    if (entries.groupIndex !== null) {
      entries.groupIndex.set(group.name, group);
    } else if (groups.length > GROUPS_SEARCHED_MAX) {
      entries.groupIndex = new BytesMap(this.hashKey);
      for (const one of groups) entries.groupIndex.set(one.name, one);
    }
    return Change.Edge;
  }

  /** Merges results: plain entries in the given order, queue groups of the same name joined. */
  merge(results: readonly MatchResult<E>[]): MatchResult<E> {
    const plain: E[] = [];
    const groups: QueueGroup<E>[][] = [];
    let index: BytesMap<QueueGroup<E>[]> | null = null;
    for (const result of results) {
      for (const entry of result.plain) plain.push(entry);
      for (const group of result.groups as readonly QueueGroup<E>[]) {
        if (index === null && groups.length > GROUPS_SEARCHED_MAX) {
          index = new BytesMap(this.hashKey);
          for (const parts of groups) index.set(parts[0].name, parts);
        }
        const { name } = group;
        const parts = index === null ? groups.find(([first]) => bytesEqual(first.name, name)) : index.get(name, 0, name.length);
        if (parts !== undefined) {
          parts.push(group);
          continue;
        }
        const opened = [group];
        groups.push(opened);
        index?.set(name, opened);
      }
    }
    return new MatchResult<E>(plain, groups.length === 0 ? NO_ENTRIES : groups.map(parts => this.join(parts)));
  }

  private join(parts: readonly QueueGroup<E>[]): MatchedGroup<E> {
    return parts.length === 1 ? parts[0] : new JoinedGroup(parts, this.groupChanges);
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

function removePlain<E extends TrieEntry>(entries: NodeEntries<E>, entry: E): Change {
  if (entries.plain === null || !entries.plain.remove(entry)) return Change.None;
  if (entries.plain.size > 0) return Change.Some;
  entries.plain = null;
  return Change.Edge;
}

function removeMember<E extends TrieEntry>(entries: NodeEntries<E>, entry: E, queue: Uint8Array): Change {
  const group = findGroup(entries, queue);
  if (group === undefined) return Change.None;
  if (group.length > 1) return changeMembers(group, () => group.remove(entry));
  if (!group.remove(entry)) return Change.None;
  const { groups } = entries;
  const last = groups.pop()!;
  if (last !== group) {
    groups[group.index] = last;
    last.index = group.index;
  }
  if (entries.groupIndex === null) return Change.Edge;
  entries.groupIndex.delete(group.name);
  if (groups.length === 0) entries.groupIndex = null;
  return Change.Edge;
}

/** Adds or removes a member of a group that has others. Results must know whether a group has remote members. */
function changeMembers<E extends TrieEntry>(group: QueueGroup<E>, change: () => unknown): Change {
  const hadRemotes = group.remotes > 0;
  if (change() === false) return Change.None;
  return group.remotes > 0 === hadRemotes ? Change.Live : Change.Some;
}

function findGroup<E extends TrieEntry>(entries: NodeEntries<E>, queue: Uint8Array): QueueGroup<E> | undefined {
  if (entries.groupIndex !== null) return entries.groupIndex.get(queue, 0, queue.length);
  for (const group of entries.groups) if (bytesEqual(group.name, queue)) return group;
  return undefined;
}
