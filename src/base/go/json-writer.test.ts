import { expect, test } from "bun:test";
import { goJson } from "./json-writer.ts";

test("characters of HTML are escaped, empty lists and objects stay on one line", () => {
  expect(goJson({ a: "<x&y>\u2028", b: [], c: {} })).toBe('{\n  "a": "\\u003cx\\u0026y\\u003e\\u2028",\n  "b": [],\n  "c": {}\n}');
  expect(goJson({ a: [1] }, 0)).toBe('{"a":[1]}');
});
