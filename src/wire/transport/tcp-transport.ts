import type { Socket } from "bun";
import type { CloseReason } from "../protocol/close-reason.ts";
import type { ByteVector } from "./byte-vector.ts";
import type { SocketCalls } from "./socket-calls.ts";
import { fdOf, type SocketCloser } from "./socket-closer.ts";
import type { TlsState } from "./tls-state.ts";
import type { SocketEvents, Transport } from "./transport.ts";

/** Data attached to a socket: its transport and the receiver of its events. */
export interface SocketData {
  transport: TcpTransport;
  events: SocketEvents;
}

/** Plain TCP or a Unix socket, by a Bun socket. `write` is one system call; bytes that the kernel does not accept stay with the caller. */
export class TcpTransport implements Transport {
  readonly type = "nats";
  readonly inProcess = false;
  handshaking = false;
  handshakesFirst = false;
  tls: TlsState | null = null;
  remoteAddress: string;
  remotePort: number;
  vectored: boolean;
  protected socket: Socket<SocketData>;
  protected readonly calls: SocketCalls | null;
  protected readonly closer: SocketCloser;

  /** @param calls shared by the server's connections, as `closer` is; null where they are not available */
  constructor(socket: Socket<SocketData>, calls: SocketCalls | null, closer: SocketCloser) {
    this.socket = socket;
    this.calls = calls;
    this.closer = closer;
    this.vectored = calls !== null;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? "");
    this.remotePort = socket.remotePort ?? 0;
  }

  write(source: Buffer, offset: number, length: number): number {
    return this.socket.write(source, offset, length);
  }

  writeVector(vector: ByteVector): number {
    const fd = fdOf(this.socket);
    return fd < 0 || this.calls === null ? 0 : this.calls.send(fd, vector);
  }

  readMore(target: Buffer): number {
    const fd = fdOf(this.socket);
    return fd < 0 || this.calls === null ? 0 : this.calls.receive(fd, target);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(lingers: boolean, _reason: CloseReason): void {
    this.closer.end(this.socket, lingers);
  }

  /** Bytes that the kernel has accepted are still sent, unless the peer's are unread; Bun's own `terminate` would discard them. */
  terminate(): void {
    this.socket.close();
  }
}

/** Turns an IPv4-mapped address, as a dual-stack listener reports it (`::ffff:127.0.0.1`), into IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice("::ffff:".length) : address;
}
