/**
 * Decodes a client's frames. The payloads of one read are moved together in place, so that a thousand small frames
 * become one chunk for the protocol parser, and one turn:
 *
 *   read      [head│mask│PUB a 1␍␊x␍␊][head│mask│PUB b 1␍␊y␍␊][head│mask│PI
 *   becomes              PUB a 1␍␊x␍␊ PUB b 1␍␊y␍␊ PI            ─▶ onPayload, once
 *
 * Frame boundaries mean nothing to the protocol: text frames are read as binary, fragments are joined, and nothing is kept but the
 * head of a frame cut by the network, a control frame, and a compressed message until it is complete (bounded) and inflated, which happens
 * in pieces: after `INFLATED_BYTES_MAX` the sink decides when to read on.
 * Source: reference, core §9.1.2; the checks have its order and its texts.
 */
import {
  BIT_COMPRESSED,
  BIT_FINAL,
  BIT_MASK,
  BITS_RESERVED,
  CONTROL_BYTES_MAX,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_CONTINUATION,
  OPCODE_PING,
  OPCODE_PONG,
  OPCODE_TEXT,
} from "./frame.ts";
import { INFLATE_TAIL, type Inflating, type InflatingMessage, PIECE_BYTES, TOO_LARGE } from "./inflate.ts";
import { unmask } from "./unmask.ts";

/** A compressed message is inflated once it is complete. The limit leaves room for several payloads of the largest size. */
const COMPRESSED_PAYLOADS_MAX = 8;
const COMPRESSED_BYTES_MAX = 64 * 1024 * 1024;
const COMPRESSED_BYTES_START = 4 * 1024;
/** Inflated bytes of one `read`, after which it stops: a thousandth as many compressed ones may have caused them. */
const INFLATED_BYTES_MAX = 64 * 1024;

const CLIENT_HEAD_BYTES_MAX = 14;

export interface FrameSink {
  /** `max_payload` of the NATS protocol; also bounds the inflated size of a compressed message. */
  readonly payloadBytesMax: number;
  /** Message bytes, unmasked and inflated; the receiver may keep them. */
  onPayload(chunk: Buffer): void;
  /** `read` inflated its share and stops. The sink sets `stopped` to false and calls it again, after others had their turn. */
  onInflatedShare(): void;
  /** A complete control frame; its payload is borrowed during the call. */
  onControl(opcode: number, payload: Buffer): void;
  /** The peer broke a rule; reading stops. @param text the reference's text @param closes whether the peer gets a close frame with code 1002 */
  onViolation(text: string, closes: boolean): void;
}

export class FrameReader {
  /** Set by the sink during its calls: `read` then returns after the current step. Resetting it lets `read` continue. */
  stopped = false;
  private readonly sink: FrameSink;
  private readonly masked: boolean;
  /** Null: compression was not negotiated. */
  private readonly inflating: Inflating | null;

  private readonly head = new Uint8Array(CLIENT_HEAD_BYTES_MAX);
  private headSize = 0;
  /** Size of the head in bytes, as far as known. */
  private headNeeded = 2;
  private inPayload = false;
  private opcode = 0;
  /** Payload bytes of the frame that have not arrived yet. */
  private missing = 0;
  private position = 0;
  private key = 0;

  /** A fragmented message is incomplete. */
  private fragmented = false;
  private messageCompressed = false;
  private final = true;

  private control: Buffer | null = null;
  private controlSize = 0;
  private compressed: Buffer | null = null;
  private compressedSize = 0;
  /** A complete message that is inflated only in part. */
  private message: InflatingMessage | null = null;
  /** Its inflated bytes that the sink has. */
  private inflatedBytes = 0;
  /** Inflated bytes of the current `read`. */
  private shareUsed = 0;

  /** Range of the current chunk's joined payload. */
  private outStart = 0;
  private outEnd = 0;
  /** Handles a close frame or a broken rule that was found while the sink was stopped by earlier bytes. */
  private deferred: (() => void) | null = null;

  /**
   * @param masked true when every frame must have a mask, false when none may
   * @param inflating shared by the connections of the listener; null when compression was not negotiated
   */
  constructor(sink: FrameSink, masked: boolean, inflating: Inflating | null) {
    this.sink = sink;
    this.masked = masked;
    this.inflating = inflating;
  }

