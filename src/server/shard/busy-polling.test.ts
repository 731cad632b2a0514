import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { BusyPolling } from "./busy-polling.ts";

const STEP_MS = 0.01;

/** A loop that polls: every look for events takes 10 µs. */
class Loop {
  readonly clock = new FakeClock();
  private pending: (() => void) | null = null;
  readonly polling = new BusyPolling(this.clock, task => {
    expect(this.pending).toBeNull();
    this.pending = task;
  });

  get polls(): boolean {
    return this.pending !== null;
  }

  look(): void {
    const task = this.pending!;
    this.pending = null;
    this.clock.advance(STEP_MS);
    task();
  }

  /** Looks until it would sleep; returns how often. */
  untilAsleep(): number {
    let looks = 0;
    for (; this.polls; looks++) this.look();
    return looks;
  }
}

test("after an event the loop looks for another one for 50 µs, then sleeps", () => {
  const loop = new Loop();
  expect(loop.polls).toBe(false);
  loop.polling.onEvent();
  expect(loop.untilAsleep()).toBe(5);
});

test("an event while it looks starts the window anew", () => {
  const loop = new Loop();
  loop.polling.onEvent();
  for (let looks = 0; looks < 3; looks++) loop.look();
  loop.polling.onEvent();
  expect(loop.untilAsleep()).toBe(5);
});

test("events that nothing follows are soon slept after at once, but for one in 64; one that pays makes it try each time again", () => {
  const loop = new Loop();
  const tries = (events: number): number => {
    let tried = 0;
    for (let event = 0; event < events; event++) {
      loop.polling.onEvent();
      if (loop.polls) tried++;
      loop.untilAsleep();
    }
    return tried;
  };
  expect(tries(20)).toBe(8);
  expect(tries(640)).toBe(10);
  while (!loop.polls) loop.polling.onEvent();
  loop.polling.onEvent(); // this one found it awake
  loop.untilAsleep();
  expect(tries(8)).toBe(8);
});
