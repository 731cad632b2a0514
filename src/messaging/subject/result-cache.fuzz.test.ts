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
    const model = new Map<string, MatchResult<TrieEntry> | null>();
    const distinctHashes = random.pick([4, 40, 400]);
    const hashOf = (name: number) => 60 + (name % distinctHashes);
    for (let round = 0; round < 2_000; round++) {
      const message = `SEED=${seed} run=${run} round=${round}`;
      const name = random.below(600);
      const hash = hashOf(name);
      const subject = Buffer.from(`${random.pick(["s", "t"])}.${"x".repeat(name % 50)}${name}`);
      const key = subject.toString();
      const slot = cache.find(hash, subject, 0, subject.length);
      expect(slot !== -1, message).toBe(model.has(key));
      if (slot !== -1) expect(cache.results[slot], message).toBe(model.get(key)!);

      const action = random.below(100);
      if (action < 50 && slot === -1) {
        const result = new MatchResult<TrieEntry>([], []);
        cache.add(hash, subject, 0, subject.length, result);
        if (cache.find(hash, subject, 0, subject.length) !== -1) model.set(key, result);
      } else if (action < 60) {
        cache.staleLiteral(hash, subject);
        if (model.has(key)) model.set(key, null);
      } else if (action < 90) {
        cache.deleteLiteral(hash, subject);
        model.delete(key);
      } else if (action < 91) {
        cache.deletePattern(Buffer.from("t.*"));
        for (const known of [...model.keys()]) if (known.startsWith("t.")) model.delete(known);
      } else if (action < 92) {
        cache.stalePattern(Buffer.from("s.>"));
        for (const known of model.keys()) if (known.startsWith("s.")) model.set(known, null);
      } else if (random.chance(0.01)) {
        cache.clear();
        model.clear();
      }
      expect(cache.count, message).toBe(model.size);
    }
    expect(tasks).toEqual([]);
  }
});

test("stamps never repeat: not after two billion subjects, and not in rebuilt tables", () => {
  const cache = new ResultCache<TrieEntry>(new Random(1), task => task());
  const stampOf = (name: string): number => {
    const subject = Buffer.from(name);
    if (cache.find(name.length, subject, 0, subject.length) === -1) {
      cache.add(name.length, subject, 0, subject.length, new MatchResult<TrieEntry>([], []));
    }
    return cache.stamps[cache.find(name.length, subject, 0, subject.length)];
  };
  const stamps = [stampOf("a")];
  for (const passed of [2 ** 30 - 1, 2 ** 31 - 1, 2 ** 32 - 1]) {
    Object.assign(cache, { lastStamp: passed });
    stamps.push(stampOf("b".repeat(stamps.length + 1)));
    cache.clear();
    stamps.push(stampOf("a"));
  }
  expect(stamps).toEqual([1, 2 ** 30, 2 ** 30 + 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32, 2 ** 32 + 1]);
});
