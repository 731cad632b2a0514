/**
 * AES-256 in counter mode, from any offset of its stream.
 *
 *   block of the stream n = AES(key, nonce + n)      nonce and sum are 128-bit numbers, the highest byte first
 * The runtime's cipher only goes forward. It is kept where it stands, so appending to a file continues it; any other offset makes a new one.
 * Source: NIST SP 800-38A; reference, formats §10.5.
 */
import { type Cipheriv, createCipheriv } from "node:crypto";

export const AES_KEY_BYTES = 32;
export const AES_BLOCK_BYTES = 16;
/** Bytes that are encrypted at a time: the runtime returns new memory. */
const PIECE_BYTES = 64 * 1024;

export class AesCtr {
  private cipher: Cipheriv | null = null;
  /** Offset at which `cipher` stands. */
  private position = 0;

  readonly #key: Uint8Array;

  /** @param key 32 bytes @param nonce 16 bytes; never used for different content with this key */
  constructor(
    key: Uint8Array,
    private readonly nonce: Uint8Array,
  ) {
    this.#key = key;
    if (key.length !== AES_KEY_BYTES || nonce.length !== AES_BLOCK_BYTES) throw new Error("a key or nonce of a wrong size");
  }

  /** Encrypts or decrypts `bytes[start, end)` in place. @param offset of these bytes in the stream */
  apply(bytes: Uint8Array, start: number, end: number, offset: number): void {
    const cipher = this.cipherAt(offset);
    for (let at = start; at < end; at += PIECE_BYTES) bytes.set(cipher.update(bytes.subarray(at, Math.min(end, at + PIECE_BYTES))), at);
    this.position = offset + (end - start);
  }

  private cipherAt(offset: number): Cipheriv {
    if (this.cipher !== null && this.position === offset) return this.cipher;
    const skipped = offset % AES_BLOCK_BYTES;
    const cipher = createCipheriv("aes-256-ctr", this.#key, counterAt(this.nonce, (offset - skipped) / AES_BLOCK_BYTES));
    cipher.update(new Uint8Array(skipped));
    this.cipher = cipher;
    return cipher;
  }
}

function counterAt(nonce: Uint8Array, blocks: number): Uint8Array {
  const counter = Uint8Array.from(nonce);
  let carry = blocks;
  for (let at = counter.length - 1; at >= 0 && carry > 0; at--) {
    const sum = counter[at] + (carry % 256);
    counter[at] = sum % 256;
    carry = Math.floor(carry / 256) + (sum > 255 ? 1 : 0);
  }
  return counter;
}
