import { expect, test } from "bun:test";
import { goTime } from "./time.ts";

test("times have as many fraction digits as needed", () => {
  const noon = Date.UTC(2026, 0, 10, 20, 0, 0);
  expect([goTime(noon), goTime(noon + 100), goTime(noon + 120), goTime(noon + 123), goTime(noon + 3)]).toEqual([
    "2026-01-10T20:00:00Z",
    "2026-01-10T20:00:00.1Z",
    "2026-01-10T20:00:00.12Z",
    "2026-01-10T20:00:00.123Z",
    "2026-01-10T20:00:00.003Z",
  ]);
});
