/**
 * WebSocket frames: unmasking (compared with a byte loop), reading and writing frames, compressing messages.
 *
 *   bun run bench/micro/websocket.ts           BENCH_SHORT=1: a run of seconds
 */
import { do_not_optimize } from "mitata";
import { ByteVector } from "../../src/wire/transport/byte-vector.ts";
import { FrameReader, type FrameSink } from "../../src/wire/transport/websocket/frame-reader.ts";
import { BROWSER_FRAME_BYTES_MAX, FrameScratch, FrameWriter } from "../../src/wire/transport/websocket/frame-writer.ts";
import { deflateMessage, INFLATE_TAIL, Inflating, PIECE_BYTES } from "../../src/wire/transport/websocket/inflate.ts";
import { unmask } from "../../src/wire/transport/websocket/unmask.ts";
import { FakeTransport } from "../../test/doubles/fake-transport.ts";
import { BINARY, frame } from "../../test/websocket/raw-client.ts";
import { Measurement } from "./measurement/measurement.ts";

/** Most bytes that Bun delivers in one read. */
const READ_BYTES = 512 * 1024;
const KEY = 0x3d21fa37;

const measurement = new Measurement();

for (const size of [16, 128, 256, 4_096, READ_BYTES]) {
  const bytes = Buffer.alloc(size + 8);
  measurement.add(`unmask ${size} bytes: words, 1 byte`, size, () => unmask(bytes, 3, 3 + size, KEY, 0));
  measurement.add(`unmask ${size} bytes: byte by byte, 1 byte`, size, () => {
    let mask = KEY;
    for (let at = 3; at < 3 + size; at++) {
      bytes[at]! ^= mask;
      mask = (mask >>> 8) | (mask << 24);
    }
    return do_not_optimize(bytes);
  });
}

class CountingSink implements FrameSink {
  readonly payloadBytesMax = 1024 * 1024;
  bytes = 0;
  onPayload(chunk: Buffer): void {
    this.bytes += chunk.length;
  }
  onControl(): void {}
  onInflatedShare(): void {}
  onViolation(text: string): void {
    throw new Error(text);
  }
}

for (const size of [16, 128, 1_024, 32 * 1024]) {
  const one = frame(BINARY, Buffer.alloc(size, "x"));
  const count = Math.floor(READ_BYTES / one.length);
  const read = Buffer.concat(Array.from({ length: count }, () => one));
  const chunk = Buffer.allocUnsafeSlow(read.length);
  const reader = new FrameReader(new CountingSink(), true, null);
  // Unmasking writes into the read buffer, so each call gets a copy; the copy alone is measured too.
  measurement.add(`read frames of ${size} bytes, 1 frame`, count, () => {
    read.copy(chunk);
    return reader.read(chunk, 0);
  });
  if (size === 16) measurement.add("the copy alone, 1 frame of 16 bytes", count, () => read.copy(chunk));
}

/** A socket that accepts all bytes and discards them. */
class Sinkhole extends FakeTransport {
  override write(_source: Buffer, _offset: number, length: number): number {
    return length;
  }
  override writeVector(vector: ByteVector): number {
    return vector.bytes;
  }
}

const below = new Sinkhole({ vectored: true });
const output = Buffer.alloc(64 * 1024, "MSG orders.created 1 32\r\n0123456789abcdef0123456789abcdef\r\n");
const writers: [name: string, frameBytesMax: number, compression: boolean][] = [
  ["one frame", Number.POSITIVE_INFINITY, false],
  ["frames of 4096 bytes", BROWSER_FRAME_BYTES_MAX, false],
  ["compressed", Number.POSITIVE_INFINITY, true],
];
for (const [name, frameBytesMax, compression] of writers) {
  const options = { frameBytesMax, compressedFrameBytesMax: frameBytesMax, compression };
  const writer = new FrameWriter(below, new FrameScratch(), new ByteVector(), options);
  for (const size of [120, 4_000, output.length]) {
    measurement.add(`write ${size} bytes, ${name}, 1 write`, 1, () => writer.write(output, 0, size));
  }
}

const inflating = new Inflating();
for (const size of [120, 4_000, output.length]) {
  const input = Buffer.concat([deflateMessage(output.subarray(0, size)), INFLATE_TAIL]);
  measurement.add(`inflate to ${size} bytes, 1 message`, 1, () => {
    const message = inflating.begin(input);
    inflating.next(message, PIECE_BYTES);
    inflating.end(message);
  });
}

await measurement.run();
