import type { Socket } from "bun";
import type { CloseReason } from "../protocol/close-reason.ts";
import type { ByteVector } from "./byte-vector.ts";
import type { SocketCalls } from "./socket-calls.ts";
import type { TlsState } from "./tls-state.ts";
import type { SocketEvents, Transport } from "./transport.ts";

/** What hangs on a socket: its transport and whom to tell. */
export interface SocketData {
  transport: TcpTransport;
  events: SocketEvents;
}

/** Plain TCP, or a Unix socket, over a Bun socket. `write` maps to one system call; what the kernel does not take stays with the caller. */
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

  /** @param calls the server's, shared by its connections; null where the system has none */
  constructor(socket: Socket<SocketData>, calls: SocketCalls | null) {
    this.socket = socket;
    this.calls = calls;
    this.vectored = calls !== null;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? "");
    this.remotePort = socket.remotePort ?? 0;
  }

  write(source: Buffer, offset: number, length: number): number {
    return this.socket.write(source, offset, length);
  }

  writeVector(vector: ByteVector): number {
    const fd = this.descriptor;
    return fd < 0 || this.calls === null ? 0 : this.calls.send(fd, vector);
  }

  readMore(target: Buffer): number {
    const fd = this.descriptor;
    return fd < 0 || this.calls === null ? 0 : this.calls.receive(fd, target);
  }

  /** -1 once the socket is closed. */
  private get descriptor(): number {
    return (this.socket as unknown as { readonly fd: number }).fd; // missing in the types
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(lingers: boolean, _reason: CloseReason): void {
    if (lingers) this.socket.shutdown();
    else this.socket.end();
  }

  terminate(): void {
    this.socket.terminate();
  }
}

/** `::ffff:127.0.0.1`, as a dual-stack listener shows it, is 127.0.0.1. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice("::ffff:".length) : address;
}
