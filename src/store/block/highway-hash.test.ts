/** The kernel and the model, both against the published vectors and against each other. */
import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { slowHighwayHash } from "../../../test/doubles/slow-highway-hash.ts";
import { Random } from "../../base/random/random.ts";
import { HashKey } from "./hash-key.ts";
import { RecordHasher } from "./record-hasher.ts";

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index);
const counted = (size: number) => Uint8Array.from({ length: size }, (_, index) => index & 255);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const VECTORS: Record<number, string> = {
  0: "536ec222de567a90",
  1: "78ddcdc7aa43ab7e",
  3: "803d468aabef6b5c",
  16: "32b87ef98934abcf",
  17: "e2c0c5c8d267fe19",
  31: "685a03cf7c00c79f",
  32: "fc80d5ecd964c9a0",
  33: "fc8131a03cf7902c",
  64: "ffa6d24c5d2c5475",
};

function hashOf(hasher: RecordHasher, key: Uint8Array, message: Uint8Array): Uint8Array {
  const target = new Uint8Array(10).fill(0xee);
  hasher.hash(message, 0, message.length, new HashKey(key), target, 1);
  expect([target[0], target[9]]).toEqual([0xee, 0xee]);
  return target.subarray(1, 9);
}

test("the model gives the published vectors", () => {
  for (const [size, sum] of Object.entries(VECTORS)) expect(hex(slowHighwayHash(KEY, counted(Number(size)))), size).toBe(sum);
});

test("the kernel gives the published vectors", () => {
  const hasher = new RecordHasher(0);
  for (const [size, sum] of Object.entries(VECTORS)) expect(hex(hashOf(hasher, KEY, counted(Number(size)))), size).toBe(sum);
});

test("kernel and model agree on every size up to 200 bytes", () => {
  const hasher = new RecordHasher(0);
  for (let size = 0; size <= 200; size++)
    expect(hex(hashOf(hasher, KEY, counted(size))), `${size}`).toBe(hex(slowHighwayHash(KEY, counted(size))));
});

test("a hash in parts is that of the whole, also of more bytes than the memory takes at once", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const hasher = new RecordHasher(0);
  const message = Uint8Array.from({ length: 700_000 }, () => random.below(256));
  const key = new HashKey(KEY);
  const whole = hashOf(hasher, KEY, message);
  for (let round = 0; round < 50; round++) {
    const result = new Uint8Array(8);
    hasher.start(key);
    for (let at = 0; at < message.length; ) {
      const end = Math.min(message.length, at + random.below(random.chance(0.5) ? 80 : 300_000));
      hasher.update(message, at, end);
      at = end;
    }
    hasher.finish(result, 0);
    expect(hex(result), `SEED=${seed} round=${round}`).toBe(hex(whole));
  }
  expect(hex(hashOf(hasher, KEY, message.subarray(0, 140_001)))).toBe(hex(slowHighwayHash(KEY, message.subarray(0, 140_001))));
});

test("a key has 32 bytes", () => {
  expect(() => new HashKey(new Uint8Array(31))).toThrow("a key has 32 bytes, not 31");
});
