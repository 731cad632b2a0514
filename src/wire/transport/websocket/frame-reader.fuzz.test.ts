/** Frames decode the same however the network cuts them. Expected results come from the generator of the conversations. */
import { expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { seedFromEnv } from "../../../../test/doubles/seed.ts";
import { BINARY, CONTINUATION, frame, PING, PONG, TEXT } from "../../../../test/websocket/raw-client.ts";
import { Random } from "../../../base/random/random.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import { Inflating } from "./inflate.ts";

const inflating = new Inflating();

/** Records its calls; payloads are joined, because their boundaries mean nothing. */
class RecordingSink implements FrameSink {
  payloadBytesMax = 4096;
  payload = "";
  /** Times that the reader stopped because it inflated its share. */
  shares = 0;
  readonly controls: string[] = [];
  violation = "";
  /** Whether to stop the reader in this call. */
  stops: () => boolean = () => false;
  reader!: FrameReader;

  onPayload(chunk: Buffer): void {
    this.payload += chunk.toString("latin1");
    this.reader.stopped ||= this.stops();
  }

  onInflatedShare(): void {
    this.shares++;
    this.reader.stopped = true;
  }

  onControl(opcode: number, payload: Buffer): void {
    this.controls.push(`${opcode} ${payload.toString("latin1")}`);
  }

  onViolation(text: string): void {
    this.violation = text;
  }
}

interface Conversation {
  readonly wire: Buffer;
  readonly payload: string;
  readonly controls: readonly string[];
}

function randomBytes(random: Random, size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, () => random.below(256)));
}

function randomConversation(random: Random, compression: boolean): Conversation {
  const frames: Buffer[] = [];
  const controls: string[] = [];
  let payload = "";
  const control = () => {
    const opcode = random.below(2) === 0 ? PING : PONG;
    const bytes = randomBytes(random, random.below(20) === 0 ? 125 : random.below(8));
    frames.push(frame(opcode, bytes, { mask: [...randomBytes(random, 4)] }));
    controls.push(`${opcode} ${bytes.toString("latin1")}`);
  };
  for (let message = random.below(12); message >= 0; message--) {
    const bytes = randomBytes(random, [0, 3, 125, 126, 300, 4096][random.below(6)]!);
    payload += bytes.toString("latin1");
    const compressed = compression && bytes.length > 0 && random.below(2) === 0;
    const body = compressed ? Buffer.concat([deflateRawSync(bytes)]) : bytes;
    const pieces = 1 + random.below(4);
    for (let piece = 0, at = 0; piece < pieces; piece++) {
      const last = piece === pieces - 1;
      const end = last ? body.length : at + random.below(body.length - at + 1);
      const lengthBits = random.below(8) === 0 ? { lengthBits: 64 as const } : {};
      const opcode = piece > 0 ? CONTINUATION : random.below(2) === 0 ? TEXT : BINARY;
      const reserved = compressed && piece === 0 ? 0x40 : 0;
      frames.push(frame(opcode, body.subarray(at, end), { final: last, reserved, mask: [...randomBytes(random, 4)], ...lengthBits }));
      at = end;
      if (random.below(4) === 0) control();
    }
  }
  return { wire: Buffer.concat(frames), payload, controls };
}

/** Reads the wire in pieces; a stopped reader continues with the rest of its chunk. */
function readCut(wire: Buffer, compression: boolean, nextSize: () => number, stops: () => boolean): RecordingSink {
  const sink = new RecordingSink();
  sink.stops = stops;
  sink.reader = new FrameReader(sink, true, compression ? inflating : null);
  for (let at = 0; at < wire.length; ) {
    const size = Math.min(nextSize(), wire.length - at);
    const chunk = Buffer.from(wire.subarray(at, at + size)); // copied, because the reader modifies it
    at += size;
    for (let reached = sink.reader.read(chunk, 0); reached < chunk.length || sink.reader.stopped; ) {
      sink.reader.stopped = false;
      reached = sink.reader.read(chunk, reached);
    }
  }
  return sink;
}

test("fuzz: frames decode the same however the network cuts them and however often the reader stops", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 500; round++) {
    const compression = random.below(2) === 0;
    const { wire, payload, controls } = randomConversation(random, compression);
    const most = [1, 5, 100, 10_000, wire.length][random.below(5)]!;
    const sink = readCut(
      wire,
      compression,
      () => 1 + random.below(most),
      () => random.below(3) === 0,
    );
    const got = { payload: sink.payload === payload, controls: sink.controls, violation: sink.violation };
    expect(got, `SEED=${seed} round=${round}`).toEqual({ payload: true, controls: [...controls], violation: "" });
  }
});

