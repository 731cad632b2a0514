/**
 * Encryption of stored files: the key of each asset, and what is encrypted with it.
 *
 *   secret, account, context ─ HMAC ─▶ key-encryption key ─ opens ─▶ key file: nonce · sealed seed (32 bytes)        store-secret.ts
 *   seed ─ XChaCha20-Poly1305 or AES-256-GCM ─▶ metafiles, state files: fresh nonce · sealed content
 *   seed, nonce of the key file ─ XChaCha20 or AES-256-CTR ─▶ block files: the byte at offset n with byte n of the key stream
 * A block file is encrypted without a tag, so that records can be appended; the records' own checksums find changes. Rewriting a block as a whole
 * uses the same key stream again, as nats-server does.
 *
 * The secret may be changed, and so may the cipher: keys are tried with (secret, cipher), (secret, other cipher), (previous secret, cipher),
 * (previous secret, other cipher). What happens then: encryption-recovery.ts.
 * Source: reference, formats §10.5.
 */

import { type Aead, AesGcm, XChaCha20Poly1305 } from "../../base/crypto/aead.ts";
import { AES_BLOCK_BYTES, AesCtr } from "../../base/crypto/aes-ctr.ts";
import { ChaCha20Kernel, XCHACHA20_NONCE_BYTES, XChaCha20 } from "../../base/crypto/xchacha20.ts";
import { inOneGo, PAUSE, type Sliced } from "../../base/scheduling/sliced.ts";
import type { StoreSecret } from "./store-secret.ts";

export type StoreCipher = "chacha" | "aes";

/** Names in log lines. */
export const CIPHER_NAMES: Record<StoreCipher, string> = { chacha: "ChaCha20-Poly1305", aes: "AES-GCM" };

const OTHER_CIPHER: Record<StoreCipher, StoreCipher> = { chacha: "aes", aes: "chacha" };
const NONCE_BYTES: Record<StoreCipher, number> = { chacha: XCHACHA20_NONCE_BYTES, aes: AES_BLOCK_BYTES };
const SEED_BYTES = 32;
/** A shorter key file is of no cipher. */
export const KEY_FILE_BYTES_MIN = 64;
/** Bytes of a block between two pauses: 0.2 ms at most. */
const SLICE_BYTES = 128 * 1024;

/** The cipher of one block file. */
export interface BlockCipher {
  /** Encrypts or decrypts `bytes[start, end)` in place. @param offset of these bytes in the file */
  apply(bytes: Uint8Array, start: number, end: number, offset: number): void;
}

/** The same for many bytes, in slices. @param bytes nobody else uses them until the end */
export function* applyInSlices(cipher: BlockCipher, bytes: Uint8Array, start: number, end: number, offset: number): Sliced<void> {
  for (let at = start; at < end; at += SLICE_BYTES) {
    cipher.apply(bytes, at, Math.min(end, at + SLICE_BYTES), offset + at - start);
    yield PAUSE;
  }
}

/** What a key file is, for this configuration. */
export enum KeyState {
  /** There is none. */
  Absent = 0,
  /** Too short for a key: `encryption bad key size`. */
  TooShort,
  /** Opened by none of the secrets and ciphers. */
  Unknown,
  /** Opened by the first pair. */
  Current,
  /** Opened by another pair: the secret or the cipher was changed. */
  Outdated,
}

export type KeyOpening =
  | { readonly state: KeyState.Absent | KeyState.TooShort | KeyState.Unknown; readonly key: null }
  | { readonly state: KeyState.Current | KeyState.Outdated; readonly key: FileKey };

/** @returns that many random bytes, fit for secrets */
type RandomBytes = (size: number) => Uint8Array;

/** The encryption of a server's stores. One object with one kernel for all of them. */
export class StoreEncryption {
  /** Made when the first ChaCha key is used. */
  private kernel: ChaCha20Kernel | null = null;

  /** @param previous the secret before a change; null: none */
  constructor(
    readonly cipher: StoreCipher,
    private readonly secret: StoreSecret,
    private readonly previous: StoreSecret | null,
    private readonly randomBytes: RandomBytes,
  ) {}

