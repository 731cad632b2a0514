/** Frames arrive whole and in order, however many bytes the transport below accepts at a time. */
import { expect, test } from "bun:test";
import { inflateRawSync } from "node:zlib";
import { FakeTransport } from "../../../../test/doubles/fake-transport.ts";
import { seedFromEnv } from "../../../../test/doubles/seed.ts";
import { Random } from "../../../base/random/random.ts";
import { ByteVector } from "../byte-vector.ts";
import { FrameScratch, FrameWriter } from "./frame-writer.ts";
import { DEFLATE_TAIL } from "./inflate.ts";

interface Parsed {
  readonly data: Buffer;
  readonly pongs: string[];
  readonly close: string | null;
  readonly largest: number;
}

/** Parses the sent bytes, which must be whole frames. */
function parse(wire: Buffer): Parsed {
  const parts: Buffer[] = [];
  let message: Buffer[] = [];
  let compressed = false;
  const pongs: string[] = [];
  let close: string | null = null;
  let largest = 0;
  for (let at = 0; at < wire.length; ) {
    expect(close).toBeNull(); // nothing follows a close frame
    const first = wire[at]!;
    const short = wire[at + 1]!;
    expect(short & 0x80).toBe(0);
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    const size = short < 126 ? short : short === 126 ? wire.readUInt16BE(at + 2) : Number(wire.readBigUInt64BE(at + 2));
    expect(at + head + size).toBeLessThanOrEqual(wire.length);
    const payload = wire.subarray(at + head, at + head + size);
    at += head + size;
    const opcode = first & 0x0f;
    if (opcode === 10) pongs.push(payload.toString());
    else if (opcode === 8) close = payload.toString();
    else {
      largest = Math.max(largest, size);
      expect(opcode).toBe(message.length === 0 ? 2 : 0);
      if (message.length === 0) compressed = (first & 0x40) !== 0;
      message.push(payload);
      if ((first & 0x80) === 0) continue;
      const whole = Buffer.concat(message);
      parts.push(compressed ? inflateRawSync(Buffer.concat([whole, DEFLATE_TAIL])) : whole);
      message = [];
    }
  }
  expect(message.length).toBe(0);
  return { data: Buffer.concat(parts), pongs, close, largest };
}

const SIZES = [1, 2, 64, 65, 125, 126, 127, 4_095, 4_096, 4_097, 16_384, 65_535, 65_536, 70_000, 300_000];

test("fuzz: frames arrive whole and in order, however many bytes the kernel accepts at a time", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const source = Buffer.from(crypto.getRandomValues(new Uint8Array(65_536)));
  const text = Buffer.concat([
    source.subarray(0, 1_000),
    Buffer.alloc(100_000, "MSG orders.created 1 5\r\nhello\r\n"),
    source,
    source,
    source,
    source,
  ]);
  const scratch = new FrameScratch();
  const vector = new ByteVector();
  for (let round = 0; round < 400; round++) {
    const where = `SEED=${seed} round=${round}`;
    const below = new FakeTransport({ vectored: random.below(2) === 0 });
    const browser = random.below(2) === 0;
    const compression = random.below(2) === 0;
    const frameMax = browser ? 4096 : Number.POSITIVE_INFINITY;
    const writer = new FrameWriter(below, scratch, vector, { compression, frameBytesMax: frameMax, compressedFrameBytesMax: frameMax });
    const wanted: Buffer[] = [];
    const asked: string[] = [];
    const room = () => {
      below.room = [0, 1, 3, 7, 4_098, 60_000, Number.POSITIVE_INFINITY][random.below(7)]!;
    };
    for (let write = 0; write < 12; write++) {
      const size = SIZES[random.below(SIZES.length)]!;
      const offset = random.below(text.length - size);
      wanted.push(text.subarray(offset, offset + size));
      for (let taken = 0; taken < size; ) {
        room();
        if (random.below(5) === 0) {
          asked.push(`${write}`);
          writer.sendPong(Buffer.from(`${write}`));
        }
        const took = writer.write(text, offset + taken, size - taken);
        expect(took, where).toBeGreaterThanOrEqual(0);
        taken += took;
        if (took === 0) {
          room();
          writer.flush();
        }
      }
    }
    writer.sendClose(Buffer.from("\x03\xe8", "latin1"));
    below.room = Number.POSITIVE_INFINITY;
    for (let tries = 0; !writer.idle; tries++) {
      expect(tries, where).toBeLessThan(3);
      writer.flush();
    }
    const parsed = parse(below.taken);
    expect(parsed.data.equals(Buffer.concat(wanted)), where).toBe(true);
    expect(parsed.close, where).not.toBeNull();
    if (browser) expect(parsed.largest, where).toBeLessThanOrEqual(4_096);
    // Of the pongs requested while nothing could be sent, only the last one arrives; no others arrive.
    expect(parsed.pongs.every(pong => asked.includes(pong)) && (asked.length === 0) === (parsed.pongs.length === 0), where).toBe(true);
  }
});

test("a closed transport is reported by write", () => {
  const below = new FakeTransport();
  const writer = new FrameWriter(below, new FrameScratch(), new ByteVector(), {
    compression: false,
    frameBytesMax: 100,
    compressedFrameBytesMax: 100,
  });
  below.broken = true;
  expect(writer.write(Buffer.alloc(1_000), 0, 1_000)).toBe(-1);
});

test("after a thousand pings without output only the last one is answered", () => {
  const below = new FakeTransport();
  const writer = new FrameWriter(below, new FrameScratch(), new ByteVector(), {
    compression: false,
    frameBytesMax: 100_000,
    compressedFrameBytesMax: 100_000,
  });
  below.room = 5;
  expect(writer.write(Buffer.alloc(10, "x"), 0, 10)).toBe(3);
  for (let index = 0; index < 1_000; index++) writer.sendPong(Buffer.from(`${index}`));
  below.room = Number.POSITIVE_INFINITY;
  expect(writer.write(Buffer.alloc(10, "x"), 3, 7)).toBe(7);
  writer.flush();
  expect(parse(below.taken).pongs).toEqual(["999"]);
});
