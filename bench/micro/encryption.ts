/**
 * Encryption of stored files, in both ciphers: what is written in one turn, a whole block, and the metafile of a stream.
 *
 *   bun run bench/micro/encryption.ts         BENCH_SHORT=1: a run of seconds
 */
import { randomBytes } from "node:crypto";
import { inOneGo } from "../../src/base/scheduling/sliced.ts";
import { type StoreCipher, StoreEncryption } from "../../src/store/block/encryption.ts";
import { StoreSecret } from "../../src/store/block/store-secret.ts";
import { Measurement } from "./measurement/measurement.ts";

const CIPHERS: readonly StoreCipher[] = ["chacha", "aes"];
const measurement = new Measurement();
for (const cipher of CIPHERS) {
  const encryption = new StoreEncryption(cipher, new StoreSecret("secret"), null, randomBytes);
  const key = encryption.newKey("$G", "ORDERS");
  const writer = key.blockCipher();
  let offset = 0;
  for (const [size, name] of [
    [200, "200 B"],
    [64 * 1024, "64 KiB"],
  ] as const) {
    const content = randomBytes(size);
    measurement.add(`${cipher}: append ${name} to a block`, 1, () => {
      writer.apply(content, 0, size, offset);
      offset = (offset + size) % 2 ** 31;
    });
  }
  const block = randomBytes(8 * 1024 * 1024);
  measurement.add(`${cipher}: read a block of 8 MiB, per KiB`, 8 * 1024, () => key.blockCipher().apply(block, 0, block.length, 0));
  const state = randomBytes(1024 * 1024);
  measurement.add(`${cipher}: seal a state file of 1 MiB, per KiB`, 1024, () => inOneGo(key.seal(state)));
  measurement.add(`${cipher}: open a key file`, 1, () => encryption.openKey(key.keyFile, "$G", "ORDERS"));
}
await measurement.run();
