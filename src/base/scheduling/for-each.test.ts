import { expect, test } from "bun:test";
import { fakeScheduler } from "../../../test/doubles/fake-scheduler.ts";
import { forEachInShares, forEachLater } from "./for-each.ts";
import { SHARE_UNITS } from "./work-meter.ts";

const ITEMS = [1, 2, 3, 4, 5];
const HALF_SHARE = () => SHARE_UNITS / 2;

test("items that fit into a share are handled at once, the others in order by a task", () => {
  const { clock, scheduler } = fakeScheduler();
  const done: number[] = [];
  forEachInShares(scheduler, ITEMS, HALF_SHARE, item => done.push(item));
  expect([done, scheduler.waiting]).toEqual([[1, 2], 1]);
  clock.advance(0);
  expect([done, scheduler.waiting]).toEqual([ITEMS, 0]);
});

test("few items need no task, and the share of the caller is not changed", () => {
  const { scheduler } = fakeScheduler();
  const { limit } = scheduler.meter;
  const done: number[] = [];
  forEachInShares(
    scheduler,
    ITEMS,
    () => 1,
    item => done.push(item),
  );
  expect([done, scheduler.waiting, scheduler.meter.limit]).toEqual([ITEMS, 0, limit]);
});

test("an item that throws ends the loop: at once to the caller, later as a defect of the task", () => {
  const { clock, defects, scheduler } = fakeScheduler();
  const done: number[] = [];
  const failAt = (wrong: number) => (item: number) => {
    if (item === wrong) throw new Error(`broken ${item}`);
    done.push(item);
  };
  expect(() => forEachInShares(scheduler, ITEMS, HALF_SHARE, failAt(2))).toThrow("broken 2");
  forEachInShares(scheduler, ITEMS, HALF_SHARE, failAt(4));
  clock.advance(0);
  expect([done, defects]).toEqual([[1, 1, 2, 3], ["broken 4"]]);
});

test("the share is that of the scheduler, also where it is small", () => {
  const { clock, scheduler } = fakeScheduler(10);
  const done: number[] = [];
  forEachInShares(
    scheduler,
    ITEMS,
    () => 5,
    item => done.push(item),
  );
  expect([done, scheduler.waiting]).toEqual([[1, 2], 1]);
  clock.advance(0);
  expect(done).toEqual(ITEMS);
});

test("items for later are handled by a task alone, a share at a time; no items need no task", () => {
  const { clock, scheduler } = fakeScheduler();
  const done: number[] = [];
  forEachLater(scheduler, [], HALF_SHARE, item => done.push(item));
  expect(scheduler.waiting).toBe(0);
  forEachLater(scheduler, ITEMS, HALF_SHARE, item => done.push(item));
  expect([done, scheduler.waiting]).toEqual([[], 1]);
  clock.advance(0);
  expect([done, scheduler.waiting]).toEqual([ITEMS, 0]);
});
