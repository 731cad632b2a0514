/** A computation that pauses again and again, so that it can be continued in slices. */

/** Yielded where other work may run now. */
export const PAUSE = Symbol("pause");

/** Yields often, see `Pace`, and returns the result. */
export type Sliced<T> = Generator<typeof PAUSE, T, void>;

/** Work between two pauses, as the meter counts it: about 0.2 ms. */
export const STEP_UNITS = 4_000;
/** Things that are looked at between two pauses: connections, subscriptions, accounts. */
const THINGS_PER_STEP = 512;

/** Counts what is looked at. Usage: `if (pace.due()) yield PAUSE`. */
export class Pace {
  private count = 0;

  /** Counts one more. @param weight for how many it counts @returns whether a pause is due */
  due(weight = 1): boolean {
    this.count += weight;
    if (this.count < THINGS_PER_STEP) return false;
    this.count = 0;
    return true;
  }
}

export function isSliced<T>(value: T | Sliced<T>): value is Sliced<T> {
  return typeof value === "object" && value !== null && Symbol.iterator in value && "return" in value && typeof value.return === "function";
}

/** Computes without a break: for small work, and for code that has nobody to hold up. */
export function inOneGo<T>(work: Sliced<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
