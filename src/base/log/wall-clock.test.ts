import { expect, test } from "bun:test";
import { WallClock } from "./wall-clock.ts";

/** A wall clock in whole milliseconds, with an exact monotonic clock. */
class CoarseClock {
  /** True time since the start, ms. */
  elapsed = 0;
  /** Wall clock at the start, ms. */
  origin = 1_000_000.7;
  now = () => Math.floor(this.origin + this.elapsed);
  monotonic = () => this.elapsed;
  after = () => () => {};
  afterEvents = () => {};
}

test("the wall clock becomes exact over time, and is never wrong by a millisecond or more", () => {
  const clock = new CoarseClock();
  const wall = new WallClock(clock);
  for (let step = 0; step < 200; step++, clock.elapsed += 1_000.13) {
    const error = clock.origin + clock.elapsed - wall.now();
    expect(error).toBeGreaterThanOrEqual(-1e-6);
    expect(error).toBeLessThan(step < 100 ? 1 : 0.02);
  }
});

test("after the wall clock was set, in either direction, the new time is used within a second", () => {
  const clock = new CoarseClock();
  const wall = new WallClock(clock);
  wall.now();
  for (const change of [3_600_000, -7_200_000, -5]) {
    clock.origin += change;
    clock.elapsed += 1_000;
    expect(Math.abs(clock.origin + clock.elapsed - wall.now())).toBeLessThan(1);
  }
});
