/**
 * After an event the loop polls for the next one for a short time before it sleeps: waking a sleeping process takes longer than a
 * whole round trip (bench/compare, request–reply).
 *
 *   event ─▶ poll, poll, … up to 50 µs ─┬─ an event arrived: keep polling after events
 *                                       └─ no event arrived: after several such windows, poll only after one event in 64
 * A server with few messages therefore sleeps almost at once, and an idle server uses no CPU. The reference's scheduler spins in the
 * same place. Each poll that finds no event lets other threads of the same processor run first: the next event may come from one of them,
 * and without this it would wait until the kernel takes the processor from the polling loop, up to some milliseconds.
 */
import type { Clock } from "../../base/clock/clock.ts";

const WINDOW_MS = 0.05;
/** A poll that finds an event sets the score to this, a miss subtracts one; the loop polls while the score is above zero. */
const SCORE_MAX = 8;
/** At score zero the loop polls after one event in this many. */
const PROBE_EVERY = 64;

export class BusyPolling {
  private readonly clock: Clock;
  /** Runs the task after the event loop has polled for events once. */
  private readonly defer: (task: () => void) => void;
  private readonly yieldProcessor: () => void;
  private readonly poll = () => this.onPolled();
  private polling = false;
  private until = 0;
  private score = SCORE_MAX;
  private skipped = 0;
  /** An event has arrived since polling began. */
  private hit = false;
  /** An event has arrived since the last poll. */
  private arrived = false;

  constructor(clock: Clock, defer: (task: () => void) => void, yieldProcessor: () => void) {
    this.clock = clock;
    this.defer = defer;
    this.yieldProcessor = yieldProcessor;
  }

  /** Called after each event. */
  onEvent(): void {
    if (this.polling) {
      this.hit = true;
      this.arrived = true;
      this.until = this.clock.monotonic() + WINDOW_MS;
      return;
    }
    if (this.score <= 0 && ++this.skipped < PROBE_EVERY) return;
    this.skipped = 0;
    this.polling = true;
    this.hit = false;
    this.arrived = false;
    this.until = this.clock.monotonic() + WINDOW_MS;
    this.defer(this.poll);
  }

  private onPolled(): void {
    if (this.clock.monotonic() < this.until) {
      if (!this.arrived) this.yieldProcessor();
      this.arrived = false;
      this.defer(this.poll);
      return;
    }
    this.polling = false;
    this.score = this.hit ? SCORE_MAX : Math.max(0, this.score - 1);
  }
}
