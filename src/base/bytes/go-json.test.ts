import { expect, test } from "bun:test";
import { goJson, goTime } from "../go/go-json.ts";

test("characters of HTML are escaped, empty lists and objects stay on one line", () => {
  expect(goJson({ a: "<x&y>\u2028", b: [], c: {} })).toBe('{\n  "a": "\\u003cx\\u0026y\\u003e\\u2028",\n  "b": [],\n  "c": {}\n}');
  expect(goJson({ a: [1] }, 0)).toBe('{"a":[1]}');
});

test("times have as many digits as needed", () => {
  const noon = Date.UTC(2026, 0, 10, 20, 0, 0);
  expect([goTime(noon), goTime(noon + 100), goTime(noon + 120), goTime(noon + 123), goTime(noon + 3)]).toEqual([
    "2026-01-10T20:00:00Z",
    "2026-01-10T20:00:00.1Z",
    "2026-01-10T20:00:00.12Z",
    "2026-01-10T20:00:00.123Z",
    "2026-01-10T20:00:00.003Z",
  ]);
});
