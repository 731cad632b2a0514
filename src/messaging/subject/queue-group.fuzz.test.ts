import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { GroupChanges, JoinedGroup, membersOf, QueueGroup } from "./queue-group.ts";
import { MessageSource, type QueueDelivery, selectQueueMember } from "./queue-selection.ts";
import { Origin, type TrieEntry } from "./trie-entry.ts";

interface Member extends TrieEntry {
  readonly id: number;
}

const ORIGINS = [Origin.Route, Origin.RouteLeaf, Origin.LeafHub, Origin.LeafSpoke];
/** By origin: plain routes, members for leaf nodes, local members. */
const RANKS = [3, 2, 2, 0, 1, 3];

test("fuzz: a group holds the members of a model, remote ones first; a joined group holds those of all its parts", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const changes = new GroupChanges(new WorkMeter());
  const name = Buffer.from("q");
  const groups = [new QueueGroup<Member>(name, changes), new QueueGroup<Member>(name, changes)];
  const joined = new JoinedGroup(groups, changes);
  const models: Member[][] = [[], []];
  for (let round = 0; round < 12_000; round++) {
    const message = `SEED=${seed} round=${round}`;
    const which = random.below(2);
    const group = groups[which];
    const model = models[which];
    const growing = Math.floor(round / 1_500) % 2 === 0;
    const { version } = group;
    if (random.chance(growing ? 0.7 : 0.3)) {
      const origin = random.chance(0.002) ? random.pick(ORIGINS) : Origin.Local;
      const member = { id: round, subject: name, queue: name, origin, weight: 1 };
      group.add(member);
      model.push(member);
      expect(group.version, message).toBeGreaterThan(version);
    } else if (model.length > 0) {
      const [gone] = model.splice(random.below(model.length), 1);
      expect(group.remove(gone), message).toBe(true);
      expect(group.remove(gone), message).toBe(false);
      expect(group.version, message).toBeGreaterThan(version);
    }
    expect(group.length, message).toBe(model.length);
    expect(group.remotes, message).toBe(model.filter(({ origin }) => origin !== Origin.Local).length);
    if (!random.chance(0.05)) continue;
    const byId = (a: Member, b: Member) => a.id - b.id;
    expect([...group.members].sort(byId), message).toEqual([...model].sort(byId));
    const all = models.flat();
    expect([...membersOf(joined)].sort(byId), message).toEqual(all.toSorted(byId));
    expect([joined.length, joined.remotes], message).toEqual([all.length, groups[0].remotes + groups[1].remotes]);
    for (const list of [group.members, joined.flat ?? []]) {
      const ranks = list.map(({ origin }) => RANKS[origin]);
      expect(ranks, message).toEqual([...ranks].sort());
    }
    expect(joined.flat === null, message).toBe(joined.remotes === 0 && all.length > 256);
    if (joined.remotes > 0 || all.length === 0) continue;
    // One member takes messages: it is found, and no other is asked twice.
    const taker = random.pick(all);
    const asked: Member[] = [];
    const delivery: QueueDelivery<Member> = {
      tryDeliver: member => asked.push(member) > 0 && member === taker,
      isEcho: () => false,
    };
    expect(selectQueueMember(joined, MessageSource.Client, random, delivery), message).toBe(taker);
    expect(new Set(asked).size, message).toBe(asked.length);
  }
});

test("a change in a large group, or in one of two that are joined, costs no copy of the members", () => {
  const changes = new GroupChanges(new WorkMeter());
  const name = Buffer.from("q");
  const members = Array.from({ length: 50_000 }, (_, id) => ({ id, subject: name, queue: name, origin: Origin.Local, weight: 1 }));
  const group = new QueueGroup<Member>(name, changes);
  const other = new QueueGroup<Member>(name, changes);
  for (const member of members) group.add(member);
  other.add({ ...members[0] });
  const joined = new JoinedGroup([group, other], changes);
  const random = new Random(1);
  const before = changes.meter.done;
  for (const member of members.slice(0, 20_000)) {
    group.remove(member);
    expect(selectQueueMember(joined, MessageSource.Client, random, { tryDeliver: () => true, isEcho: () => false })).not.toBeNull();
  }
  expect(changes.meter.done - before).toBe(2 * 20_000);
});

test("members are drawn evenly, also from a joined group that is too large for one list", () => {
  const changes = new GroupChanges(new WorkMeter());
  const name = Buffer.from("q");
  const newGroup = (first: number, count: number) => {
    const group = new QueueGroup<Member>(name, changes);
    for (let id = first; id < first + count; id++) group.add({ id, subject: name, queue: name, origin: Origin.Local, weight: 1 });
    return group;
  };
  const joined = new JoinedGroup([newGroup(0, 100), newGroup(100, 300)], changes);
  const random = new Random(1);
  let first = 0;
  for (let draw = 0; draw < 4_000; draw++) {
    const member = selectQueueMember(joined, MessageSource.Client, random, { tryDeliver: () => true, isEcho: () => false });
    if (member!.id < 100) first++;
  }
  expect(first).toBeGreaterThan(900);
  expect(first).toBeLessThan(1_100);
});

test("an empty group has no member that takes a message", () => {
  const group = new QueueGroup<Member>(Buffer.from("q"), new GroupChanges(new WorkMeter()));
  expect(selectQueueMember(group, MessageSource.Client, new Random(1), { tryDeliver: () => true, isEcho: () => false })).toBeNull();
  expect(selectQueueMember(group, MessageSource.Route, new Random(1), { tryDeliver: () => true, isEcho: () => false })).toBeNull();
});
