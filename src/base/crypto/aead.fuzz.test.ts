import { expect, test } from "bun:test";
import { gcm } from "@noble/ciphers/aes.js";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { inOneGo } from "../scheduling/sliced.ts";
import { type Aead, AesGcm, XChaCha20Poly1305 } from "./aead.ts";
import { ChaCha20Kernel } from "./xchacha20.ts";

const kernel = new ChaCha20Kernel();
const FORMS: {
  name: string;
  make: (key: Uint8Array) => Aead;
  other: (key: Uint8Array, nonce: Uint8Array) => { encrypt(plain: Uint8Array): Uint8Array };
}[] = [
  { name: "XChaCha20-Poly1305", make: key => new XChaCha20Poly1305(kernel, key), other: (key, nonce) => xchacha20poly1305(key, nonce) },
  { name: "AES-256-GCM", make: key => new AesGcm(key), other: (key, nonce) => gcm(key, nonce) },
];

for (const { name, make, other } of FORMS) {
  test(`fuzz: ${name} seals as @noble/ciphers does, and opens only what was not changed`, () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const bytes = (size: number) => Uint8Array.from({ length: size }, () => random.below(256));
    for (let round = 0; round < 150; round++) {
      const message = `SEED=${seed} round=${round}`;
      const key = bytes(32);
      const aead = make(key);
      const nonce = bytes(aead.nonceBytes);
      const plain = bytes(random.below(random.pick([3, 17, 100, 2_000])));
      const sealed = inOneGo(aead.seal(nonce, plain));
      expect(Buffer.from(sealed).toString("hex"), message).toBe(Buffer.from(other(key, nonce).encrypt(plain)).toString("hex"));
      expect(inOneGo(aead.open(nonce, sealed)), message).toEqual(plain);
      const changed = Uint8Array.from(sealed);
      changed[random.below(changed.length)]! ^= 1 << random.below(8);
      expect(inOneGo(aead.open(nonce, changed)), message).toBeNull();
      expect(inOneGo(aead.open(nonce, sealed.subarray(0, random.below(sealed.length)))), message).toBeNull();
      expect(inOneGo(make(bytes(32)).open(nonce, sealed)), message).toBeNull();
      expect(inOneGo(aead.open(nonce.subarray(1), sealed)), message).toBeNull();
    }
  });

  test(`${name} works on large content in slices`, () => {
    const aead = make(new Uint8Array(32).fill(7));
    const nonce = new Uint8Array(aead.nonceBytes).fill(9);
    const plain = Buffer.alloc(1_000_001, "some content");
    const work = aead.seal(nonce, plain);
    let pauses = 0;
    let step = work.next();
    for (; !step.done; step = work.next()) pauses++;
    expect(pauses).toBeGreaterThanOrEqual(8);
    const sealed = step.value as Uint8Array;
    expect(Buffer.from(sealed).equals(other(new Uint8Array(32).fill(7), nonce).encrypt(plain))).toBe(true);
    expect(plain.equals(inOneGo(aead.open(nonce, sealed))!)).toBe(true);
  });
}
