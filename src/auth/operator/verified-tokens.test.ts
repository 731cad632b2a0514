import { expect, test } from "bun:test";
import { VerifiedTokens } from "./verified-tokens.ts";

test("a token is found by its whole text only", () => {
  const tokens = new VerifiedTokens<string>(10, 1_000, 100);
  tokens.add("abc", "claims");
  expect([tokens.get("abc"), tokens.get("ab"), tokens.get("abcd"), tokens.get("ABC")]).toEqual(["claims", undefined, undefined, undefined]);
});

test("the least recently used token is dropped first, by number and by bytes", () => {
  const few = new VerifiedTokens<number>(2, 1_000, 100);
  few.add("a", 1);
  few.add("b", 2);
  few.get("a");
  few.add("c", 3);
  expect([few.get("a"), few.get("b"), few.get("c"), few.size]).toEqual([1, undefined, 3, 2]);
  const short = new VerifiedTokens<number>(100, 10, 6);
  short.add("123456", 1);
  short.add("1234567", 2); // longer than the limit for one token
  short.add("abcde", 3);
  expect([short.get("123456"), short.get("1234567"), short.get("abcde"), short.size]).toEqual([undefined, undefined, 3, 1]);
});

test("a known token is not counted twice", () => {
  const tokens = new VerifiedTokens<number>(10, 10, 10);
  for (let round = 0; round < 5; round++) tokens.add("12345", round);
  tokens.add("abcde", 9);
  expect([tokens.get("12345"), tokens.size]).toEqual([0, 2]);
});
