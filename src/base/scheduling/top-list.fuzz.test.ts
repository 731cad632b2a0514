import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { PAUSE } from "./sliced.ts";
import { TopList } from "./top-list.ts";

test("fuzz: the first items of a list are those that sorting all of it finds", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 500; round++) {
    const items = Array.from({ length: random.below(300) }, () => random.below(50));
    const max = random.below(60);
    const top = new TopList<number>(max, (a, b) => a - b);
    for (const item of items) top.add(item);
    expect(sortedOf(top), `SEED=${seed} round=${round}`).toEqual(items.toSorted((a, b) => a - b).slice(0, max));
  }
});

test("a long list is taken out in slices", () => {
  const top = new TopList<number>(Number.POSITIVE_INFINITY, (a, b) => a - b);
  for (let item = 0; item < 10_000; item++) top.add(item);
  const pauses = [...top.sorted()];
  expect(pauses.length).toBeGreaterThan(100);
  expect(new Set<unknown>(pauses)).toEqual(new Set([PAUSE]));
});

function sortedOf<T>(top: TopList<T>): T[] {
  const sorting = top.sorted();
  while (true) {
    const { done, value } = sorting.next();
    if (done) return value;
  }
}
