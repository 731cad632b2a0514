/**
 * A loop over many items that does not hold up others.
 *
 *   items ─▶ the first ones at once, for one share of work ─▶ the rest as a task of the scheduler
 * So what concerns few items is done when the call returns, as callers and tests expect.
 */
import type { Scheduler, Task } from "./scheduler.ts";

class Loop<T> implements Task {
  private next = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly items: readonly T[],
    private readonly unitsOf: (item: T) => number,
    private readonly action: (item: T) => void,
  ) {}

  work(): boolean {
    const { action, items, scheduler, unitsOf } = this;
    const { meter } = scheduler;
    while (this.next < items.length) {
      const item = items[this.next++];
      meter.done += unitsOf(item);
      action(item);
      if (meter.exhausted) break;
    }
    return this.next < items.length;
  }
}

/**
 * Calls `action` once for each item, in order: the first ones at once.
 * @param items must not change afterwards
 * @param unitsOf work that an item costs besides what it counts itself
 */
export function forEachInShares<T>(
  scheduler: Scheduler,
  items: readonly T[],
  unitsOf: (item: T) => number,
  action: (item: T) => void,
): void {
  const { meter } = scheduler;
  const loop = new Loop(scheduler, items, unitsOf, action);
  const { limit } = meter;
  meter.begin(scheduler.shareUnits);
  try {
    if (loop.work()) scheduler.add(loop);
  } finally {
    meter.limit = limit;
  }
}

/** The same, but all items are handled later: the caller is in the middle of something. */
export function forEachLater<T>(scheduler: Scheduler, items: readonly T[], unitsOf: (item: T) => number, action: (item: T) => void): void {
  if (items.length > 0) scheduler.add(new Loop(scheduler, items, unitsOf, action));
}
