import type { Clock } from "../../src/base/clock/clock.ts";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/**
 * A clock that a test moves. While it moves, tasks run in the order of their times, and each task sees its own time on the clock.
 * Wall clock and monotonic clock differ, so that code that confuses them fails its tests.
 */
export class FakeClock implements Clock {
  static readonly WALL_START = Date.UTC(2026, 0, 1);
  private elapsed = 0;
  private readonly realEvents: boolean;
  private order = 0;
  private readonly pending = new Set<Pending>();

  /** @param realEvents `afterEvents` waits for the runtime's event loop, for servers with real sockets */
  constructor(realEvents = false) {
    this.realEvents = realEvents;
  }

  now(): number {
    return FakeClock.WALL_START + this.elapsed;
  }

  monotonic(): number {
    return this.elapsed;
  }

  after(delayMs: number, task: () => void): () => void {
    const entry = { at: this.elapsed + delayMs, order: this.order++, task };
    this.pending.add(entry);
    return () => this.pending.delete(entry);
  }

  /** Runs when the clock moves next, also by 0; with `realEvents` after the runtime's events. */
  afterEvents(task: () => void): void {
    if (this.realEvents) setImmediate(task);
    else this.after(0, task);
  }

  /** Number of tasks that are not due yet. */
  get waiting(): number {
    return this.pending.size;
  }

  /** Moves the clock; each task runs exactly at its time. */
  advance(ms: number): void {
    const target = this.elapsed + ms;
    for (let next = this.first(target); next !== null; next = this.first(target)) {
      this.pending.delete(next);
      this.elapsed = Math.max(this.elapsed, next.at);
      next.task();
    }
    this.elapsed = target;
  }

  /** Moves the clock first and then runs the tasks that are due, so they run late: as after the process was blocked. */
  jump(ms: number): void {
    this.elapsed += ms;
    this.advance(0);
  }

  private first(until: number): Pending | null {
    let first: Pending | null = null;
    for (const entry of this.pending) {
      if (entry.at <= until && (first === null || entry.at < first.at || (entry.at === first.at && entry.order < first.order)))
        first = entry;
    }
    return first;
  }
}
