import { describe, expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import {
  hasEmptyToken,
  hasSoundRunes,
  hasWildcard,
  isInsertable,
  isValidLiteral,
  isValidPublishSubject,
  isValidSubject,
  tokenCount,
  tokenEnd,
  tokenStart,
} from "./subject.ts";
import { collide, isSubset, matchesLiteral } from "./subject-overlap.ts";
import * as text from "./subject-text.ts";

type Rule = (source: Uint8Array, start: number, end: number) => boolean;

/** Calls the rule for a subject between other bytes, which it must not read. */
function holds(rule: Rule, subject: string): boolean {
  const bytes = Buffer.from(`>.${subject}.>`);
  return rule(bytes, 2, bytes.length - 2);
}
const accepted = (rule: Rule, subjects: string[]) => subjects.filter(subject => holds(rule, subject));

const MALFORMED = ["", ".", ".a", "a.", "a..b", "a.>.b", ">.a"];
const LITERALS = ["a", "a.b", "foo*", "*foo.b", "a>b", "a.b>", ">>", "**", "é.ü", "a.b.c.d"];
const PATTERNS = ["*", ">", "a.*", "*.b", "a.*.c", "a.>", "*.>"];
const WITH_SPACE = ["a b", " ", "a. ", "a.\t", "a\r", "\n.b", "a.b\fc"];

test("a valid subject has no empty token, nothing after > and no white space", () => {
  const valid: Rule = (source, start, end) => isValidSubject(source, start, end);
  expect(accepted(valid, [...MALFORMED, ...WITH_SPACE])).toEqual([]);
  expect(accepted(valid, [...LITERALS, ...PATTERNS])).toEqual([...LITERALS, ...PATTERNS]);
});

test("a subject with white space can be inserted", () => {
  expect(accepted(isInsertable, MALFORMED)).toEqual([]);
  expect(accepted(isInsertable, [...LITERALS, ...PATTERNS, ...WITH_SPACE])).toEqual([...LITERALS, ...PATTERNS, ...WITH_SPACE]);
});

test("the pedantic check refuses only empty tokens and wildcards that are whole tokens", () => {
  expect(accepted(isValidLiteral, [...MALFORMED, ...PATTERNS])).toEqual([]);
  expect(accepted(isValidLiteral, [...LITERALS, ...WITH_SPACE])).toEqual([...LITERALS, ...WITH_SPACE]);
});

test("a subject to publish on is valid and has no wildcard", () => {
  expect(accepted(isValidPublishSubject, [...MALFORMED, ...PATTERNS, ...WITH_SPACE])).toEqual([]);
  expect(accepted(isValidPublishSubject, LITERALS)).toEqual(LITERALS);
});

test("only a whole token is a wildcard", () => {
  expect(accepted(hasWildcard, PATTERNS)).toEqual(PATTERNS);
  expect(accepted(hasWildcard, LITERALS)).toEqual([]);
  expect(holds(hasWildcard, ">.a")).toBe(true);
});

describe("the check of runes", () => {
  test("refuses NUL, U+FFFD and invalid UTF-8", () => {
    const unsound = [
      "00",
      "6100",
      "efbfbd",
      "80",
      "c3",
      "c328",
      "c080",
      "e08080",
      "eda080",
      "f0808080",
      "f4908080",
      "f5808080",
      "ff",
      "61e282",
    ];
    for (const hex of unsound) {
      const bytes = Uint8Array.fromHex(hex);
      expect(hasSoundRunes(bytes, 0, bytes.length), hex).toBe(false);
      expect(isValidSubject(bytes, 0, bytes.length, true), hex).toBe(false);
    }
  });
  test("accepts runes of every length", () => {
    const bytes = Buffer.from("a.é.€.😀.\u{10ffff}.\ue000");
    expect(isValidSubject(bytes, 0, bytes.length, true)).toBe(true);
  });
  test("fuzz: agrees with TextDecoder", () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const leads = [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xbd];
    for (let round = 0; round < 5_000; round++) {
      const bytes = Uint8Array.from({ length: random.below(6) }, () => random.pick(leads));
      let sound = true;
      try {
        sound = !new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).includes("\ufffd");
      } catch {
        sound = false;
      }
      expect(hasSoundRunes(bytes, 0, bytes.length), `SEED=${seed} round=${round} ${bytes.toHex()}`).toBe(sound);
    }
  });
});

test("tokens are counted and found by number", () => {
  const bytes = Buffer.from("xx.orders.eu..created");
  const [start, end] = [3, bytes.length];
  expect(tokenCount(bytes, start, end)).toBe(4);
  expect(tokenCount(bytes, start, start)).toBe(0);
  const tokens = [0, 1, 2, 3].map(index => {
    const at = tokenStart(bytes, start, end, index);
    return bytes.toString("latin1", at, tokenEnd(bytes, at, end));
  });
  expect(tokens).toEqual(["orders", "eu", "", "created"]);
  expect(tokenStart(bytes, start, end, 4)).toBe(-1);
});

