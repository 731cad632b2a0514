/**
 * Lame duck mode: closes clients slowly before the server stops, so that they do not all reconnect in the same second.
 *
 *   no new clients ─▶ INFO with `ldm` ─▶ grace period ─▶ clients closed one by one, in random order ─▶ shutdown
 *                                                         │ over the rest of the duration, with a pause of at most 1 s each. It waits
 *                                                         │ a random part of the pause, at least half, so that servers differ
 * Until it stops, clients, events and system services work as before. Without clients the server stops at once. When pauses are shorter than the timer's resolution, it closes several clients in one turn.
 * Source: reference, core §9.7.
 */
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Turn } from "../../connections/link/turn.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";

const PAUSE_MS_MAX = 1_000;
/** Time to close clients when the grace period takes the whole duration. */
const CLOSING_MS_MIN = 1_000;

/** A connection to be closed. */
export interface Leaving {
  readonly closed: boolean;
  close(reason: CloseReason): void;
}

export interface LameDuckHost {
  readonly turn: Turn;
  readonly log: Logger;
  readonly options: { readonly lameDuckDurationMs: number; readonly lameDuckGraceMs: number };
  /** Publishes the LAMEDUCK event. */
  publishLameDuck(): void;
  /** Refuses new clients. */
  stopAccepting(): void;
  /** Tells clients in INFO that this server leaves. */
  announceLameDuck(): void;
  /** The connections to be closed. */
  leaving(): Leaving[];
  stop(): Promise<void>;
}

export class LameDuck {
  private readonly host: LameDuckHost;
  private readonly timer: WheelTimer;
  private leaving: Leaving[] = [];
  /** Time between two closes, ms. */
  private pauseMs = 0;
  /** When the next client is closed, monotonic ms. Timers are late and count whole milliseconds; this does not accumulate their errors. */
  private nextAt = 0;
  private closing = false;

  constructor(host: LameDuckHost) {
    this.host = host;
    this.timer = new WheelTimer(() => this.onTimer());
  }

  /** Starts the mode; called once. */
  enter(): void {
    const { host } = this;
    host.log.notice("Entering lame duck mode, stop accepting new clients");
    host.publishLameDuck();
    host.stopAccepting();
    this.leaving = host.turn.random.shuffle(host.leaving());
    if (this.leaving.length === 0) return void host.stop();
    const { lameDuckDurationMs, lameDuckGraceMs } = host.options;
    const closingMs = lameDuckDurationMs - lameDuckGraceMs;
    this.pauseMs = Math.min(PAUSE_MS_MAX, (closingMs <= 0 ? CLOSING_MS_MIN : closingMs) / this.leaving.length);
    host.announceLameDuck();
    host.turn.timers.set(this.timer, lameDuckGraceMs);
  }

  /** Called when the server stops before all clients are closed. */
  cancel(): void {
    this.host.turn.timers.cancel(this.timer);
  }

  private onTimer(): void {
    const { host } = this;
    if (!this.closing) {
      this.closing = true;
      host.log.notice("Closing existing clients");
    }
    const now = host.turn.clock.monotonic();
    if (this.nextAt === 0) this.nextAt = now;
    while (this.leaving.length > 0 && this.nextAt <= now) {
      this.leaving.pop()!.close(CloseReason.ServerShutdown);
      this.nextAt += this.pauseMs * (0.5 + host.turn.random.nextFloat() / 2);
    }
    host.turn.end();
    if (this.leaving.length === 0) return void host.stop();
    host.turn.timers.set(this.timer, this.nextAt - now);
  }
}