  /** Reads until the chunk ends, the sink stops it or a rule is broken. Payload is moved within the chunk. @returns the offset reached */
  read(chunk: Buffer, at: number): number {
    this.outStart = 0;
    this.outEnd = 0;
    let reached = at;
    this.shareUsed = 0;
    if (this.deferred !== null && !this.stopped) this.runDeferred();
    if (this.message !== null) this.inflate(chunk);
    while (reached < chunk.length && !this.stopped) {
      if (!this.inPayload) {
        reached = this.readHead(chunk, reached);
        if (!this.inPayload) continue;
        if (this.missing > 0) continue;
      }
      const take = Math.min(this.missing, chunk.length - reached);
      this.takePayload(chunk, reached, reached + take);
      reached += take;
    }
    this.deliver(chunk);
    return reached;
  }

  /** Collects the head byte by byte, because it may be cut anywhere. */
  private readHead(chunk: Buffer, at: number): number {
    const { head } = this;
    let reached = at;
    while (reached < chunk.length) {
      head[this.headSize++] = chunk[reached++];
      if (this.headSize === 1) {
        const wrong = this.checkFirst(head[0]);
        if (wrong !== "") return this.violate(chunk, wrong, reached);
      } else if (this.headSize === 2) {
        const wrong = this.checkSecond(head[0], head[1]);
        if (wrong !== "") return this.violate(chunk, wrong, reached);
      }
      if (this.headSize === this.headNeeded) {
        if (!this.finishHead()) return this.violate(chunk, "invalid 64-bit payload length", reached);
        return reached;
      }
    }
    return reached;
  }

  private checkFirst(first: number): string {
    if ((first & BITS_RESERVED) !== 0) return "RSV2 and RSV3 must be clear";
    if ((first & BIT_COMPRESSED) !== 0 && this.inflating === null) return "compressed frame received without negotiated permessage-deflate";
    return "";
  }

  private checkSecond(first: number, second: number): string {
    if (this.masked && (second & BIT_MASK) === 0) return "mask bit missing";
    const size = second & 0x7f;
    const compressed = (first & BIT_COMPRESSED) !== 0;
    this.opcode = first & 0x0f;
    this.final = (first & BIT_FINAL) !== 0;
    this.headNeeded = (size < 126 ? 2 : size === 126 ? 4 : 10) + (this.masked ? 4 : 0);
    switch (this.opcode) {
      case OPCODE_PING:
      case OPCODE_PONG:
      case OPCODE_CLOSE:
        if (size > CONTROL_BYTES_MAX) return `control frame length bigger than maximum allowed of ${CONTROL_BYTES_MAX} bytes`;
        if (!this.final) return "control frame does not have final bit set";
        return compressed ? "control frame must not be compressed" : "";
      case OPCODE_TEXT:
      case OPCODE_BINARY:
        if (this.fragmented) return "new message started before final frame for previous message was received";
        this.fragmented = !this.final;
        this.messageCompressed = compressed;
        return "";
      case OPCODE_CONTINUATION:
        if (!this.fragmented || compressed) return "invalid continuation frame";
        this.fragmented = !this.final;
        return "";
      default:
        return `unknown opcode ${this.opcode}`;
    }
  }

  /** @returns false when the length is invalid */
  private finishHead(): boolean {
    const { head } = this;
    const short = head[1] & 0x7f;
    let size = short;
    let behind = 2;
    if (short === 126) {
      size = (head[2] << 8) | head[3];
      behind = 4;
    } else if (short === 127) {
      if ((head[2] & 0x80) !== 0) return false;
      size = 0;
      for (let index = 2; index < 10; index++) size = size * 256 + head[index]; // inexact beyond 2^53, which is above every limit
      behind = 10;
    }
    if (this.masked) this.key = head[behind] | (head[behind + 1] << 8) | (head[behind + 2] << 16) | (head[behind + 3] << 24);
    this.missing = size;
    this.position = 0;
    this.headSize = 0;
    this.headNeeded = 2;
    this.inPayload = true;
    return true;
  }

  private takePayload(chunk: Buffer, start: number, end: number): void {
    if (this.opcode >= OPCODE_CLOSE) return this.takeControl(chunk, start, end);
    if (this.masked) unmask(chunk, start, end, this.key, this.position);
    this.count(end - start);
    if (this.messageCompressed) return this.takeCompressed(chunk, start, end);
    if (this.outEnd === this.outStart) {
      this.outStart = start;
      this.outEnd = end;
    } else {
      chunk.copyWithin(this.outEnd, start, end);
      this.outEnd += end - start;
    }
  }

  /** Notes that `count` payload bytes of the frame were consumed. */
  private count(size: number): void {
    this.position += size;
    this.missing -= size;
    this.inPayload = this.missing > 0;
  }

  /** Passes the joined payload to the sink. */
  private deliver(chunk: Buffer): void {
    const { outStart, outEnd } = this;
    if (outStart === outEnd) return;
    this.outStart = this.outEnd;
    this.sink.onPayload(outStart === 0 && outEnd === chunk.length ? chunk : chunk.subarray(outStart, outEnd));
  }

