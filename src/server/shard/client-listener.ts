/**
 * A listener for clients: a port, or a Unix socket. Wraps Bun's sockets in transports; `Acceptor` creates connections for them.
 *
 *   open ─┬─ TcpTransport ─▶ accept ─▶ events ◀─ data, drain, end, close
 *         └─ with TLS or a PROXY header: GuardedTransport (connection-guard.ts) ─ begin ─▶ … ─▶ as above
 */
import type { Socket, SocketHandler, TCPSocketListener, UnixSocketListener } from "bun";
import type { SecureHandlers } from "../../wire/transport/guarded-transport.ts";
import { bindHost } from "../../wire/transport/host-port.ts";
import { SocketCalls } from "../../wire/transport/socket-calls.ts";
import { SocketCloser } from "../../wire/transport/socket-closer.ts";
import { type SocketData, TcpTransport } from "../../wire/transport/tcp-transport.ts";
import { AcceptQueue } from "./accept-queue.ts";
import type { Acceptor } from "./acceptor.ts";
import type { BusyPolling } from "./busy-polling.ts";
import type { ConnectionGuard, GuardOptions } from "./connection-guard.ts";

const NO_GUARD: GuardOptions = { tls: null, allowNonTls: false, proxyProtocol: false };

export class ClientListener {
  /** 0 for a Unix socket. */
  readonly port: number;
  private readonly acceptor: Acceptor;
  private readonly calls: SocketCalls | null;
  private readonly closer: SocketCloser;
  private readonly listener: TCPSocketListener<SocketData> | UnixSocketListener<SocketData>;
  private readonly handlers: SecureHandlers;
  private readonly waiting: AcceptQueue<SocketData>;
  /** null until the options require something of clients. */
  private guard: ConnectionGuard | null = null;

  /** @param bind binds with these handlers; throws with the system's error when it cannot */
  private constructor(
    acceptor: Acceptor,
    polling: BusyPolling,
    guard: GuardOptions,
    bind: (handlers: SocketHandler<SocketData>) => TCPSocketListener<SocketData> | UnixSocketListener<SocketData>,
  ) {
    this.acceptor = acceptor;
    this.calls = SocketCalls.load();
    this.closer = new SocketCloser(acceptor.turn.timers, this.calls);
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
        // The peer has ended its sending side. As in the reference, the connection is closed after its pending output is written.
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
      handshake: (socket, success, error) => this.guard?.onHandshake(socket, success, error),
    } as SecureHandlers;
    this.updateGuard(guard);
    this.waiting = new AcceptQueue(acceptor.turn.scheduler, socket => this.admit(socket));
    this.listener = bind({ ...common, open: socket => this.waiting.open(socket) } as SocketHandler<SocketData>);
    this.calls?.lengthenAcceptQueue(this.listener);
    this.port = "port" in this.listener ? (this.listener.port ?? 0) : 0;
  }

  /** Binds the port; 0: a free one. Throws with the system's error when it cannot. */
  static onPort(acceptor: Acceptor, polling: BusyPolling, host: string, port: number, guard = NO_GUARD): ClientListener {
    return new ClientListener(acceptor, polling, guard, socket =>
      bindHost(host, hostname => Bun.listen<SocketData>({ hostname, port, allowHalfOpen: true, socket })),
    );
  }

  /**
   * Binds a Unix socket. Removes the socket file of a dead server first. The file is removed when the listener stops.
   * @param mode permission bits of the file
   * @throws StartError when another process listens there, or the file is no socket
   */
  static onPath(acceptor: Acceptor, polling: BusyPolling, path: string, mode: number, guard = NO_GUARD): ClientListener {
    const { clearSocketPath, withSocketMode } = unixSocketModule();
    clearSocketPath(path);
    const bind = (socket: SocketHandler<SocketData>) =>
      Bun.listen<SocketData>({ unix: path, allowHalfOpen: true, socket } as Parameters<typeof Bun.listen<SocketData>>[0] & {
        unix: string;
      });
    return new ClientListener(acceptor, polling, guard, socket => withSocketMode(path, mode, () => bind(socket)));
  }

  /** Applies to new connections; connected clients stay. */
  updateGuard(options: GuardOptions): void {
    if (this.guard === null && options.tls === null && !options.proxyProtocol) return;
    this.guard ??= new (connectionGuardModule().ConnectionGuard)(this.acceptor, this.calls, this.closer, this.handlers);
    this.guard.update(options);
  }

  private admit(socket: Socket<SocketData>): void {
    if (this.guard?.open(socket)) return;
    const { acceptor } = this;
    const transport = new TcpTransport(socket, this.calls, this.closer);
    socket.data = { transport, events: acceptor.accept(transport) };
    acceptor.turn.end();
  }

  /** Stops accepting connections. @param force also closes the accepted ones */
  stop(force: boolean): void {
    this.waiting.stop();
    this.guard?.stop();
    this.listener.stop(force);
  }
}

// Loaded when they are needed, as a default start does without them (bench/start.ts); synchronously, so that a reload stays one step.

function unixSocketModule(): typeof import("./unix-socket-file.ts") {
  return require("./unix-socket-file.ts");
}

function connectionGuardModule(): typeof import("./connection-guard.ts") {
  return require("./connection-guard.ts");
}
