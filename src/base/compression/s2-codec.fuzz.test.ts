import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { logLines } from "../../../test/doubles/log-lines.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { crc32c } from "./crc32c.ts";
import { S2Codec, S2Error } from "./s2-codec.ts";
import { decodeS2Stream, encodeS2Stream } from "./s2-stream.ts";

const codec = new S2Codec();

/** The content of a block, written between other bytes. */
function decodeBlock(block: Uint8Array, most: number): Buffer {
  const target = Buffer.alloc(most + 2, 0xee);
  const size = codec.decode(block, target, 1, most);
  expect([target[0], size === most || target[1 + size], target[most + 1]]).toEqual([0xee, size === most || 0xee, 0xee]);
  return target.subarray(1, 1 + size);
}

/** Runs of random bytes, of one repeated byte, and of copies of earlier bytes from near and far. */
function randomContent(random: Random, sizeMax: number): Buffer {
  const content = Buffer.alloc(random.below(sizeMax + 1));
  for (let at = 0; at < content.length; ) {
    const end = Math.min(content.length, at + 1 + random.below(random.pick([3, 10, 70, 300, 5_000, 70_000])));
    const kind = at === 0 ? 0 : random.below(4);
    const back = 1 + random.below(Math.min(at, random.pick([3, 100, 3_000, 70_000, 1_000_000])) || 1);
    for (const byte = random.below(256); at < end; at++)
      content[at] = kind === 0 ? random.below(256) : kind === 1 ? byte : content[at - back];
  }
  return content;
}

/** A block of random elements of all forms, and its content, which is built one byte at a time. */
function randomBlock(random: Random, sizeMax: number): { block: number[]; content: number[] } {
  const elements: number[] = [];
  const content: number[] = [];
  let offset = 0;
  const little = (value: number, digits: number) => {
    for (let digit = 0; digit < digits; digit++) elements.push(Math.floor(value / 256 ** digit) % 256);
  };
  const copy = (size: number) => {
    for (let count = 0; count < size; count++) content.push(content[content.length - offset]!);
  };
  while (content.length < sizeMax) {
    const form = content.length === 0 ? 0 : random.below(offset === 0 ? 4 : 9);
    const filled = content.length;
    if (form === 0) {
      const size = 1 + random.below(random.pick([1, 59, 60, 61, 300, 70_000]));
      const digits =
        size <= 60 && random.below(3) > 0 ? 0 : size <= 0x100 ? 1 + random.below(4) : size <= 0x1_0000 ? 2 + random.below(3) : 3;
      elements.push((digits === 0 ? size - 1 : 59 + digits) << 2);
      little(size - 1, digits);
      for (let count = 0; count < size; count++) {
        const byte = random.below(256);
        elements.push(byte);
        content.push(byte);
      }
    } else if (form <= 3) {
      const far = form === 1 ? 2_047 : form === 2 ? 65_535 : 0xffff_ffff;
      offset = 1 + random.below(Math.min(filled, far, random.pick([3, 20, 0xffff_ffff])));
      const size = form === 1 ? 4 + random.below(8) : 1 + random.below(64);
      elements.push(form === 1 ? ((offset >> 8) << 5) | ((size - 4) << 2) | 1 : ((size - 1) << 2) | form);
      little(form === 1 ? offset & 0xff : offset, form === 1 ? 1 : form === 2 ? 2 : 4);
      copy(size);
    } else {
      const code = form === 4 ? random.below(5) : Math.min(form, 7);
      const more = code === 5 ? random.below(256) : code === 6 ? random.below(random.pick([1, 10, 0x1_0000])) : random.below(10);
      elements.push((code << 2) | 1, 0);
      if (code >= 5) little(more, code - 4);
      copy([4, 5, 6, 7, 8, 8, 260, 65_540][code]! + (code >= 5 ? more : 0));
    }
  }
  const size: number[] = [];
  let rest = content.length;
  for (; rest >= 0x80; rest >>>= 7) size.push((rest & 0x7f) | 0x80);
  return { block: [...size, rest, ...elements], content };
}

test("fuzz: blocks of random elements decode as one byte at a time does", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 500; round++) {
    const message = `SEED=${seed} round=${round}`;
    const { block, content } = randomBlock(random, 1 + random.below(random.pick([10, 500, 5_000, 100_000])));
    expect(decodeBlock(Uint8Array.from(block), content.length).equals(Uint8Array.from(content)), message).toBe(true);
  }
});

test("fuzz: changed and random blocks are refused, or decoded to the size that they state", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 3_000; round++) {
    const message = `SEED=${seed} round=${round}`;
    const bytes =
      random.below(3) === 0
        ? Uint8Array.from({ length: random.below(40) }, () => random.below(256))
        : Uint8Array.from(randomBlock(random, random.below(300)).block);
    for (let flips = random.below(4); flips > 0 && bytes.length > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
    const most = random.below(300_000);
    try {
      expect(decodeBlock(bytes, most).length, message).toBeLessThanOrEqual(most);
    } catch (error) {
      expect(error, message).toBeInstanceOf(S2Error);
    }
  }
});

