import { assert } from "../../base/assert/assert.ts";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { Origin, type TrieEntry } from "./trie-entry.ts";

/**
 * The members of one queue group at one trie node. Match results contain the group itself, not a copy: they show changes of its members at once,
 * so a change of one member costs the same in a group of ten and of a million, and so does the next message.
 *
 *   members   route route leaf │ local local local       [0, remotes) are remote, in order of their ranks
 * The selection of a member (queue-selection.ts) relies on this order: only remote members have weights, and leaf nodes come directly before local
 * members, so that a scan that skips a leaf node finds a local member next. Local members have no order: the last one takes the place of a removed one.
 */
export class QueueGroup<E extends TrieEntry> {
  readonly name: Uint8Array;
  /** Only read by others. */
  readonly members: E[] = [];
  /** Number of members on other servers. */
  remotes = 0;
  /** Rises with each change of the members or of a weight. */
  version = 0;
  /** Position in the list of its node's groups. */
  index = 0;
  /** Position of each member; null while there are few. */
  private positions: Map<E, number> | null = null;
  private readonly changes: GroupChanges;

  constructor(name: Uint8Array, changes: GroupChanges) {
    this.name = name;
    this.changes = changes;
  }

  /** A group of its own, outside of a trie. @param members at least one */
  static of<E extends TrieEntry>(members: readonly E[]): QueueGroup<E> {
    const group = new QueueGroup<E>(members[0].queue ?? new Uint8Array(0), new GroupChanges(new WorkMeter()));
    for (const member of members) group.add(member);
    return group;
  }

  get length(): number {
    return this.members.length;
  }

  /** Adds a member that is not in the group. */
  add(member: E): void {
    const { members } = this;
    if (this.positions === null && members.length >= SEARCHED_MAX) this.positions = new Map(members.map((one, index) => [one, index]));
    members.push(member);
    if (RANKS[member.origin] === LOCAL_RANK) this.put(members.length - 1, member);
    else this.moveToRemotes(member);
    this.noteChange();
  }

  /** @returns false when it was not in the group */
  remove(member: E): boolean {
    const { members, positions } = this;
    const at = positions === null ? members.indexOf(member) : (positions.get(member) ?? -1);
    if (at === -1) return false;
    let hole = at;
    if (at < this.remotes) {
      this.remotes--;
      for (; hole < this.remotes; hole++) this.put(hole, members[hole + 1]);
    }
    const last = members.pop()!;
    if (hole < members.length) this.put(hole, last);
    positions?.delete(member);
    if (members.length <= SEARCHED_AGAIN) this.positions = null;
    assert(this.remotes <= members.length, "a group has no more remote members than members", this.remotes, members.length);
    this.noteChange();
    return true;
  }

  noteChange(): void {
    this.version++;
    this.changes.count++;
  }

  /** Moves a member from the end to the remote ones, behind those of the same rank. The first local member takes its place. */
  private moveToRemotes(member: E): void {
    const { members } = this;
    this.put(members.length - 1, members[this.remotes]);
    let at = this.remotes++;
    for (; at > 0 && RANKS[members[at - 1].origin] > RANKS[member.origin]; at--) this.put(at, members[at - 1]);
    this.put(at, member);
  }

  private put(at: number, member: E): void {
    this.members[at] = member;
    this.positions?.set(member, at);
  }
}

/** Groups of up to this size are searched, larger ones have an index. */
const SEARCHED_MAX = 64;
/** At this size the index is dropped again: well below the maximum, so that changes around the maximum do not build it each time. */
const SEARCHED_AGAIN = 32;

const LOCAL_RANK = 3;
/** Order of a group's members: plain routes, then members for leaf nodes, then local ones. */
const RANKS: Record<Origin, number> = {
  [Origin.Route]: 0,
  [Origin.RouteLeaf]: 1,
  [Origin.LeafHub]: 2,
  [Origin.LeafSpoke]: 2,
  [Origin.Gateway]: LOCAL_RANK,
  [Origin.Local]: LOCAL_RANK,
};

/** Shared by the groups of a trie. */
export class GroupChanges {
  /** Changes of members of any group. */
  count = 0;

  /** @param meter counts the members that were copied, and the groups whose sizes were added up, for joined groups */
  constructor(readonly meter: WorkMeter) {}
}

/**
 * The groups of one name at several nodes that match the same subject.
 *
 *   up to 256 members, or some of them remote    `flat` is one list, built again after a change
 *   more                                         the parts are used as they are; after a change only their sizes are added up
 */
export class JoinedGroup<E extends TrieEntry> {
  readonly name: Uint8Array;
  readonly parts: readonly QueueGroup<E>[];
  private readonly changes: GroupChanges;
  private checkedAt = -1;
  private total = 0;
  private remoteTotal = 0;
  private list: readonly E[] | null = null;

  constructor(parts: readonly QueueGroup<E>[], changes: GroupChanges) {
    this.name = parts[0].name;
    this.parts = parts;
    this.changes = changes;
  }

  get length(): number {
    this.follow();
    return this.total;
  }

  get remotes(): number {
    this.follow();
    return this.remoteTotal;
  }

  get version(): number {
    let version = 0;
    for (const part of this.parts) version += part.version;
    return version;
  }

  /** All members, remote ones first; null: there are too many local ones. */
  get flat(): readonly E[] | null {
    this.follow();
    if (this.list === null && (this.remoteTotal > 0 || this.total <= FLAT_MAX)) {
      const members = this.parts.flatMap(part => part.members);
      this.list = this.remoteTotal > 0 ? members.sort((a, b) => RANKS[a.origin] - RANKS[b.origin]) : members;
      this.changes.meter.done += this.total;
    }
    return this.list;
  }

  private follow(): void {
    if (this.checkedAt === this.changes.count) return;
    this.checkedAt = this.changes.count;
    this.list = null;
    this.total = 0;
    this.remoteTotal = 0;
    for (const part of this.parts) {
      this.total += part.members.length;
      this.remoteTotal += part.remotes;
    }
    this.changes.meter.done += this.parts.length;
  }
}

const FLAT_MAX = 256;

/** What a match result has for each name of a queue group. */
export type MatchedGroup<E extends TrieEntry> = QueueGroup<E> | JoinedGroup<E>;

/** The members of a group at this time. */
export function membersOf<E extends TrieEntry>(group: MatchedGroup<E>): readonly E[] {
  return group instanceof QueueGroup ? group.members : group.parts.flatMap(part => part.members);
}
