import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NESTING_MAX } from "./config-reader.ts";
import { type ConfigData, type ConfigValue, LanguageError, ZuluTime } from "./config-value.ts";
import { type Environment, readConfigFile, readConfigText } from "./read-config.ts";

function plain(data: ConfigData): unknown {
  if (Array.isArray(data)) return data.map(value => plain(value.data));
  if (data instanceof Map) return Object.fromEntries([...data].map(([key, value]) => [key, plain(value.data)]));
  return data instanceof ZuluTime ? data.text : data;
}

/** The tree without places. */
const read = (text: string, environment: Environment = {}) => plain(readConfigText(text, environment).map);

function errorOf(read: () => unknown): string {
  try {
    read();
    return "";
  } catch (error) {
    expect(error).toBeInstanceOf(LanguageError);
    return (error as Error).message;
  }
}

const refusal = (text: string, environment: Environment = {}) => errorOf(() => readConfigText(text, environment));

test("a key and its value are separated by =, :, a space or a new line", () => {
  expect(read("a=1\nb: 2\nc 3\nd = 4\ne\n  5\nf{g:6")).toEqual({ a: 1n, b: 2n, c: 3n, d: 4n, e: 5n, "f{g": 6n });
  expect(refusal("a:\n1")).toBe("Parse error on line 2: 'Expected value but found new line'");
});

test("pairs end with the line, with a comma or with a semicolon", () => {
  expect(read("a 1; b 2, c 3\nm { x 1; y 2, z 3 }")).toEqual({ a: 1n, b: 2n, c: 3n, m: { x: 1n, y: 2n, z: 3n } });
});

test("JSON is accepted", () => {
  const json = { port: 4222, tls: { verify: true, names: ["a", "b"] }, text: 'with "quotes" and \\', none: {}, list: [] };
  expect(read(JSON.stringify(json))).toEqual({ ...json, port: 4222n });
  expect(read(JSON.stringify(json, null, 2))).toEqual({ ...json, port: 4222n });
});

test("# and // begin comments at the top level, in maps and in arrays", () => {
  expect(read("# one\na 1 # two\n// three\nm { # four\n x 1 // five\n}\nl [ # six\n 'v' // seven\n]")).toEqual({
    a: 1n,
    m: { x: 1n },
    l: ["v"],
  });
});

test("integers have units of 1000 and of 1024 in upper or lower case", () => {
  expect(read("a 1k, b 1kb, c 1Ki, d 2KiB, e 1M, f 1mb, g 1g, h 1gib, i 1t, j 1tb, k 1p, l 1e, m -3k")).toEqual({
    a: 1_000n,
    b: 1_024n,
    c: 1_024n,
    d: 2_048n,
    e: 1_000_000n,
    f: 1_048_576n,
    g: 10n ** 9n,
    h: 2n ** 30n,
    i: 10n ** 12n,
    j: 2n ** 40n,
    k: 10n ** 15n,
    l: 10n ** 18n,
    m: -3_000n,
  });
});

test("integers are exact up to 64 bits, refused beyond, and overflow when a unit is applied", () => {
  expect(read("a 9007199254740993, b 9223372036854775807, c -9223372036854775808")).toEqual({
    a: 9007199254740993n,
    b: 2n ** 63n - 1n,
    c: -(2n ** 63n),
  });
  expect(refusal("a 9223372036854775808\n")).toBe("integer '9223372036854775808' is out of the range");
  expect(read("a 9223372036854775807k")).toEqual({ a: BigInt.asIntN(64, (2n ** 63n - 1n) * 1_000n) });
});

test("a word that begins with a digit but is not a number is text", () => {
  expect(read("a 8222s, b 1a2b, c 0K1abc, d 5e7bcd-abc10, e 127.0.0.1:4222, f 0.0.0.0:-1, g -1k2abc")).toEqual({
    a: "8222s",
    b: "1a2b",
    c: "0K1abc",
    d: "5e7bcd-abc10",
    e: "127.0.0.1:4222",
    f: "0.0.0.0:-1",
    g: "-1k2abc",
  });
});

