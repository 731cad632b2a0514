import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { DecisionCache } from "./decision-cache.ts";

test("fuzz: cached decisions are right, the maximum holds, and a working set of that size stays cached", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let run = 0; run < 30; run++) {
    const countMax = random.pick([16, 128, 256]);
    const cache = new DecisionCache(countMax, random);
    const distinct = random.pick([10, countMax, countMax * 3, 5_000]);
    for (let round = 0; round < 4_000; round++) {
      const message = `SEED=${seed} run=${run} round=${round}`;
      const number = round < distinct ? round : random.below(distinct);
      const tag = number % 3;
      const decision = number % 7 < 3;
      const subject = Buffer.from(`xx${"s".repeat(number % 60)}.${number >> 2}`);
      // Subjects that differ in the tag alone; the longest are not kept.
      const bytes = number % 500 === 499 ? Buffer.concat([subject, Buffer.alloc(300)]) : subject;
      const hash = cache.hash(number, bytes, 2, bytes.length);
      const known = cache.find(hash, tag, bytes, 2, bytes.length);
      if (known !== -1) expect(known, message).toBe(decision ? 1 : 0);
      else cache.add(hash, tag, bytes, 2, bytes.length, decision);
      expect(cache.count, message).toBeLessThanOrEqual(countMax);
    }
    if (distinct > countMax) continue;
    const kept = cache.count;
    expect(kept, `SEED=${seed} run=${run}`).toBeLessThanOrEqual(distinct);
    for (let number = 0; number < distinct; number++) {
      const subject = Buffer.from(`xx${"s".repeat(number % 60)}.${number >> 2}`);
      if (number % 500 === 499) continue;
      const hash = cache.hash(number, subject, 2, subject.length);
      expect(cache.find(hash, number % 3, subject, 2, subject.length), `SEED=${seed} run=${run}`).toBe(number % 7 < 3 ? 1 : 0);
    }
  }
});
