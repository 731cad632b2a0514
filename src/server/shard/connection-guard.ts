/** Handles what a listener requires before the protocol begins: TLS, a PROXY header, and the limit on TLS handshakes per second. */
import type { Socket } from "bun";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { GuardedTransport, type GuardRules, type SecureHandlers } from "../../wire/transport/guarded-transport.ts";
import type { SocketCalls } from "../../wire/transport/socket-calls.ts";
import type { SocketCloser } from "../../wire/transport/socket-closer.ts";
import type { SocketData } from "../../wire/transport/tcp-transport.ts";
import { HandshakeRate } from "../../wire/transport/tls/handshake-rate.ts";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import type { SocketEvents } from "../../wire/transport/transport.ts";
import type { Acceptor } from "./acceptor.ts";

/** What a listener requires of clients before the protocol begins. */
export interface GuardOptions {
  readonly tls: TlsContext | null;
  readonly allowNonTls: boolean;
  readonly proxyProtocol: boolean;
}

/** Interval of the reports about refused handshakes. */
const REPORT_MS = 1_000;

/** Receives events before the connection exists. */
const NO_CONNECTION: SocketEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

export class ConnectionGuard {
  private readonly acceptor: Acceptor;
  private readonly calls: SocketCalls | null;
  private readonly closer: SocketCloser;
  private readonly handlers: SecureHandlers;
  private rules: GuardRules | null = null;
  private readonly reportTimer = new WheelTimer(() => this.reportRefused());

  /** @param handlers handlers of the sockets that Bun creates for TLS */
  constructor(acceptor: Acceptor, calls: SocketCalls | null, closer: SocketCloser, handlers: SecureHandlers) {
    this.acceptor = acceptor;
    this.calls = calls;
    this.closer = closer;
    this.handlers = handlers;
  }

  /** Applies to new connections; connected clients stay. */
  update({ tls, allowNonTls, proxyProtocol }: GuardOptions): void {
    this.reportRefused();
    if (tls === null && !proxyProtocol) {
      this.rules = null;
      return;
    }
    const { turn } = this.acceptor;
    const limit = tls?.options.connectionRateLimit ?? 0;
    const before = this.rules?.rate ?? null;
    const rate = limit <= 0 ? null : before?.limit === limit ? before : new HandshakeRate(limit);
    const handshakeMs = tls?.options.timeoutMs ?? 0;
    const { clock, scheduler, timers } = turn;
    this.rules = { tls, handshakeMs, allowNonTls, proxyProtocol, rate, timers, clock, scheduler, handlers: this.handlers };
  }

  /** Takes over an accepted socket. @returns false when nothing is required of it */
  open(socket: Socket<SocketData>): boolean {
    const { acceptor, rules } = this;
    if (rules === null) return false;
    const transport = new GuardedTransport(socket, this.calls, this.closer, rules);
    socket.data = { transport, events: NO_CONNECTION };
    const events = acceptor.accept(transport);
    socket.data.events = transport;
    acceptor.turn.end();
    transport.begin(events);
    acceptor.turn.end();
    if (rules.rate !== null && !this.reportTimer.active) acceptor.turn.timers.set(this.reportTimer, REPORT_MS);
    return true;
  }

  onHandshake(socket: Socket<SocketData>, success: boolean, error: Error | null): void {
    const { transport } = socket.data;
    if (transport instanceof GuardedTransport) transport.onHandshake(socket, success, error);
  }

  /** Logs one line for all handshakes that were refused within a second. */
  private reportRefused(): void {
    const refused = this.rules?.rate?.takeRefused() ?? 0;
    if (refused > 0) this.acceptor.log.warn(`Rejected ${refused} connections due to TLS rate limiting`);
  }

  stop(): void {
    this.acceptor.turn.timers.cancel(this.reportTimer);
  }
}
