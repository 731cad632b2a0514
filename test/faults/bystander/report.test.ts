import { expect, test } from "bun:test";
import type { RowResult, Waits } from "./measurement.ts";
import { type Measured, missed, table } from "./report.ts";
import type { Row } from "./row.ts";

const MS = 1_000;
const waits = (p99Ms: number, maxMs: number): Waits => ({ count: 100, p50Us: 100, p99Us: p99Ms * MS, maxUs: maxMs * MS });

function result(ping: Waits, more: Partial<RowResult> = {}): RowResult {
  const calm = waits(1, 1);
  const others = { accept: calm, health: calm, timer: calm, refused: 0, unanswered: 0, lateUs: 100 };
  return { ping, ...others, signalMs: null, seconds: 8, rssMb: 50, notes: [], ...more };
}

const row: Row = { id: "test", before: "", load: "", prepare: async () => async () => {} };
const measured = (ours: Measured["ours"], reference: Measured["reference"]): Measured => ({ row, ours, reference });

test("a row is met when the p99 of PINGs is at most 10 ms and every maximum at most 50 ms", () => {
  expect(missed(measured([result(waits(10, 50))], [result(waits(1, 2))]))).toBeNull();
  expect(missed(measured([result(waits(11, 50))], [result(waits(1, 2))]))).toBe("ping p99 > 10 ms");
  expect(missed(measured([result(waits(1, 51))], [result(waits(1, 2))]))).toBe("ping > 50 ms");
  expect(missed(measured([result(waits(1, 1), { accept: waits(1, 51), signalMs: 60 })], []))).toBe("accept > 50 ms, signal > 50 ms");
});

test("where the reference is beyond the goal, ours may take twice as long as it", () => {
  expect(missed(measured([result(waits(40, 160))], [result(waits(20, 80))]))).toBeNull();
  expect(missed(measured([result(waits(41, 161))], [result(waits(20, 80))]))).toBe("ping p99 > 40 ms, ping > 160 ms");
});

test("of several rounds the median p99 and the highest maximum count", () => {
  const rounds = [result(waits(1, 10)), result(waits(30, 51)), result(waits(2, 10))];
  expect(missed(measured(rounds, [result(waits(1, 1))]))).toBe("ping > 50 ms");
});

test("a round that failed misses the goal, with the failure as the reason", () => {
  const failed = measured([result(waits(1, 1)), "the server closed the connection"], []);
  expect(missed(failed)).toBe("the server closed the connection");
  expect(table([failed])).toContain("the server closed the connection");
});

test("the table says when the bystander itself was late", () => {
  expect(table([measured([result(waits(1, 1), { lateUs: 20 * MS })], [])])).toContain("the bystander was 20 ms late");
});
