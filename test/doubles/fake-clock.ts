import type { Clock } from "../../src/base/clock/clock.ts";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/**
 * A clock that stands still until a test moves it. Tasks run while it moves, each at its own time, in the order of their times.
 * Wall clock and monotonic clock differ, so that code that confuses them fails its tests.
 */
export class FakeClock implements Clock {
  static readonly WALL_START = Date.UTC(2026, 0, 1);
  private elapsed = 0;
  private order = 0;
  private readonly pending = new Set<Pending>();

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

  /** Tasks that wait for their time. */
  get waiting(): number {
    return this.pending.size;
  }

  /** Time passes, and everything runs exactly when it is due. */
  advance(ms: number): void {
    const target = this.elapsed + ms;
    for (let next = this.first(target); next !== null; next = this.first(target)) {
      this.pending.delete(next);
      this.elapsed = Math.max(this.elapsed, next.at);
      next.task();
    }
    this.elapsed = target;
  }

  /** The process was held up: time has passed, and what became due meanwhile runs late. */
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
