import { expect, test } from "bun:test";
import { xchacha20 } from "@noble/ciphers/chacha.js";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { ChaCha20Kernel, XChaCha20 } from "./xchacha20.ts";

const kernel = new ChaCha20Kernel();
const words = (hex: string) => new Uint32Array(Uint8Array.from(Buffer.from(hex, "hex")).buffer);
const hexOf = (bytes: Uint32Array) => Buffer.from(bytes.buffer).toString("hex");

test("HChaCha20 is that of draft-irtf-cfrg-xchacha, section 2.2.1", () => {
  const key = words("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  expect(hexOf(kernel.subkeyOf(key, words("000000090000004a0000000031415927")))).toBe(
    "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc",
  );
});

test("the stream is that of draft-irtf-cfrg-xchacha, section A.3.2, which begins at block 1", () => {
  const key = Buffer.from("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "hex");
  const nonce = Buffer.from("404142434445464748494a4b4c4d4e4f5051525354555658", "hex");
  const text = Buffer.from(
    "5468652064686f6c65202870726f6e6f756e6365642022646f6c65222920697320616c736f206b6e6f776e2061732074686520417369617469632077696c",
    "hex",
  );
  new XChaCha20(kernel, key, nonce).apply(text, 0, text.length, 64);
  expect(text.toString("hex")).toBe(
    "7d0a2e6b7f7c65a236542630294e063b7ab9b555a5d5149aa21e4ae1e4fbce87ecc8e08a8b5e350abe622b2ffa617b202cfad72032a3037e76ffdcdc4376",
  );
});

test("fuzz: any range from any offset is encrypted as by @noble/ciphers, two ciphers in turn, and no other byte changes", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const bytes = (size: number) => Uint8Array.from({ length: size }, () => random.below(256));
  const ciphers = [0, 1].map(() => {
    const key = bytes(32);
    const nonce = bytes(24);
    return { key, nonce, own: new XChaCha20(kernel, key, nonce) };
  });
  for (let round = 0; round < 400; round++) {
    const { key, nonce, own } = random.pick(ciphers);
    const content = bytes(random.below(random.pick([10, 300, 700, 70_000])));
    const start = random.below(content.length + 1);
    const end = start + random.below(content.length - start + 1);
    const offset = random.below(random.pick([64, 1_000, 2 ** 36]));
    const block = Math.floor(offset / 64);
    const padded = new Uint8Array((offset % 64) + end - start);
    padded.set(content.subarray(start, end), offset % 64);
    const expected = Uint8Array.from(content);
    expected.set(xchacha20(key, nonce, padded, undefined, block).subarray(offset % 64), start);
    own.apply(content, start, end, offset);
    expect(Buffer.from(content).equals(expected), `SEED=${seed} round=${round} offset=${offset}`).toBe(true);
  }
});

test("a key or nonce of a wrong size is refused", () => {
  expect(() => new XChaCha20(kernel, new Uint8Array(31), new Uint8Array(24))).toThrow("a key or nonce of a wrong size");
  expect(() => new XChaCha20(kernel, new Uint8Array(32), new Uint8Array(12))).toThrow("a key or nonce of a wrong size");
});
