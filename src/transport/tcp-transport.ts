import type { Socket } from "bun";
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
  private readonly socket: Socket<SocketData>;

  constructor(socket: Socket<SocketData>) {
    this.socket = socket;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? "");
    this.remotePort = socket.remotePort ?? 0;
  }

  write(source: Buffer, offset: number, length: number): number {
    return this.socket.write(source, offset, length);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  terminate(): void {
    this.socket.terminate();
  }
}

/** `::ffff:127.0.0.1`, as a dual-stack listener shows it, is 127.0.0.1. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice("::ffff:".length) : address;
}
