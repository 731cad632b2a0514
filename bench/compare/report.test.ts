import { expect, test } from "bun:test";
import type { Sample } from "./load.ts";
import { type Rounds, reportRows } from "./report.ts";
import type { Figure, Workload } from "./workload.ts";

const sample = (rate: number): Sample => ({
  seconds: 1,
  messages: 1,
  deliveries: 1,
  rate,
  cpuSeconds: 0,
  p50Us: 0,
  maxUs: 0,
  p99Us: 0,
  rssBeforeBytes: 0,
  rssBytes: 0,
});
const rounds = (ours: number[], reference: number[], synced: number[] = []): Rounds => ({
  ours: ours.map(sample),
  reference: reference.map(sample),
  synced: synced.map(sample),
  ceiling: [],
});
const figure = (more: Partial<Figure>): Figure => ({
  title: "rate",
  unit: "msg/s",
  read: ({ rate }) => rate,
  floor: { atLeast: 2 },
  ceiling: false,
  ...more,
});
const workload = (id: string, ...figures: Figure[]): Workload => ({ id, role: "run", options: {}, figures });

const plain = workload("plain", figure({}));
const share = workload("share", figure({ title: "of plain", against: "plain", floor: { atLeast: 0.9 } }));

test("a figure is the median of ours divided by that of the reference", () => {
  const { lines, reached, failed } = reportRows(new Map([[plain, rounds([300, 100, 900], [100, 101, 99])]]));
  expect(lines).toEqual([["plain", "rate", "300 msg/s (100–900)", "100 msg/s (99–101)", "3.00", "≥ 2", "yes", "–"]]);
  expect([reached, failed]).toEqual([true, false]);
});

test("a figure against another workload is the median of ours divided by that of ours there", () => {
  const results = new Map([
    [plain, rounds([300, 300, 300], [100, 100, 100])],
    [share, rounds([285, 270, 100], [50, 50, 50])],
  ]);
  const { lines, reached } = reportRows(results);
  expect(lines[1]).toEqual(["share", "of plain", "0.90 of 300 msg/s", "0.50 of 100 msg/s", "0.90", "≥ 0.9", "yes", "–"]);
  expect(reached).toBe(true);
});

test("a figure that misses its floor is reported as not reached", () => {
  const results = new Map([
    [plain, rounds([300], [100])],
    [share, rounds([269], [1])],
  ]);
  const { lines, reached } = reportRows(results);
  expect(lines[1].slice(4)).toEqual(["0.90", "≥ 0.9", "NO", "–"]);
  expect(reached).toBe(false);
});

test("a failed run in either workload gives no figure", () => {
  const results = new Map([
    [plain, { ...rounds([], [100]), ours: [{ error: "it ended" }] }],
    [share, rounds([270], [90])],
  ]);
  const { lines, reached, failed } = reportRows(results);
  expect(lines[1]).toEqual(["share", "of plain", "–", "0.90 of 100 msg/s", "–", "≥ 0.9", "–", "–"]);
  expect([reached, failed]).toEqual([false, true]);
  const broken = reportRows(
    new Map([
      [plain, rounds([300], [100])],
      [share, { ...rounds([], [90]), ours: [{ error: "it ended" }] }],
    ]),
  );
  expect(broken.lines[1].slice(2, 6)).toEqual(["FAILED 1 of 1: it ended", "0.90 of 100 msg/s", "–", "≥ 0.9"]);
});

test("a figure that is good enough by itself reaches its floor whatever the reference has", () => {
  const waits = figure({ unit: "ms", floor: { atMost: 2, within: 10 } });
  const wait = workload("wait", waits);
  const reachedWith = (ours: number, reference: number) => reportRows(new Map([[wait, rounds([ours], [reference])]])).lines[0]!.at(-2);
  expect([reachedWith(10, 1), reachedWith(11, 1), reachedWith(30, 15), reachedWith(31, 15)]).toEqual(["yes", "NO", "yes", "NO"]);
});

test("a figure against the reference that syncs always is divided by its rate, and one without a floor is only stated", () => {
  const { floor: _, ...stated } = figure({});
  const published = workload("published", stated, figure({ title: "synced", divisor: "synced", floor: { atLeast: 100 } }));
  const { lines, reached } = reportRows(new Map([[published, rounds([300], [400], [4])]]));
  expect(lines).toEqual([
    ["published", "rate", "300 msg/s", "400 msg/s", "0.75", "–", "–", "–"],
    ["published", "synced", "300 msg/s", "4 msg/s", "75.00", "≥ 100", "NO", "–"],
  ]);
  expect(reached).toBe(false);
});
