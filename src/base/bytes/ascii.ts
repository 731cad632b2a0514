/** Byte values of the protocol, and the conversions needed for its lines. */
export const LF = 0x0a;
export const CR = 0x0d;
export const TAB = 0x09;
export const SPACE = 0x20;
export const DOT = 0x2e;
/** `*`: the wildcard for one token. */
export const STAR = 0x2a;
/** `>`: the wildcard for all remaining tokens. */
export const FULL = 0x3e;
export const ZERO = 0x30;
const BELL = 0x07;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX_DIGITS = "0123456789abcdef";
/** Letters of the escapes from BELL to CR. */
const NAMED_ESCAPES = "abtnvfr";

const BILLION = 1_000_000_000;
const BILLION_DIGITS = 9;

/** Below this size a byte loop is faster than a native call. */
const LOOP_BYTES_MAX = 48;

export function encode(text: string): Buffer {
  return Buffer.from(text);
}

/**
 * The text of any bytes, not of a Buffer only. Reading `bytes.buffer` instead would give each small array a memory block of its own, for as long
 * as it lives: a million subjects that are shown once would then cost a garbage collection hundreds of milliseconds.
 */
const toText = Buffer.prototype.toString as (this: Uint8Array, encoding: "utf8" | "latin1", start: number, end: number) => string;

/** Text of a range of bytes, as UTF-8; invalid bytes become U+FFFD. */
export function decode(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return toText.call(bytes, "utf8", start, end);
}

/** One character per byte, so that any bytes can be a Map key. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return toText.call(bytes, "latin1", start, end);
}

/** A copy: `slice` of a Buffer is a view that would keep a whole read alive. */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const size = end - start;
  const copy = new Uint8Array(size);
  if (size > LOOP_BYTES_MAX) copy.set(bytes.subarray(start, end));
  else for (let i = 0; i < size; i++) copy[i] = bytes[start + i];
  return copy;
}

export function bytesEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

export function startsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}

/**
 * Parses a size of the protocol: one to nine digits and nothing else.
 * @returns -1 for anything else
 */
export function parseSize(bytes: Uint8Array, start: number, end: number): number {
  const digits = end - start;
  if (digits === 0 || digits > 9) return -1;
  let size = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    size = size * 10 + digit;
  }
  return size;
}

/** Writes a non-negative integer in decimal. Returns the offset after it. */
export function writeDecimal(target: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    target[at] = ZERO + value;
    return at + 1;
  }
  let end = at + decimalSize(value);
  const behind = end;
  let rest = value;
  while (rest >= 10) {
    const quotient = (rest / 10) | 0;
    target[--end] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  target[--end] = ZERO + rest;
  return behind;
}

/** Writes a non-negative safe integer in decimal, for sequences. @returns the offset after it */
export function writeSafeInteger(target: Uint8Array, at: number, value: number): number {
  if (value < BILLION) return writeDecimal(target, at, value);
  const head = Math.floor(value / BILLION);
  const end = writeDecimal(target, at, head) + BILLION_DIGITS;
  let rest = value - head * BILLION;
  for (let digit = 1; digit <= BILLION_DIGITS; digit++) {
    const quotient = (rest / 10) | 0;
    target[end - digit] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  return end;
}

/** Number of decimal digits of a non-negative integer below 2^31. */
export function decimalSize(value: number): number {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1_000) return 3;
  if (value < 10_000) return 4;
  if (value < 100_000) return 5;
  if (value < 1_000_000) return 6;
  if (value < 10_000_000) return 7;
  if (value < 100_000_000) return 8;
  return value < 1_000_000_000 ? 9 : 10;
}

/**
 * Bytes as printed by Go's `%q`: in double quotes, with Go's escapes; invalid UTF-8 as `\xHH`. Error texts of the reference show
 * a peer's bytes this way, and traces show whole payloads: plain text takes one native scan, and
 * other bytes one step of a loop each.
 */
export function quote(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const plain = latin1(bytes, start, end);
  return NEEDS_ESCAPE.test(plain) ? quoteEach(bytes, start, end) : `"${plain}"`;
}

/** Anything but printable ASCII without quote and backslash. */
const NEEDS_ESCAPE = /[^ !#-[\]-~]/;
/** The longest escape of one byte is `\xHH`. A rune of several bytes needs less per byte. */
const ESCAPE_BYTES_MAX = 4;

function quoteEach(bytes: Uint8Array, start: number, end: number): string {
  const out = Buffer.allocUnsafe((end - start) * ESCAPE_BYTES_MAX);
  let size = 0;
  for (let at = start; at < end; ) {
    const byte = bytes[at];
    if (byte >= SPACE && byte < 0x7f) {
      if (byte === QUOTE || byte === BACKSLASH) out[size++] = BACKSLASH;
      out[size++] = byte;
      at++;
      continue;
    }
    const runeBytes = byte < 0x80 ? 0 : runeSize(bytes, at, end);
    if (runeBytes > 0) {
      if (isPrintable(codePointAt(bytes, at, runeBytes))) for (let i = 0; i < runeBytes; i++) out[size++] = bytes[at + i];
      else size += out.write(unicodeEscape(codePointAt(bytes, at, runeBytes)), size);
      at += runeBytes;
      continue;
    }
    out[size++] = BACKSLASH;
    if (byte >= BELL && byte <= CR) out[size++] = NAMED_ESCAPES.charCodeAt(byte - BELL);
    else {
      out[size++] = 0x78; // x
      out[size++] = HEX_DIGITS.charCodeAt(byte >> 4);
      out[size++] = HEX_DIGITS.charCodeAt(byte & 15);
    }
    at++;
  }
  return `"${out.toString("utf8", 0, size)}"`;
}

/** @param size bytes of a valid rune, 2 to 4 */
function codePointAt(bytes: Uint8Array, at: number, size: number): number {
  let code = bytes[at] & (0xff >> (size + 1));
  for (let i = 1; i < size; i++) code = (code << 6) | (bytes[at + i] & 0x3f);
  return code;
}

/** Whether Go prints a code point above 0x7f as it is. The ranges save the slow test for most text. */
function isPrintable(code: number): boolean {
  for (const [first, last] of PRINTABLE_RANGES) if (code >= first && code <= last) return true;
  return /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(String.fromCodePoint(code));
}

/** Latin; Greek and Cyrillic; CJK; Hangul; emoji. */
export const PRINTABLE_RANGES: readonly (readonly [first: number, last: number])[] = [
  [0xae, 0x377],
  [0x3a3, 0x52f],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0x1f300, 0x1f64f],
];

function unicodeEscape(code: number): string {
  const hex = code.toString(16);
  return code < 0x1_0000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** Size of the UTF-8 rune at `at`, in bytes; 0 when it is stray, overlong, a surrogate or truncated. */
function runeSize(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  const size = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (size === 0 || at + size > end) return 0;
  for (let i = 1; i < size; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1];
  const wrong =
    (first === 0xe0 && second < 0xa0) ||
    (first === 0xed && second > 0x9f) ||
    (first === 0xf0 && second < 0x90) ||
    (first === 0xf4 && second > 0x8f);
  return wrong ? 0 : size;
}
