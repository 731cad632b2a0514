import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { S2Codec } from "./s2-codec.ts";
import { decodeS2Stream, encodeSnappyStream } from "./s2-stream.ts";
import { encodeSnappyBlock, SNAPPY_CONTENT_BYTES_MAX } from "./snappy-block.ts";

const codec = new S2Codec();

/** Runs of random bytes, of one repeated byte, and of copies of earlier bytes. */
function randomContent(random: Random, sizeMax: number): Buffer {
  const content = Buffer.alloc(random.below(sizeMax + 1));
  for (let at = 0; at < content.length; ) {
    const end = Math.min(content.length, at + 1 + random.below(random.pick([3, 10, 70, 5_000])));
    const kind = at === 0 ? 0 : random.below(3);
    const back = 1 + random.below(Math.max(1, at));
    for (const byte = random.below(256); at < end; at++)
      content[at] = kind === 0 ? random.below(256) : kind === 1 ? byte : content[at - back];
  }
  return content;
}

test("fuzz: an encoded block decodes to its content", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 400; round++) {
    const content = randomContent(random, random.pick([1, 8, 100, 3_000, SNAPPY_CONTENT_BYTES_MAX]));
    const block = encodeSnappyBlock(content);
    const decoded = Buffer.alloc(content.length);
    expect(codec.decode(block, decoded, 0, content.length), `SEED=${seed} round=${round}`).toBe(content.length);
    expect(decoded.equals(content), `SEED=${seed} round=${round}`).toBe(true);
  }
});

test("fuzz: an encoded stream decodes to its content, for any size", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 30; round++) {
    const content = randomContent(random, random.pick([0, 100, SNAPPY_CONTENT_BYTES_MAX + 1, 300_000]));
    expect(decodeS2Stream(encodeSnappyStream(content), content.length, codec).equals(content), `SEED=${seed} round=${round}`).toBe(true);
  }
});

test("repetitive content becomes shorter, random content stays plain", () => {
  const repeats = Buffer.from(JSON.stringify(Array.from({ length: 500 }, (_, cid) => ({ cid, kind: "Client", type: "nats", in_msgs: 0 }))));
  expect(encodeSnappyStream(repeats).length).toBeLessThan(repeats.length / 3);
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(10_000)));
  expect(encodeSnappyStream(noise).length).toBe(10 + 8 + noise.length);
});
