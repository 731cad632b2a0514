import { expect, test } from "bun:test";
import { ctr } from "@noble/ciphers/aes.js";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { AesCtr } from "./aes-ctr.ts";

test("the stream is that of NIST SP 800-38A, F.5.5, from its first and from its third block", () => {
  const key = Buffer.from("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "hex");
  const nonce = Buffer.from("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "hex");
  const text =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
  const sealed =
    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6";
  const bytes = Buffer.from(text, "hex");
  const cipher = new AesCtr(key, nonce);
  cipher.apply(bytes, 0, 64, 0);
  expect(bytes.toString("hex")).toBe(sealed);
  cipher.apply(bytes, 32, 64, 32);
  expect(bytes.toString("hex")).toBe(sealed.slice(0, 64) + text.slice(64));
});

test("fuzz: any range from any offset is encrypted as by @noble/ciphers, also where the counter carries", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const bytes = (size: number) => Uint8Array.from({ length: size }, () => random.below(256));
  for (let round = 0; round < 60; round++) {
    const key = bytes(32);
    const nonce = bytes(16);
    if (random.below(2) === 0) nonce.fill(0xff, random.below(16), random.pick([14, 15, 16]));
    const stream = ctr(key, nonce).encrypt(new Uint8Array(random.pick([5_000, 90_000])));
    const cipher = new AesCtr(key, nonce);
    let offset = 0;
    for (let part = 0; part < 20; part++) {
      if (random.below(2) === 0) offset = random.below(stream.length);
      const size = random.below(Math.min(stream.length - offset, random.pick([40, 200, 80_000])) + 1);
      const content = bytes(size + 5);
      const expected = content.map((byte, index) => (index < 2 || index >= 2 + size ? byte : byte ^ stream[offset + index - 2]!));
      cipher.apply(content, 2, 2 + size, offset);
      expect(Buffer.from(content).equals(expected), `SEED=${seed} round=${round} part=${part}`).toBe(true);
      offset += size;
    }
  }
});

test("a key or nonce of a wrong size is refused", () => {
  expect(() => new AesCtr(new Uint8Array(16), new Uint8Array(16))).toThrow("a key or nonce of a wrong size");
  expect(() => new AesCtr(new Uint8Array(32), new Uint8Array(12))).toThrow("a key or nonce of a wrong size");
});
