import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { syntaxFault } from "./json-syntax.ts";

const PIECES = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"a"',
  '"\\u00e9"',
  '"\\q"',
  '"',
  "1",
  "-",
  "0",
  "1.5e-3",
  "01",
  ".",
  "e",
  "true",
  "nul",
  "null",
  "false",
  " ",
  "\n",
  "é",
  "\\",
];

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("fuzz: a text has no fault exactly when JSON.parse accepts it", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  let right = 0;
  for (let round = 0; round < 50_000; round++) {
    const text = Array.from({ length: 1 + random.below(7) }, () => random.pick(PIECES)).join("");
    if (isJson(text)) right++;
    expect(syntaxFault(Buffer.from(text)) === null, `SEED=${seed} round=${round} ${text}`).toBe(isJson(text));
  }
  expect(right).toBeGreaterThan(500);
});

test("the depth limit is that of Go's decoder", () => {
  expect(syntaxFault(Buffer.from("[".repeat(10_000) + "]".repeat(10_000)))).toBeNull();
  expect(syntaxFault(Buffer.from("[".repeat(10_001)))?.message).toBe("invalid character '[' exceeded max depth");
});
