import { describe, expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { fnvCollisions } from "../../../test/doubles/fnv-collisions.ts";
import { Random } from "../../base/random/random.ts";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { EntryTable } from "./entry-table.ts";
import { WatchError } from "./interest-watch.ts";
import { type JoinedGroup, membersOf } from "./queue-group.ts";
import { SubjectTrie } from "./subject-trie.ts";
import { Origin, type TrieEntry } from "./trie-entry.ts";

interface NamedEntry extends TrieEntry {
  readonly name: string;
}

/** `"orders.*"` plain, `"orders.* workers"` in a queue group. */
function entry(name: string, origin = Origin.Local): NamedEntry {
  const [subject, queue] = name.split(" ");
  return { name, subject: Buffer.from(subject), queue: queue === undefined ? null : Buffer.from(queue), origin, weight: 1 };
}

/** A trie whose background tasks run when the test calls for them. */
function newTrie({ cache = true } = {}) {
  const tasks: (() => void)[] = [];
  const trie = new SubjectTrie<NamedEntry>({ cache, random: new Random(1), schedule: task => tasks.push(task) });
  const match = (subject: string) => {
    const bytes = Buffer.from(`PUB ${subject} 0`);
    return trie.match(bytes, 4, bytes.length - 2);
  };
  return {
    trie,
    tasks,
    match,
    insert: (...names: string[]) =>
      names.map(name => {
        const added = entry(name);
        expect(trie.insert(added)).toBe(true);
        return added;
      }),
    plain: (subject: string) =>
      match(subject)
        .plain.map(found => found.name)
        .sort(),
    groups: (subject: string) =>
      match(subject)
        .groups.map(group =>
          membersOf(group)
            .map(found => found.name)
            .sort(),
        )
        .sort(),
  };
}

for (const cache of [true, false]) {
  describe(cache ? "with a cache" : "without a cache", () => {
    test("literals, * and > match as defined", () => {
      const { insert, plain } = newTrie({ cache });
      insert("orders.eu", "orders.*", "orders.>", ">", "*", "*.eu", "*.*");
      expect(plain("orders.eu")).toEqual(["*.*", "*.eu", ">", "orders.*", "orders.>", "orders.eu"]);
      expect(plain("orders.eu.created")).toEqual([">", "orders.>"]);
      expect(plain("orders")).toEqual(["*", ">"]);
      expect(plain("other.us")).toEqual(["*.*", ">"]);
    });

    test("wildcards in a published subject are plain text", () => {
      const { insert, plain } = newTrie({ cache });
      insert("a.b", "a.*", "a.>", "*.*");
      expect(plain("a.*")).toEqual(["*.*", "a.*", "a.>"]);
      expect(plain("a.>")).toEqual(["*.*", "a.*", "a.>"]);
    });

    test("wildcards inside a token are plain text on both sides", () => {
      const { insert, plain } = newTrie({ cache });
      insert("a*.b", "a>");
      expect(plain("a*.b")).toEqual(["a*.b"]);
      expect(plain("ax.b")).toEqual([]);
      expect(plain("a>")).toEqual(["a>"]);
    });

    test("no entry matches a subject with an empty token, and the subject is not cached", () => {
      const { trie, insert, match } = newTrie({ cache });
      insert(">", "> workers");
      for (const subject of ["", ".", ".foo", "..foo", "foo.", "foo..", "foo..bar"]) expect(match(subject).isEmpty, subject).toBe(true);
      expect(trie.stats().cacheSize).toBe(0);
    });

    test("queue groups with the same name are joined across patterns", () => {
      const { insert, groups, plain } = newTrie({ cache });
      insert("a.b q1", "a.b q1", "a.b q2", "a.* q1", "> q3", "a.b");
      expect(groups("a.b")).toEqual([["> q3"], ["a.* q1", "a.b q1", "a.b q1"], ["a.b q2"]]);
      expect(plain("a.b")).toEqual(["a.b"]);
    });

    test("matches follow insertions and removals", () => {
      const { trie, insert, plain, groups } = newTrie({ cache });
      expect(plain("a.b")).toEqual([]);
      const [literal] = insert("a.b");
      expect(plain("a.b")).toEqual(["a.b"]);
      const [wild, worker] = insert("a.*", "*.b q");
      expect(plain("a.b")).toEqual(["a.*", "a.b"]);
      expect(groups("a.b")).toEqual([["*.b q"]]);
      expect(trie.remove(literal)).toBe(true);
      expect(plain("a.b")).toEqual(["a.*"]);
      expect([trie.remove(wild), trie.remove(worker)]).toEqual([true, true]);
      expect(plain("a.b")).toEqual([]);
      expect(groups("a.b")).toEqual([]);
      expect([trie.count, trie.levels()]).toEqual([0, 0]);
    });

    test("the plain list of a returned result does not change", () => {
      const { trie, insert, match } = newTrie({ cache });
      const [first] = insert("a", "a q");
      const before = match("a");
      insert("a", "a q");
      trie.remove(first);
      expect(before.plain.map(found => found.name)).toEqual(["a"]);
      expect(match("a")).not.toBe(before);
    });

    test("a returned result shows which members its queue groups have, and stays in use while they change", () => {
      const { trie, insert, match } = newTrie({ cache });
      const [first] = insert("a q", "a q", "* q", "a p");
      const before = match("a");
      const sizes = () => before.groups.map(group => group.length).sort();
      expect(sizes()).toEqual([1, 3]);
      const [added] = insert("a q");
      expect(match("a")).toBe(before);
      expect(sizes()).toEqual([1, 4]);
      trie.remove(first);
      trie.remove(added);
      expect(match("a")).toBe(before);
      expect(sizes()).toEqual([1, 2]);
    });

    test("subjects of 40 tokens work like short ones", () => {
      const { insert, plain, trie } = newTrie({ cache });
      const long = Array.from({ length: 40 }, (_, index) => `t${index}`).join(".");
      const wild = long.replace("t35", "*");
      insert(long, wild);
      expect(plain(long)).toEqual([wild, long].sort());
      expect(trie.levels()).toBe(40);
    });
  });
}

test("insertion refuses empty tokens and tokens after >, and changes nothing", () => {
  const { trie } = newTrie();
  for (const subject of ["", ".a", "a.", "a..b", "a.>.b", ">.a"]) expect(trie.insert(entry(subject)), subject).toBe(false);
  expect([trie.count, trie.generation, trie.levels()]).toEqual([0, 0, 0]);
});

test("removal of an entry that is not in the trie returns false", () => {
  const { trie, insert } = newTrie();
  insert("a.b", "c q");
  for (const name of ["a.b", "a.c", "a", "a.b.c", "c", "c q", "c p", "a..b", "*"]) expect(trie.remove(entry(name)), name).toBe(false);
  expect(trie.count).toBe(2);
});

test("the generation rises with insertion, removal, batch and weight", () => {
  const { trie, insert } = newTrie();
  const seen = [trie.generation];
  const [a, b, c] = insert("a", "b", "c q");
  seen.push(trie.generation);
  trie.remove(a);
  seen.push(trie.generation);
  trie.setWeight(c, 4);
  seen.push(trie.generation);
  trie.removeBatch([b, c]);
  seen.push(trie.generation);
  expect(seen).toEqual([...new Set(seen)].sort((x, y) => x - y));
});

test("a changed weight counts as a change of the group", () => {
  const { trie, insert, match } = newTrie();
  const [member] = insert("a q");
  const [group] = match("a").groups;
  const { version } = group;
  trie.setWeight(member, 5);
  expect(membersOf(group)[0].weight).toBe(5);
  expect(group.version).toBeGreaterThan(version);
});

test("all subjects that match only one node share its result", () => {
  const { insert, match } = newTrie();
  insert("a.*", "b.c");
  expect(match("a.1")).toBe(match("a.2"));
  insert("a.*");
  expect(match("a.1")).toBe(match("a.2"));
  expect(match("a.1").plain.length).toBe(2);
});

test("remote members come first in their group, leaf nodes directly before local members", () => {
  const { trie, match } = newTrie();
  const origins = [Origin.Local, Origin.LeafHub, Origin.Route, Origin.Local, Origin.RouteLeaf, Origin.LeafSpoke];
  for (const origin of origins) trie.insert(entry("a q", origin));
  trie.insert(entry("* q", Origin.Route));
  const [group] = match("a").groups;
  const order = (group as JoinedGroup<NamedEntry>).flat!.map(member => member.origin);
  expect(order).toEqual([Origin.Route, Origin.Route, Origin.RouteLeaf, Origin.LeafHub, Origin.LeafSpoke, Origin.Local, Origin.Local]);
});

describe("the cache", () => {
  test("keeps empty results, and finds them by the bytes of the subject", () => {
    const { trie, insert, match } = newTrie();
    match("a.b");
    expect(match("a.b").isEmpty).toBe(true);
    expect(trie.stats()).toMatchObject({ cacheSize: 1, cacheHits: 1, matches: 2 });
    insert("a.*");
    expect(match("a.b").plain.length).toBe(1);
    expect(trie.stats()).toMatchObject({ cacheSize: 1, cacheHits: 2 });
  });

  test("keeps subjects at insertion, and drops matching subjects at removal", () => {
    const { trie, insert, match } = newTrie();
    for (const subject of ["a.1", "a.2", "b.1"]) match(subject);
    const [wild, literal] = insert("a.*", "b.1");
    expect(trie.stats().cacheSize).toBe(3);
    trie.remove(literal);
    expect(trie.stats().cacheSize).toBe(2);
    trie.remove(wild);
    expect(trie.stats().cacheSize).toBe(0);
  });

  test("changes with wildcards that do not match a subject keep its result", () => {
    const { trie, insert, match } = newTrie();
    insert("a.*", ">");
    const before = match("a.1");
    for (let index = 0; index < 20; index++) {
      const [other] = insert(`*.${index}.>`);
      trie.remove(other);
      const { done } = trie.meter;
      expect(match("a.1")).toBe(before);
      expect(trie.meter.done).toBe(done);
    }
  });

  test("results that were merged from many nodes are found again for other subjects that match the same nodes", () => {
    const { trie, insert, match } = newTrie();
    const names = Array.from({ length: 4_096 }, (_, bits) =>
      Array.from({ length: 12 }, (_, at) => ((bits >> at) & 1 ? "*" : "a")).join("."),
    );
    const entries = insert(...names);
    const subject = (last: string) => `${"a.".repeat(11)}${last}`;
    const merged = match(subject("b1"));
    expect(merged.plain.length).toBe(2_048);
    const unrelated = insert("other.*");
    expect(match(subject("b2"))).toBe(merged);
    trie.remove(unrelated[0]);
    expect(match(subject("b3"))).toBe(merged);
    trie.remove(entries[4_095]);
    expect(match(subject("b4")).plain.length).toBe(2_047);
  });

  test("removed entries are released from remembered results by a task after the removal", () => {
    const { trie, tasks, insert, match } = newTrie();
    const [wild] = insert("a.*", "a.>", "b.c");
    match("a.1");
    expect(tasks.length).toBe(0);
    trie.remove(wild);
    expect(tasks.length).toBe(1);
    const { cache, merged } = trie as unknown as { cache: { count: number }; merged: { isEmpty: boolean } };
    expect([cache.count, merged.isEmpty]).toEqual([1, false]);
    tasks.shift()!();
    expect([cache.count, merged.isEmpty]).toEqual([0, true]);
  });

  test("is cleared by a large batch of removals", () => {
    const { trie, insert, match } = newTrie();
    const entries = insert(...Array.from({ length: 20 }, (_, index) => `a.${index}`));
    match("b");
    expect(trie.removeBatch([...entries, entry("a.1")])).toBe(20);
    expect(trie.stats()).toMatchObject({ cacheSize: 0, subs: 0, removes: 20 });
  });

  test("holds 1024 subjects; one more schedules a sweep, which keeps 256; until then no subject is added", () => {
    const { trie, insert, match, plain, tasks } = newTrie();
    insert("s.*", "s.7");
    for (let index = 0; index < 1_024; index++) match(`s.${index}`);
    expect([trie.stats().cacheSize, tasks.length]).toEqual([1_024, 0]);
    for (let index = 1_024; index < 5_000; index++) match(`s.${index}`);
    expect([trie.stats().cacheSize, tasks.length]).toEqual([1_025, 1]);
    tasks.shift()!();
    expect(trie.stats().cacheSize).toBe(256);
    for (let index = 0; index < 1_000; index++) expect(plain(`s.${index}`)).toEqual(index === 7 ? ["s.*", "s.7"] : ["s.*"]);
  });

  test("adds few subjects after two useless sweeps in a row, and all again once subjects repeat", () => {
    const { trie, match, tasks } = newTrie();
    let next = 0;
    const inTurns = (count: number, subject: () => string) => {
      for (let done = 0; done < count; done++) {
        match(subject());
        if (done % 2_000 === 1_999) for (const task of tasks.splice(0)) task();
      }
    };
    inTurns(4_000, () => `s.${next++}`);
    expect(trie.stats().cacheSize).toBe(256);
    inTurns(6_400, () => `s.${next++}`);
    expect(trie.stats().cacheSize).toBe(256 + 100);
    inTurns(200_000, () => `r.${next++ % 500}`);
    const hitsBefore = trie.stats().cacheHits;
    inTurns(1_000, () => `r.${next++ % 500}`);
    expect(trie.stats().cacheHits - hitsBefore).toBeGreaterThan(950);
  });

  test("has room for subjects of several kilobytes", () => {
    const { insert, plain, trie } = newTrie();
    insert("long.*");
    for (let index = 0; index < 50; index++) expect(plain(`long.${"x".repeat(3_000 + index)}`)).toEqual(["long.*"]);
    expect(trie.stats().cacheSize).toBe(50);
  });
});

test("the statistics count as in the reference", () => {
  const { trie, insert, match } = newTrie();
  insert("foo", "foo", "bar", "foo q", "foo q");
  for (let round = 0; round < 4; round++) match("foo");
  match("bar");
  expect(trie.stats()).toEqual({
    subs: 5,
    cacheSize: 2,
    inserts: 5,
    removes: 0,
    matches: 5,
    cacheHits: 3,
    hitRate: 0.6,
    maxFanout: 3,
    avgFanout: 2,
  });
});

test("interest is counted at the first matching node only, or in full if the subject is cached", () => {
  const { trie, insert, match } = newTrie();
  const number = (subject: string) => trie.numInterest(Buffer.from(subject), 0, subject.length);
  const has = (subject: string) => trie.hasInterest(Buffer.from(subject), 0, subject.length);
  insert("a.b", "a.b", "a.* q", "a.* q", "c.>", "c.d");
  expect(number("a.b")).toEqual({ plain: 2, queue: 0 });
  expect(number("a.x")).toEqual({ plain: 0, queue: 2 });
  expect(number("c.d")).toEqual({ plain: 1, queue: 0 });
  expect(number("x")).toEqual({ plain: 0, queue: 0 });
  match("a.b");
  expect(number("a.b")).toEqual({ plain: 2, queue: 2 });
  expect(["a.b", "a.x", "c.d", "c", "x", "a", "a..b"].filter(has)).toEqual(["a.b", "a.x", "c.d"]);
});

test("reverse match finds entries that a pattern covers, and wider ones that collide with it", () => {
  const { trie, insert } = newTrie();
  insert("foo", "bar", "foo.bar", "foo.baz", "foo.bar.baz", "uplink.*.*.>", "foo.bar q");
  const below = (pattern: string) =>
    trie
      .reverseMatch(Buffer.from(pattern))
      .map(found => found.name)
      .sort();
  expect(below("foo")).toEqual(["foo"]);
  expect(below("*")).toEqual(["bar", "foo"]);
  expect(below("foo.*")).toEqual(["foo.bar", "foo.bar q", "foo.baz"]);
  expect(below("*.baz")).toEqual(["foo.baz"]);
  expect(below("foo.>")).toEqual(["foo.bar", "foo.bar q", "foo.bar.baz", "foo.baz"]);
  expect(below("baz")).toEqual([]);
  expect(below("uplink.1.*.*.>")).toEqual(["uplink.*.*.>"]);
  expect(below("uplink.1.2.3.>")).toEqual(["uplink.*.*.>"]);
  expect(below(">").length).toBe(7);
  expect(below("a..b")).toEqual([]);
});

test("all entries can be listed with their origin, at once or in slices", () => {
  const { trie } = newTrie();
  for (const origin of [Origin.Local, Origin.LeafHub, Origin.LeafSpoke, Origin.Route, Origin.RouteLeaf, Origin.Gateway]) {
    trie.insert(entry(`a.${origin} q${origin}`, origin));
  }
  const origins = (entries: NamedEntry[]) => entries.map(found => found.origin).sort();
  expect(origins(trie.all())).toEqual([0, 1, 2, 3, 4, 5]);
  const found: NamedEntry[] = [];
  const sizes: number[] = [];
  for (let node = 1; node !== 0; ) {
    const before = found.length;
    node = trie.collectSome(node, 2, found);
    sizes.push(found.length - before);
  }
  expect(origins(found)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(Math.max(...sizes)).toBe(2);
});

describe("interest in an exact subject", () => {
  test("is reported at once, and then when it begins and ends", () => {
    const { trie, insert } = newTrie();
    const heard: boolean[] = [];
    insert("a.*", "a.b q");
    const stop = trie.onInterest(Buffer.from("a.b"), null, interested => heard.push(interested));
    const [first, second] = insert("a.b", "a.b");
    trie.remove(first);
    trie.remove(second);
    insert("a.b");
    stop();
    insert("a.b");
    expect(heard).toEqual([false, true, false, true]);
  });

  test("in a queue group ignores other groups and plain entries; a batch of removals can end it", () => {
    const { trie, insert } = newTrie();
    const heard: boolean[] = [];
    const [member] = insert("a q");
    trie.onInterest(Buffer.from("a"), Buffer.from("q"), interested => heard.push(interested));
    const [other, plain] = insert("a p", "a");
    trie.removeBatch([other, plain]);
    expect(heard).toEqual([true]);
    trie.removeBatch([member]);
    expect(heard).toEqual([true, false]);
  });

  test("allows a listener to match during a batch of removals, and that result is not kept", () => {
    const { trie, insert, plain } = newTrie();
    const entries = insert(...Array.from({ length: 10 }, (_, index) => `a.${index}`));
    const seen: string[][] = [];
    trie.onInterest(Buffer.from("a.0"), null, () => seen.push(plain("a.9")));
    trie.removeBatch(entries);
    expect(seen).toEqual([["a.9"], ["a.9"]]);
    expect(plain("a.9")).toEqual([]);
  });

  test("is refused for wildcards and for a listener that is already registered", () => {
    const { trie } = newTrie();
    const listener = () => {};
    expect(() => trie.onInterest(Buffer.from("a.*"), null, listener)).toThrow(WatchError.InvalidSubject);
    const stop = trie.onInterest(Buffer.from("a"), null, listener);
    expect(() => trie.onInterest(Buffer.from("a"), null, listener)).toThrow(WatchError.AlreadyRegistered);
    trie.onInterest(Buffer.from("a"), Buffer.from("q"), listener);
    stop();
    trie.onInterest(Buffer.from("a"), null, listener);
  });
});

test("tokens that collide under FNV-1a cost no more steps than others, to insert and to remove", () => {
  const { trie } = newTrie();
  // The start that the trie took from the same random numbers when it used FNV-1a.
  const tokens = fnvCollisions(32_768, new Random(1).nextInt32(), new Random(2));
  const entries = tokens.map(token => entry(token));
  for (const added of entries) trie.insert(added);
  expect(trie.meter.done).toBeLessThan(5 * 32_768);
  expect(trie.removeBatch(entries)).toBe(32_768);
  expect(trie.meter.done).toBeLessThan(10 * 32_768);
});

test("a hundred thousand subscribers of one subject are added and removed in linear time", () => {
  const { trie, match } = newTrie();
  const entries = Array.from({ length: 100_000 }, (_, index) => entry(index % 2 === 0 ? "hot" : "hot q"));
  const started = performance.now();
  for (const [index, added] of entries.entries()) {
    trie.insert(added);
    if (index % 10_000 === 0) match("hot");
  }
  expect([match("hot").plain.length, match("hot").groups[0].length]).toEqual([50_000, 50_000]);
  new Random(1).shuffle(entries);
  for (const removed of entries) expect(trie.remove(removed)).toBe(true);
  expect(trie.count).toBe(0);
  expect(performance.now() - started).toBeLessThan(5_000); // quadratic would take minutes
});

test("assertions: a trie's entries are counted, and a matched node has entries", () => {
  const { trie, insert } = newTrie();
  const [first] = insert("orders.eu", "orders.us");
  trie.count = 0; // as if an entry had been lost
  expect(brokenAssertion(() => trie.remove(first))).toBe("Assertion broken: a trie has no negative number of entries: -1");
  trie.count = 1;
  const [last] = insert("other");
  trie.count = 1;
  expect(brokenAssertion(() => trie.remove(last))).toBe("Assertion broken: a trie has nodes while it has entries: 2, 0");
  expect(brokenAssertion(() => new EntryTable(new WorkMeter()).result(0))).toBe("Assertion broken: a matched trie node has entries: 0");
});
