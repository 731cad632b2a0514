/**
 * Authenticated encryption in the two ciphers of nats-server's files: XChaCha20-Poly1305, and AES-256-GCM with a nonce of 16 bytes instead of 12.
 *
 *   seal(nonce, plain) ─▶ encrypted · tag (16 bytes)         open(nonce, that) ─▶ plain, or null when a byte was changed or the key is another
 * Without additional data. Both are computations in slices, because a sealed state can have many MiB.
 * Source: RFC 8439, draft-irtf-cfrg-xchacha, NIST SP 800-38D; reference, formats §10.5.
 */
import { type CipherGCM, createCipheriv, createDecipheriv, type DecipherGCM, timingSafeEqual } from "node:crypto";
import { PAUSE, type Sliced } from "../scheduling/sliced.ts";
import { type ChaCha20Kernel, XCHACHA20_NONCE_BYTES, XChaCha20 } from "./xchacha20.ts";

export const TAG_BYTES = 16;
export const AES_NONCE_BYTES = 16;
/** Bytes between two pauses: about 0.2 ms of AES, and 0.7 ms of Poly1305. */
const SLICE_BYTES = 128 * 1024;

export interface Aead {
  readonly nonceBytes: number;
  /** @param nonce random, never used twice with the key @returns memory of its own */
  seal(nonce: Uint8Array, plain: Uint8Array): Sliced<Uint8Array>;
  /** @returns memory of its own; null: the key or nonce is another, or the bytes were changed */
  open(nonce: Uint8Array, sealed: Uint8Array): Sliced<Uint8Array | null>;
}

export class AesGcm implements Aead {
  readonly nonceBytes = AES_NONCE_BYTES;

  readonly #key: Uint8Array;

  /** @param key 32 bytes */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  *seal(nonce: Uint8Array, plain: Uint8Array): Sliced<Uint8Array> {
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    const sealed = new Uint8Array(plain.length + TAG_BYTES);
    yield* update(cipher, plain, sealed);
    cipher.final();
    sealed.set(cipher.getAuthTag(), plain.length);
    return sealed;
  }

  *open(nonce: Uint8Array, sealed: Uint8Array): Sliced<Uint8Array | null> {
    const size = sealed.length - TAG_BYTES;
    if (size < 0 || nonce.length !== AES_NONCE_BYTES) return null;
    const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce);
    decipher.setAuthTag(sealed.subarray(size));
    const plain = new Uint8Array(size);
    yield* update(decipher, sealed.subarray(0, size), plain);
    try {
      decipher.final();
    } catch {
      return null;
    }
    return plain;
  }
}

function* update(cipher: CipherGCM | DecipherGCM, source: Uint8Array, target: Uint8Array): Sliced<void> {
  for (let at = 0; at < source.length; at += SLICE_BYTES) {
    target.set(cipher.update(source.subarray(at, at + SLICE_BYTES)), at);
    yield PAUSE;
  }
}

/** The first block of the stream is the key of Poly1305; what is encrypted begins with the second. */
const CONTENT_OFFSET = 64;
const MAC_KEY_BYTES = 32;
const MAC_BLOCK_BYTES = 16;

export class XChaCha20Poly1305 implements Aead {
  readonly nonceBytes = XCHACHA20_NONCE_BYTES;

  readonly #key: Uint8Array;

  /** @param key 32 bytes */
  constructor(
    private readonly kernel: ChaCha20Kernel,
    key: Uint8Array,
  ) {
    this.#key = key;
  }

  *seal(nonce: Uint8Array, plain: Uint8Array): Sliced<Uint8Array> {
    const cipher = new XChaCha20(this.kernel, this.#key, nonce);
    const sealed = new Uint8Array(plain.length + TAG_BYTES);
    sealed.set(plain);
    yield* applyInSlices(cipher, sealed, plain.length);
    sealed.set(yield* tagOf(cipher, sealed.subarray(0, plain.length)), plain.length);
    return sealed;
  }

  *open(nonce: Uint8Array, sealed: Uint8Array): Sliced<Uint8Array | null> {
    const size = sealed.length - TAG_BYTES;
    if (size < 0 || nonce.length !== XCHACHA20_NONCE_BYTES) return null;
    const cipher = new XChaCha20(this.kernel, this.#key, nonce);
    const tag = yield* tagOf(cipher, sealed.subarray(0, size));
    if (!timingSafeEqual(tag, sealed.subarray(size))) return null;
    const plain = sealed.slice(0, size);
    yield* applyInSlices(cipher, plain, size);
    return plain;
  }
}

function* applyInSlices(cipher: XChaCha20, bytes: Uint8Array, size: number): Sliced<void> {
  for (let at = 0; at < size; at += SLICE_BYTES) {
    cipher.apply(bytes, at, Math.min(size, at + SLICE_BYTES), CONTENT_OFFSET + at);
    yield PAUSE;
  }
}

function* tagOf(cipher: XChaCha20, encrypted: Uint8Array): Sliced<Uint8Array> {
  const { Poly1305 } = poly1305Module();
  const macKey = new Uint8Array(MAC_KEY_BYTES);
  cipher.apply(macKey, 0, MAC_KEY_BYTES, 0);
  const mac = new Poly1305(macKey);
  for (let at = 0; at < encrypted.length; at += SLICE_BYTES) {
    mac.update(encrypted.subarray(at, at + SLICE_BYTES));
    yield PAUSE;
  }
  mac.update(new Uint8Array((MAC_BLOCK_BYTES - (encrypted.length % MAC_BLOCK_BYTES)) % MAC_BLOCK_BYTES));
  const sizes = new DataView(new ArrayBuffer(MAC_BLOCK_BYTES)); // of the additional data, and of what is encrypted
  sizes.setBigUint64(8, BigInt(encrypted.length), true);
  mac.update(new Uint8Array(sizes.buffer));
  return mac.digest();
}

/** Loaded when it is needed, which takes some milliseconds; synchronously, because stores are opened so. */
function poly1305Module(): typeof import("@noble/ciphers/_poly1305.js") {
  return require("@noble/ciphers/_poly1305.js");
}
