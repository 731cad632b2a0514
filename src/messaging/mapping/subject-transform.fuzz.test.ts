import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { isSubsetText } from "../subject/subject-text.ts";
import { SubjectTransform } from "./subject-transform.ts";

/** A simple, slow model: the parts of a destination, each with a function of the source's tokens. All characters have one byte. */
interface Part {
  readonly text: string;
  apply(tokens: string[], wildcards: number[]): string;
}

const LETTERS = ["a", "b", "c", "ab", "-", "a-b", "--", "abc-def-", "0123456789", "x"];

function randomPart(random: Random, wildcards: number): Part {
  const index = random.between(1, Math.max(1, wildcards));
  const size = random.between(-1, 6);
  const of = (apply: (token: string) => string) => (tokens: string[], stars: number[]) => apply(tokens[stars[index - 1]]);
  const sized = (apply: (token: string) => string) => of(token => (size > 0 && size < token.length ? apply(token) : token));
  const literal = random.pick(LETTERS);
  const parts: Part[] = [{ text: literal, apply: () => literal }];
  const count = random.between(1, 20);
  parts.push({ text: `{{partition(${count})}}`, apply: tokens => String(fnv(tokens.join(".")) % count) });
  if (wildcards === 0) return random.pick(parts);
  parts.push(
    { text: `$${index}`, apply: of(token => token) },
    { text: `{{wildcard(${index})}}`, apply: of(token => token) },
    { text: `{{Left(${index}, ${size})}}`, apply: sized(token => token.slice(0, size)) },
    { text: `{{right(${index},${size})}}`, apply: sized(token => token.slice(-size)) },
    { text: `{{splitFromLeft(${index},${size})}}`, apply: sized(token => `${token.slice(0, size)}.${token.slice(size)}`) },
    { text: `{{splitFromRight(${index},${size})}}`, apply: sized(token => `${token.slice(0, -size)}.${token.slice(-size)}`) },
    { text: `{{SliceFromLeft(${index},${size})}}`, apply: sized(token => chunks(token, size).join(".")) },
    { text: `{{sliceFromRight(${index},${size})}}`, apply: sized(token => chunks(token, size, token.length % size).join(".")) },
    { text: `{{split(${index},-)}}`, apply: of(splitAtDashes) },
    {
      text: `{{partition(${count},${index},1)}}`,
      apply: (tokens, stars) => String(fnv(tokens[stars[index - 1]] + tokens[stars[0]]) % count),
    },
  );
  return random.pick(parts);
}

function fnv(text: string): number {
  let hash = 2166136261n;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 16777619n) & 0xffff_ffffn;
  return Number(hash);
}

function chunks(token: string, size: number, first = 0): string[] {
  const rest = token.slice(first).match(new RegExp(`.{1,${size}}`, "g")) ?? [];
  return first > 0 ? [token.slice(0, first), ...rest] : rest;
}

/** The result for a token that begins with two or more dashes has a leading dot, as in the reference. */
function splitAtDashes(token: string): string {
  const joined = token
    .split("-")
    .filter(piece => piece !== "")
    .join(".");
  return token.startsWith("--") && joined !== "" ? `.${joined}` : joined;
}

function randomSource(random: Random): string[] {
  const tokens = Array.from({ length: random.between(1, 4) }, () => (random.chance(0.5) ? "*" : random.pick(["a", "b", "ab"])));
  return random.chance(0.3) ? [...tokens, ">"] : tokens;
}

/** A random subject; the source covers most of them. */
function randomSubject(random: Random, source: string[]): string {
  const tokens = source.map(token => {
    if (token === ">") return Array.from({ length: random.between(1, 3) }, () => random.pick(LETTERS)).join(".");
    return token === "*" || random.chance(0.1) ? random.pick(LETTERS) : token;
  });
  if (random.chance(0.1)) tokens.pop();
  if (random.chance(0.1) || tokens.length === 0) tokens.push(random.pick(LETTERS));
  return tokens.join(".");
}

test("fuzz: transforms on bytes agree with a model on strings", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  let transformed = 0;
  for (let round = 0; round < 5_000; round++) {
    const source = randomSource(random);
    const wildcards = source.flatMap((token, index) => (token === "*" ? [index] : []));
    const parts = Array.from({ length: random.between(1, 4) }, () => randomPart(random, wildcards.length));
    const hasTail = source.at(-1) === ">";
    const destination = [...parts.map(part => part.text), ...(hasTail ? [">"] : [])].join(".");
    const compiled = SubjectTransform.compile(source.join("."), destination);
    const subject = randomSubject(random, source);
    const message = `SEED=${seed} round=${round} ${source.join(".")} -> ${destination}: ${subject}`;
    const bytes = Buffer.from(`>${subject}.`);
    const target = Buffer.alloc(3 + compiled.resultBytesMax(subject.length));
    const behind = compiled.transform(bytes, 1, bytes.length - 1, target, 3, random);
    if (!isSubsetText(subject, source.join("."))) {
      expect(behind, message).toBe(-1);
      continue;
    }
    const tokens = subject.split(".");
    const expected = [...parts.map(part => part.apply(tokens, wildcards)), ...(hasTail ? tokens.slice(source.length - 1) : [])];
    expect(target.toString("latin1", 3, behind), message).toBe(expected.join("."));
    transformed++;
  }
  expect(transformed, `SEED=${seed}`).toBeGreaterThan(2_000);
});
