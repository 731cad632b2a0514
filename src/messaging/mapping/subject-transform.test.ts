import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Random } from "../../base/random/random.ts";
import { isValidLiteral } from "../subject/subject.ts";
import { SubjectTransform, TransformError } from "./subject-transform.ts";

/** Source, destination, 1 for the strict form, and the text of an error or the transformed subjects (null: refused), by nats-server 2.15.3. */
type Vector = [source: string, destination: string, strict: 0 | 1, outcome: string | Record<string, string | null>];
const VECTORS = readFileSync(`${import.meta.dir}/transform-vectors.jsonl`, "utf8")
  .trim()
  .split("\n")
  .map(line => JSON.parse(line) as Vector);

/** The reference handles a source token `*x` as a wildcard when it matches, but as text when it compiles; here it is always text. */
const TEXT_WITH_STAR = "*x.*";

const random = new Random(1);

function compile(source: string, destination: string, strict = false): SubjectTransform | string {
  try {
    return strict ? SubjectTransform.compileStrict(source, destination) : SubjectTransform.compile(source, destination);
  } catch (error) {
    if (!(error instanceof TransformError)) throw error;
    return error.message;
  }
}

/** Transforms a subject in the middle of a buffer into the middle of another buffer. */
function transform(compiled: SubjectTransform, subject: string): string | null {
  const source = Buffer.from(`PUB ${subject} 5`);
  const end = source.length - 2;
  const target = Buffer.alloc(7 + compiled.resultBytesMax(end - 4));
  const behind = compiled.transform(source, 4, end, target, 7, random);
  expect(compiled.matches(source, 4, end)).toBe(behind !== -1);
  return behind === -1 ? null : target.toString("utf8", 7, behind);
}

/** The result of a transform that is given literal subjects only. */
function transformLiteral(compiled: SubjectTransform, subject: string): string | null {
  const all = compiled.source === ">" && compiled.destination === ">";
  return all || isValidLiteral(Buffer.from(subject), 0, Buffer.byteLength(subject)) ? transform(compiled, subject) : null;
}

test("functions, special cases and errors are those of the reference", () => {
  let results = 0;
  for (const [source, destination, strict, outcome] of VECTORS) {
    if (source === TEXT_WITH_STAR || destination === "") continue;
    const message = `${source} -> ${destination} strict=${strict}`;
    const compiled = compile(source, destination, strict === 1);
    if (typeof outcome === "string" || typeof compiled === "string") {
      expect(compiled as unknown, message).toBe(outcome);
      continue;
    }
    if (compiled.isRandom) continue;
    const given = Object.fromEntries(Object.keys(outcome).map(subject => [subject, transformLiteral(compiled, subject)]));
    expect(given, message).toEqual(outcome);
    results += Object.keys(outcome).length;
  }
  expect(results).toBeGreaterThan(800);
});

test("a transform with an empty destination is refused; the reference accepts it and crashes when it is used", () => {
  expect(compile("foo", "")).toBe("invalid subject");
});

test("a token that begins with * and has more characters is text", () => {
  const compiled = SubjectTransform.compile("*x.*", "$1");
  expect([transform(compiled, "*x.b"), transform(compiled, "foo.b")]).toEqual(["b", null]);
});

test("wildcards of a subject are kept", () => {
  const cases = [
    ["foo.*", "bar.$1", "foo.*", "bar.*"],
    ["foo.*", "bar.$1", "foo.>", "bar.>"],
    ["foo.*.*", "$2.x.$1", "foo.*.b", "b.x.*"],
    ["foo.*.*", "$2.x.$1", "foo.a", ".x.a"],
    ["foo.>", "bar.>", "foo.*.>", "bar.*.>"],
    ["foo.>", "bar.>", "foo", "bar."],
    ["foo.>", "bar.>", "foo.", "bar."],
    [">", "p.>", "*.>", "p.*.>"],
    ["foo", "bar", "*", "bar"],
    ["*.*", "b.$2.$1", "*.*", "b.*.*"],
    ["foo.*.>", "b.$1.>", "foo.*", "b.*."],
    ["foo.*.>", "b.$1.>", ">", "b.."],
  ];
  for (const [source, destination, subject, result] of cases) {
    const compiled = SubjectTransform.compileStrict(source, destination);
    expect(compiled.transformText(subject, random), `${source} -> ${destination}: ${subject}`).toBe(result);
  }
});

