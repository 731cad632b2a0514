import type { Random } from "../../base/random/random.ts";
import { Origin, type TrieEntry } from "./trie-entry.ts";

/**
 * Which member of a queue group gets a message.
 *
 *   group  route route leaf │ local local local      as the trie orders them: remote members in front, only they have weights
 *            w=3   w=1  w=2 │   1     1     1        the start is drawn by weight, the scan goes on from there and wraps around
 *
 * Local members are preferred: the scan only remembers a leaf; a plain route ends it, as its server then chooses among its own local
 * members. A message from a route stays here if possible, so that it is not sent in circles. A remote member is not delivered to here:
 * its connection gets the message once, with the names of all groups, so the caller collects remote members.
 *
 * Nearly all groups have only local members; for those a shorter path looks only at the members tried.
 */

/** Where the message came from. */
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

/** Callbacks of the selection into the delivery; one object serves all groups. */
export interface QueueDelivery<E> {
  /** Delivers to a local member. @returns false when it does not take the message: the next member is tried */
  tryDeliver(member: E): boolean;
  /** Whether a member that stands for a leaf would send the message back to its origin. Called for leaf members only. */
  isEcho(member: E): boolean;
}

export function isRemote(origin: Origin): boolean {
  return origin !== Origin.Local && origin !== Origin.Gateway;
}

/**
 * @param group members of a `MatchResult` group, at least one
 * @returns the member that took the message (not remote), or the remote member whose connection shall carry it (`isRemote`), or null
 * when no member can take it
 */
export function selectQueueMember<E extends TrieEntry>(
  group: readonly E[],
  source: MessageSource,
  random: Random,
  delivery: QueueDelivery<E>,
): E | null {
  if (group[0].origin === Origin.Local) return deliverToOne(group, 0, random, delivery);
  return source === MessageSource.Route ? selectFromRoute(group, random, delivery) : selectFromAll(group, source, random, delivery);
}

/** Tries the members from `first` on, which are local, beginning with a random one. */
function deliverToOne<E extends TrieEntry>(group: readonly E[], first: number, random: Random, delivery: QueueDelivery<E>): E | null {
  const count = group.length - first;
  let index = count > 1 ? first + random.below(count) : first;
  for (let tried = 0; tried < count; tried++) {
    const member = group[index];
    if (delivery.tryDeliver(member)) return member;
    index = index + 1 === group.length ? first : index + 1;
  }
  return null;
}

/** A route's message goes to a local member; failing that to a leaf, drawn by weight; failing that to a route. */
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
    // The first leaf replaces a route for certain, each further leaf the one before in proportion to its weight.
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
  const sparesLeafs = fromLeaf || source === MessageSource.Client;
  let fallback: E | null = null;
  let index = drawByWeight(group, random);
  for (let tried = 0; tried < group.length; tried++) {
    const member = group[index];
    index = index + 1 === group.length ? 0 : index + 1;
    if (!isRemote(member.origin)) {
      if (delivery.tryDeliver(member)) return member;
    } else if (isLeaf(member.origin)) {
      if (!sparesLeafs) return member;
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

/** A leaf connection of this server; one behind a route counts as a route. */
function isLeaf(origin: Origin): boolean {
  return origin === Origin.LeafHub || origin === Origin.LeafSpoke;
}

function weightOf(member: TrieEntry): number {
  return Math.max(member.weight, 1);
}
