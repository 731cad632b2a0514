import { describe, expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { QueueGroup } from "./queue-group.ts";
import { isRemote, MessageSource, type QueueDelivery, selectQueueMember } from "./queue-selection.ts";
import { Origin, type TrieEntry } from "./trie-entry.ts";

interface Member extends TrieEntry {
  readonly name: string;
}

const ORIGINS: Record<string, Origin> = {
  local: Origin.Local,
  hub: Origin.LeafHub,
  spoke: Origin.LeafSpoke,
  route: Origin.Route,
  behind: Origin.RouteLeaf,
};

/** `"route1:3 local1 local2"`: name, and weight after a colon; remote members in front, as in a match result. */
function group(text: string): Member[] {
  return text.split(" ").map(word => {
    const [name, weight] = word.split(":");
    return {
      name,
      weight: Number(weight ?? 1),
      origin: ORIGINS[name.replace(/\d/, "")],
      subject: Buffer.from("a"),
      queue: Buffer.from("q"),
    };
  });
}

/** How often each name is chosen ("none" for null), when local members named in `refusing` fail and leafs in `echoing` would echo. */
function draw(
  members: Member[],
  source: MessageSource,
  { refusing = "", echoing = "", draws = 3_000, seed = 1 } = {},
): Record<string, number> {
  const random = new Random(seed);
  const group = QueueGroup.of(members);
  const counts: Record<string, number> = {};
  let asked: string[] = [];
  const delivery: QueueDelivery<Member> = {
    tryDeliver(member) {
      expect(isRemote(member.origin)).toBe(false);
      asked.push(member.name);
      return !refusing.split(" ").includes(member.name);
    },
    isEcho: member => echoing.split(" ").includes(member.name),
  };
  for (let round = 0; round < draws; round++) {
    asked = [];
    const name = selectQueueMember(group, source, random, delivery)?.name ?? "none";
    expect(new Set(asked).size).toBe(asked.length); // no member is asked twice
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const chosen = (...parameters: Parameters<typeof draw>) => Object.keys(draw(...parameters)).sort();

describe("a group of local members", () => {
  test("delivers about as many messages to each member", () => {
    const counts = draw(group("local1 local2 local3"), MessageSource.Client);
    for (const name of ["local1", "local2", "local3"]) expect(counts[name]).toBeWithin(880, 1_120);
  });
  test("tries each member until one takes the message", () => {
    expect(chosen(group("local1 local2 local3"), MessageSource.Client, { refusing: "local1 local2" })).toEqual(["local3"]);
    expect(chosen(group("local1 local2"), MessageSource.Route, { refusing: "local1 local2" })).toEqual(["none"]);
    expect(chosen(group("local1"), MessageSource.LeafSpoke)).toEqual(["local1"]);
  });
});

describe("a client's message", () => {
  test("goes to local members and plain routes by weight", () => {
    const counts = draw(group("route1:4 local1 local2"), MessageSource.Client);
    expect(counts.route1).toBeWithin(1_850, 2_150);
    expect(counts.local1).toBeWithin(400, 600);
    expect(counts.local2).toBeWithin(400, 600);
  });
  test("prefers local members to leaf nodes of any weight, also behind a route", () => {
    expect(chosen(group("behind1:9 hub1:9 spoke1:9 local1"), MessageSource.Client)).toEqual(["local1"]);
  });
  test("falls back to the first leaf node of the scan, also behind a route", () => {
    const counts = draw(group("behind1:1 hub1:2 local1"), MessageSource.Client, { refusing: "local1" });
    expect(counts.hub1).toBeWithin(1_350, 1_650); // 2 of 4
    expect(counts.behind1).toBeWithin(1_350, 1_650); // 1 of 4, and when the scan starts at local1
  });
  test("goes to a plain route rather than to a leaf node if local members fail", () => {
    expect(chosen(group("route1 hub1:5 local1"), MessageSource.Client, { refusing: "local1" })).toEqual(["route1"]);
  });
});

test("a message from inside the server goes to leaf nodes by weight", () => {
  const counts = draw(group("hub1:2 local1"), MessageSource.Internal);
  expect(counts.hub1).toBeWithin(1_850, 2_150);
});

describe("a leaf's message", () => {
  test("does not go back to the cluster it came from", () => {
    expect(chosen(group("hub1 hub2"), MessageSource.LeafHub, { echoing: "hub1" })).toEqual(["hub2"]);
    expect(chosen(group("hub1"), MessageSource.LeafHub, { echoing: "hub1" })).toEqual(["none"]);
    expect(chosen(group("behind1"), MessageSource.LeafHub, { echoing: "behind1" })).toEqual(["none"]);
  });
  test("goes to routes if this server is the hub, and never if this server is the spoke", () => {
    expect(chosen(group("route1"), MessageSource.LeafHub)).toEqual(["route1"]);
    expect(chosen(group("route1"), MessageSource.LeafSpoke)).toEqual(["none"]);
    expect(chosen(group("route1 behind1 local1"), MessageSource.LeafSpoke)).toEqual(["local1"]);
  });
});

describe("a route's message", () => {
  test("goes to local members whatever the weights", () => {
    expect(chosen(group("route1:9 behind1:9 hub1:9 local1 local2"), MessageSource.Route)).toEqual(["local1", "local2"]);
  });
  test("goes to leaf nodes by weight if no local member takes it", () => {
    const counts = draw(group("route1:9 hub1:1 hub2:2 local1"), MessageSource.Route, { refusing: "local1" });
    expect(Object.keys(counts).sort()).toEqual(["hub1", "hub2"]);
    expect(counts.hub2).toBeWithin(1_850, 2_150);
  });
  test("skips leaf nodes that would echo it, and then falls back to a route", () => {
    expect(chosen(group("route1 route2 hub1"), MessageSource.Route, { echoing: "hub1" })).toEqual(["route1"]);
    expect(chosen(group("hub1 hub2"), MessageSource.Route, { echoing: "hub1" })).toEqual(["hub2"]);
    expect(chosen(group("hub1"), MessageSource.Route, { echoing: "hub1" })).toEqual(["none"]);
  });
});

test("a gateway's message goes to all members by weight", () => {
  const counts = draw(group("route1:2 hub1:1 local1"), MessageSource.Gateway);
  expect(counts.route1).toBeWithin(1_350, 1_650);
  expect(counts.hub1).toBeWithin(650, 850);
});

test("fuzz: a member is chosen if any local member takes the message, and never one that refuses it", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 500; round++) {
    const remotes = Array.from(
      { length: random.below(4) },
      (_, index) => `${random.pick(["route", "behind", "hub"])}${index}:${random.between(1, 5)}`,
    );
    const locals = Array.from({ length: random.between(1, 4) }, (_, index) => `local${index}`);
    const refusing = locals.filter(() => random.chance(0.5));
    const source = random.pick([MessageSource.Client, MessageSource.LeafHub, MessageSource.LeafSpoke, MessageSource.Route]);
    const names = chosen(group([...remotes, ...locals].join(" ")), source, {
      refusing: refusing.join(" "),
      draws: 20,
      seed: random.nextInt32(),
    });
    const message = `SEED=${seed} round=${round} ${remotes} ${locals} refusing ${refusing}`;
    for (const name of names) expect(refusing, message).not.toContain(name);
    if (refusing.length < locals.length) expect(names, message).not.toContain("none");
  }
});
