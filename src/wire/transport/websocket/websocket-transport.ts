/**
 * A WebSocket on top of any byte transport, by `FrameReader` and `FrameWriter`.
 *
 *   below ─ onData ─▶ FrameReader ─ onPayload ─▶ connection
 *   below ◀─ write ── FrameWriter ◀─── write ─── connection
 * The close frame comes last, after all output: our own with the code of the reason, or the answer to the peer's, or the rule that the
 * peer broke. It is always sent in `end`.
 */
import type { CloseReason } from "../../protocol/close-reason.ts";
import type { ByteVector } from "../byte-vector.ts";
import type { TlsState } from "../tls-state.ts";
import type { Transport, TransportEvents } from "../transport.ts";
import type { WebSocketClientInfo } from "./client-info.ts";
import { CLOSE_PROTOCOL_ERROR, closeAnswer, closePayload, closePayloadOf } from "./close-code.ts";
import { OPCODE_CLOSE, OPCODE_PING } from "./frame.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import { BROWSER_FRAME_BYTES_MAX, type FrameScratch, FrameWriter } from "./frame-writer.ts";
import type { Inflating } from "./inflate.ts";
import type { ReadingTurns } from "./reading-turns.ts";

/** State shared by all WebSockets of one owner. */
export interface SharedWebSocketState {
  readonly scratch: FrameScratch;
  readonly vector: ByteVector;
  readonly payloadBytesMax: number;
  readonly inflating: Inflating;
  readonly readingTurns: ReadingTurns;
}

const NOTHING = Buffer.alloc(0);

export class WebSocketTransport implements Transport, TransportEvents, FrameSink {
  readonly type = "websocket";
  readonly handshaking = false;
  readonly handshakesFirst = false;
  readonly vectored = false;
  readonly inProcess = false;
  readonly remoteAddress: string;
  readonly remotePort: number;
  private readonly below: Transport;
  private readonly shared: SharedWebSocketState;
  private readonly reader: FrameReader;
  private readonly writer: FrameWriter;
  private events!: TransportEvents;
  private paused = false;
  /** It inflated its share and waits for its turn to read on. */
  private waiting = false;
  /** Bytes that arrived after a pause, at most the rest of one read. */
  private unread: Buffer = NOTHING;
  private readonly undelivered: Buffer[] = [];
  private resumesSoon = false;
  /** Payload of the close frame; null: derived from the close reason. */
  private closeFramePayload: Buffer | null = null;
  /** `end` was called and waits for the transport to accept bytes. */
  private ending: { readonly lingers: boolean; readonly reason: CloseReason } | null = null;
  private ended = false;
  /** The peer has ended its side. Reported after the bytes that were received before. */
  private peerEnded = false;
  /** The transport below is closed: nothing is written to it any more. */
  private gone = false;
  /** Reports that after the bytes that were received before; null: it is open, or it is reported. */
  private reportClose: (() => void) | null = null;

  constructor(below: Transport, info: WebSocketClientInfo, shared: SharedWebSocketState) {
    this.below = below;
    this.shared = shared;
    this.remoteAddress = below.remoteAddress;
    this.remotePort = below.remotePort;
    this.reader = new FrameReader(this, info.masked, info.compression ? shared.inflating : null);
    this.writer = new FrameWriter(below, shared.scratch, shared.vector, {
      compression: info.compression,
      frameBytesMax: info.browser ? BROWSER_FRAME_BYTES_MAX : Number.POSITIVE_INFINITY,
      compressedFrameBytesMax: info.browser && !info.wholeCompressed ? BROWSER_FRAME_BYTES_MAX : Number.POSITIVE_INFINITY,
    });
  }

  /** Sets the receiver of events; called before anything else. */
  attach(events: TransportEvents): void {
    this.events = events;
  }

  get tls(): TlsState | null {
    return this.below.tls;
  }

  get payloadBytesMax(): number {
    return this.shared.payloadBytesMax;
  }

  // Transport

  write(source: Buffer, offset: number, length: number): number {
    if (this.ended) return -1;
    if (this.gone) return length; // dropped: the peer's last bytes are still handled
    return this.writer.write(source, offset, length);
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
    this.reader.stopped = true;
    if (!this.gone) this.below.pause();
  }

