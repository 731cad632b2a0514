/**
 * A connection without a socket, for programs that embed the server.
 *
 *   program ─ write() ─▶ queue ─ microtask ─▶ server
 *   program ◀─ onData ── microtask ◀─ copy ── server
 * Bytes are delivered in a microtask, never during the sender's call: as with a socket, neither side is re-entered, and bytes written
 * before an end arrive before it.
 * The server's writes are bounded: while `QUEUE_BYTES_MAX` bytes wait for the program, `write` accepts no more, and the server keeps its
 * output under its own limits.
 */
import type { Transport, TransportEvents } from "./transport.ts";

const QUEUE_BYTES_MAX = 4 * 1024 * 1024;

/** The program's side of the pipe. */
export interface InProcessConnection {
  /** Sends protocol bytes to the server; they are copied. Ignored after either side has ended. */
  write(bytes: Uint8Array | string): void;
  /** Called with the bytes that the server sends, in order; the program owns them. Set it before the first turn of the event loop ends. */
  onData: (bytes: Uint8Array) => void;
  /** Called once, after either side has ended. */
  onClose: () => void;
  /** Ends the connection after the server has received the bytes written so far. `onData` is not called any more. */
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

  /** Sets the receiver of the server side's events. */
  attach(events: TransportEvents): void {
    this.events = events;
  }

  write(source: Buffer, offset: number, length: number): number {
    if (this.serverEnded) return -1;
    if (this.clientEnded) return length; // dropped: the program does not read any more
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
