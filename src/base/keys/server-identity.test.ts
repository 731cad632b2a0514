import { expect, test } from "bun:test";
import { getPublicKey, hashes } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { decodeNkey, NkeyKind } from "./nkey.ts";
import { newServerIdentity } from "./server-identity.ts";
import { publicXkeyOf } from "./xkey.ts";

hashes.sha512 = sha512; // used by the library's synchronous functions

test("a server's id is the public key of its seed, as @noble/ed25519 computes it", () => {
  for (let round = 0; round < 20; round++) {
    const identity = newServerIdentity();
    expect(identity.id).toMatch(/^N[A-Z2-7]{55}$/);
    expect(decodeNkey(identity.id)).toEqual({ kind: NkeyKind.Server, key: getPublicKey(identity.seed) });
  }
});

test("a server's xkey is a curve key that belongs to its own seed", () => {
  const identity = newServerIdentity();
  expect(identity.xkey).toMatch(/^X[A-Z2-7]{55}$/);
  expect(decodeNkey(identity.xkey)?.kind).toBe(NkeyKind.Curve);
  expect(publicXkeyOf(identity.xkeySeed)).toBe(identity.xkey);
});

test("every server has its own id", () => {
  const ids = Array.from({ length: 50 }, () => newServerIdentity().id);
  expect(new Set(ids).size).toBe(50);
});
