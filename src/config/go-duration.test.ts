import { expect, test } from "bun:test";
import { goDuration } from "./go-duration.ts";

test("durations are Go's", () => {
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
