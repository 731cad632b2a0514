import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { TimingWheel, WheelTimer } from "./timing-wheel.ts";

const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;

function newWheel() {
  const clock = new FakeClock();
  const wheel = new TimingWheel(clock);
  const fired: string[] = [];
  const timer = (name: string) => new WheelTimer(() => fired.push(`${name} ${clock.monotonic()}`));
  return { clock, wheel, fired, timer };
}

test("a timer fires once, not before its delay and at most three ticks after it", () => {
  for (const delay of [0, 0.2, 1, 2, 254, 255, 256, 257, 65_279, 65_280, 65_535, 65_536, 70_000, 10 * 60 * SECOND, DAY]) {
    const clock = new FakeClock();
    const wheel = new TimingWheel(clock);
    clock.advance(0.7);
    const fired: number[] = [];
    wheel.set(new WheelTimer(() => fired.push(clock.monotonic() - 0.7)), delay);
    clock.advance(delay + 3);
    expect(fired.length, `delay ${delay}`).toBe(1);
    expect(fired[0], `delay ${delay}`).toBeGreaterThanOrEqual(delay);
    expect(fired[0], `delay ${delay}`).toBeLessThanOrEqual(delay + 3);
    expect([wheel.size, clock.waiting], `delay ${delay}`).toEqual([0, 0]);
  }
});

test("a timer that is due soon fires before one that is due later, across the end of the near wheel", () => {
  const { clock, wheel, fired, timer } = newWheel();
  clock.advance(250);
  wheel.set(timer("first"), 1);
  wheel.set(timer("soon"), 50);
  wheel.set(timer("late"), 2_000);
  clock.advance(60);
  expect(fired).toEqual(["first 252", "soon 301"]);
  clock.advance(2_000);
  expect(fired).toEqual(["first 252", "soon 301", "late 2251"]);
});

test("the only timer, set again by its own late task, waits for its full delay", () => {
  const clock = new FakeClock();
  const wheel = new TimingWheel(clock);
  const fired: number[] = [];
  const timer: WheelTimer = new WheelTimer(() => {
    fired.push(clock.monotonic());
    if (fired.length < 2) wheel.set(timer, 254);
  });
  wheel.set(timer, 10);
  clock.jump(12); // due at 11: one tick late
  expect(fired).toEqual([12]);
  clock.advance(253);
  expect(fired).toEqual([12]);
  clock.advance(3);
  expect(fired).toEqual([12, 267]);
});

test("a timer that is set again has only its new time; a cancelled one does not fire", () => {
  const { clock, wheel, fired, timer } = newWheel();
  const moved = timer("moved");
  const cancelled = timer("cancelled");
  wheel.set(moved, 10);
  wheel.set(moved, 30);
  wheel.set(cancelled, 20);
  expect([moved.active, cancelled.active, wheel.size]).toEqual([true, true, 2]);
  wheel.cancel(cancelled);
  wheel.cancel(cancelled);
  expect([cancelled.active, wheel.size]).toEqual([false, 1]);
  clock.advance(100);
  expect(fired).toEqual(["moved 31"]);
  expect([moved.active, wheel.size, clock.waiting]).toEqual([false, 0, 0]);
});

test("a task may cancel a timer that is due at the same time", () => {
  const clock = new FakeClock();
  const wheel = new TimingWheel(clock);
  const fired: string[] = [];
  const left: WheelTimer = new WheelTimer(() => {
    fired.push("left");
    wheel.cancel(right);
  });
  const right: WheelTimer = new WheelTimer(() => {
    fired.push("right");
    wheel.cancel(left);
  });
  wheel.set(left, 5);
  wheel.set(right, 5);
  clock.advance(10);
  expect(fired.length).toBe(1);
  expect(wheel.size).toBe(0);
});

test("a wheel uses at most one timer of the runtime, and none while it is empty", () => {
  const { clock, wheel, timer } = newWheel();
  expect(clock.waiting).toBe(0);
  const timers = Array.from({ length: 1_000 }, (_, index) => timer(`t${index}`));
  for (const [index, each] of timers.entries()) wheel.set(each, index * 97);
  expect(clock.waiting).toBe(1);
  for (const each of timers) wheel.cancel(each);
  expect(clock.waiting).toBe(0);
});

test("a stopped wheel fires no timers and accepts none, also when a task stops it", () => {
  const { clock, wheel, fired, timer } = newWheel();
  wheel.set(timer("a"), 10);
  wheel.set(timer("far"), 100_000);
  wheel.set(new WheelTimer(() => wheel.stop()), 5);
  clock.advance(200_000);
  wheel.set(timer("b"), 1);
  clock.advance(100);
  expect(fired).toEqual([]);
  expect([wheel.size, clock.waiting]).toEqual([0, 0]);
});

test("no timer of the runtime remains when a task sets and cancels a timer while another is active", () => {
  const clock = new FakeClock();
  const wheel = new TimingWheel(clock);
  const never = new WheelTimer(() => {
    throw new Error("was cancelled");
  });
  const task = () => {
    if (wheel.size === 0) return;
    wheel.set(never, 100);
    wheel.cancel(never);
  };
  for (const timer of [new WheelTimer(task), new WheelTimer(task)]) wheel.set(timer, 1);
  clock.advance(10);
  expect([wheel.size, clock.waiting]).toEqual([0, 0]);
});

test("assertions: a timer is where it was put", () => {
  const { wheel, timer } = newWheel();
  const first = timer("first");
  const second = timer("second");
  wheel.set(first, 10);
  wheel.set(second, 20);
  first.index = 1;
  expect(brokenAssertion(() => wheel.cancel(first))).toBe("Assertion broken: a timer is where it was put: 11, 1");
});
