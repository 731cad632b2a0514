/**
 * A WebSocket of `Bun.serve` as a transport. Bun reads and writes the frames and handles complete messages only, in both directions.
 *
 *   write ─▶ ws.send ─┬─ > 0: passed to the kernel
 *                     └─ -1: the kernel is full, Bun keeps this message, and `write` accepts nothing more until `drain`
 * So at most one message of 256 KiB waits in Bun. After `pause` Bun reads no more, but it still hands over the messages that it has read
 * already; they wait here until `resume`.
 */
import type { ServerWebSocket } from "bun";
import { CLOSE_TEXTS, type CloseReason } from "../../protocol/close-reason.ts";
import { plainAddress } from "../tcp-transport.ts";
import type { TlsState } from "../tls-state.ts";
import type { Transport, TransportEvents } from "../transport.ts";
import type { WebSocketClientInfo } from "./client-info.ts";
import { closeCodeOf } from "./close-code.ts";
import { BROWSER_FRAME_BYTES_MAX } from "./frame-writer.ts";

const MESSAGE_BYTES_MAX = 256 * 1024;
/** Bun's code for an end without a close frame, or after a close frame that Bun sent for a broken rule. */
const CLOSED_ABNORMALLY = 1006;

export class ServedWebSocket implements Transport {
  readonly type = "websocket";
  readonly handshaking = false;
  readonly handshakesFirst = false;
  readonly vectored = false;
  readonly inProcess = false;
  readonly tls: TlsState | null = null;
  readonly remoteAddress: string;
  readonly remotePort: number;
  private readonly socket: ServerWebSocket<unknown>;
  private readonly messageBytesMax: number;
  private events!: TransportEvents;
  private full = false;
  private paused = false;
  private resumesSoon = false;
  private readonly undelivered: Buffer[] = [];
  private endReason: CloseReason | null = null;
  private ended = false;
  private closed = false;
  /** The peer has gone. Reported after the messages that were received before; null: it has not, or it is reported. */
  private reportClose: (() => void) | null = null;

  constructor(socket: ServerWebSocket<unknown>, info: WebSocketClientInfo, remotePort: number) {
    this.socket = socket;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? ""); // missing if the peer has already reset the connection
    this.remotePort = remotePort;
    this.messageBytesMax = info.browser ? BROWSER_FRAME_BYTES_MAX : MESSAGE_BYTES_MAX;
  }

  /** Sets the receiver of events; called before anything else. */
  attach(events: TransportEvents): void {
    this.events = events;
  }

  write(source: Buffer, offset: number, length: number): number {
    if (this.ended) return -1;
    if (this.closed) return length; // dropped: the peer has gone, and its last messages are still handled
    let taken = 0;
    while (taken < length && !this.full) {
      const size = Math.min(length - taken, this.messageBytesMax);
      const sent = this.socket.sendBinary(source.subarray(offset + taken, offset + taken + size));
      if (sent === 0) return taken > 0 ? taken : -1; // closed; `onClose` follows
      this.full = sent < 0;
      taken += size;
    }
    return taken;
  }

  writeVector(): number {
    return 0;
  }

  readMore(): number {
    return 0;
  }

  pause(): void {
    this.paused = true;
    this.resumesSoon = false;
    if (!this.closed) this.socket.pause();
  }

  resume(): void {
    if (!this.paused || this.resumesSoon) return;
    this.resumesSoon = true;
    setImmediate(() => this.readOn());
  }

  private readOn(): void {
    if (!this.resumesSoon || this.ended) return;
    this.resumesSoon = false;
    this.paused = false;
    while (!this.paused && this.undelivered.length > 0) this.events.onData(this.undelivered.shift()!);
    if (this.paused) return;
    if (this.closed) this.reportGone();
    else this.socket.resume();
  }

  private reportGone(): void {
    const report = this.reportClose;
    this.reportClose = null;
    report?.();
  }

  end(_lingers: boolean, reason: CloseReason): void {
    if (this.ended) return;
    this.ended = true;
    if (this.closed) return queueMicrotask(() => this.reportGone());
    this.endReason = reason;
    this.finishEnding();
  }

  /** After Bun's `close` it cannot be terminated, so kept bytes are dropped first. */
  private finishEnding(): void {
    if (this.endReason === null || this.socket.getBufferedAmount() > 0) return;
    const reason = this.endReason;
    this.endReason = null;
    this.socket.close(closeCodeOf(reason), CLOSE_TEXTS[reason]);
  }

  terminate(): void {
    this.ended = true;
    this.endReason = null;
    if (this.closed) queueMicrotask(() => this.reportGone());
    else this.socket.terminate();
  }

  // Bun's events.

  onMessage(message: Buffer | string): void {
    if (this.ended) return;
    const chunk = typeof message === "string" ? Buffer.from(message) : message;
    if (this.paused) this.undelivered.push(chunk);
    else if (chunk.length > 0) this.events.onData(chunk);
  }

  onDrain(): void {
    this.full = false;
    if (this.ended) this.finishEnding();
    else this.events.onDrain();
  }

  onClose(code: number, text: string): void {
    this.closed = true;
    const broken = code === CLOSED_ABNORMALLY && text !== "" && !this.ended;
    // Bun may call this within `close` and `terminate`, where a connection does not expect `onClose`.
    this.reportClose = () => {
      if (broken) this.events.onReadFailed(text);
      this.ended = true;
      this.events.onClose(null);
    };
    queueMicrotask(() => {
      if (this.ended || this.undelivered.length === 0) this.reportGone();
    });
  }
}
