import { expect, test } from "bun:test";
import { compactGoJson, goJson } from "./json-writer.ts";

test("HTML characters are escaped; empty lists and objects stay on one line", () => {
  expect(goJson({ a: "<x&y>\u2028", b: [], c: {} })).toBe('{\n  "a": "\\u003cx\\u0026y\\u003e\\u2028",\n  "b": [],\n  "c": {}\n}');
  expect(compactGoJson({ a: [1] })).toBe('{"a":[1]}');
});

test("half a surrogate pair becomes the replacement character, and an escaped backslash is unchanged", () => {
  expect(compactGoJson("a\udcffb\ud83dc\ud83d\ude00")).toBe('"a\\ufffdb\\ufffdc\ud83d\ude00"');
  expect(compactGoJson("\\udcff")).toBe('"\\\\udcff"');
});
