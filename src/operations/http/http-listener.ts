/**
 * An HTTP port, for monitoring or profiling, on Bun's sockets: the reference's limits and answers, also for requests that Bun's own HTTP
 * server refuses, and every socket is counted from the moment it is accepted. Bun.serve shows neither idle sockets nor failed TLS
 * handshakes, closes idle connections when the certificate changes, and answers within the accept loop.
 */
import type { Socket, SocketHandler, TCPSocketListener } from "bun";
import type { Clock } from "../../base/clock/clock.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Scheduler } from "../../base/scheduling/scheduler.ts";
import type { TaskQueue } from "../../base/scheduling/task-queue.ts";
import type { Descriptors } from "../../wire/transport/descriptors.ts";
import { GuardedTransport, type GuardRules, type SecureHandlers } from "../../wire/transport/guarded-transport.ts";
import { listenerHandlers } from "../../wire/transport/listener-handlers.ts";
import { SocketCalls } from "../../wire/transport/socket-calls.ts";
import { SocketCloser } from "../../wire/transport/socket-closer.ts";
import { type SocketData, TcpTransport } from "../../wire/transport/tcp-transport.ts";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import type { Answering } from "./http-answer.ts";
import { HttpConnection, type HttpHost } from "./http-connection.ts";
import type { HttpRequest } from "./http-request.ts";

/** As in the reference. */
const HANDSHAKE_MS = 5_000;

export interface HttpListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** null: plain HTTP. */
  readonly tls: TlsContext | null;
  readonly clock: Clock;
  readonly scheduler: Pick<Scheduler, "add" | "checkBusy" | "meter">;
  readonly longAnswers: TaskQueue;
  readonly descriptors: Descriptors;
  answer(request: HttpRequest): Answering;
  /** One of our handlers threw. */
  onDefect(error: Error): void;
  /** @param peer address and port */
  onHandshakeFailed(peer: string, text: string): void;
  /** There was no descriptor for a connection. */
  onRefused(): void;
}

export class HttpListener implements HttpHost {
  readonly port: number;
  readonly timers: TimingWheel;
  readonly clock: Clock;
  readonly scheduler: Pick<Scheduler, "add" | "checkBusy" | "meter">;
  readonly longAnswers: TaskQueue;
  private readonly options: HttpListenerOptions;
  private readonly listener: TCPSocketListener<SocketData>;
  private readonly handlers: SecureHandlers;
  private readonly calls = SocketCalls.load();
  private readonly closer: SocketCloser;
  private readonly connections = new Set<HttpConnection>();
  private guard: GuardRules | null = null;

  /** @throws the system's error when the port cannot be bound */
  constructor(options: HttpListenerOptions) {
    this.options = options;
    this.clock = options.clock;
    this.scheduler = options.scheduler;
    this.longAnswers = options.longAnswers;
    this.timers = new TimingWheel(options.clock);
    this.closer = new SocketCloser(this.timers, this.calls);
    const { plain, secure } = listenerHandlers(error => options.onDefect(error));
    this.handlers = secure;
    if (options.tls !== null) this.updateTls(options.tls);
    const { host: hostname, port } = options;
    const socket = { ...plain, open: (opened: Socket<SocketData>) => this.open(opened) } as SocketHandler<SocketData>;
    this.listener = Bun.listen<SocketData>({ hostname, port, allowHalfOpen: true, socket });
    this.calls?.lengthenAcceptQueue(this.listener);
    this.port = this.listener.port;
  }

  /** Uses another certificate for new connections. Never asks peers for theirs, even if the client port does. */
  updateTls(tls: TlsContext): void {
    const { clock, handlers, scheduler, timers } = this;
    const rules = { handshakeMs: HANDSHAKE_MS, allowNonTls: false, proxyProtocol: false, rate: null };
    this.guard = { tls: tls.withoutPeers(), ...rules, timers, clock, scheduler, handlers };
  }

  private open(socket: Socket<SocketData>): void {
    const { descriptors } = this.options;
    if (!descriptors.take()) {
      this.options.onRefused();
      return void socket.terminate();
    }
    const secure = this.guard === null ? null : new GuardedTransport(socket, this.calls, this.closer, this.guard);
    const transport = secure ?? new TcpTransport(socket, this.calls, this.closer);
    const connection = new HttpConnection(transport, this, () => {
      this.connections.delete(connection);
      descriptors.give();
    });
    this.connections.add(connection);
    socket.data = { transport, events: secure ?? connection };
    secure?.begin(connection);
  }

  answer(request: HttpRequest): Answering {
    return this.options.answer(request);
  }

  onDefect(error: Error): void {
    this.options.onDefect(error);
  }

  onHandshakeFailed(peer: string, text: string): void {
    this.options.onHandshakeFailed(peer, text);
  }

  /** Stops listening and ends all connections. */
  stop(): void {
    this.listener.stop(false);
    for (const connection of this.connections) connection.terminate();
    this.timers.stop();
  }
}
