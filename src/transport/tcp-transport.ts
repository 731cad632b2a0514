import type { Socket } from "bun";
import type { ByteVector } from "./byte-vector.ts";
import type { VectorSender } from "./send-vector.ts";
import type { Transport, TransportEvents } from "./transport.ts";

/** What hangs on a socket: its transport and whom to tell. */
export interface SocketData {
  transport: TcpTransport;
  events: TransportEvents;
}

/** Plain TCP over a Bun socket. `write` maps to one system call; what the kernel does not take stays with the caller. */
export class TcpTransport implements Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly inProcess = false;
  readonly vectored: boolean;
  private readonly socket: Socket<SocketData>;
  private readonly vectors: VectorSender | null;

  /** @param vectors the server's, shared by its connections; null where the system has none */
  constructor(socket: Socket<SocketData>, vectors: VectorSender | null) {
    this.socket = socket;
    this.vectors = vectors;
    this.vectored = vectors !== null;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? "");
    this.remotePort = socket.remotePort ?? 0;
  }

  write(source: Buffer, offset: number, length: number): number {
    return this.socket.write(source, offset, length);
  }

  writeVector(vector: ByteVector): number {
    const fd = (this.socket as unknown as { readonly fd: number }).fd; // missing in the types
    return fd < 0 || this.vectors === null ? 0 : this.vectors.send(fd, vector);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(lingers: boolean): void {
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