test("floats need a digit on both sides of the point", () => {
  expect(read("a 1.5, b -0.25")).toEqual({ a: 1.5, b: -0.25 });
  expect(refusal("a .5")).toBe("Parse error on line 1: 'Floats must start with a digit'");
  expect(refusal("a 1.x")).toContain("'Floats must have a digit after the '.', but got 'x' instead.'");
  expect(refusal(`a ${"9".repeat(400)}.0`)).toContain("is out of the range");
});

test("a time must be in Zulu form and must exist", () => {
  expect(read("a 2026-01-31T10:20:30Z")).toEqual({ a: "2026-01-31T10:20:30Z" });
  expect(refusal("a 2026-02-30T10:20:30Z")).toBe("expected Zulu formatted DateTime, but got '2026-02-30T10:20:30Z'");
  expect(refusal("a 2026-1")).toContain("Expected digit in ISO8601 datetime");
  expect(refusal("a 26-01")).toContain("'All ISO8601 dates must be in full Zulu form.'");
});

test("true, yes and on are true; false, no and off are false; quoted they are text", () => {
  expect(read("a TRUE, b Yes, c on, d false, e NO, f oFF, g 'yes'")).toEqual({
    a: true,
    b: true,
    c: true,
    d: false,
    e: false,
    f: false,
    g: "yes",
  });
});

test("escapes work in double quotes and without quotes, not in single quotes", () => {
  expect(read('a "\\t\\n\\r\\"\\\\\\x41", b \'\\t\', c x\\x42y')).toEqual({ a: '\t\n\r"\\A', b: "\\t", c: "xBy" });
  expect(refusal('a "\\q"')).toContain("Invalid escape character 'q'. Only the following escape characters are allowed");
  expect(refusal('a "\\x4g"')).toContain("Expected two hexadecimal digits after '\\x', but got '4g'");
});

test("a block string ends at a bracket alone on its line", () => {
  expect(read("a (\n one ) two\n  )\nthree\n)\nb 1")).toEqual({ a: "\n one ) two\n  )\nthree\n", b: 1n });
  expect(refusal("a (\nb")).toContain("'Unexpected EOF processing block.'");
});

test("a repeated name has its last value, and names are case-sensitive", () => {
  expect(read("a 1\na 2\nA 3")).toEqual({ a: 2n, A: 3n });
});

test("a variable is looked up in its map, then in the outer maps, then in the environment", () => {
  const text = "x 1\nm { x 2, a $x, n { b $x } }\nc $x\nd $HOST";
  expect(read(text, { HOST: "h", x: "9" })).toEqual({ x: 1n, m: { x: 2n, a: 2n, n: { b: 2n } }, c: 1n, d: "h" });
  expect(refusal("a 1\nb $nobody")).toBe("variable reference for 'nobody' on line 2 can not be found");
});

test("a value of the environment is parsed like a value of the file", () => {
  const environment = { N: "5", L: "[a,b]", B: "on", M: "{ x: 1 }", S: "10s", R: "$N", EMPTY: "" };
  expect(read("n $N, l $L, b $B, m $M, s $S, r $R, e $EMPTY", environment)).toEqual({
    n: 5n,
    l: ["a", "b"],
    b: true,
    m: { x: 1n },
    s: "10s",
    r: 5n,
    e: "",
  });
});

test("cyclic environment variables and invalid values are refused", () => {
  const cycle = "variable reference cycle for 'A'";
  expect(refusal("x $A", { A: "$B", B: "$A" })).toContain(cycle);
  expect(refusal("x $A", { A: "$A" })).toContain(cycle);
  expect(refusal("x $A", { A: "[" })).toStartWith("variable reference for 'A' on line 1 could not be parsed: Parse error on line 1");
  const chain = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`V${at}`, `$V${at + 1}`]));
  expect(refusal("x $V0", chain)).toContain("variables within each other");
});

test("a bare bcrypt hash is text", () => {
  expect(read("pass: $2a$11$abc\nuser: x")).toEqual({ pass: "$2a$11$abc", user: "x" });
});

