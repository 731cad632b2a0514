import { DOT, FULL, STAR } from "../../base/bytes/ascii.ts";
import { sameBytes } from "./byte-hash.ts";
import { tokenEnd } from "./subject.ts";

/**
 * Compares two subjects token by token, with an offset in each. It builds no arrays of tokens, so their number is not limited.
 *
 *   isSubset    orders.eu.*  within  orders.>     the second matches every subject that the first matches
 *   collide     orders.*     with    *.eu         at least one subject matches both
 * A subject with an empty token is no subset of any pattern and collides only with itself. As everywhere, `*x` and `>x` are plain text.
 */

/** Whether the pattern covers the subject. The subject may contain wildcards: `*` is covered by `*` or `>`, `>` only by `>`. */
export function isSubset(
  subject: Uint8Array,
  subjectStart: number,
  subjectEnd: number,
  pattern: Uint8Array,
  patternStart: number,
  patternEnd: number,
): boolean {
  let at = subjectStart;
  let patternAt = patternStart;
  while (true) {
    const stop = tokenEnd(subject, at, subjectEnd);
    const patternStop = tokenEnd(pattern, patternAt, patternEnd);
    if (patternStop === patternAt) return false;
    const single = patternStop - patternAt === 1 ? pattern[patternAt] : 0;
    if (single === FULL) return true;
    if (stop === at) return false;
    if (stop - at === 1 && subject[at] === FULL) return false;
    // A `*` of the subject equals only a `*` of the pattern, so it needs no special case.
    if (single !== STAR) {
      if (stop - at !== patternStop - patternAt || !sameBytes(subject, at, pattern, patternAt, stop - at)) return false;
    }
    if (stop === subjectEnd || patternStop === patternEnd) return stop === subjectEnd && patternStop === patternEnd;
    at = stop + 1;
    patternAt = patternStop + 1;
  }
}

/** Whether at least one literal subject matches both. */
export function collide(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): boolean {
  if (aEnd - aStart === bEnd - bStart && sameBytes(a, aStart, b, bStart, aEnd - aStart)) return true;
  let aAt = aStart;
  let bAt = bStart;
  while (true) {
    const aStop = tokenEnd(a, aAt, aEnd);
    const bStop = tokenEnd(b, bAt, bEnd);
    if (aStop === aAt || bStop === bAt) return false;
    const aSingle = aStop - aAt === 1 ? a[aAt] : 0;
    const bSingle = bStop - bAt === 1 ? b[bAt] : 0;
    if (aSingle === FULL || bSingle === FULL) return true;
    if (aSingle !== STAR && bSingle !== STAR) {
      if (aStop - aAt !== bStop - bAt || !sameBytes(a, aAt, b, bAt, aStop - aAt)) return false;
    }
    if (aStop === aEnd || bStop === bEnd) return aStop === aEnd && bStop === bEnd;
    aAt = aStop + 1;
    bAt = bStop + 1;
  }
}

/**
 * Whether a valid pattern matches a literal subject, in which `*` and `>` are plain text. The cache compares its subjects with the patterns that
 * were added or removed, so it stops at the first byte that differs.
 */
export function matchesLiteral(
  pattern: Uint8Array,
  literal: Uint8Array,
  literalStart: number,
  literalEnd: number,
  patternEnd: number = pattern.length,
): boolean {
  let at = literalStart;
  for (let patternAt = 0; patternAt < patternEnd; patternAt++) {
    if (at >= literalEnd) return false;
    const byte = pattern[patternAt];
    if ((byte === STAR || byte === FULL) && (patternAt === 0 || pattern[patternAt - 1] === DOT)) {
      if (byte === FULL && patternAt + 1 === patternEnd) return true;
      if (byte === STAR && (patternAt + 1 === patternEnd || pattern[patternAt + 1] === DOT)) {
        at = tokenEnd(literal, at, literalEnd);
        continue;
      }
    }
    if (literal[at] !== byte) return false;
    at++;
  }
  return at === literalEnd;
}
