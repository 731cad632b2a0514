/** How often the wall clock is compared with the monotonic clock, which provides the microseconds, ms. */
const CLOCK_SYNC_MS = 1_000;
/** The wall clock has whole milliseconds, so the two may differ by this much without a clock change, ms. */
const CLOCK_DRIFT_MAX_MS = 2;

/** Wall clock with microseconds. */
export class WallClock {
  /** Wall clock minus monotonic clock, ms. */
  private offset = performance.timeOrigin;
  private syncedAt = Number.NEGATIVE_INFINITY;

  /** Current time, ms with fractions. */
  now(): number {
    const monotonic = performance.now();
    if (monotonic - this.syncedAt >= CLOCK_SYNC_MS) {
      this.syncedAt = monotonic;
      const offset = Date.now() - monotonic;
      if (Math.abs(offset - this.offset) > CLOCK_DRIFT_MAX_MS) this.offset = offset;
    }
    return this.offset + monotonic;
  }
}
