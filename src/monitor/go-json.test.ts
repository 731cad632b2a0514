import { expect, test } from "bun:test";
import { goJson, goTime, uptimeText } from "./go-json.ts";

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

test("an uptime leaves out leading units that are zero", () => {
  const seconds = (value: number) => uptimeText(value * 1000);
  expect([seconds(0), seconds(59.9), seconds(65), seconds(3_602), seconds(172_801), seconds(366 * 86_400 + 1)]).toEqual([
    "0s",
    "59s",
    "1m5s",
    "1h0m2s",
    "2d0h0m1s",
    "1y1d0h0m1s",
  ]);
});
