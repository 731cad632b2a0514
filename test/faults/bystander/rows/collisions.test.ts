import { expect, test } from "bun:test";
import { Collisions, hashFrom } from "./collisions.ts";

test("the tokens of a class collide from every start of that class, and from no other", () => {
  const tokens = new Collisions().tokens(77, 1_024);
  expect(new Set(tokens).size).toBe(1_024);
  for (const start of [77, 0x1234_5600 | 77, -128 | 77]) expect(new Set(tokens.map(token => hashFrom(start, token))).size).toBe(1);
  expect(new Set(tokens.map(token => hashFrom(78, token))).size).toBeGreaterThan(1);
});
