import type { Random } from "../../base/random/random.ts";
import { JoinedGroup, type MatchedGroup, type QueueGroup } from "./queue-group.ts";
import { Origin, type TrieEntry } from "./trie-entry.ts";

/**
 * Which member of a queue group gets a message.
 *
 *   group  route route leaf │ local local local      ordered by the trie: remote members first; only they have weights
 *            w=3   w=1  w=2 │   1     1     1        the start is drawn by weight; the scan continues from there and wraps around
 *
 * Local members are preferred: the scan only remembers a leaf node. A plain route ends the scan, because its server then chooses one of its own
 * local members. A message from a route stays here if possible, so that it is not sent in circles. The caller delivers to remote members: the
 * connection of a remote member gets the message once, with the names of all its groups.
 *
 * Nearly all groups have only local members. A shorter function handles these.
 */

/** The kind of publisher. */
export enum MessageSource {
  Client = 0,
  /** SYSTEM, JETSTREAM, ACCOUNT. */
  Internal = 1,
  LeafHub = 2,
  /** A leaf connection for which this server is the spoke. */
  LeafSpoke = 3,
  Route = 4,
  Gateway = 5,
}

/** Callbacks from the selection into the delivery. One object serves all groups. */
export interface QueueDelivery<E> {
  /** Delivers to a local member. @returns false if the member does not take the message; then the next one is tried */
  tryDeliver(member: E): boolean;
  /** Whether this member, which represents a leaf node, would send the message back to its origin. */
  isEcho(member: E): boolean;
}

export function isRemote(origin: Origin): boolean {
  return origin !== Origin.Local && origin !== Origin.Gateway;
}

/**
 * @returns the local member that took the message, or the remote member (`isRemote`) whose connection must carry it, or null if no member
 * can take it
 */
export function selectQueueMember<E extends TrieEntry>(
  group: MatchedGroup<E>,
  source: MessageSource,
  random: Random,
  delivery: QueueDelivery<E>,
): E | null {
  if (group instanceof JoinedGroup) {
    const { flat } = group;
    if (flat === null) return deliverToOneOfParts(group, random, delivery);
    return group.remotes === 0 ? deliverToOne(flat, 0, random, delivery) : selectAmongRemotes(flat, source, random, delivery);
  }
  const { members } = group;
  return group.remotes === 0 ? deliverToOne(members, 0, random, delivery) : selectAmongRemotes(members, source, random, delivery);
}

function selectAmongRemotes<E extends TrieEntry>(
  members: readonly E[],
  source: MessageSource,
  random: Random,
  delivery: QueueDelivery<E>,
): E | null {
  return source === MessageSource.Route ? selectFromRoute(members, random, delivery) : selectFromAll(members, source, random, delivery);
}

/** Tries the local members, which begin at index `first`. Starts with a random one. */
function deliverToOne<E extends TrieEntry>(group: readonly E[], first: number, random: Random, delivery: QueueDelivery<E>): E | null {
  const count = group.length - first;
  let index = count > 1 ? first + random.below(count) : first;
  // A member that does not take the message may leave the group, so the length is read again.
  for (let tried = 0; tried < count && group.length > first; tried++) {
    if (index >= group.length) index = first;
    const member = group[index];
    if (delivery.tryDeliver(member)) return member;
    index++;
  }
  return null;
}

/** Tries the members of all parts. Starts with a random one: of the part that it is in, then of the parts after it, and around. */
function deliverToOneOfParts<E extends TrieEntry>(group: JoinedGroup<E>, random: Random, delivery: QueueDelivery<E>): E | null {
  const { parts } = group;
  let drawn = random.below(group.length);
  let start = 0;
  while (drawn >= parts[start].length) drawn -= parts[start++].length;
  const taken = tryMembers(parts[start], drawn, parts[start].length, delivery);
  if (taken !== null) return taken;
  for (let passed = 1; passed < parts.length; passed++) {
    const part = parts[(start + passed) % parts.length];
    const member = tryMembers(part, 0, part.length, delivery);
    if (member !== null) return member;
  }
  return tryMembers(parts[start], 0, drawn, delivery);
}

function tryMembers<E extends TrieEntry>({ members }: QueueGroup<E>, from: number, to: number, delivery: QueueDelivery<E>): E | null {
  for (let index = from; index < to && index < members.length; index++) if (delivery.tryDeliver(members[index])) return members[index];
  return null;
}

/** A message from a route goes to a local member, else to a leaf node (drawn by weight), else to a route. */
function selectFromRoute<E extends TrieEntry>(group: readonly E[], random: Random, delivery: QueueDelivery<E>): E | null {
  let fallback: E | null = null;
  let leafWeight = 0;
  let first = 0;
  for (; first < group.length && isRemote(group[first].origin); first++) {
    const member = group[first];
    const leaf = isLeaf(member.origin);
    if (!leaf) {
      fallback ??= member;
      continue;
    }
    if (delivery.isEcho(member)) continue;
    const weight = weightOf(member);
    leafWeight += weight;
    // The first leaf node always replaces a route; each further one replaces its predecessor with a probability proportional to its weight.
    if (leafWeight === weight || random.below(leafWeight) < weight) fallback = member;
  }
  return deliverToOne(group, first, random, delivery) ?? fallback;
}

function selectFromAll<E extends TrieEntry>(
  group: readonly E[],
  source: MessageSource,
  random: Random,
  delivery: QueueDelivery<E>,
): E | null {
  const fromLeaf = source === MessageSource.LeafHub || source === MessageSource.LeafSpoke;
  const avoidsLeafs = fromLeaf || source === MessageSource.Client;
  let fallback: E | null = null;
  let index = drawByWeight(group, random);
  for (let tried = 0; tried < group.length; tried++) {
    const member = group[index];
    index = index + 1 === group.length ? 0 : index + 1;
    if (!isRemote(member.origin)) {
      if (delivery.tryDeliver(member)) return member;
    } else if (isLeaf(member.origin)) {
      if (!avoidsLeafs) return member;
      if (!(fromLeaf && delivery.isEcho(member))) fallback ??= member;
    } else {
      if (source === MessageSource.LeafSpoke) continue; // messages of a hub are not passed on to the cluster
      if (member.origin === Origin.Route) return member;
      if (fallback === null && !delivery.isEcho(member)) fallback = member;
    }
  }
  return fallback;
}

/** Draws an index with a probability proportional to its member's weight. */
function drawByWeight<E extends TrieEntry>(group: readonly E[], random: Random): number {
  if (group.length === 1) return 0;
  let remotes = 0;
  let total = 0;
  for (; remotes < group.length && isRemote(group[remotes].origin); remotes++) total += weightOf(group[remotes]);
  let drawn = random.below(total + group.length - remotes);
  for (let index = 0; index < remotes; index++) {
    drawn -= weightOf(group[index]);
    if (drawn < 0) return index;
  }
  return remotes + drawn;
}

/** A leaf connection of this server. A leaf node behind a route counts as a route. */
function isLeaf(origin: Origin): boolean {
  return origin === Origin.LeafHub || origin === Origin.LeafSpoke;
}

function weightOf(member: TrieEntry): number {
  return Math.max(member.weight, 1);
}
