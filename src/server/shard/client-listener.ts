/**
 * Where clients come in: a port, or a Unix socket. Bun's sockets become transports, which `Acceptor` makes connections of.
 *
 *   open ─┬─ nothing is asked ─▶ TcpTransport ─▶ accept ─▶ events ◀─ data, drain, end, close
 *         └─ TLS, PROXY ───────▶ GuardedTransport ─ begin ─▶ … ─▶ the same
 */
import type { Socket, SocketHandler, TCPSocketListener, UnixSocketListener } from "bun";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Door } from "../../connections/client/door.ts";
import type { Turn } from "../../connections/link/turn.ts";
import { GuardedTransport, type GuardRules, type SecureHandlers } from "../../wire/transport/guarded-transport.ts";
import { bindWildcard } from "../../wire/transport/host-port.ts";
import { SocketCalls } from "../../wire/transport/socket-calls.ts";
import { type SocketData, TcpTransport } from "../../wire/transport/tcp-transport.ts";
import { HandshakeRate } from "../../wire/transport/tls/handshake-rate.ts";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import type { SocketEvents, Transport, TransportEvents } from "../../wire/transport/transport.ts";
import type { BusyPolling } from "./busy-polling.ts";
import { clearSocketPath, setSocketMode } from "./unix-socket-file.ts";

/** What listeners need of the shard. */
export interface Acceptor {
  readonly turn: Turn;
  readonly log: Logger;
  /**
   * Makes a connection of a transport. Call `turn.end()` afterwards.
   * @param door what is different for clients of this listener; nothing when not given
   */
  accept(transport: Transport, door?: Door): TransportEvents;
  /** A handler of ours threw: the batch may hold half of what was being delivered. */
  onDefect(error: Error): void;
}

/** Refused handshakes are reported this often. */
const REPORT_MS = 1_000;

/** What is asked of those who come. */
export interface DoorOptions {
  readonly tls: TlsContext | null;
  readonly allowNonTls: boolean;
  readonly proxyProtocol: boolean;
}

const OPEN_DOOR: DoorOptions = { tls: null, allowNonTls: false, proxyProtocol: false };
/** Until a connection is there. */
const NOBODY: SocketEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

export class ClientListener {
  /** 0 for a Unix socket. */
  readonly port: number;
  private readonly acceptor: Acceptor;
  private readonly calls: SocketCalls | null;
  private readonly listener: TCPSocketListener<SocketData> | UnixSocketListener<SocketData>;
  private readonly handlers: SecureHandlers;
  private rules: GuardRules | null = null;
  private readonly reportTimer = new WheelTimer(() => this.reportRefused());

  /**
   * @param bind binds with these handlers; throws with the system's error when it cannot
   */
  private constructor(
    acceptor: Acceptor,
    polling: BusyPolling,
    door: DoorOptions,
    bind: (handlers: SocketHandler<SocketData>) => TCPSocketListener<SocketData> | UnixSocketListener<SocketData>,
  ) {
    this.acceptor = acceptor;
    this.calls = SocketCalls.load();
    const common: SocketHandler<SocketData, "buffer"> = {
      binaryType: "buffer",
      data(socket, chunk) {
        socket.data.events.onData(chunk);
        polling.onEvent();
      },
      drain(socket) {
        socket.data.events.onDrain();
      },
      end(socket) {
        // The peer will send nothing more; as the reference does, that ends the connection, after its output.
        socket.data.events.onEnd();
      },
      close(socket, error) {
        socket.data?.events.onClose(error ?? null);
      },
      error(socket, error) {
        acceptor.onDefect(error);
        socket.terminate();
      },
    };
    this.handlers = {
      ...common,
      handshake: (socket, success, error) => {
        const { transport } = socket.data;
        if (transport instanceof GuardedTransport) transport.onHandshake(socket, success, error);
      },
    } as SecureHandlers;
    this.updateDoor(door);
    this.listener = bind({ ...common, open: socket => this.open(socket) } as SocketHandler<SocketData>);
    this.port = "port" in this.listener ? (this.listener.port ?? 0) : 0;
  }

  /** Binds the port; 0: a free one. Throws with the system's error when it cannot. */
  static onPort(acceptor: Acceptor, polling: BusyPolling, host: string, port: number, door = OPEN_DOOR): ClientListener {
    return new ClientListener(acceptor, polling, door, socket =>
      bindWildcard(host, hostname => Bun.listen<SocketData>({ hostname, port, allowHalfOpen: true, socket })),
    );
  }

  /**
   * Binds a Unix socket; a file that a dead server left there is removed. The file goes when the listener stops.
   * @param mode permission bits of the file
   * @throws StartError when somebody listens there, or the file is something else
   */
  static onPath(acceptor: Acceptor, polling: BusyPolling, path: string, mode: number, door = OPEN_DOOR): ClientListener {
    clearSocketPath(path);
    const listener = new ClientListener(acceptor, polling, door, socket =>
      Bun.listen<SocketData>({ unix: path, allowHalfOpen: true, socket } as Parameters<typeof Bun.listen<SocketData>>[0] & {
        unix: string;
      }),
    );
    setSocketMode(path, mode);
    return listener;
  }

  /** What is asked of those who come from now on; those who are here stay. */
  updateDoor({ tls, allowNonTls, proxyProtocol }: DoorOptions): void {
    this.reportRefused();
    if (tls === null && !proxyProtocol) {
      this.rules = null;
      return;
    }
    const { turn } = this.acceptor;
    const limit = tls?.options.connectionRateLimit ?? 0;
    const before = this.rules?.rate ?? null;
    const rate = limit === 0 ? null : before?.limit === limit ? before : new HandshakeRate(limit);
    const now = () => turn.clock.monotonic();
    this.rules = { tls, allowNonTls, proxyProtocol, rate, timers: turn.timers, now, handlers: this.handlers };
  }

  private open(socket: Socket<SocketData>): void {
    const { acceptor, rules } = this;
    if (rules === null) {
      const transport = new TcpTransport(socket, this.calls);
      socket.data = { transport, events: acceptor.accept(transport) };
      acceptor.turn.end();
      return;
    }
    const transport = new GuardedTransport(socket, this.calls, rules);
    socket.data = { transport, events: NOBODY };
    const events = acceptor.accept(transport);
    socket.data.events = transport;
    acceptor.turn.end();
    transport.begin(events);
    acceptor.turn.end();
    if (rules.rate !== null && !this.reportTimer.active) acceptor.turn.timers.set(this.reportTimer, REPORT_MS);
  }

  /** One line for all who were refused within a second. */
  private reportRefused(): void {
    const refused = this.rules?.rate?.takeRefused() ?? 0;
    if (refused > 0) this.acceptor.log.warn(`Rejected ${refused} connections due to TLS rate limiting`);
  }

  /** Accepts nobody any more. @param force ends the sockets it accepted, too */
  stop(force: boolean): void {
    this.acceptor.turn.timers.cancel(this.reportTimer);
    this.listener.stop(force);
  }
}
