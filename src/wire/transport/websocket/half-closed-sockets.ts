/**
 * Resets peers that go on writing after Bun.serve has half-closed their socket. After a close frame Bun sends FIN and goes on reading for
 * seconds, so such a peer would not notice. Bun shows neither these sockets nor their descriptors; the process's own list of descriptors has
 * them:
 *
 *   a WebSocket was closed ─▶ after 2, 8, 8, 16, … ms: every socket with our port whose FIN was sent, whose last bytes the peer's kernel has
 *   acknowledged, and whose peer has written since ─▶ reset
 * A sweep looks at all descriptors, so sweeps are rare: a few after each close, and never two within `SWEEP_MS_MIN`.
 */
import type { Clock } from "../../../base/clock/clock.ts";
import { type TimingWheel, WheelTimer } from "../../../base/clock/timing-wheel.ts";
import type { SocketCalls } from "../socket-calls.ts";

/** Times between a close, the first sweep and the later ones. */
const SWEEPS_MS: readonly number[] = [2, 8, 8, 16, 32, 128, 512, 2_048];
const SWEEP_MS_MIN = 16;

export class HalfClosedSockets {
  private readonly timers: TimingWheel;
  private readonly clock: Clock;
  private readonly calls: SocketCalls | null;
  private readonly port: number;
  private readonly timer = new WheelTimer(() => this.sweep());
  /** Sweeps since the last close. */
  private sweeps = 0;
  private sweptAt = Number.NEGATIVE_INFINITY;

  /** @param calls null: Bun ends the sockets in its own time @param port of the listener */
  constructor(timers: TimingWheel, clock: Clock, calls: SocketCalls | null, port: number) {
    this.timers = timers;
    this.clock = clock;
    this.calls = calls;
    this.port = port;
  }

  /** A WebSocket was closed. */
  onClosed(): void {
    if (this.calls === null || (this.timer.active && this.sweeps === 0)) return;
    this.sweeps = 0;
    this.timers.set(this.timer, Math.max(SWEEPS_MS[0], this.sweptAt + SWEEP_MS_MIN - this.clock.monotonic()));
  }

  stop(): void {
    this.timers.cancel(this.timer);
  }

  private sweep(): void {
    this.sweptAt = this.clock.monotonic();
    this.calls!.resetWritersOn(this.port);
    if (++this.sweeps < SWEEPS_MS.length) this.timers.set(this.timer, SWEEPS_MS[this.sweeps]);
  }
}