test("a subject of a thousand tokens is checked like a short one", () => {
  const long = Buffer.from(`${"a.".repeat(1000)}>`);
  expect(isValidSubject(long, 0, long.length)).toBe(true);
  expect(tokenCount(long, 0, long.length)).toBe(1001);
});

test("a pattern covers matching subjects, and a wildcard is covered only by an equal or wider one", () => {
  const covered: [string, string][] = [
    ["foo.bar", "foo.bar"],
    ["foo.bar", "foo.*"],
    ["foo.*", "foo.*"],
    ["foo.*", "*.*"],
    ["foo.*", ">"],
    ["foo.*.bar", "foo.>"],
    ["foo.>", "foo.>"],
    ["foo.>", ">"],
    ["foo*", "*"],
  ];
  const uncovered: [string, string][] = [
    ["foo.*", "foo.bar"],
    ["foo.>", "foo.*"],
    ["foo", "foo.>"],
    ["foo.bar.baz", "foo.*"],
    ["foo", "foo.*"],
    ["*.>", "*.*"],
    ["foo", "*oo"],
    ["a..b", "a.*.b"],
    ["", "*"],
    ["a", ""],
  ];
  for (const [subject, pattern] of covered) expect(text.isSubsetText(subject, pattern), `${subject} in ${pattern}`).toBe(true);
  for (const [subject, pattern] of uncovered) expect(text.isSubsetText(subject, pattern), `${subject} in ${pattern}`).toBe(false);
});

test("two patterns collide if one subject can match both", () => {
  const together = ["foo.* foo.foo", "foo.* *.foo", "foo.bar.> *.bar.foo", "> a.b", "a.b a.b", "a.> a.*.c", "*.> >"];
  const apart = ["foo.* foo.*.bar.>", "foo.> foo", "a.* b.*", "a.*.c a.b.d", "* a.b", "a b", "*a.* ba.*"];
  for (const pair of [...together, ...apart]) {
    const [a, b] = pair.split(" ");
    expect(text.collideText(a, b), pair).toBe(together.includes(pair));
    expect(text.collideText(b, a), pair).toBe(together.includes(pair));
  }
});

test("fuzz: subset, collision and literal match agree with sets of subjects", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const universe = everySubject(["a", "b"], 4);
  const matches = (pattern: string, subject: string) => {
    const tokens = subject.split(".");
    const wanted = pattern.split(".");
    for (const [index, token] of wanted.entries()) {
      if (token === ">") return tokens.length > index;
      if (index >= tokens.length || (token !== "*" && token !== tokens[index])) return false;
    }
    return tokens.length === wanted.length;
  };
  for (let round = 0; round < 2_000; round++) {
    const [a, b] = [randomPattern(random), randomPattern(random)];
    const [inA, inB] = [a, b].map(pattern => universe.filter(subject => matches(pattern, subject)));
    const message = `SEED=${seed} round=${round} ${a} ${b}`;
    expect(text.collideText(a, b), message).toBe(inA.some(subject => inB.includes(subject)));
    // Subjects of two words and up to four levels distinguish all patterns of up to three tokens.
    expect(text.isSubsetText(a, b), message).toBe(inA.every(subject => inB.includes(subject)));
    const subject = Buffer.from(random.pick(universe));
    expect(matchesLiteral(Buffer.from(a), subject, 0, subject.length), `${message} ${subject}`).toBe(matches(a, subject.toString()));
  }
});

test("the variants for texts agree with those for bytes", () => {
  expect(text.isValidSubjectText("a.>")).toBe(true);
  expect(text.isValidSubjectText("a\ud800", true)).toBe(false);
  expect(text.isValidPublishSubjectText("a b")).toBe(false);
  expect(text.hasWildcardText("a.*")).toBe(true);
});

test("only the given ranges of larger buffers are compared", () => {
  const bytes = Buffer.from("SUB a.* PUB a.b");
  expect(isSubset(bytes, 12, 15, bytes, 4, 7)).toBe(true);
  expect(collide(bytes, 4, 7, bytes, 12, 15)).toBe(true);
});

function everySubject(words: string[], levels: number): string[] {
  let longest = words;
  const subjects = [...words];
  for (let level = 2; level <= levels; level++) {
    longest = longest.flatMap(subject => words.map(word => `${subject}.${word}`));
    subjects.push(...longest);
  }
  return subjects;
}

function randomPattern(random: Random): string {
  const tokens = Array.from({ length: random.between(1, 3) }, () => random.pick(["a", "b", "*"]));
  if (random.chance(0.3)) tokens[tokens.length - 1] = ">";
  return tokens.join(".");
}

test("an empty token is found at the beginning, in the middle and at the end", () => {
  const has = (text: string) => hasEmptyToken(Buffer.from(`.${text}.`), 1, 1 + text.length);
  expect(["", ".", ".a", "a.", "a..b", "a.b."].map(has)).toEqual([true, true, true, true, true, true]);
  expect(["a", "a.b", "a.*.>"].map(has)).toEqual([false, false, false]);
});
