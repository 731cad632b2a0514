/**
 * Wraps output into binary frames and writes them to the transport below, which may accept any part of them.
 *
 *   write(bytes) ─▶ [head│bytes]  one frame per write, or frames of 4096 bytes for browsers   below accepts all ─▶ all accepted
 *                        └────── below accepts less: the rest of the head is kept here; the rest of the payload stays with the
 *                                caller, whose next writes continue the frame
 *   write(bytes) ─▶ deflate ─▶ [head│compressed]   with compression everything is accepted, and the unwritten rest is kept here;
 *                                                  nothing more is accepted until it is written
 *   control frame ─▶ after the current frame
 * What is kept is bounded: a head, or one compressed write of at most 256 KiB; one PONG (the last requested, which is all that RFC 6455
 * requires) and one close frame.
 */
import type { ByteVector } from "../byte-vector.ts";
import type { Transport } from "../transport.ts";
import {
  BIT_COMPRESSED,
  BIT_FINAL,
  controlFrame,
  HEAD_BYTES_MAX,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_CONTINUATION,
  OPCODE_PONG,
  writeFrameHead,
} from "./frame.ts";
import { deflateMessage } from "./inflate.ts";

/** Largest frame for browsers; the reference's number. */
export const BROWSER_FRAME_BYTES_MAX = 4096;
/** Smaller writes are not compressed. */
const COMPRESSED_BYTES_MIN = 65;
const COMPRESSED_BYTES_MAX = 256 * 1024;
/** Payloads from this size on are written in place, if the transport below supports vectors; smaller ones are copied after their head. */
const VECTOR_BYTES_MIN = 4 * 1024;

/** Scratch space for building frames; shared by all connections of a listener, because it is used within one call only. */
export class FrameScratch {
  readonly bytes = Buffer.allocUnsafeSlow(64 * 1024);
}

export interface FrameWriterOptions {
  /** Largest payload of an uncompressed frame. */
  readonly frameBytesMax: number;
  readonly compression: boolean;
  /** Largest payload of a compressed frame; infinite: never fragmented. */
  readonly compressedFrameBytesMax: number;
}

const NOTHING = Buffer.alloc(0);

export class FrameWriter {
  private readonly below: Transport;
  private readonly scratch: FrameScratch;
  private readonly vector: ByteVector;
  private readonly options: FrameWriterOptions;
  /** Bytes to write before anything else: the rest of a head, or of compressed frames. */
  private kept: Buffer = NOTHING;
  /** Payload bytes of the current frame that the caller has still to write. */
  private frameLeft = 0;
  private pong: Buffer | null = null;
  private closeFrame: Buffer | null = null;
  private closed = false;

  constructor(below: Transport, scratch: FrameScratch, vector: ByteVector, options: FrameWriterOptions) {
    this.below = below;
    this.scratch = scratch;
    this.vector = vector;
    this.options = options;
  }

  /** Nothing is kept here and no frame is incomplete. */
  get idle(): boolean {
    return this.kept.length === 0 && this.frameLeft === 0 && this.pong === null && this.closeFrame === null;
  }

  /** As `Transport.write`. */
  write(source: Buffer, offset: number, length: number): number {
    let taken = 0;
    while (taken < length && this.flush()) {
      const left = length - taken;
      const took = this.frameLeft > 0 ? this.continueFrame(source, offset + taken, left) : this.startFrames(source, offset + taken, left);
      if (took === 0) break;
      taken += took;
    }
    return taken === 0 && this.closed ? -1 : taken;
  }

  sendPong(payload: Uint8Array): void {
    this.pong = controlFrame(OPCODE_PONG, payload);
    this.flush();
  }

  /** Writes the close frame; nothing may be written after it. */
  sendClose(payload: Uint8Array): void {
    this.closeFrame = controlFrame(OPCODE_CLOSE, payload);
    this.flush();
  }

  /** Writes what is kept. @returns whether a new frame may begin or the current one continue */
  flush(): boolean {
    if (!this.flushKept()) return false;
    if (this.frameLeft > 0) return true;
    while (this.pong !== null || this.closeFrame !== null) {
      this.kept = this.pong ?? this.closeFrame!;
      if (this.pong !== null) this.pong = null;
      else this.closeFrame = null;
      if (!this.flushKept()) return false;
    }
    return true;
  }

  private flushKept(): boolean {
    if (this.kept.length === 0) return true;
    const taken = this.put(this.kept, 0, this.kept.length);
    this.kept = taken === this.kept.length ? NOTHING : this.kept.subarray(taken);
    return this.kept.length === 0;
  }

