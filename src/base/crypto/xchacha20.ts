/**
 * XChaCha20: a stream cipher with a key of 32 bytes and a nonce of 24 bytes, from any offset of its stream. The runtime does not have it.
 *
 *   key, first 16 bytes of the nonce ─ HChaCha20 ─▶ subkey;  subkey, last 8 bytes, block number ─ ChaCha20 ─▶ 64 bytes of the stream
 * One kernel with its memory serves all ciphers of a server; a call leaves nothing behind but the state of the cipher that it worked for.
 * 8 MiB take about 9 ms, a record of 200 bytes less than a microsecond (bench/micro/encryption.ts).
 * Source: RFC 8439, draft-irtf-cfrg-xchacha.
 */
import { BLOCK_BYTES, type ChaCha20KernelExports, chaCha20Module, STATE_AT, SUBKEY_AT, WINDOW_AT } from "./chacha20-kernel.ts";

export const XCHACHA20_KEY_BYTES = 32;
export const XCHACHA20_NONCE_BYTES = 24;
/** Bytes that are copied into the kernel at a time. */
const WINDOW_BYTES = 32 * 1024;
const PAGES = 1;
/** "expand 32-byte k" */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
const KEY_WORD = 4;
const NONCE_WORD = 12;
/** Words of the nonce that make the subkey. */
const SUBKEY_NONCE_WORDS = 4;

export class ChaCha20Kernel {
  private readonly kernel: ChaCha20KernelExports;
  private readonly bytes: Uint8Array;
  private readonly state: Uint32Array;
  private readonly subkey: Uint32Array;
  /** The cipher whose state is in the kernel's memory. */
  private current: XChaCha20 | null = null;

  constructor() {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    const module = new WebAssembly.Module(chaCha20Module(PAGES));
    this.kernel = new WebAssembly.Instance(module, { host: { memory } }).exports as unknown as ChaCha20KernelExports;
    this.bytes = new Uint8Array(memory.buffer);
    this.state = new Uint32Array(memory.buffer, STATE_AT, 16);
    this.subkey = new Uint32Array(memory.buffer, SUBKEY_AT, 8);
    this.state.set(CONSTANTS);
  }

  /** HChaCha20. @param key 8 words @param nonce 4 words @returns 8 words */
  subkeyOf(key: Uint32Array, nonce: Uint32Array): Uint32Array {
    this.current = null;
    this.state.set(key, KEY_WORD);
    this.state.set(nonce, NONCE_WORD);
    this.kernel.subkey();
    return this.subkey.slice();
  }

  /** Combines `bytes[start, end)` with the stream of a cipher from `offset` on. @param state its subkey and the four words behind it */
  xor(cipher: XChaCha20, state: Uint32Array, bytes: Uint8Array, start: number, end: number, offset: number): void {
    if (this.current !== cipher) {
      this.state.set(state, KEY_WORD);
      this.current = cipher;
    }
    for (let at = start, position = offset; at < end; ) {
      const skipped = position % BLOCK_BYTES;
      const from = WINDOW_AT + skipped;
      const size = Math.min(end - at, WINDOW_BYTES - skipped);
      this.bytes.set(bytes.subarray(at, at + size), from);
      this.kernel.xor(WINDOW_AT, from + size, Math.floor(position / BLOCK_BYTES));
      bytes.set(this.bytes.subarray(from, from + size), at);
      at += size;
      position += size;
    }
  }
}

export class XChaCha20 {
  /** Subkey, block number, 0, and the rest of the nonce: the words of the state behind the constants. */
  readonly #state: Uint32Array;

  /** @param key 32 bytes @param nonce 24 bytes; never used for different content with this key */
  constructor(
    private readonly kernel: ChaCha20Kernel,
    key: Uint8Array,
    nonce: Uint8Array,
  ) {
    if (key.length !== XCHACHA20_KEY_BYTES || nonce.length !== XCHACHA20_NONCE_BYTES) throw new Error("a key or nonce of a wrong size");
    const nonceWords = words(nonce);
    const subkey = kernel.subkeyOf(words(key), nonceWords.subarray(0, SUBKEY_NONCE_WORDS));
    this.#state = Uint32Array.of(...subkey, 0, 0, ...nonceWords.subarray(SUBKEY_NONCE_WORDS));
  }

  /**
   * Encrypts or decrypts `bytes[start, end)` in place.
   * @param offset of these bytes in the stream, below 256 GiB
   */
  apply(bytes: Uint8Array, start: number, end: number, offset: number): void {
    this.kernel.xor(this, this.#state, bytes, start, end, offset);
  }
}

/** Bytes as words in the machine's byte order, which is little-endian on all platforms of Bun. */
function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}
