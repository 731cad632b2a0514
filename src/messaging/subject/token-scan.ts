import { DOT } from "../../base/bytes/ascii.ts";
import { hashBytes } from "./byte-hash.ts";

/**
 * A subject cut into tokens, as offsets: one scan finds the dots, then tokens are asked for by number and in any order.
 *
 *   orders.eu.created      starts 0 7 10   ends 6 9 17   hashes: computed for the tokens a walk really looks up
 * Reused for every subject; the arrays hold 32 tokens and grow for longer ones.
 */
const TOKENS_USUAL = 32;

export class TokenScan {
  private starts = new Int32Array(TOKENS_USUAL);
  private ends = new Int32Array(TOKENS_USUAL);
  /** 0: not computed yet. */
  private hashes = new Int32Array(TOKENS_USUAL);
  count = 0;

  /** @param hashFrom where token hashes begin: secret, so that nobody can choose tokens that fall into one bucket */
  constructor(private readonly hashFrom: number) {}

  /** @returns false when a token is empty; the scan is then of no use */
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

  /** @param source what was scanned: not kept, as it would keep a whole read buffer alive */
  hash(index: number, source: Uint8Array): number {
    const known = this.hashes[index];
    if (known !== 0) return known;
    const hash = hashBytes(source, this.starts[index], this.ends[index], this.hashFrom);
    this.hashes[index] = hash;
    return hash;
  }

  /** Whether the token is this one byte: how patterns ask for `*` and `>`. */
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
