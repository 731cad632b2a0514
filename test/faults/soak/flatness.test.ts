import { expect, test } from "bun:test";
import { growth, type Minute } from "./flatness.ts";

const minutes = (count: number, change: (minute: number) => Partial<Minute>): Minute[] =>
  Array.from({ length: count }, (_, index) => ({ rssMb: 100, descriptors: 30, attackedMs: 5, quietMs: 1, ...change(index) }));

test("figures that go up and down are flat", () => {
  expect(growth(minutes(30, index => ({ rssMb: 100 + (index % 5) * 30, descriptors: 30 + (index % 3) })))).toEqual([]);
});

test("a leak of memory or of descriptors, or waits that grow, are told", () => {
  expect(growth(minutes(30, index => ({ rssMb: 100 + index * 5 })))).toEqual(["from 125.0 to 225.0 MB"]);
  expect(growth(minutes(30, index => ({ descriptors: 30 + index })))).toEqual(["from 35.0 to 55.0 descriptors"]);
  expect(growth(minutes(30, index => ({ attackedMs: 5 + index })))).toEqual(["from 10.0 to 30.0 ms of p99 beside the attacker"]);
  expect(growth(minutes(30, index => ({ quietMs: 1 + index / 5 })))).toEqual(["from 2.0 to 6.0 ms of p99 in quiet times"]);
});

test("one bad minute is no growth, and a run of few minutes says nothing", () => {
  expect(growth(minutes(30, index => ({ rssMb: index === 29 ? 1_000 : 100 })))).toEqual([]);
  expect(growth(minutes(5, index => ({ rssMb: 100 * index })))).toEqual([]);
});
