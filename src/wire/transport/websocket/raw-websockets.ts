/** WebSockets by our own codec on raw sockets: all rules of the reference, TLS with peer certificates, compression. */
import type { Socket, SocketHandler, TCPSocketListener } from "bun";
import { WheelTimer } from "../../../base/clock/timing-wheel.ts";
import { ByteVector } from "../byte-vector.ts";
import { GuardedTransport, type GuardRules, type SecureHandlers } from "../guarded-transport.ts";
import { listenerHandlers } from "../listener-handlers.ts";
import { SocketCalls } from "../socket-calls.ts";
import { SocketCloser } from "../socket-closer.ts";
import { type SocketData, TcpTransport } from "../tcp-transport.ts";
import { HandshakeRate } from "../tls/handshake-rate.ts";
import type { TlsContext } from "../tls/tls-context.ts";
import { FrameScratch } from "./frame-writer.ts";
import { Inflating } from "./inflate.ts";
import type { HandshakeRules, WebSocketHost, WebSocketOwner } from "./owner.ts";
import { ReadingTurns } from "./reading-turns.ts";
import { UpgradingPeer } from "./upgrading-peer.ts";
import type { SharedWebSocketState } from "./websocket-transport.ts";

const REPORT_MS = 1_000;

export class RawWebSockets implements WebSocketOwner {
  readonly port: number;
  private readonly host: WebSocketHost;
  private readonly rules: HandshakeRules;
  private readonly shared: SharedWebSocketState;
  private readonly calls = SocketCalls.load();
  private readonly closer: SocketCloser;
  private readonly listener: TCPSocketListener<SocketData>;
  private readonly handlers: SecureHandlers;
  private guard: GuardRules | null = null;
  private readonly reportTimer = new WheelTimer(() => this.reportRefused());

  /** Binds the port; 0: any free one. Throws the system's error on failure. @param tls null: plain HTTP */
  constructor(host: WebSocketHost, rules: HandshakeRules, hostname: string, port: number, tls: TlsContext | null) {
    this.host = host;
    this.rules = rules;
    this.closer = new SocketCloser(host.timers, this.calls);
    this.shared = {
      scratch: new FrameScratch(),
      vector: new ByteVector(),
      inflating: new Inflating(),
      readingTurns: new ReadingTurns(),
      get payloadBytesMax() {
        return host.payloadBytesMax;
      },
    };
    const { plain, secure } = listenerHandlers(error => host.onDefect(error));
    this.handlers = secure;
    if (tls !== null || rules.proxyProtocol) this.updateTls(tls);
    const socket = { ...plain, open: (opened: Socket<SocketData>) => this.open(opened) } as SocketHandler<SocketData>;
    this.listener = Bun.listen<SocketData>({ hostname, port, allowHalfOpen: true, socket });
    this.calls?.lengthenAcceptQueue(this.listener);
    this.port = this.listener.port;
  }

  updateTls(tls: TlsContext | null): void {
    const { host, handlers } = this;
    const { proxyProtocol } = this.rules;
    const limit = tls?.options.connectionRateLimit ?? 0;
    const rate = limit <= 0 ? null : new HandshakeRate(limit);
    const handshakeMs = this.rules.handshakeTimeoutMs; // as in the reference, not the time of the tls block
    this.guard = {
      tls,
      handshakeMs,
      allowNonTls: false,
      proxyProtocol,
      rate,
      timers: host.timers,
      clock: host.clock,
      scheduler: host.scheduler,
      handlers,
    };
  }

  /** Writes one log line for all refusals within a second. */
  private reportRefused(): void {
    const refused = this.guard?.rate?.takeRefused() ?? 0;
    if (refused > 0) this.host.logWarning(`Rejected ${refused} connections due to TLS rate limiting`);
  }

  private open(socket: Socket<SocketData>): void {
    const { guard, host } = this;
    if (!host.descriptors.take()) {
      host.onCrowded();
      return void socket.terminate();
    }
    if (guard === null) {
      const transport = new TcpTransport(socket, this.calls, this.closer);
      socket.data = { transport, events: this.peer(transport, false) };
      return;
    }
    const transport = new GuardedTransport(socket, this.calls, this.closer, guard);
    socket.data = { transport, events: transport };
    transport.begin(this.peer(transport, guard.tls !== null));
    if (guard.rate !== null && !this.reportTimer.active) this.host.timers.set(this.reportTimer, REPORT_MS);
  }

  private peer(below: TcpTransport, secure: boolean): UpgradingPeer {
    return new UpgradingPeer(below, secure, this.host, this.rules, this.shared);
  }

  stop(force: boolean): void {
    this.host.timers.cancel(this.reportTimer);
    this.listener.stop(force);
  }
}