test("fuzz: garbage causes at most one violation, wherever it is cut", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 1_000; round++) {
    const { wire } = randomConversation(random, true);
    for (let spoilt = random.below(3); spoilt >= 0 && wire.length > 0; spoilt--) wire[random.below(wire.length)] = random.below(256);
    const read = (nextSize: () => number) => {
      const sink = new RecordingSink();
      sink.reader = new FrameReader(sink, true, inflating);
      for (let at = 0; at < wire.length && !sink.reader.stopped; ) {
        const size = Math.min(nextSize(), wire.length - at);
        sink.reader.read(Buffer.from(wire.subarray(at, at + size)), 0);
        at += size;
      }
      return { payload: Bun.hash(sink.payload), controls: sink.controls, violation: sink.violation };
    };
    expect(
      read(() => 1 + random.below(40)),
      `SEED=${seed} round=${round}`,
    ).toEqual(read(() => wire.length));
  }
});

test("a thousand small frames of one read become one chunk", () => {
  const sink = new RecordingSink();
  let calls = 0;
  sink.stops = () => ++calls < 0;
  sink.reader = new FrameReader(sink, true, null);
  const wire = Buffer.concat(Array.from({ length: 1_000 }, (_, index) => frame(BINARY, `PUB a 1\r\n${index % 10}\r\n`)));
  sink.reader.read(wire, 0);
  expect([calls, sink.payload.length]).toEqual([1, 12_000]);
});

test("an endless compressed message is refused when its limit is reached", () => {
  const sink = new RecordingSink();
  sink.reader = new FrameReader(sink, true, inflating);
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(1_000)));
  sink.reader.read(frame(BINARY, noise, { final: false, reserved: 0x40 }), 0);
  for (let piece = 0; piece < 31; piece++) sink.reader.read(frame(CONTINUATION, noise, { final: false }), 0);
  expect(sink.violation).toBe("");
  sink.reader.read(frame(CONTINUATION, noise, { final: false }), 0); // 33,000 bytes; 8 times 4096 are allowed
  expect([sink.violation, sink.reader.stopped]).toEqual(["maximum payload exceeded", true]);
});

const COMPRESSED = 0x40;
const bombs = (count: number, inflatedBytes: number) => {
  const body = deflateRawSync(Buffer.alloc(inflatedBytes, "PING\r\n"));
  return Buffer.concat(Array.from({ length: count }, () => frame(BINARY, body, { reserved: COMPRESSED })));
};

test("compressed bombs: one read inflates at most its share, and the rest follows in later reads", () => {
  const sink = new RecordingSink();
  sink.payloadBytesMax = 1024 * 1024;
  sink.reader = new FrameReader(sink, true, inflating);
  let wire = bombs(20, 1024 * 1024); // 20 KB
  let most = 0;
  while (wire.length > 0 || sink.reader.stopped) {
    const before = sink.payload.length;
    sink.reader.stopped = false;
    wire = wire.subarray(sink.reader.read(wire, 0));
    most = Math.max(most, sink.payload.length - before);
  }
  expect(sink.payload.length).toBe(20 * 1024 * 1024);
  expect(sink.shares).toBe(20 * 16);
  expect(most).toBe(64 * 1024);
  expect(sink.violation).toBe("");
});

test("the part of a compressed message that fits into max_payload is delivered before the violation", () => {
  const cases: [message: Buffer, delivered: number, violation: string][] = [
    [deflateRawSync(Buffer.alloc(4096, "a")), 4096, ""],
    [deflateRawSync(Buffer.alloc(4097, "a")), 4096, "maximum payload exceeded"],
    [deflateRawSync(Buffer.alloc(10_000_000, "a")), 4096, "maximum payload exceeded"],
    [Buffer.from([7]), 0, "flate: invalid block type"],
    [Buffer.from([0, 100, 0, 155, 255, 97, 97, 97]), 13, "flate: unexpected EOF"],
  ];
  for (const [message, delivered, violation] of cases) {
    const sink = new RecordingSink();
    sink.reader = new FrameReader(sink, true, inflating);
    sink.reader.read(frame(BINARY, message, { reserved: COMPRESSED }), 0);
    expect([sink.payload.length, sink.violation]).toEqual([delivered, violation]);
  }
});