  /** @returns bytes accepted by the transport below */
  private put(source: Buffer, offset: number, length: number): number {
    const taken = this.below.write(source, offset, length);
    if (taken >= 0) return taken;
    this.closed = true;
    return 0;
  }

  private continueFrame(source: Buffer, offset: number, length: number): number {
    const taken = this.put(source, offset, Math.min(length, this.frameLeft));
    this.frameLeft -= taken;
    return taken;
  }

  /** Begins one or more frames. @returns bytes of the source accepted */
  private startFrames(source: Buffer, offset: number, length: number): number {
    if (this.options.compression && length >= COMPRESSED_BYTES_MIN) return this.writeCompressed(source, offset, length);
    if (length >= VECTOR_BYTES_MIN && length <= this.options.frameBytesMax && this.below.vectored)
      return this.writeLarge(source, offset, length);
    return this.writeCopied(source, offset, length);
  }

  /** Builds as many frames as fit in the scratch space. */
  private writeCopied(source: Buffer, offset: number, length: number): number {
    const { bytes } = this.scratch;
    let size = 0;
    let payload = 0;
    while (payload < length && bytes.length - size > HEAD_BYTES_MAX) {
      const take = Math.min(length - payload, this.options.frameBytesMax, bytes.length - size - HEAD_BYTES_MAX);
      size += writeFrameHead(bytes, size, BIT_FINAL | OPCODE_BINARY, take);
      source.copy(bytes, size, offset + payload, offset + payload + take);
      size += take;
      payload += take;
    }
    const sent = this.put(bytes, 0, size);
    return sent === size ? payload : this.stoppedAt(sent);
  }

  /** The transport accepted the first `sent` bytes of the scratch space; the frame where it stopped becomes the current one. @returns payload bytes among them */
  private stoppedAt(sent: number): number {
    const { bytes } = this.scratch;
    let at = 0;
    let payload = 0;
    while (at < sent) {
      const short = bytes[at + 1];
      const head = short < 126 ? 2 : 4; // frames in the scratch space are smaller than 64 KiB
      const size = short < 126 ? short : bytes.readUInt16BE(at + 2);
      const end = at + head + size;
      if (end > sent) {
        const partial = Math.max(0, sent - at - head);
        if (sent < at + head) this.kept = Buffer.from(bytes.subarray(sent, at + head));
        this.frameLeft = size - partial;
        return payload + partial;
      }
      at = end;
      payload += size;
    }
    return payload;
  }

  /** Writes one frame without copying its payload. */
  private writeLarge(source: Buffer, offset: number, length: number): number {
    const { vector } = this;
    const head = this.scratch.bytes;
    const headSize = writeFrameHead(head, 0, BIT_FINAL | OPCODE_BINARY, length);
    vector.clear();
    vector.add(head, 0, headSize);
    vector.add(source, offset, offset + length);
    let sent = this.below.writeVector(vector);
    vector.clear();
    // The rest is written the ordinary way, so that `onDrain` follows.
    if (sent < headSize) sent += this.put(head, sent, headSize - sent);
    if (sent === 0) return 0;
    this.frameLeft = length;
    if (sent < headSize) {
      this.kept = Buffer.from(head.subarray(sent, headSize));
      return 0;
    }
    const taken = sent - headSize;
    this.frameLeft -= taken;
    return this.frameLeft === 0 ? taken : taken + this.continueFrame(source, offset + taken, this.frameLeft);
  }

  private writeCompressed(source: Buffer, offset: number, length: number): number {
    const take = Math.min(length, COMPRESSED_BYTES_MAX);
    const compressed = deflateMessage(source.subarray(offset, offset + take));
    const frameMax = this.options.compressedFrameBytesMax;
    const parts: Buffer[] = [];
    for (let at = 0; at < compressed.length; at += frameMax) {
      const end = Math.min(compressed.length, at + frameMax);
      const bits = (at === 0 ? BIT_COMPRESSED | OPCODE_BINARY : OPCODE_CONTINUATION) | (end === compressed.length ? BIT_FINAL : 0);
      const head = Buffer.allocUnsafe(HEAD_BYTES_MAX);
      parts.push(head.subarray(0, writeFrameHead(head, 0, bits, end - at)), compressed.subarray(at, end));
    }
    this.kept = Buffer.concat(parts);
    this.flushKept();
    return take;
  }
}