  resume(): void {
    if (!this.paused || this.resumesSoon) return;
    // Deferred: as with a socket, data arrives in its own turn.
    this.resumesSoon = true;
    setImmediate(() => this.readOn());
  }

  private readOn(): void {
    if (!this.resumesSoon || this.ended) return;
    this.resumesSoon = false;
    this.paused = false;
    while (!this.paused && this.undelivered.length > 0) this.events.onData(this.undelivered.shift()!);
    this.readUnread();
  }

  private readUnread(): void {
    if (this.paused || this.waiting) return;
    this.reader.stopped = false;
    this.read(this.unread, 0);
    if (this.ended || this.paused || this.waiting) return;
    if (this.peerEnded) this.reportEnd();
    if (this.gone) this.reportGone();
    else if (!this.ended) this.below.resume();
  }

  /** Bytes were received that the connection does not have yet. */
  private get holdsInput(): boolean {
    return (this.paused || this.waiting) && (this.undelivered.length > 0 || this.unread.length > 0 || this.reader.holdsInput);
  }

  private reportEnd(): void {
    this.peerEnded = false;
    this.events.onEnd();
  }

  private reportGone(): void {
    const report = this.reportClose;
    this.reportClose = null;
    report?.();
  }

  onInflatedShare(): void {
    this.waiting = true;
    this.reader.stopped = true;
    if (!this.gone) this.below.pause();
    this.shared.readingTurns.add(() => {
      this.waiting = false;
      if (!this.ended) this.readUnread();
    });
  }

  end(lingers: boolean, reason: CloseReason): void {
    if (this.ended) return;
    this.ended = true;
    this.reader.close();
    if (this.gone) return queueMicrotask(() => this.reportGone());
    this.ending = { lingers, reason };
    this.writer.sendClose(this.closeFramePayload ?? closePayloadOf(reason));
    this.finishEnding();
  }

  private finishEnding(): void {
    if (this.ending === null || !this.writer.idle) return;
    const { lingers, reason } = this.ending;
    this.ending = null;
    this.below.end(lingers, reason);
  }

  terminate(): void {
    this.ended = true;
    this.reader.close();
    this.ending = null;
    if (this.gone) queueMicrotask(() => this.reportGone());
    else this.below.terminate();
  }

  // TransportEvents

  onPeerSilent(): void {}

  onReady(): void {}

  onHandshakeStart(): void {}

  onRefused(): void {}

  onData(chunk: Buffer): void {
    if (this.ended) return;
    if (!this.paused && !this.waiting) this.read(chunk, 0);
    else this.unread = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk]); // it was already on its way when reading was paused
  }

  private read(chunk: Buffer, at: number): void {
    const reached = this.reader.read(chunk, at);
    this.unread = reached < chunk.length && (this.paused || this.waiting) ? chunk.subarray(reached) : NOTHING;
  }

  onDrain(): void {
    this.writer.flush();
    if (this.ended) this.finishEnding();
    else this.events.onDrain();
  }

  onEnd(): void {
    if (this.ended) return;
    this.peerEnded = true;
    if (!this.holdsInput) this.reportEnd();
  }

  onReadFailed(text: string): void {
    if (!this.ended) this.events.onReadFailed(text);
  }

  onClose(error: Error | null): void {
    this.gone = true;
    this.reportClose = () => {
      this.ended = true;
      this.reader.close();
      this.events.onClose(error);
    };
    if (this.ended || !this.holdsInput) this.reportGone();
  }

  // FrameSink

  onPayload(chunk: Buffer): void {
    if (this.ended) return;
    if (this.paused) this.undelivered.push(chunk);
    else this.events.onData(chunk);
  }

  onControl(opcode: number, payload: Buffer): void {
    if (this.ended) return;
    if (opcode === OPCODE_PING) return this.gone ? undefined : this.writer.sendPong(payload);
    if (opcode !== OPCODE_CLOSE) return;
    const answer = closeAnswer(payload);
    if (typeof answer === "string") return this.onViolation(answer, true);
    this.reader.stopped = true;
    this.closeFramePayload = Buffer.from(answer);
    this.events.onEnd();
  }

  onViolation(text: string, closes: boolean): void {
    this.reader.stopped = true;
    if (this.ended) return;
    if (closes) this.closeFramePayload = closePayload(CLOSE_PROTOCOL_ERROR, text);
    this.events.onReadFailed(text);
  }
}
