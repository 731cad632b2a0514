import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { gcm } from "@noble/ciphers/aes.js";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { inOneGo } from "../../base/scheduling/sliced.ts";
import { applyInSlices, type FileKey, KeyState, type StoreCipher, StoreEncryption } from "./encryption.ts";
import { blockContext, StoreSecret, streamContext } from "./store-secret.ts";

const CIPHERS: readonly StoreCipher[] = ["chacha", "aes"];
const INFO = "$G";
const CONTEXT = streamContext("ORDERS");
const encryption = (cipher: StoreCipher, secret = "new", previous: string | null = null) =>
  new StoreEncryption(cipher, new StoreSecret(secret), previous === null ? null : new StoreSecret(previous), randomBytes);

for (const cipher of CIPHERS) {
  test(`${cipher}: a key file is a nonce and a sealed seed, of the size that nats-server writes`, () => {
    const { keyFile } = encryption(cipher, "s3cr3t").newKey(INFO, CONTEXT);
    expect(keyFile.length).toBe(cipher === "aes" ? 64 : 72);
    const nonceBytes = cipher === "aes" ? 16 : 24;
    const key = Buffer.from("4a63d1b39a574c274516ee4e0ef623b7ccda715d2bd99b877d05d3af3690b72d", "hex");
    const open = cipher === "aes" ? gcm : xchacha20poly1305;
    expect(open(key, keyFile.subarray(0, nonceBytes)).decrypt(keyFile.subarray(nonceBytes))).toHaveLength(32);
  });

  test(`${cipher}: what a key seals is opened with the key from its file, and by no other`, () => {
    const store = encryption(cipher);
    const key = store.newKey(INFO, CONTEXT);
    const content = Buffer.from('{"name":"ORDERS"}');
    const sealed = inOneGo(key.seal(content));
    expect(inOneGo(key.seal(content))).not.toEqual(sealed);
    const opened = keyIn(store, key.keyFile);
    expect(Buffer.from(inOneGo(opened.open(sealed))!)).toEqual(content);
    expect(inOneGo(store.newKey(INFO, CONTEXT).open(sealed))).toBeNull();
    for (let size = 0; size < sealed.length; size++) expect(inOneGo(opened.open(sealed.subarray(0, size)))).toBeNull();
    expect(store.openKey(key.keyFile, INFO, blockContext("ORDERS", 1)).state).toBe(KeyState.Unknown);
    expect(store.openKey(key.keyFile, "OTHER", CONTEXT).state).toBe(KeyState.Unknown);
  });

  test(`${cipher}: a block is read from any offset, whatever pieces it was written in`, () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const store = encryption(cipher);
    const key = store.newKey(INFO, CONTEXT);
    const plain = randomBytes(300_000);
    const file = Buffer.from(plain);
    const writer = key.blockCipher();
    for (let at = 0; at < file.length; ) {
      const end = Math.min(file.length, at + random.below(random.pick([3, 300, 50_000])));
      writer.apply(file, at, end, at);
      at = end;
    }
    expect(file.subarray(0, 64)).not.toEqual(plain.subarray(0, 64));
    const reader = keyIn(store, key.keyFile).blockCipher();
    for (let round = 0; round < 50; round++) {
      const start = random.below(file.length);
      const end = start + random.below(file.length - start + 1);
      const piece = Buffer.from(file.subarray(start, end));
      inOneGo(applyInSlices(reader, piece, 0, piece.length, start));
      expect(piece.equals(plain.subarray(start, end)), `SEED=${seed} round=${round}`).toBe(true);
    }
  });

  test(`${cipher}: key files are tried with both secrets and both ciphers`, () => {
    const other = cipher === "aes" ? "chacha" : "aes";
    const stateOf = (by: StoreEncryption, previous: string | null) =>
      encryption(cipher, "new", previous).openKey(by.newKey(INFO, CONTEXT).keyFile, INFO, CONTEXT).state;
    expect(stateOf(encryption(cipher, "new"), null)).toBe(KeyState.Current);
    expect(stateOf(encryption(other, "new"), null)).toBe(KeyState.Outdated);
    expect(stateOf(encryption(cipher, "old"), "old")).toBe(KeyState.Outdated);
    expect(stateOf(encryption(other, "old"), "old")).toBe(KeyState.Outdated);
    expect(stateOf(encryption(cipher, "old"), null)).toBe(KeyState.Unknown);
    expect(stateOf(encryption(cipher, "older"), "old")).toBe(KeyState.Unknown);
  });

  test(`${cipher}: an outdated key opens what its cipher sealed`, () => {
    const old = encryption(cipher, "old");
    const key = old.newKey(INFO, CONTEXT);
    const block = Buffer.from("records");
    key.blockCipher().apply(block, 0, block.length, 5);
    const opened = keyIn(encryption(cipher === "aes" ? "chacha" : "aes", "new", "old"), key.keyFile);
    expect(opened.cipher).toBe(cipher);
    opened.blockCipher().apply(block, 0, block.length, 5);
    expect(block.toString()).toBe("records");
    expect(Buffer.from(inOneGo(opened.open(inOneGo(key.seal(block))))!)).toEqual(block);
  });

  test(`${cipher}: fuzz: changed, cut and random key files open nothing`, () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const store = encryption(cipher, "new", "old");
    const { keyFile } = store.newKey(INFO, CONTEXT);
    expect(store.openKey(null, INFO, CONTEXT).state).toBe(KeyState.Absent);
    for (let round = 0; round < 300; round++) {
      const changed = Buffer.from(random.below(4) === 0 ? randomBytes(random.below(200)) : keyFile);
      if (changed.length > 0) changed[random.below(changed.length)]! ^= 1 << random.below(8);
      const file = random.below(2) === 0 ? changed : Buffer.concat([keyFile.subarray(0, random.below(keyFile.length)), changed]);
      const { state, key } = store.openKey(file, INFO, CONTEXT);
      expect([state, key], `SEED=${seed} round=${round}`).toEqual([file.length < 64 ? KeyState.TooShort : KeyState.Unknown, null]);
    }
  });
}

function keyIn(store: StoreEncryption, keyFile: Uint8Array): FileKey {
  const { key } = store.openKey(keyFile, INFO, CONTEXT);
  if (key === null) throw new Error("the key file was not opened");
  return key;
}
