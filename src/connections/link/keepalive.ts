/**
 * PING, PONG and round trip of one connection: finds peers that are gone, and measures the round trip.
 *
 * The first PING is sent early, after 2 s, so that the round trip is known soon; later ones follow every `pingIntervalMs`. A peer that has sent
 * something within the interval gets no PING, unless its round trip was measured more than an hour ago.
 */
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { type ConnectionKind, KIND_TEXTS } from "../../wire/protocol/connection-kind.ts";
import { FLAG_FIRST_PONG_SENT, FLAG_PAUSED } from "./connection-flag.ts";
import type { LinkHost } from "./host.ts";

const FIRST_PING_MS = 2_000;
const ROUND_TRIP_FRESH_MS = 60 * 60 * 1_000;
/** Before its first PONG a connection of this age or less gets no PING that only measures the round trip. */
const ROUND_TRIP_PATIENCE_MS = 2_000;
/** A round trip that was measured is never 0, which means unknown: at least 1 ns. */
const ROUND_TRIP_MIN_MS = 1e-6;

/** The connection, as its keepalive needs it. */
export interface KeepaliveOwner {
  readonly host: LinkHost;
  readonly kind: ConnectionKind;
  readonly flags: number;
  readonly closed: boolean;
  readonly pingIntervalMs: number;
  sendPing(): void;
  logDebug(text: string): void;
  /** Too many PINGs have no answer. */
  onStale(): void;
}

export class Keepalive {
  private readonly owner: KeepaliveOwner;
  private readonly timer: WheelTimer;
  private readonly openedAt: number;
  private pingsOut = 0;
  /** Infinitely long ago at first, so that the first PING is always sent. */
  private pingSentAt = Number.NEGATIVE_INFINITY;
  /** Last data or PING from the peer, monotonic ms. */
  lastInAt: number;
  /** Round trip, ms with fractions; 0 while unknown. */
  roundTripMs = 0;
  /** How often the round trip was measured. */
  measurements = 0;

  constructor(owner: KeepaliveOwner) {
    this.owner = owner;
    this.timer = new WheelTimer(() => this.onTimer());
    this.openedAt = this.now();
    this.lastInAt = this.openedAt;
  }

  private now(): number {
    return this.owner.host.turn.clock.monotonic();
  }

  /** Schedules the first PING: at accept, and again from CONNECT on. */
  startEarly(): void {
    const { turn } = this.owner.host;
    const delay = Math.min(this.owner.pingIntervalMs, FIRST_PING_MS);
    turn.timers.set(this.timer, delay + turn.random.below(Math.max(1, Math.floor(delay / 5))));
  }

  stop(): void {
    this.owner.host.turn.timers.cancel(this.timer);
  }

  /** Called at CONNECT: the time since accept is a first estimate of the round trip. */
  onConnect(): void {
    this.roundTripMs = Math.max(ROUND_TRIP_MIN_MS, this.now() - this.openedAt);
    this.measurements++;
    this.startEarly();
  }

  onPong(): void {
    this.pingsOut = 0;
    this.measurements++;
    if (this.pingSentAt > 0) this.roundTripMs = Math.max(ROUND_TRIP_MIN_MS, this.now() - this.pingSentAt);
  }

  /** Sends a PING if the round trip is unknown, except while it could confuse a peer that is still connecting. */
  askRoundTrip(): void {
    const { owner } = this;
    if (this.roundTripMs !== 0 || owner.closed) return;
    const early = (owner.flags & FLAG_FIRST_PONG_SENT) === 0 && this.now() - this.openedAt <= ROUND_TRIP_PATIENCE_MS;
    if (!early) this.ping();
  }

  private ping(): void {
    this.pingSentAt = this.now();
    this.pingsOut++;
    this.owner.sendPing();
  }

  private onTimer(): void {
    const { owner } = this;
    if (owner.closed) return;
    const { turn, options } = owner.host;
    owner.logDebug(`${KIND_TEXTS[owner.kind]} Ping Timer`);
    const now = this.now();
    const wantsRoundTrip = this.roundTripMs === 0 || now - this.pingSentAt > ROUND_TRIP_FRESH_MS;
    const silentMs = now - this.lastInAt;
    if (silentMs < owner.pingIntervalMs && !wantsRoundTrip) {
      owner.logDebug(`Delaying PING due to remote client data or ping ${Math.round(silentMs / 1000)}s ago`);
    } else {
      if (this.pingsOut + 1 > options.pingsOutMax) {
        const { lastInAt, measurements } = this;
        turn.clock.afterEvents(() => turn.clock.afterEvents(() => this.missAnswer(lastInAt, measurements)));
        return;
      }
      this.ping();
    }
    turn.timers.set(this.timer, owner.pingIntervalMs);
    turn.end();
  }

  /**
   * Too many PINGs have no answer. If the process was blocked, the answer may be in the socket, or in input that waits for its share of work:
   * the event loop looks there before the peer is condemned.
   */
  private missAnswer(lastInAt: number, measurements: number): void {
    const { owner } = this;
    if (owner.closed) return;
    const { turn } = owner.host;
    if (this.lastInAt !== lastInAt || this.measurements !== measurements || (owner.flags & FLAG_PAUSED) !== 0) {
      turn.timers.set(this.timer, owner.pingIntervalMs);
      return;
    }
    owner.logDebug(`Stale ${KIND_TEXTS[owner.kind]} Connection - Closing`);
    owner.onStale();
    turn.end();
  }
}