test("the place of a value is that of its key, in an array that of the value itself", () => {
  const { map } = readConfigText('a: 1\n  b: [ "x", {\n    c: 2 } ]', {}, "f.conf");
  const place = ({ file, line, column }: ConfigValue) => [file, line, column];
  expect(place(map.get("a")!)).toEqual(["f.conf", 1, 0]);
  expect(place(map.get("b")!)).toEqual(["f.conf", 2, 3]);
  const [x, m] = map.get("b")!.data as ConfigValue[];
  expect(place(x!)).toEqual(["f.conf", 2, 9]);
  expect(place((m!.data as Map<string, ConfigValue>).get("c")!)).toEqual(["f.conf", 3, 5]);
});

test("a deeply nested file is an error and does not exhaust the stack", () => {
  const bound = `more than ${NESTING_MAX} maps and arrays within each other`;
  expect(refusal(`a ${"[".repeat(1_000_000)}`)).toContain(bound);
  expect(refusal("a {".repeat(1_000_000))).toContain(bound);
  expect(refusal("a: {".repeat(1_000_000))).toContain(bound);
  expect(refusal("x $A", { A: "[".repeat(100_000) })).toContain(bound);
  expect(read(`a ${"[".repeat(NESTING_MAX)} ${"]".repeat(NESTING_MAX)}`)).toHaveProperty("a");
  expect(read("{".repeat(100_000) + "}".repeat(100_000))).toEqual({});
});

test("an error has the reference's text followed by the place", () => {
  expect(errorOf(() => readConfigText("a 1\nb [ 'x' 'y' ]", {}, "f.conf"))).toBe(
    `Parse error on line 2: 'Expected an array value terminator "," or an array terminator "]", but got ''' instead.' (f.conf:2:10)`,
  );
});

class Files implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "bunats-language-"));

  constructor(files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(this.directory, name, ".."), { recursive: true });
      writeFileSync(join(this.directory, name), text);
    }
  }

  read(name: string) {
    return readConfigFile(join(this.directory, name), {});
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

test("an include adds the pairs of a file in the directory of the including file", () => {
  using files = new Files({
    "main.conf": "a 1\ninclude ./sub/one.conf\nm { include 'sub/two.conf'; z 1 }",
    "sub/one.conf": 'a 2\ninclude "two.conf"',
    "sub/two.conf": "b 3",
  });
  const { map } = files.read("main.conf");
  expect(plain(map)).toEqual({ a: 2n, b: 3n, m: { b: 3n, z: 1n } });
  expect(map.get("b")).toMatchObject({ file: join(files.directory, "sub/two.conf"), line: 1, column: 0 });
});

test("cyclic includes and missing included files are refused with the chain of includes", () => {
  using files = new Files({ "a.conf": "include b.conf", "b.conf": "include a.conf", "c.conf": "include nothing.conf" });
  const place = (name: string) => join(files.directory, name);
  expect(errorOf(() => files.read("a.conf"))).toBe(
    `error parsing include file 'b.conf', error parsing include file 'a.conf', include cycle: ${[place("a.conf"), place("b.conf"), place("a.conf")].join(" -> ")}`,
  );
  expect(errorOf(() => files.read("c.conf"))).toBe(
    `error parsing include file 'nothing.conf', open ${place("nothing.conf")}: no such file or directory`,
  );
  expect(errorOf(() => readConfigFile(files.directory, {}))).toBe(`read ${files.directory}: is a directory`);
});

test("the digest is the reference's: it depends on the values, not on the text", () => {
  const digest = (text: string) => readConfigText(text, {}).digest;
  expect(digest("port: 4333")).toBe("sha256:5942f6739f1572892ba80b954eee212713f172258629e16936dfeeae8e2eb80d");
  expect(digest('# why\nb: 1, a: <"x">')).toBe(digest('{ "a": "<\\"x\\">", b = 1 }'));
  expect(digest("a: 1")).toBe(digest("a: 1.0")); // JSON knows one kind of number
});
