import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { HashKey, hashBytes } from "./byte-hash.ts";

/** HalfSipHash as its specification describes it: `rounds` per word, `last` at the end. */
function halfSipHash(bytes: Uint8Array, key: HashKey, rounds: number, last: number): number {
  const v = Uint32Array.of(key.first, key.second, key.first ^ 0x6c796765, key.second ^ 0x74656462);
  const turned = (word: number, by: number) => (word << by) | (word >>> (32 - by));
  const mix = (a: number, b: number, left: number) => {
    v[a] += v[b];
    v[b] = turned(v[b], left) ^ v[a];
  };
  const round = () => {
    mix(0, 1, 5);
    v[0] = turned(v[0], 16);
    mix(2, 3, 8);
    mix(0, 3, 7);
    mix(2, 1, 13);
    v[2] = turned(v[2], 16);
  };
  const padded = new Uint8Array((bytes.length & ~3) + 4);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length;
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    v[3] ^= words.getUint32(at, true);
    for (let done = 0; done < rounds; done++) round();
    v[0] ^= words.getUint32(at, true);
  }
  v[2] ^= 0xff;
  for (let done = 0; done < last; done++) round();
  return (v[1] ^ v[3]) | 0;
}

test("the model of HalfSipHash gives the published values of HalfSipHash-2-4", () => {
  const key = new HashKey(0x03020100, 0x07060504);
  const values = [0, 1, 2, 3].map(
    size =>
      halfSipHash(
        Uint8Array.from({ length: size }, (_, index) => index),
        key,
        2,
        4,
      ) >>> 0,
  );
  expect(values).toEqual([0x5b9f35a9, 0xb85a4727, 0x03a662fa, 0x04e7fe8a]);
});

test("fuzz: the hash is HalfSipHash-1-3, at any offset and for any length", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 3_000; round++) {
    const key = new HashKey(random.nextInt32(), random.nextInt32());
    const source = Uint8Array.from({ length: random.below(300) }, () => random.below(256));
    const start = random.below(source.length + 1);
    const end = random.between(start, source.length);
    const wanted = halfSipHash(source.subarray(start, end), key, 1, 3);
    expect(hashBytes(source, start, end, key), `SEED=${seed} round=${round}`).toBe(wanted);
  }
});

test("secret keys differ", () => {
  const keys = Array.from({ length: 8 }, () => HashKey.secret());
  expect(new Set(keys.map(({ first, second }) => `${first} ${second}`)).size).toBe(8);
});