  private violate(chunk: Buffer, text: string, at: number, closes = true): number {
    this.deliverThen(chunk, () => {
      this.stopped = true;
      this.sink.onViolation(text, closes);
    });
    return at;
  }

  /** Earlier bytes are delivered first; if they stop the sink, the rest waits. */
  private deliverThen(chunk: Buffer, then: () => void): void {
    this.deliver(chunk);
    this.deferred = then;
    if (!this.stopped) this.runDeferred();
  }

  private runDeferred(): void {
    const then = this.deferred!;
    this.deferred = null;
    then();
  }

  private takeControl(chunk: Buffer, start: number, end: number): void {
    if (this.missing > 0) {
      this.control ??= Buffer.allocUnsafeSlow(CONTROL_BYTES_MAX);
      chunk.copy(this.control, this.controlSize, start, end);
      this.controlSize += end - start;
      this.missing -= end - start;
      if (this.missing > 0) return;
    }
    this.inPayload = false;
    const size = this.controlSize;
    this.controlSize = 0;
    const payload = this.control === null ? chunk.subarray(0, 0) : this.control.subarray(0, size);
    if (this.masked) unmask(payload, 0, size, this.key, 0);
    if (this.opcode === OPCODE_CLOSE) this.deliverThen(chunk, () => this.sink.onControl(OPCODE_CLOSE, payload));
    else this.sink.onControl(this.opcode, payload);
  }

  /** Collects a compressed message and inflates it when it is complete. */
  private takeCompressed(chunk: Buffer, start: number, end: number): void {
    const { payloadBytesMax } = this.sink;
    const limit = Math.min(COMPRESSED_PAYLOADS_MAX * payloadBytesMax, COMPRESSED_BYTES_MAX);
    const last = this.final && !this.inPayload;
    const tail = last ? INFLATE_TAIL.length : 0;
    const size = this.compressedSize + end - start;
    if (size + tail > limit) {
      this.compressed = null;
      this.violate(chunk, TOO_LARGE, end, false);
      return;
    }
    const gathered = this.reserveCompressed(size + tail, limit);
    chunk.copy(gathered, this.compressedSize, start, end);
    this.compressedSize = size;
    if (!last) return;
    this.compressed = null;
    this.compressedSize = 0;
    if (size === 0) return;
    gathered.set(INFLATE_TAIL, size);
    this.message = this.inflating!.begin(gathered.subarray(0, size + tail));
    this.inflatedBytes = 0;
    this.deliver(chunk);
    this.inflate(chunk);
  }

  /** Inflates until the message is over, the sink stops it or the share of this read is used. What fits into `max_payload` is delivered. */
  private inflate(chunk: Buffer): void {
    const message = this.message!;
    while (!this.stopped) {
      const room = this.sink.payloadBytesMax - this.inflatedBytes;
      const wanted = Math.min(PIECE_BYTES, room + 1);
      const piece = this.inflating!.next(message, wanted);
      this.inflatedBytes += piece.length;
      this.shareUsed += piece.length;
      const tooLarge = piece.length > room;
      const over = piece.length < wanted || tooLarge;
      if (over) this.endMessage(message);
      const fits = tooLarge ? piece.subarray(0, room) : piece;
      if (fits.length > 0) this.sink.onPayload(fits);
      const fault = tooLarge ? TOO_LARGE : message.error;
      if (fault !== "") return void this.violate(chunk, fault, 0, false);
      if (this.shareUsed >= INFLATED_BYTES_MAX && !this.stopped) this.sink.onInflatedShare();
      if (over) return;
    }
  }

  private endMessage(message: InflatingMessage): void {
    this.message = null;
    this.inflating!.end(message);
  }

  /** Received bytes wait in the reader until it reads on: a message that is inflated in part, or a close frame behind it. */
  get holdsInput(): boolean {
    return this.message !== null || this.deferred !== null;
  }

  /** The connection is closed: gives up a message that is inflated in part. */
  close(): void {
    this.stopped = true;
    if (this.message !== null) this.endMessage(this.message);
  }

  private reserveCompressed(size: number, limit: number): Buffer {
    const now = this.compressed;
    if (now !== null && now.length >= size) return now;
    const capacity = Math.max(size, Math.min(limit, Math.max(COMPRESSED_BYTES_START, 2 * (now?.length ?? 0))));
    const grown = Buffer.allocUnsafeSlow(capacity);
    now?.copy(grown, 0, 0, this.compressedSize);
    this.compressed = grown;
    return grown;
  }
}
