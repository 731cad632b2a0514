import { DOT, FULL, STAR } from "../../base/bytes/ascii.ts";

/**
 * Checks of subjects, given as bytes `start` to `end` of `source`. They allocate nothing, for subjects of any length.
 *
 *   orders.eu.*.>      tokens between dots; `*` stands for one token, `>` for the rest and comes last
 * Only a whole token is a wildcard: `foo*` and `a>b` are plain text. There are four checks, for four callers:
 *
 *   isValidSubject         subjects of configuration and API: also no white space, on request also only valid UTF-8
 *   isInsertable           subjects of subscriptions: a SUB line cannot contain white space in a subject, so that is not checked
 *   isValidLiteral         pedantic check of PUB: no empty token, no wildcard
 *   isValidPublishSubject  valid and without wildcards
 * Variants for strings are in `subject-text.ts`, comparisons of two subjects in `subject-overlap.ts`.
 */

const NUL = 0;
const TAB = 0x09;
const LF = 0x0a;
const FF = 0x0c;
const CR = 0x0d;
const SPACE = 0x20;

/** End of the token that begins at `at`: the next dot, or `end`. */
export function tokenEnd(source: Uint8Array, at: number, end: number): number {
  let stop = at;
  while (stop < end && source[stop] !== DOT) stop++;
  return stop;
}

/** Start of token `index` (0 is the first), or -1 if there are fewer tokens. */
export function tokenStart(source: Uint8Array, start: number, end: number, index: number): number {
  let at = start;
  for (let passed = 0; passed < index; passed++) {
    at = tokenEnd(source, at, end);
    if (at === end) return -1;
    at++;
  }
  return at;
}

/** Number of tokens, including empty ones; 0 for an empty subject. */
export function tokenCount(source: Uint8Array, start: number, end: number): number {
  if (start === end) return 0;
  let count = 1;
  for (let at = start; at < end; at++) {
    if (source[at] === DOT) count++;
  }
  return count;
}

/** Whether a token is empty: such a subject matches no subscription. */
export function hasEmptyToken(source: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (source[at] === DOT && (at === start || source[at - 1] === DOT)) return true;
  return start === end || source[end - 1] === DOT;
}

/** Whether any whole token is `*` or `>`. Does not check the rest of the subject: `>.a` has a wildcard too. */
export function hasWildcard(source: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = source[at];
    if (byte !== STAR && byte !== FULL) continue;
    if ((at === start || source[at - 1] === DOT) && (at + 1 === end || source[at + 1] === DOT)) return true;
  }
  return false;
}

/** Whether clients can subscribe to the subject: no empty token, no token after `>`. */
export function isInsertable(source: Uint8Array, start: number, end: number): boolean {
  for (let at = start; ; ) {
    const stop = tokenEnd(source, at, end);
    if (stop === at) return false;
    if (stop === end) return true;
    if (stop - at === 1 && source[at] === FULL) return false;
    at = stop + 1;
  }
}

/** @param checkRunes also refuse NUL, U+FFFD and invalid UTF-8, as JetStream and MQTT do */
export function isValidSubject(source: Uint8Array, start: number, end: number, checkRunes = false): boolean {
  if (!isInsertable(source, start, end)) return false;
  for (let at = start; at < end; at++) {
    const byte = source[at];
    if (byte <= SPACE && (byte === SPACE || byte === TAB || byte === LF || byte === CR || byte === FF)) return false;
  }
  return !checkRunes || hasSoundRunes(source, start, end);
}

/** The pedantic check of a published subject: no empty token and no wildcard. White space is not checked. */
export function isValidLiteral(source: Uint8Array, start: number, end: number): boolean {
  for (let at = start; ; ) {
    const stop = tokenEnd(source, at, end);
    if (stop === at) return false;
    if (stop - at === 1 && (source[at] === STAR || source[at] === FULL)) return false;
    if (stop === end) return true;
    at = stop + 1;
  }
}

export function isValidPublishSubject(source: Uint8Array, start: number, end: number): boolean {
  return isValidSubject(source, start, end) && !hasWildcard(source, start, end);
}

/** Whether the bytes are strict UTF-8 (no overlong form, no surrogate, no code point above U+10FFFF) without NUL and U+FFFD. */
export function hasSoundRunes(source: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const lead = source[at];
    if (lead < 0x80) {
      if (lead === NUL) return false;
      at++;
      continue;
    }
    const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (size === 0 || at + size > end) return false;
    let rune = lead & (0xff >> (size + 1));
    for (let next = at + 1; next < at + size; next++) {
      if ((source[next] & 0xc0) !== 0x80) return false;
      rune = (rune << 6) | (source[next] & 0x3f);
    }
    if (size === 3 && (rune < 0x800 || (rune >= 0xd800 && rune <= 0xdfff) || rune === 0xfffd)) return false;
    if (size === 4 && (rune < 0x10000 || rune > 0x10ffff)) return false;
    at += size;
  }
  return true;
}