  /** A new key for an asset. Its `keyFile` must be durable before anything that is encrypted with it. */
  newKey(info: string, context: string): FileKey {
    const { cipher } = this;
    const seed = this.randomBytes(SEED_BYTES);
    const nonce = this.randomBytes(NONCE_BYTES[cipher]);
    const wrapped = inOneGo(this.aeadOf(cipher, this.secret.keyFor(info, context)).seal(nonce, seed));
    return this.fileKey(cipher, Buffer.concat([nonce, wrapped]), seed);
  }

  /** Opens the key file of an asset. @param keyFile null: there is none */
  openKey(keyFile: Uint8Array | null, info: string, context: string): KeyOpening {
    if (keyFile === null) return { state: KeyState.Absent, key: null };
    if (keyFile.length < KEY_FILE_BYTES_MIN) return { state: KeyState.TooShort, key: null };
    for (const secret of this.previous === null ? [this.secret] : [this.secret, this.previous]) {
      for (const cipher of [this.cipher, OTHER_CIPHER[this.cipher]]) {
        const nonceBytes = NONCE_BYTES[cipher];
        const aead = this.aeadOf(cipher, secret.keyFor(info, context));
        const seed = inOneGo(aead.open(keyFile.subarray(0, nonceBytes), keyFile.subarray(nonceBytes)));
        if (seed === null || seed.length !== SEED_BYTES) continue;
        const state = secret === this.secret && cipher === this.cipher ? KeyState.Current : KeyState.Outdated;
        return { state, key: this.fileKey(cipher, keyFile, seed) };
      }
    }
    return { state: KeyState.Unknown, key: null };
  }

  private fileKey(cipher: StoreCipher, keyFile: Uint8Array, seed: Uint8Array): FileKey {
    const nonce = keyFile.slice(0, NONCE_BYTES[cipher]);
    const blockCipher = () => (cipher === "aes" ? new AesCtr(seed, nonce) : new XChaCha20(this.chaCha20(), seed, nonce));
    return new FileKey(cipher, Uint8Array.from(keyFile), this.aeadOf(cipher, seed), blockCipher, this.randomBytes);
  }

  private aeadOf(cipher: StoreCipher, key: Uint8Array): Aead {
    return cipher === "aes" ? new AesGcm(key) : new XChaCha20Poly1305(this.chaCha20(), key);
  }

  private chaCha20(): ChaCha20Kernel {
    this.kernel ??= new ChaCha20Kernel();
    return this.kernel;
  }
}

/** The key of one asset: of a metafile and its state file, or of a block file. */
export class FileKey {
  readonly #aead: Aead;
  readonly #blockCipher: () => BlockCipher;
  readonly #randomBytes: RandomBytes;

  /** Made by `StoreEncryption`. @param keyFile content of the key file */
  constructor(
    readonly cipher: StoreCipher,
    readonly keyFile: Uint8Array,
    aead: Aead,
    blockCipher: () => BlockCipher,
    randomBytes: RandomBytes,
  ) {
    this.#aead = aead;
    this.#blockCipher = blockCipher;
    this.#randomBytes = randomBytes;
  }

  /** The cipher of a block file, from any offset. */
  blockCipher(): BlockCipher {
    return this.#blockCipher();
  }

  /** Content of a metafile or state file: a fresh nonce, then the sealed bytes. Memory of its own. */
  *seal(plain: Uint8Array): Sliced<Uint8Array> {
    const nonce = this.#randomBytes(this.#aead.nonceBytes);
    return Buffer.concat([nonce, yield* this.#aead.seal(nonce, plain)]);
  }

  /** @param content what `seal` made @returns memory of its own; null: it was changed, or another key sealed it */
  *open(content: Uint8Array): Sliced<Uint8Array | null> {
    const { nonceBytes } = this.#aead;
    if (content.length < nonceBytes) return null;
    return yield* this.#aead.open(content.subarray(0, nonceBytes), content.subarray(nonceBytes));
  }
}
