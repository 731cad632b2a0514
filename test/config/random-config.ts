/**
 * Random configurations: a tree, and one of the many ways to write it. Reading the text must give the tree, so a test needs no second
 * parser: the generator is the model.
 */

import { bytesOfText } from "../../src/base/go/text.ts";
import type { Random } from "../../src/base/random/random.ts";

export type Tree = string | bigint | number | boolean | Tree[] | { [key: string]: Tree };

export interface RandomConfig {
  readonly text: string;
  readonly tree: { [key: string]: Tree };
}

const WORDS = [
  "a",
  "port",
  "x_y",
  "Größe",
  "日本",
  "a.b.c",
  "nats://h:1",
  "10s",
  "8222s",
  "k1",
  "-",
  "true",
  "7 up",
  "",
  "{",
  "]",
  "$HOME",
  "2a$",
  "it's",
];
const SUFFIXES: readonly (readonly [string, bigint])[] = [
  ["", 1n],
  ["k", 1_000n],
  ["KB", 1_024n],
  ["mi", 1_024n ** 2n],
  ["M", 1_000_000n],
  ["gib", 1_024n ** 3n],
  ["T", 10n ** 12n],
  ["pb", 1_024n ** 5n],
];
const ESCAPED: Readonly<Record<string, string>> = { "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\" };

export function randomConfig(random: Random): RandomConfig {
  const wrapped = random.chance(0.2);
  const { text, tree } = pairs(random, 0, wrapped ? "block" : "top");
  return { text: wrapped ? `{${blank(random)}${text}\n}` : text, tree };
}

type Where = "top" | "block" | "map";

function pairs(random: Random, depth: number, where: Where): RandomConfig {
  const tree: { [key: string]: Tree } = {};
  let text = "";
  for (let count = random.between(depth === 0 ? 1 : 0, 4); count > 0; count--) {
    const key = `${random.pick(["k", "Key", "a_b", "é"])}${random.below(6)}`;
    const written = random.pick([key, `"${key}"`, `'${key}'`]);
    const [valueText, value] = randomValue(random, depth + 1);
    const separator = random.pick([" ", ": ", " = ", ":", "=", "  :  "]);
    text += comments(random) + written + separator + valueText + endOfPair(random, where);
    tree[key] = value;
  }
  return { text: text + comments(random), tree };
}

function endOfPair(random: Random, where: Where): string {
  const end = random.pick(where === "top" ? ["\n", ";\n", "\n\n", ",\n"] : ["\n", ",", ";", ",\n"]);
  return random.chance(0.1) ? ` # why\n` : end;
}

function comments(random: Random): string {
  if (random.chance(0.1)) return `# ${random.pick(WORDS)}\n`;
  return random.chance(0.1) ? `// "${random.pick(WORDS)}\n` : blank(random);
}

function blank(random: Random): string {
  return random.pick(["", "", " ", "\t", "\n", "\n  "]);
}

function randomValue(random: Random, depth: number): [text: string, value: Tree] {
  const kinds = [randomText, randomText, randomInteger, randomFloat, randomBoolean];
  if (depth < 5 && random.chance(0.3)) return random.chance(0.5) ? randomArray(random, depth) : randomMap(random, depth);
  return random.pick(kinds)(random);
}

function randomText(random: Random): [string, string] {
  const word = random.chance(0.5)
    ? random.pick(WORDS)
    : random.pick(WORDS) + random.pick(['"', "\\", "\n", "\t", "<&>", "\u2028", "é", ","]) + random.pick(WORDS);
  if (!/['\n\r]/.test(word) && random.chance(0.4)) return [`'${word}'`, word];
  return [`"${word.replaceAll(/[\t\n\r"\\]/g, character => ESCAPED[character]!)}"`, word];
}

function randomInteger(random: Random): [string, bigint] {
  const [suffix, factor] = random.pick(SUFFIXES);
  const digits = random.chance(0.1) ? random.pick([2n ** 53n + 1n, 2n ** 63n - 1n]) : BigInt(random.below(100_000));
  const value = random.chance(0.2) ? -digits : digits;
  return [`${value}${suffix}`, BigInt.asIntN(64, value * factor)];
}

function randomFloat(random: Random): [string, number] {
  const text = `${random.chance(0.2) ? "-" : ""}${random.below(1_000)}.${random.pick(["0", "5", "25", "000001", "0000001", "123456789012345678"])}`;
  return [text, Number(text)];
}

function randomBoolean(random: Random): [string, boolean] {
  const text = random.pick(["true", "yes", "on", "TRUE", "Off", "false", "no"]);
  return [text, /^(true|yes|on)$/i.test(text)];
}

/** A space separates numbers from `]`, which would be read as a part of them. */
function randomArray(random: Random, depth: number): [string, Tree[]] {
  const elements = Array.from({ length: random.below(4) }, () => randomValue(random, depth + 1));
  const text = elements.map(([one]) => blank(random) + one).join(random.pick([",", ", ", "\n", " , "]));
  return [`[${text}${elements.length > 0 ? random.pick([" ", ",", "\n"]) : ""}]`, elements.map(([, value]) => value)];
}

function randomMap(random: Random, depth: number): [string, { [key: string]: Tree }] {
  const { text, tree } = pairs(random, depth, "map");
  return [`{${text}}`, tree];
}

/** Changes, cuts or doubles bytes: the result is mostly invalid. */
export function damaged(text: string, random: Random): string {
  let bytes = bytesOfText(text);
  for (let count = random.between(1, 3); count > 0; count--) {
    const at = random.below(bytes.length + 1);
    const end = Math.min(bytes.length, at + random.below(4));
    const kinds = [
      () => bytes.slice(0, at),
      () => bytes.slice(0, at) + bytes.slice(end),
      () =>
        bytes.slice(0, at) +
        random.pick([..."{}[]()\"'\\/#:=,;$-.0 \n\r\t\0", "\xff", "\xc3", "include ", "\\x4", "\u00a0"]) +
        bytes.slice(at),
      () => bytes.slice(0, end) + bytes.slice(at),
    ];
    bytes = random.pick(kinds)();
  }
  return bytes;
}
