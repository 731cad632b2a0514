import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { MatchResult } from "./match-result.ts";
import { ResultCache } from "./result-cache.ts";
import type { TrieEntry } from "./trie-entry.ts";

/**
 * The cache compared with a Map. The hashes are bad on purpose, so that probe sequences overlap and wrap around the end of the table. Both
 * must hold the same, except that the cache may refuse a subject whose 16 slots are taken.
 */
test("fuzz: the cache finds, marks and deletes the same subjects as a Map, also with many collisions", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let run = 0; run < 20; run++) {
    const tasks: (() => void)[] = [];
    const cache = new ResultCache<TrieEntry>(random, task => tasks.push(task));
    /** By subject: its result, whether a removed pattern has matched it since the last look-up, and the changes up to then. */
    const model = new Map<string, { result: MatchResult<TrieEntry> | null; doomed: boolean; seen: number }>();
    let changes = 0;
    const distinctHashes = random.pick([4, 40, 400]);
    const hashOf = (name: number) => 60 + (name % distinctHashes);
    for (let round = 0; round < 2_000; round++) {
      const message = `SEED=${seed} run=${run} round=${round}`;
      const name = random.below(600);
      const hash = hashOf(name);
      const subject = Buffer.from(`${random.pick(["s", "t"])}.${"x".repeat(name % 50)}${name}`);
      const key = subject.toString();
      const slot = cache.find(hash, subject, 0, subject.length);
      const known = model.get(key);
      expect(slot !== -1, message).toBe(known !== undefined);
      if (known !== undefined) {
        if (changes - known.seen > 32) known.result = null;
        expect(cache.resultAt(slot), message).toBe(known.result);
        Object.assign(known, { doomed: false, seen: changes });
        if (known.result === null && random.chance(0.5)) {
          known.result = new MatchResult<TrieEntry>([], []);
          cache.setResult(slot, known.result);
        }
      }

      const action = random.below(100);
      if (action < 50 && slot === -1) {
        const result = new MatchResult<TrieEntry>([], []);
        cache.add(hash, subject, 0, subject.length, result);
        if (cache.find(hash, subject, 0, subject.length) !== -1) model.set(key, { result, doomed: false, seen: changes });
      } else if (action < 60) {
        cache.staleLiteral(hash, subject);
        if (known !== undefined) known.result = null;
      } else if (action < 80) {
        cache.deleteLiteral(hash, subject);
        model.delete(key);
      } else if (action < 94) {
        const pattern = random.pick(["t.*", "s.>", "u.>", "*", "*.x.*"]);
        const removed = random.chance(0.5);
        cache.notePattern(Buffer.from(pattern), removed);
        changes++;
        for (const [text, one] of model) {
          if (text[0] !== pattern[0]) continue;
          one.result = null;
          if (removed) one.doomed = true;
        }
      } else if (action < 96 && [...model.values()].every(({ seen }) => changes - seen <= 32)) {
        cache.deleteRemoved();
        for (const [text, one] of [...model]) if (one.doomed) model.delete(text);
        for (const one of model.values()) one.seen = changes;
      } else if (random.chance(0.01)) {
        cache.clear();
        model.clear();
      }
      expect(cache.count, message).toBe(model.size);
    }
    expect(tasks).toEqual([]);
  }
});

test("thirty thousand changes with wildcards do not search the cache; the next look-up of a subject compares it with the last 32 or matches anew", () => {
  const cache = new ResultCache<TrieEntry>(new Random(1), task => task());
  const subject = Buffer.from("s.1");
  cache.add(1, subject, 0, 3, new MatchResult<TrieEntry>([], []));
  let compared = 0;
  const patternOf = (text: string) =>
    new Proxy(Buffer.from(text), {
      get: (target, property) => {
        if (property === "length") compared++;
        return Reflect.get(target, property);
      },
    });
  const slot = cache.find(1, subject, 0, 3);
  for (let change = 0; change < 32; change++) cache.notePattern(patternOf(`*.x${change}.>`), false);
  expect(compared).toBe(0);
  expect(cache.resultAt(slot)).not.toBeNull();
  expect(compared).toBeGreaterThanOrEqual(32);
  compared = 0;
  for (let change = 0; change < 30_000; change++) cache.notePattern(patternOf(`*.${change}.>`), change % 2 === 0);
  expect(cache.resultAt(slot)).toBeNull();
  expect(compared).toBe(0);
});

test("stamps do not repeat within an epoch, also in rebuilt tables; after two billion the next epoch begins", () => {
  const cache = new ResultCache<TrieEntry>(new Random(1), task => task());
  const stampOf = (name: string): number => {
    const subject = Buffer.from(name);
    if (cache.find(name.length, subject, 0, subject.length) === -1) {
      cache.add(name.length, subject, 0, subject.length, new MatchResult<TrieEntry>([], []));
    }
    return cache.stampAt(cache.find(name.length, subject, 0, subject.length));
  };
  expect(stampOf("a")).toBe(1);
  Object.assign(cache, { lastStamp: 2 ** 30 - 1 });
  expect(stampOf("bb")).toBe(2 ** 30);
  cache.clear();
  expect(stampOf("a")).toBe(2 ** 30 + 1);
  Object.assign(cache, { lastStamp: 2 ** 31 - 2 });
  expect(stampOf("ccc")).toBe(2 ** 31 - 1);
  expect(cache.stampEpoch).toBe(0);
  const inNext = new Set([stampOf("dddd"), stampOf("a"), stampOf("ccc"), stampOf("eeeee")]);
  expect(cache.stampEpoch).toBe(1);
  expect([...inNext].sort()).toEqual([1, 2, 3, 4]);
});

test("subjects with equal low bits of the hash, and very long ones, are told apart", () => {
  const cache = new ResultCache<TrieEntry>(new Random(1), task => task());
  const result = new MatchResult<TrieEntry>([], []);
  const find = (name: string, hash: number) => cache.find(hash, Buffer.from(name), 0, name.length);
  const add = (name: string, hash: number) => cache.add(hash, Buffer.from(name), 0, name.length, result);
  add("aa", 0x1_0007);
  expect([find("aa", 0x1_0007) !== -1, find("bb", 0x1_0007), find("bb", 0x2_0007)]).toEqual([true, -1, -1]);
  add("bb", 0x2_0007);
  expect(find("bb", 0x2_0007)).not.toBe(find("aa", 0x1_0007));
  for (const size of [0xfffe, 0xffff, 0x1_0000, 0x1_0001]) {
    const long = "x".repeat(size);
    expect(find(long, 0), `${size} bytes`).toBe(-1);
    add(long, 0);
    expect(find(long, 0) !== -1, `${size} bytes`).toBe(size <= 0xfffe);
  }
  expect(find("aa", 0x1_0007)).not.toBe(-1);
});
