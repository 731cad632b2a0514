/**
 * The hash of a subject's bytes: FNV-1a with a final mixing step. One multiplication per byte. Subjects differ most in their last bytes; the
 * final step spreads these over the low bits, which select the slot. Hash tables that use it must be bounded, because a client can choose
 * subjects with equal hashes.
 */
export const HASH_START = 0x811c9dc5 | 0;
const PRIME = 0x01000193;

export function hashStep(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, PRIME);
}

export function hashFinish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}

/** Hash of `source` from `start` to `end`, a signed 32-bit integer. @param from a secret start if clients must not be able to predict the hash */
export function hashBytes(source: Uint8Array, start: number, end: number, from: number = HASH_START): number {
  let hash = from;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ source[at], PRIME);
  return hashFinish(hash);
}

/** Whether `length` bytes are equal at both positions. */
export function sameBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  for (let at = 0; at < length; at++) {
    if (a[aStart + at] !== b[bStart + at]) return false;
  }
  return true;
}
