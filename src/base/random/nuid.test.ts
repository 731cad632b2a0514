import { expect, test } from "bun:test";
import { Nuid } from "./nuid.ts";

test("ids have 22 letters and digits, and are never repeated", () => {
  const ids = new Set<string>();
  const makers = Array.from({ length: 10 }, () => new Nuid());
  for (let round = 0; round < 1_000; round++) for (const maker of makers) ids.add(maker.next());
  expect(ids.size).toBe(10_000);
  for (const id of ids) expect(id).toMatch(/^[0-9A-Za-z]{22}$/);
});

test("ids of one generator are ascending", () => {
  const maker = new Nuid();
  const ids = Array.from({ length: 5_000 }, () => maker.next());
  const prefixes = new Set(ids.map(id => id.slice(0, 12)));
  expect(prefixes.size).toBe(1);
  expect([...ids].sort((a, b) => (a < b ? -1 : 1))).toEqual(ids);
});
