import { expect, test } from "bun:test";
import { goDuration, parseGoDuration } from "./duration.ts";

test("durations are printed as in Go", () => {
  expect([0, 1, 412_000, 412_500, 1_250_000, 1e9, 62.5e9, 3_600e9, 90_061e9].map(goDuration)).toEqual([
    "0s",
    "1ns",
    "412µs",
    "412.5µs",
    "1.25ms",
    "1s",
    "1m2.5s",
    "1h0m0s",
    "25h1m1s",
  ]);
});

test("durations are parsed as in Go", () => {
  const read: [string, bigint][] = [
    ["0", 0n],
    ["-0", 0n],
    ["1h30m", 5_400_000_000_000n],
    ["1.5s", 1_500_000_000n],
    [".5ms", 500_000n],
    ["1.s", 1_000_000_000n],
    ["-10ms", -10_000_000n],
    ["+3us", 3_000n],
    ["3µs", 3_000n],
    ["3μs", 3_000n],
    ["9223372036854775807ns", 2n ** 63n - 1n],
  ];
  for (const [text, nanoseconds] of read) expect(parseGoDuration(text), text).toBe(nanoseconds);
});

test("an invalid duration is refused with Go's text", () => {
  const refused: [string, string][] = [
    ["", 'time: invalid duration ""'],
    ["x", 'time: invalid duration "x"'],
    ["5", 'time: missing unit in duration "5"'],
    ["5y", 'time: unknown unit "y" in duration "5y"'],
    ["1h 5m", 'time: unknown unit "h " in duration "1h 5m"'],
    [".s", 'time: invalid duration ".s"'],
    ["--1s", 'time: invalid duration "--1s"'],
    ["9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'],
    ["1constructor", 'time: unknown unit "constructor" in duration "1constructor"'],
  ];
  for (const [text, error] of refused) expect(parseGoDuration(text), text).toBe(error);
});