test("the reverse transform restores the subjects", () => {
  const cases = [
    ["foo", "bar.baz", "foo"],
    ["foo.*", "bar.$1", "foo.a"],
    ["foo.*.*", "$2.bar.$1", "foo.a.b"],
    ["*.x.*.*", "$2.$3.$1", "a.x.b.c"],
    ["*.*.>", "y.{{wildcard(2)}}.{{ Wildcard(1) }}.>", "a.b.c.d"],
    [">", "prefix.>", "a.b"],
    ["foo.>", ">", "foo.a"],
    ["foo.*", "bar.$foo.$1", "foo.a"],
  ];
  for (const [source, destination, subject] of cases) {
    const compiled = SubjectTransform.compileStrict(source, destination);
    const reversed = compiled.reverse();
    expect(reversed?.transformText(compiled.transformText(subject, random), random), `${source} -> ${destination}`).toBe(subject);
    expect(reversed?.reverse()?.transformText(subject, random)).toBe(compiled.transformText(subject, random));
  }
});

test("there is no reverse transform if a wildcard is lost, doubled or inside a function", () => {
  const cases = [
    ["foo.*.*", "bar.$1"],
    ["foo.*", "bar.$1.$1"],
    ["foo.*", "bar.{{left(1,2)}}"],
    ["foo.*", "$0"],
  ];
  expect(cases.map(([source, destination]) => SubjectTransform.compile(source, destination).reverse())).toEqual([null, null, null, null]);
});

test("a destination may use one wildcard twice and leave out another one", () => {
  const reversed = SubjectTransform.compileStrict("foo.*.*", "x.$1.$1").reverse();
  expect(reversed?.transformText("x.p.q", random)).toBe("foo.p.p");
});

test("a random number is below its limit and takes every value", () => {
  const compiled = SubjectTransform.compile("foo.*", "{{random(4)}}.$1");
  expect(compiled.isRandom).toBe(true);
  const seen = new Set<string>();
  for (let draw = 0; draw < 200; draw++) seen.add(compiled.transformText("foo.a", random));
  expect([...seen].sort()).toEqual(["0.a", "1.a", "2.a", "3.a"]);
  const negative = SubjectTransform.compile("foo", "{{random(-3)}}");
  for (let draw = 0; draw < 50; draw++) expect(negative.transformText("foo", random)).toMatch(/^[012]$/);
  expect(SubjectTransform.compile("foo", "{{random(1)}}").isRandom).toBe(false);
});

test("a target that is one byte too small returns -1, a target that fits is filled", () => {
  const cases = [
    ["foo.*.>", "bar.{{sliceFromLeft(1,2)}}.>", "foo.abcdef.x.y"],
    ["foo.*", "{{partition(1000000)}}", "foo.a"],
    ["foo.*", "{{split(1,-)}}", "foo.a-b-c"],
    ["foo.*", "{{splitFromRight(1,1)}}.x", "foo.abc"],
    ["foo.*", "$1", "foo.abc"],
  ];
  for (const [source, destination, subject] of cases) {
    const compiled = SubjectTransform.compile(source, destination);
    const result = compiled.transformText(subject, random);
    const bytes = Buffer.from(subject);
    expect(compiled.transform(bytes, 0, bytes.length, Buffer.alloc(result.length), 0, random), destination).toBe(result.length);
    for (let size = 0; size < result.length; size++) {
      expect(compiled.transform(bytes, 0, bytes.length, Buffer.alloc(size), 0, random), `${destination} in ${size}`).toBe(-1);
    }
  }
});

test("bytes that are not UTF-8 are copied, split and hashed unchanged", () => {
  const source = Buffer.from([0x61, 0x2e, 0xff, 0x80, 0xc3]);
  const compiled = SubjectTransform.compile("a.*", "{{left(1,2)}}.{{right(1,1)}}");
  const target = Buffer.alloc(16);
  const behind = compiled.transform(source, 0, source.length, target, 0, random);
  expect([...target.subarray(0, behind)]).toEqual([0xff, 0x80, 0x2e, 0xc3]);
});
