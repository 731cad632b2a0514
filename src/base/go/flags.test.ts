import { expect, test } from "bun:test";
import { type FlagKind, parseGoFlags } from "./flags.ts";

const KINDS: Record<string, FlagKind> = { D: "switch", p: "integer", name: "text" };
const parse = (...args: string[]) => parseGoFlags(args, name => KINDS[name]);
const flags = (...args: string[]) => {
  const parsed = parse(...args);
  return "error" in parsed ? parsed.error : parsed.flags.map(({ name, value }) => [name, value]);
};

test("a flag has one dash or two, and its value after = or as the next argument", () => {
  expect(flags("-p", "1", "--p=2", "-D", "--D=false", "-name", "x", "--name=a=b")).toEqual([
    ["p", 1],
    ["p", 2],
    ["D", true],
    ["D", false],
    ["name", "x"],
    ["name", "a=b"],
  ]);
});

test("a value may look like a flag; a switch takes no value from the next argument", () => {
  expect(parse("-name", "-D", "-D", "word", "-p")).toEqual({
    flags: [
      { name: "name", value: "-D" },
      { name: "D", value: true },
    ],
    words: ["word", "-p"],
  });
});

test("the first word, -- or a single dash ends the flags", () => {
  expect(parse("--", "-D")).toEqual({ flags: [], words: ["-D"] });
  expect(parse("-", "-D")).toEqual({ flags: [], words: ["-", "-D"] });
});

test("integers are accepted in every notation of Go", () => {
  for (const [text, value] of [
    ["0x10", 16],
    ["0b11", 3],
    ["0o17", 15],
    ["017", 15],
    ["1_000", 1000],
    ["-1", -1],
    ["+7", 7],
    ["0", 0],
    ["-0x_f", -15],
  ] as const) {
    expect(flags("-p", text), text).toEqual([["p", value]]);
  }
  for (const text of ["", "x", "1_", "_1", "08", "1.5", "0x", " 1", "1__0"]) {
    expect(flags("-p", text)).toBe(`invalid value "${text}" for flag -p: parse error`);
  }
  expect(flags("-p", "9223372036854775808")).toBe('invalid value "9223372036854775808" for flag -p: value out of range');
});

test("a verification is a switch that may be optional", () => {
  const kinds = (...args: string[]) => {
    const parsed = parseGoFlags(args, () => "verification");
    return "error" in parsed ? parsed.error : [parsed.flags.map(({ value }) => value), parsed.words];
  };
  expect(kinds("-v", "--v=false", "-v=Optional", "optional")).toEqual([[true, false, "optional"], ["optional"]]);
  expect(kinds("--v=x")).toBe(
    'invalid boolean value "x" for -v: expected true, false, or optional: strconv.ParseBool: parsing "x": invalid syntax',
  );
});

test("errors have the texts of Go's flag package", () => {
  expect(flags("-x")).toBe("flag provided but not defined: -x");
  expect(flags("--x=1")).toBe("flag provided but not defined: -x");
  expect(flags("-p")).toBe("flag needs an argument: -p");
  expect(flags("---p")).toBe("bad flag syntax: ---p");
  expect(flags("-=p")).toBe("bad flag syntax: -=p");
  expect(flags("-D=maybe")).toBe('invalid boolean value "maybe" for -D: parse error');
  expect(flags("-D=")).toBe('invalid boolean value "" for -D: parse error');
});
