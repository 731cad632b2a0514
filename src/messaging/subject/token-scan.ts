import { DOT } from "../../base/bytes/ascii.ts";
import { type HashKey, hashBytes } from "./byte-hash.ts";

/**
 * A subject split into tokens, as offsets. One scan finds the dots; then callers read tokens by number in any order.
 *
 *   orders.eu.created      starts 0 7 10   ends 6 9 17   hashes: computed only for tokens that are looked up
 * One object serves all subjects. The arrays have room for 32 tokens and grow for longer subjects.
 */
const TOKENS_USUAL = 32;

export class TokenScan {
  private starts = new Int32Array(TOKENS_USUAL);
  private ends = new Int32Array(TOKENS_USUAL);
  /** 0: not computed yet. */
  private hashes = new Int32Array(TOKENS_USUAL);
  count = 0;

  /** @param key of the tokens' hashes. Secret, so that clients cannot choose tokens of the same bucket */
  constructor(private key: HashKey) {}

  /** Replaces the key. Call `scan` again afterwards, because the hashes of the scanned subject are those of the old key. */
  rekey(key: HashKey): void {
    this.key = key;
  }

  /** @returns false if a token is empty; then the results must not be used */
  scan(source: Uint8Array, start: number, end: number): boolean {
    const { starts, ends, hashes } = this;
    let count = 0;
    let tokenStart = start;
    for (let at = start; at < end; at++) {
      if (source[at] !== DOT) continue;
      if (at === tokenStart) return false;
      if (count + 1 === ends.length) {
        this.grow();
        return this.scan(source, start, end);
      }
      starts[count] = tokenStart;
      ends[count] = at;
      hashes[count] = 0;
      count++;
      tokenStart = at + 1;
    }
    if (tokenStart >= end) return false;
    starts[count] = tokenStart;
    ends[count] = end;
    hashes[count] = 0;
    this.count = count + 1;
    return true;
  }

  start(index: number): number {
    return this.starts[index];
  }

  end(index: number): number {
    return this.ends[index];
  }

  /** @param source the scanned bytes. The scan does not keep them, because it would keep a whole read buffer alive */
  hash(index: number, source: Uint8Array): number {
    const known = this.hashes[index];
    if (known !== 0) return known;
    const hash = hashBytes(source, this.starts[index], this.ends[index], this.key);
    this.hashes[index] = hash;
    return hash;
  }

  /** Whether the token is this single byte. Used to find `*` and `>` in patterns. */
  is(index: number, source: Uint8Array, byte: number): boolean {
    const at = this.starts[index];
    return this.ends[index] - at === 1 && source[at] === byte;
  }

  private grow(): void {
    this.starts = doubled(this.starts);
    this.ends = doubled(this.ends);
    this.hashes = doubled(this.hashes);
  }
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}
