import { expect, test } from "bun:test";
import { RepeatFilter } from "./repeat-filter.ts";

test("the same text passes once per interval", () => {
  const filter = new RepeatFilter(1_000, 10);
  expect([filter.passes("a", 0), filter.passes("a", 999), filter.passes("b", 999), filter.passes("a", 1_000)]).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test("the number of remembered texts is bounded; the oldest is dropped", () => {
  const filter = new RepeatFilter(1_000, 3);
  for (let i = 0; i < 100; i++) filter.passes(`text ${i}`, i);
  expect(filter.size).toBe(3);
  expect(filter.passes("text 99", 100)).toBe(false);
  expect(filter.passes("text 0", 100)).toBe(true);
});
