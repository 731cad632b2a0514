import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "./random.ts";

test("the same seed gives the same numbers, another seed others", () => {
  const draw = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 8 }, () => random.nextUint32());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(draw(7)).not.toEqual(draw(7 + 2 ** 32));
});

test("below stays under its limit and gives every number about equally often", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const counts = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 100_000; draw++) counts[random.below(10)]++;
  for (const count of counts) {
    expect(count, `SEED=${seed}`).toBeGreaterThan(9_300);
    expect(count, `SEED=${seed}`).toBeLessThan(10_700);
  }
  expect(random.below(1)).toBe(0);
});

test("between includes both ends", () => {
  const random = new Random(1);
  const seen = new Set<number>();
  for (let draw = 0; draw < 200; draw++) seen.add(random.between(3, 5));
  expect([...seen].sort()).toEqual([3, 4, 5]);
});

test("chance is never true at 0 and always at 1", () => {
  const random = new Random(2);
  for (let draw = 0; draw < 1_000; draw++) {
    expect(random.chance(0)).toBe(false);
    expect(random.chance(1)).toBe(true);
  }
});

test("shuffle keeps every item", () => {
  const random = new Random(3);
  const items = Array.from({ length: 50 }, (_, index) => index);
  const shuffled = random.shuffle([...items]);
  expect(shuffled).not.toEqual(items);
  expect(shuffled.sort((a, b) => a - b)).toEqual(items);
});
