/**
 * Wall clock with microseconds, for log lines: the monotonic clock plus the difference between the two.
 *
 * The wall clock shows whole milliseconds, so a sample of the difference is at most 1 ms too small: the largest of all samples is the most
 * exact. A sample that is smaller by more than the allowed drift means that the wall clock was set back.
 */
import type { Clock } from "../clock/clock.ts";

/** How often the difference is sampled. */
const CLOCK_SYNC_MS = 1_000;
/** Largest difference between samples while the wall clock is not set, ms. */
const CLOCK_DRIFT_MAX_MS = 2;

export class WallClock {
  /** Wall clock less monotonic clock, ms. */
  private offset = Number.NEGATIVE_INFINITY;
  private syncedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  /** ms since 1970, with fractions. */
  now(): number {
    const monotonic = this.clock.monotonic();
    if (monotonic - this.syncedAt >= CLOCK_SYNC_MS) {
      this.syncedAt = monotonic;
      const offset = this.clock.now() - monotonic;
      if (offset > this.offset || offset < this.offset - CLOCK_DRIFT_MAX_MS) this.offset = offset;
    }
    return this.offset + monotonic;
  }
}
