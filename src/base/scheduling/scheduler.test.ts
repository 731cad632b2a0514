import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { Scheduler, type Task } from "./scheduler.ts";
import { WorkMeter } from "./work-meter.ts";

const SHARE = 100;

/** Runs one slice at each call of `slice`. Tasks and ends of slices write their names to `done`. */
function newScheduler() {
  const clock = new FakeClock();
  const deferred: (() => void)[] = [];
  const done: string[] = [];
  const fixture = { writesLeft: 0 };
  const loop = {
    defer: (code: () => void) => deferred.push(code),
    monotonic: () => clock.monotonic(),
    onDefect: (error: Error) => {
      done.push(error.message);
    },
    endSlice: () => {
      done.push("|");
      return fixture.writesLeft > 0 && --fixture.writesLeft > 0;
    },
  };
  const scheduler = new Scheduler(loop, SHARE);
  /** @param parts how often it is called until it is done @param units work of each part @param then called in each part */
  const task = (name: string, parts: number, units: number, then = () => {}): Task => ({
    work() {
      done.push(name);
      scheduler.meter.done += units;
      then();
      return --parts > 0;
    },
  });
  const slice = () => {
    expect(deferred).toHaveLength(1);
    deferred.pop()!();
    return done.splice(0).join("");
  };
  return { clock, deferred, done, fixture, scheduler, task, slice };
}

test("tasks get one share each per round, in the order in which they were added", () => {
  const { deferred, scheduler, task, slice } = newScheduler();
  scheduler.add(task("a", 3, 1));
  scheduler.add(task("b", 1, 1));
  scheduler.add(task("c", 2, 1));
  expect(scheduler.waiting).toBe(3);
  expect(slice()).toBe("abcaca|");
  expect([scheduler.waiting, deferred.length]).toEqual([0, 0]);
});

test("a slice ends after four shares of work; the next one goes on with the next task", () => {
  const { scheduler, task, slice } = newScheduler();
  for (const name of "abcdef") scheduler.add(task(name, 2, SHARE));
  expect([slice(), slice(), slice()]).toEqual(["abcd|", "efab|", "cdef|"]);
});

test("a slice ends after two milliseconds, after at least one task", () => {
  const { clock, scheduler, task, slice } = newScheduler();
  const takes = (ms: number) => () => clock.jump(ms);
  scheduler.add(task("a", 1, 1, takes(1)));
  scheduler.add(task("b", 1, 1, takes(1)));
  scheduler.add(task("c", 1, 1, takes(5)));
  scheduler.add(task("d", 1, 1));
  expect([slice(), slice(), slice()]).toEqual(["ab|", "c|", "d|"]);
});

test("each task begins with a whole share, however much the one before it did", () => {
  const { scheduler, task, slice } = newScheduler();
  const left: number[] = [];
  scheduler.add(task("a", 1, 3 * SHARE));
  scheduler.add({
    work: () => {
      left.push(scheduler.meter.limit - scheduler.meter.done);
      return false;
    },
  });
  slice();
  expect(left).toEqual([SHARE]);
});

test("a task that is added during a slice is done in it, after the tasks that wait already", () => {
  const { scheduler, task, slice } = newScheduler();
  scheduler.add(task("a", 2, 1, () => scheduler.add(task("n", 1, 1))));
  scheduler.add(task("b", 1, 1));
  expect(slice()).toBe("abnan|");
});

test("a slice follows while writes are left, also without tasks", () => {
  const { deferred, fixture, scheduler, slice } = newScheduler();
  fixture.writesLeft = 2;
  scheduler.wake();
  scheduler.wake();
  expect([slice(), slice()]).toEqual(["|", "|"]);
  expect(deferred).toHaveLength(0);
});

test("a task that throws is reported and not called again; the others go on", () => {
  const { scheduler, task, slice } = newScheduler();
  scheduler.add({
    work() {
      throw new Error("broken");
    },
  });
  scheduler.add(task("a", 1, 1));
  expect(slice()).toBe("brokena|");
});

test("thousands of tasks that wait are all done, in order", () => {
  const { scheduler, slice } = newScheduler();
  const order: number[] = [];
  for (let index = 0; index < 5_000; index++) {
    let first = true;
    scheduler.add({
      work() {
        scheduler.meter.done += SHARE;
        order.push(index);
        const again = first && index % 1_000 === 0;
        first = false;
        return again;
      },
    });
  }
  while (scheduler.waiting > 0) slice();
  expect(order).toEqual([...Array(5_000).keys(), 0, 1_000, 2_000, 3_000, 4_000]);
});

test("a peer's event gets what is left of its share in this round, and none if the share is used up", () => {
  const { scheduler } = newScheduler();
  const { meter } = scheduler;
  expect([scheduler.beginEvent(0, false), meter.limit - meter.done]).toEqual([true, SHARE]);
  meter.done += 30;
  expect([scheduler.beginEvent(30, false), meter.limit - meter.done]).toEqual([true, SHARE - 30]);
  meter.done += SHARE - 30;
  expect(scheduler.beginEvent(SHARE, false)).toBe(false);
});

test("events get small shares when those since the last slice have used four shares; a slice ends that", () => {
  const { deferred, scheduler, slice } = newScheduler();
  const { meter } = scheduler;
  const shares: number[] = [];
  const event = (units: number) => {
    scheduler.beginEvent(0, false); // another peer each time
    shares.push(meter.limit - meter.done);
    meter.done += units;
  };
  event(SHARE);
  expect(deferred).toHaveLength(0);
  event(3 * SHARE);
  expect(deferred).toHaveLength(1); // more than a share was used: a slice follows, after which the loop looks at all sockets
  event(SHARE);
  expect(shares).toEqual([SHARE, SHARE, SHARE / 16]);
  const before = scheduler.round;
  slice();
  expect(scheduler.round).toBe(before + 1);
  event(1);
  expect(shares[3]).toBe(SHARE);
});

test("work in slices does not reduce the shares of events", () => {
  const { scheduler, task, slice } = newScheduler();
  scheduler.add(task("a", 1, 50 * SHARE));
  slice();
  scheduler.beginEvent(0, false);
  expect(scheduler.meter.limit - scheduler.meter.done).toBe(SHARE);
});

test("a share ends when it has taken too long, from the second look at the clock on, and not before it made progress", () => {
  const { clock, scheduler, slice } = newScheduler();
  const parts: number[] = [];
  let left = 40;
  scheduler.add({
    work() {
      let part = 0;
      do {
        left--;
        part++;
        scheduler.meter.done += SHARE / 10;
        clock.jump(0.4);
      } while (left > 0 && !scheduler.meter.exhausted);
      parts.push(part);
      return left > 0;
    },
  });
  slice();
  slice();
  // An eighth of a share is 1.25 items: the clock is looked at after items 2, 4, 6, … One millisecond has passed between items 2 and 6.
  expect(parts).toEqual([6, 6]);
});

test("time does not end a share that has no limit", () => {
  const meter = new WorkMeter(() => performance.now());
  meter.begin(Number.POSITIVE_INFINITY);
  meter.done += 1e9;
  expect(meter.exhausted).toBe(false);
});
