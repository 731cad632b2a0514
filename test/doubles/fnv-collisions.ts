/**
 * Tokens with equal FNV-1a hashes, for tests of hash tables that clients fill.
 *
 *   start ─ u1|v1 ─▶ state ─ u2|v2 ─▶ state ─ … 2^n tokens from n pairs of six letters that lead to the same state
 */
import type { Random } from "../../src/base/random/random.ts";

const PRIME = 0x01000193;
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const BLOCK = 6;

/**
 * @param count rounded up to a power of two
 * @param start the hash's start; its low byte alone decides which tokens collide
 */
export function fnvCollisions(count: number, start: number, random: Random): string[] {
  let tokens = [""];
  let state = start & 0xff;
  while (tokens.length < count) {
    const seen = new Map<number, string>();
    while (true) {
      let block = "";
      let hash = state;
      for (let at = 0; at < BLOCK; at++) {
        block += LETTERS[random.below(LETTERS.length)];
        hash = Math.imul(hash ^ block.charCodeAt(at), PRIME);
      }
      const other = seen.get(hash);
      seen.set(hash, block);
      if (other === undefined || other === block) continue;
      tokens = tokens.flatMap(token => [token + other, token + block]);
      state = hash;
      break;
    }
  }
  return tokens;
}
