/**
 * The key of a HighwayHash-64 checksum. Every kind of file has its own: the SHA-256 of a short text that names the file.
 *
 *   records of a message block   `<stream>-<number of the block>`
 *   meta.sum, index.db           `<stream>`, or `<stream>/<consumer>`
 * The key is kept as the state that the hash begins with, so that using it is a copy of 64 bytes.
 */
import { createHash } from "node:crypto";
import { INITIAL_0, INITIAL_1 } from "./highway-hash-kernel.ts";

const KEY_BYTES = 32;
const WORDS = 4;

export class HashKey {
  /** The first two vectors of the state after the key: 16 words of 32 bits, the lower half of each 64 bits first. */
  readonly state = new Uint32Array(4 * WORDS);

  /** @param key 32 bytes; copied */
  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, not ${key.length}`);
    const view = new DataView(key.buffer, key.byteOffset, KEY_BYTES);
    const state = new DataView(this.state.buffer);
    for (let word = 0; word < WORDS; word++) {
      const value = view.getBigUint64(word * 8, true);
      const swapped = (value >> 32n) | (value << 32n);
      state.setBigUint64(word * 8, value ^ INITIAL_0[word], true);
      state.setBigUint64((WORDS + word) * 8, BigInt.asUintN(64, swapped) ^ INITIAL_1[word], true);
    }
  }

  /** @param name for example the name of a stream */
  static ofName(name: string): HashKey {
    return new HashKey(createHash("sha256").update(name).digest());
  }

  /** The key of the records of one message block. */
  static ofBlock(stream: string, block: number): HashKey {
    return HashKey.ofName(`${stream}-${block}`);
  }
}
