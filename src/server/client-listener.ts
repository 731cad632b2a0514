/**
 * The client port: Bun's sockets become transports, which `Acceptor` makes connections of.
 *
 *   open ─▶ TcpTransport ─▶ accept ─▶ events ◀─ data, drain, end, close
 */
import type { TCPSocketListener } from "bun";
import { SocketCalls } from "../transport/socket-calls.ts";
import { type SocketData, TcpTransport } from "../transport/tcp-transport.ts";
import type { Acceptor } from "./acceptor.ts";
import type { BusyPolling } from "./busy-polling.ts";
import { bindWildcard } from "./host-port.ts";

export class ClientListener {
  readonly port: number;
  private readonly listener: TCPSocketListener<SocketData>;

  /** Binds the port; 0: a free one. Throws with the system's error when it cannot. */
  constructor(acceptor: Acceptor, polling: BusyPolling, host: string, port: number) {
    const calls = SocketCalls.load();
    this.listener = bindWildcard(host, hostname =>
      Bun.listen<SocketData>({
        hostname,
        port,
        allowHalfOpen: true,
        socket: {
          binaryType: "buffer",
          open(socket) {
            const transport = new TcpTransport(socket, calls);
            socket.data = { transport, events: acceptor.accept(transport) };
            acceptor.turn.end();
          },
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
        },
      }),
    );
    this.port = this.listener.port;
  }

  /** Accepts nobody any more. @param force ends the sockets it accepted, too */
  stop(force: boolean): void {
    this.listener.stop(force);
  }
}
