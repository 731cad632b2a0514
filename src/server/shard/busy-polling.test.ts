import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { BusyPolling } from "./busy-polling.ts";

const STEP_MS = 0.01;

/** An event loop in which every poll for events takes 10 µs. */
class Loop {
  readonly clock = new FakeClock();
  private pending: (() => void) | null = null;
  yields = 0;
  readonly busyPolling = new BusyPolling(
    this.clock,
    task => {
      expect(this.pending).toBeNull();
      this.pending = task;
    },
    () => this.yields++,
  );

  get polling(): boolean {
    return this.pending !== null;
  }

  poll(): void {
    const task = this.pending!;
    this.pending = null;
    this.clock.advance(STEP_MS);
    task();
  }

  /** Polls until the loop would sleep; returns the number of polls. */
  untilAsleep(): number {
    let polls = 0;
    for (; this.polling; polls++) this.poll();
    return polls;
  }
}

test("after an event the loop polls for 50 µs, then sleeps", () => {
  const loop = new Loop();
  expect(loop.polling).toBe(false);
  loop.busyPolling.onEvent();
  expect(loop.untilAsleep()).toBe(5);
});

test("an event while it polls starts the window anew", () => {
  const loop = new Loop();
  loop.busyPolling.onEvent();
  for (let polls = 0; polls < 3; polls++) loop.poll();
  loop.busyPolling.onEvent();
  expect(loop.untilAsleep()).toBe(5);
});

test("after several events without a follower the loop polls only after one event in 64, until a poll finds an event", () => {
  const loop = new Loop();
  const tries = (events: number): number => {
    let tried = 0;
    for (let event = 0; event < events; event++) {
      loop.busyPolling.onEvent();
      if (loop.polling) tried++;
      loop.untilAsleep();
    }
    return tried;
  };
  expect(tries(20)).toBe(8);
  expect(tries(640)).toBe(10);
  while (!loop.polling) loop.busyPolling.onEvent();
  loop.busyPolling.onEvent(); // arrives while the loop polls
  loop.untilAsleep();
  expect(tries(8)).toBe(8);
});

test("a poll lets other threads run first, unless it found an event", () => {
  const loop = new Loop();
  loop.busyPolling.onEvent();
  for (let polls = 0; polls < 3; polls++) {
    loop.busyPolling.onEvent(); // arrives before the poll ends
    loop.poll();
  }
  expect(loop.yields).toBe(0);
  expect(loop.untilAsleep()).toBe(4);
  expect(loop.yields).toBe(3);
});
