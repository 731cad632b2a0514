import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { JsonSyntaxError } from "./json-error.ts";
import { parseJsonTree, plainValue } from "./json-tree.ts";

/** Mostly valid JSON: values as text, with spaces, escapes and some errors. */
function randomJson(random: Random, depth: number): string {
  const space = () => random.pick(["", "", "", " ", "\n\t"]);
  const text = () =>
    `"${Array.from({ length: random.below(5) }, () => random.pick(["a", "é", "😀", "\\n", "\\u0041", "\\ud83d\\ude00", '\\"', "\u007f", ...(random.chance(0.02) ? ["\\x", "\t", "\\u12"] : [])])).join("")}"`;
  const items = () =>
    Array.from({ length: random.below(4) }, () => `${space()}${randomJson(random, depth - 1)}${space()}`).join(
      random.chance(0.02) ? ";" : ",",
    );
  const members = () =>
    Array.from({ length: random.below(4) }, () => `${space()}${text()}${space()}:${randomJson(random, depth - 1)}`).join(",");
  const scalars = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    "1e3",
    "-0.5E-2",
    text(),
    ...(random.chance(0.03) ? ["01", "tru", "", "-", ".5", "1.", "NaN"] : []),
  ];
  if (depth === 0 || random.chance(0.4)) return random.pick(scalars);
  return random.chance(0.5) ? `[${items()}]` : `{${members()}${random.chance(0.02) ? "," : ""}}`;
}

test("fuzz: accepts exactly the texts that JSON.parse accepts, with the same values", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const counts = { right: 0, wrong: 0 };
  for (let round = 0; round < 4_000; round++) {
    const json = randomJson(random, 5) + (random.chance(0.02) ? random.pick([" ", "x", "\0", "}"]) : "");
    const message = `SEED=${seed} round=${round} ${json}`;
    let expected: { value: unknown } | null = null;
    try {
      expected = { value: JSON.parse(json) };
    } catch {}
    if (expected === null) {
      counts.wrong++;
      expect(() => parseJsonTree(json), message).toThrow(JsonSyntaxError);
    } else {
      counts.right++;
      expect(plainValue(parseJsonTree(json)), message).toEqual(expected.value);
    }
  }
  expect(Math.min(counts.right, counts.wrong), `SEED=${seed}`).toBeGreaterThan(200);
});
