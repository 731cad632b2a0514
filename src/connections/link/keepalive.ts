/**
 * PING, PONG and round trips of one connection: is the peer still there, and how far away.
 *
 * The first PING comes early (2 s, so that the round trip is known soon), later ones every `pingIntervalMs`; a client that sent
 * something within the interval is not asked, unless its round trip is older than an hour.
 */
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Connection } from "./connection.ts";
import { FLAG_FIRST_PONG_SENT } from "./connection-flag.ts";

const FIRST_PING_MS = 2_000;
const ROUND_TRIP_FRESH_MS = 60 * 60 * 1_000;
/** How long a connection without its first PONG is left alone by PINGs that only want a round trip. */
const ROUND_TRIP_PATIENCE_MS = 2_000;
/** A round trip is known from 1 ns on. */
const ROUND_TRIP_MIN_MS = 1e-6;

export class Keepalive {
  private readonly connection: Connection;
  private readonly timer: WheelTimer;
  private readonly onStale: () => void;
  private readonly openedAt: number;
  private pingsOut = 0;
  /** Long ago at first, so that the first PING is always sent. */
  private pingSentAt = Number.NEGATIVE_INFINITY;
  /** Last data or PING from the peer, monotonic ms. */
  lastInAt: number;
  /** Round trip, ms with fractions; 0 while unknown. */
  roundTripMs = 0;
  /** How often it was measured. */
  measurements = 0;

  constructor(connection: Connection, onStale: () => void) {
    this.connection = connection;
    this.onStale = onStale;
    this.timer = new WheelTimer(() => this.onTimer());
    this.openedAt = this.now();
    this.lastInAt = this.openedAt;
  }

  private now(): number {
    return this.connection.host.turn.clock.monotonic();
  }

  /** The first PING: at accept, and again from CONNECT on. */
  startEarly(): void {
    const { turn } = this.connection.host;
    const delay = Math.min(this.connection.pingIntervalMs, FIRST_PING_MS);
    turn.timers.set(this.timer, delay + turn.random.below(Math.max(1, Math.floor(delay / 5))));
  }

  stop(): void {
    this.connection.host.turn.timers.cancel(this.timer);
  }

  /** CONNECT came: the time since accept is a first guess of the round trip. */
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

  /** Someone wants to know the round trip. Asked only where a PING cannot confuse a client that is still connecting. */
  askRoundTrip(): void {
    if (this.roundTripMs !== 0 || this.connection.closed) return;
    const early = (this.connection.flags & FLAG_FIRST_PONG_SENT) === 0 && this.now() - this.openedAt <= ROUND_TRIP_PATIENCE_MS;
    if (!early) this.ping();
  }

  private ping(): void {
    this.pingSentAt = this.now();
    this.pingsOut++;
    this.connection.sendPing();
  }

  private onTimer(): void {
    const connection = this.connection;
    if (connection.closed) return;
    const { turn, options } = connection.host;
    connection.logDebug("Client Ping Timer");
    const now = this.now();
    const wantsRoundTrip = this.roundTripMs === 0 || now - this.pingSentAt > ROUND_TRIP_FRESH_MS;
    const silentMs = now - this.lastInAt;
    if (silentMs < connection.pingIntervalMs && !wantsRoundTrip) {
      connection.logDebug(`Delaying PING due to remote client data or ping ${Math.round(silentMs / 1000)}s ago`);
    } else {
      if (this.pingsOut + 1 > options.pingsOutMax) {
        connection.logDebug("Stale Client Connection - Closing");
        this.onStale();
        turn.end();
        return;
      }
      this.ping();
    }
    turn.timers.set(this.timer, connection.pingIntervalMs);
    turn.end();
  }
}
