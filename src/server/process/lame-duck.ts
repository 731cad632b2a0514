/**
 * Lame duck mode: closes clients slowly before the server stops, so that they do not all reconnect in the same second.
 *
 *   no new clients ─▶ INFO with `ldm` ─▶ grace period ─▶ clients closed one by one, in random order ─▶ shutdown
 *                                                         │ over what is left of the duration, a pause of at most 1 s each,
 *                                                         │ of which at least half is waited, so that servers do not move in step
 * Without clients it stops at once. With pauses shorter than a timer's step, several clients are closed in one turn.
 * Source: reference, core §9.7.
 */
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Turn } from "../../connections/link/turn.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";

const PAUSE_MS_MAX = 1_000;
/** Time for closing when the grace period takes the whole duration. */
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
  /** Between two closes, ms. */
  private pauseMs = 0;
  /** When the next one is closed, monotonic ms: timers are whole milliseconds and a little late, pauses are not. */
  private nextAt = 0;
  private closing = false;

  constructor(host: LameDuckHost) {
    this.host = host;
    this.timer = new WheelTimer(() => this.onTimer());
  }

  /** Called once. */
  enter(): void {
    const { host } = this;
    host.log.notice("Entering lame duck mode, stop accepting new clients");
    host.stopAccepting();
    this.leaving = host.turn.random.shuffle(host.leaving());
    if (this.leaving.length === 0) return void host.stop();
    const { lameDuckDurationMs, lameDuckGraceMs } = host.options;
    const closingMs = lameDuckDurationMs - lameDuckGraceMs;
    this.pauseMs = Math.min(PAUSE_MS_MAX, (closingMs <= 0 ? CLOSING_MS_MIN : closingMs) / this.leaving.length);
    host.announceLameDuck();
    host.turn.timers.set(this.timer, lameDuckGraceMs);
  }

  /** The server stops before all were closed. */
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
