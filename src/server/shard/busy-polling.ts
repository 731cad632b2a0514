/**
 * After an event the loop looks for the next one a little longer before it sleeps: waking a sleeping process costs a round trip more
 * than the round trip itself (bench/compare, request–reply).
 *
 *   event ─▶ poll, poll, … up to 50 µs ─┬─ another event came: worth it
 *                                       └─ none came: after several such, it polls only now and then
 * Adaptive, so that a server with a message every now and then sleeps like any other, and never longer than the window, so an idle one
 * uses nothing. The reference's scheduler spins in the same place.
 */
import type { Clock } from "../../base/clock/clock.ts";

const WINDOW_MS = 0.05;
/** A hit fills the score, a miss takes one off; polling goes on while some is left. */
const SCORE_MAX = 8;
/** At zero one event in so many is tried all the same. */
const PROBE_EVERY = 64;

export class BusyPolling {
  private readonly clock: Clock;
  /** Runs the task after the loop has looked for events without waiting. */
  private readonly defer: (task: () => void) => void;
  private readonly poll = () => this.onPolled();
  private polling = false;
  private until = 0;
  private score = SCORE_MAX;
  private skipped = 0;
  /** An event came since polling began. */
  private hit = false;

  constructor(clock: Clock, defer: (task: () => void) => void) {
    this.clock = clock;
    this.defer = defer;
  }

  /** An event was handled. */
  onEvent(): void {
    if (this.polling) {
      this.hit = true;
      this.until = this.clock.monotonic() + WINDOW_MS;
      return;
    }
    if (this.score <= 0 && ++this.skipped < PROBE_EVERY) return;
    this.skipped = 0;
    this.polling = true;
    this.hit = false;
    this.until = this.clock.monotonic() + WINDOW_MS;
    this.defer(this.poll);
  }

  private onPolled(): void {
    if (this.clock.monotonic() < this.until) {
      this.defer(this.poll);
      return;
    }
    this.polling = false;
    this.score = this.hit ? SCORE_MAX : Math.max(0, this.score - 1);
  }
}
