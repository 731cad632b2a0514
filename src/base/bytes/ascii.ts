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

/** Below this size a byte loop is faster than a native call. */
const LOOP_BYTES_MAX = 48;

export function encode(text: string): Buffer {
  return Buffer.from(text);
}

/** Text of a range of bytes, as UTF-8; invalid bytes become U+FFFD. */
export function decode(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (bytes instanceof Buffer) return bytes.toString("utf8", start, end);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
}

/** One character per byte, so that any bytes can be a Map key. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (bytes instanceof Buffer) return bytes.toString("latin1", start, end); // a view costs more than the text
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
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
 * a peer's bytes this way.
 */
export function quote(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let out = '"';
  let at = start;
  while (at < end) {
    const size = runeSize(bytes, at, end);
    if (size === 0) {
      out += `\\x${bytes[at++].toString(16).padStart(2, "0")}`;
      continue;
    }
    out += quoteRune(decode(bytes, at, at + size));
    at += size;
  }
  return `${out}"`;
}

function quoteRune(char: string): string {
  const code = char.codePointAt(0)!;
  if (char === '"' || char === "\\") return `\\${char}`;
  if (code >= 0x20 && code < 0x7f) return char;
  if (ESCAPES[code] !== undefined) return ESCAPES[code];
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char)) return char;
  return code < 0x1_0000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
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

const ESCAPES: Record<number, string> = { 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r" };
