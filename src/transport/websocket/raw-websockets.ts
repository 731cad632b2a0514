/** WebSockets by our own codec, on raw sockets: every rule of the reference, TLS with certificates of the peer, compression. */
import type { TCPSocketListener } from "bun";
import { ByteVector } from "../byte-vector.ts";
import { SocketCalls } from "../socket-calls.ts";
import { type SocketData, TcpTransport } from "../tcp-transport.ts";
import { FrameScratch } from "./frame-writer.ts";
import type { DoorRules, WebSocketHost, WebSocketOwner } from "./owner.ts";
import { UpgradingPeer } from "./upgrading-peer.ts";
import type { WebSocketSurroundings } from "./websocket-transport.ts";

export class RawWebSockets implements WebSocketOwner {
  readonly port: number;
  private readonly listener: TCPSocketListener<SocketData>;

  /** Binds the port; 0: a free one. Throws with the system's error when it cannot. */
  constructor(host: WebSocketHost, rules: DoorRules, hostname: string, port: number) {
    const calls = SocketCalls.load();
    const surroundings: WebSocketSurroundings = {
      scratch: new FrameScratch(),
      vector: new ByteVector(),
      get payloadBytesMax() {
        return host.payloadBytesMax;
      },
    };
    this.listener = Bun.listen<SocketData>({
      hostname,
      port,
      allowHalfOpen: true,
      socket: {
        binaryType: "buffer",
        open(socket) {
          const transport = new TcpTransport(socket, calls);
          socket.data = { transport, events: new UpgradingPeer(transport, false, host, rules, surroundings) };
        },
        data(socket, chunk) {
          socket.data.events.onData(chunk);
        },
        drain(socket) {
          socket.data.events.onDrain();
        },
        end(socket) {
          socket.data.events.onEnd();
        },
        close(socket, error) {
          socket.data?.events.onClose(error ?? null);
        },
        error(socket, error) {
          host.onDefect(error);
          socket.terminate();
        },
      },
    });
    this.port = this.listener.port;
  }

  stop(force: boolean): void {
    this.listener.stop(force);
  }
}
