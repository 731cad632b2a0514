import { expect, test } from "bun:test";
import { LogLine } from "./log-line.ts";

const NOON = Date.UTC(2026, 0, 2, 12, 34, 56);
const plain = { pid: 42, time: true, utc: true, colors: false };

test("a line has the process id, the time to the microsecond and the level's label", () => {
  const line = new LogLine(plain);
  expect(line.text("INF", "Server is ready", NOON + 7.0875)).toBe("[42] 2026/01/02 12:34:56.007087 [INF] Server is ready\n");
  expect(line.text("TRC", "a", NOON + 999.9995)).toBe("[42] 2026/01/02 12:34:56.999999 [TRC] a\n");
  expect(line.text("FTL", "b", NOON + 1000)).toBe("[42] 2026/01/02 12:34:57.000000 [FTL] b\n");
});

test("without logtime a line has no time", () => {
  expect(new LogLine({ ...plain, time: false }).text("DBG", "x", NOON)).toBe("[42] [DBG] x\n");
});

test("local time is used unless UTC is configured", () => {
  const date = new Date(NOON);
  const hour = String(date.getHours()).padStart(2, "0");
  expect(new LogLine({ ...plain, utc: false }).text("WRN", "x", NOON)).toContain(
    ` ${hour}:${String(date.getMinutes()).padStart(2, "0")}:56.`,
  );
});

test("labels have the reference's colours on a terminal", () => {
  const line = new LogLine({ ...plain, time: false, colors: true });
  expect(line.text("INF", "x", 0)).toBe("[42] [\x1b[32mINF\x1b[0m] x\n");
  expect(line.text("WRN", "x", 0)).toBe("[42] [\x1b[0;93mWRN\x1b[0m] x\n");
});
