/**
 * A connection without a socket, for programs that embed the server.
 *
 *   program ─ write() ─▶ queue ─ microtask ─▶ server
 *   program ◀─ onData ── microtask ◀─ copy ── server
 * Bytes cross in a microtask of their own, never inside the other side's call: as with a socket, neither side is re-entered, and what
 * was written before an end arrives before it.
 * The server's writes are bounded: while the program has not been handed `QUEUE_BYTES_MAX` yet, the server is told that the pipe is
 * full and keeps them in its own output, with its own limits.
 */
import type { Transport, TransportEvents } from "./transport.ts";

const QUEUE_BYTES_MAX = 4 * 1024 * 1024;

/** The program's end. */
export interface InProcessConnection {
  /** Sends protocol bytes to the server; they are copied. Nothing happens after the end. */
  write(bytes: Uint8Array | string): void;
  /** Called with what the server sends, in order; bytes are the program's. Set before the first turn of the event loop ends. */
  onData: (bytes: Uint8Array) => void;
  /** Called once, when either side has ended. */
  onClose: () => void;
  /** Ends the connection once the server has what was written. Nothing is received any more. */
  close(): void;
  /** Either side has ended. */
  readonly closed: boolean;
}

export class InProcessTransport implements Transport {
  readonly type = "nats";
  readonly handshaking = false;
  readonly handshakesFirst = false;
  readonly tls = null;
  readonly remoteAddress = "";
  readonly remotePort = 0;
  readonly inProcess = true;
  readonly vectored = false;
  readonly client: InProcessConnection;
  private events: TransportEvents | null = null;
  private readonly toServer: Buffer[] = [];
  private readonly toClient: Buffer[] = [];
  private toClientBytes = 0;
  private paused = false;
  private full = false;
  private serverEnded = false;
  private clientEnded = false;
  private scheduled = false;

  constructor() {
    const transport = this;
    this.client = {
      write: bytes => {
        if (this.serverEnded || this.clientEnded) return;
        this.toServer.push(Buffer.from(bytes as Uint8Array));
        this.schedule();
      },
      onData: () => {},
      onClose: () => {},
      close: () => {
        this.clientEnded = true;
        this.toClient.length = 0;
        this.schedule();
      },
      get closed() {
        return transport.serverEnded || transport.clientEnded;
      },
    };
  }

  /** Tells whom the server's end reports to. */
  attach(events: TransportEvents): void {
    this.events = events;
  }

  write(source: Buffer, offset: number, length: number): number {
    if (this.serverEnded) return -1;
    if (this.clientEnded) return length; // nobody is there to read it
    const take = Math.min(length, QUEUE_BYTES_MAX - this.toClientBytes);
    if (take < length) this.full = true;
    if (take <= 0) return 0;
    this.toClient.push(Buffer.from(source.subarray(offset, offset + take)));
    this.toClientBytes += take;
    this.schedule();
    return take;
  }

  writeVector(): number {
    return 0;
  }

  readMore(): number {
    return 0;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.schedule();
  }

  end(): void {
    this.serverEnded = true;
    this.schedule();
  }

  terminate(): void {
    this.toClient.length = 0;
    this.end();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => this.cross());
  }

  private cross(): void {
    this.scheduled = false;
    while (this.toClient.length > 0) this.client.onData(this.toClient.shift()!);
    this.toClientBytes = 0;
    if (this.full) {
      this.full = false;
      this.events?.onDrain();
    }
    while (!this.paused && !this.serverEnded && this.toServer.length > 0) this.events?.onData(this.toServer.shift()!);
    const over = this.clientEnded ? this.serverEnded || this.toServer.length === 0 : this.serverEnded && this.toClient.length === 0;
    if (!over || this.events === null) return;
    const events = this.events;
    this.events = null;
    this.serverEnded = true;
    events.onClose(null);
    this.client.onClose();
  }
}