test("fuzz: encoded content decodes to itself, as a block and as a stream", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 400; round++) {
    const message = `SEED=${seed} round=${round}`;
    const content = randomContent(random, random.pick([1, 8, 30, 100, 3_000, 200_000, round % 50 === 0 ? 2_500_000 : 10]));
    expect(decodeS2Stream(encodeS2Stream(content, codec), content.length, codec).equals(content), message).toBe(true);
    const target = new Uint8Array(content.length + 100);
    const size = codec.encode(content, 0, content.length, target, 3, target.length);
    expect(codec.contentSum(), message).toBe(crc32c(content));
    expect(size, message).toBeGreaterThan(0);
    expect(decodeBlock(target.subarray(3, 3 + size), content.length).equals(content), message).toBe(true);
    expect(codec.contentSum(), message).toBe(crc32c(content));
  }
});

test("a match ends at the start of the content, whatever bytes the codec's memory has in front of it", () => {
  for (let byte = 0; byte < 256; byte++) {
    const content = Buffer.concat([Buffer.from("abcdefghijkl1234"), Buffer.from([byte]), Buffer.from("abcdefghijkl1234")]);
    const block = new Uint8Array(200);
    const size = codec.encode(content, 0, content.length, block, 0, block.length);
    expect(decodeBlock(block.subarray(0, size), content.length).equals(content), `byte ${byte}`).toBe(true);
  }
});

test("fuzz: a block that needs more room than there is is given up, and the target stays as it is", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 400; round++) {
    const message = `SEED=${seed} round=${round}`;
    const content = randomContent(random, 2_000);
    const room = random.below(content.length + 40);
    const target = new Uint8Array(content.length + 100).fill(0xee);
    const size = codec.encode(content, 0, content.length, target, 0, room);
    expect(size, message).toBeLessThanOrEqual(room);
    expect(
      target.subarray(size).every(byte => byte === 0xee),
      message,
    ).toBe(true);
    if (size > 0) expect(decodeBlock(target.subarray(0, size), content.length).equals(content), message).toBe(true);
  }
});

test("a codec refuses blocks that are longer than it is made for", () => {
  const small = new S2Codec(1_000);
  const target = new Uint8Array(5_000);
  const block = (bytes: number) => {
    const size = codec.encode(Buffer.alloc(bytes, "abc"), 0, bytes, target, 0, 5_000);
    return target.slice(0, size);
  };
  expect(small.decode(block(1_000), target, 0, 5_000)).toBe(1_000);
  expect(() => small.decode(block(1_001), target, 0, 5_000)).toThrow(new S2Error("a block is too long"));
  const long = new Uint8Array(2_000); // content of 10 bytes, then many elements
  long[0] = 10;
  expect(() => small.decode(long, target, 0, 5_000)).toThrow(new S2Error("a block is too long"));
});

interface Vector {
  writer: string;
  content: string;
  hex: string;
}

/** Contents of the vectors, which klauspost's writers were given. */
const CONTENTS: Record<string, () => Buffer> = {
  empty: () => Buffer.alloc(0),
  short: () => Buffer.from("hello"),
  lines: () => logLines(3_000, 5),
  repeats: () =>
    Buffer.concat(
      [4, 5, 8, 9, 60, 64, 65, 260, 263, 264, 300, 65_539, 65_540, 65_800, 70_000].map(size =>
        Buffer.from(`${size}:${"ab".repeat(size / 2)}`),
      ),
    ),
  overlaps: () =>
    Buffer.concat([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17].map(period => Buffer.alloc(200, "abcdefghijklmnopqrstuvwxyz".slice(0, period)))),
  far: () => {
    const text = logLines(400, 6);
    return Buffer.concat([text, Buffer.alloc(66_000, "z"), text, Buffer.alloc(1_100_000, "yx"), text]);
  },
};

const VECTORS = readFileSync(`${import.meta.dir}/s2-vectors.jsonl`, "utf8")
  .trim()
  .split("\n")
  .map(line => JSON.parse(line) as Vector);

test("blocks and streams of klauspost's writers decode at every level", () => {
  const writers = new Set<string>();
  for (const { writer, content, hex } of VECTORS) {
    const expected = CONTENTS[content]!();
    const bytes = Buffer.from(hex, "hex");
    const decoded = writer.startsWith("block") ? decodeBlock(bytes, expected.length) : decodeS2Stream(bytes, expected.length, codec);
    expect(decoded.equals(expected), `${writer}, ${content}`).toBe(true);
    writers.add(writer);
  }
  expect([...writers].sort()).toEqual([
    "block best",
    "block better",
    "block default",
    "block snappy",
    "stream best",
    "stream better",
    "stream default",
    "stream uncompressed",
  ]);
});

/** Bytes that klauspost's writer with its default settings, as nats-server uses it, makes of `logLines(8 MiB, 1)`. */
const REFERENCE_BYTES = 2_435_016;

test("8 MiB of JSON log lines take at most 1.15 times the bytes that nats-server writes", () => {
  const lines = logLines(8 * 1024 * 1024, 1);
  const stream = encodeS2Stream(lines, codec);
  expect(stream.length / REFERENCE_BYTES).toBeLessThan(1.15);
  expect(decodeS2Stream(stream, lines.length, codec).equals(lines)).toBe(true);
});
