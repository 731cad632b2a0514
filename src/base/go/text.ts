/**
 * Text of files as Go sees it: bytes that are mostly UTF-8. A JavaScript string holds the characters, and each byte that is not UTF-8
 * as U+DC00 + byte, a code unit that no valid text has. So the bytes can be restored, for digests and error texts.
 */
const INVALID = 0xdc00;

/** A character at an offset of a string that has one character per byte. */
export interface Rune {
  /** Code point; U+FFFD for a byte that is not UTF-8. */
  readonly code: number;
  /** Bytes it takes: 1 for a byte that is not UTF-8. */
  readonly width: number;
}

const REPLACEMENT: Rune = { code: 0xfffd, width: 1 };

/** Decodes one character, strictly: no overlong forms, no surrogates, nothing above U+10FFFF. */
export function runeAt(bytes: string, at: number): Rune {
  const first = bytes.charCodeAt(at);
  if (first < 0x80) return { code: first, width: 1 };
  const width = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (width === 0 || at + width > bytes.length) return REPLACEMENT;
  let code = first & (0xff >> (width + 1));
  for (let i = 1; i < width; i++) {
    const next = bytes.charCodeAt(at + i);
    if ((next & 0xc0) !== 0x80) return REPLACEMENT;
    code = (code << 6) | (next & 0x3f);
  }
  const least = width === 2 ? 0x80 : width === 3 ? 0x800 : 0x10000;
  return code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? REPLACEMENT : { code, width };
}

/** @param bytes one character per byte */
export function textOfBytes(bytes: string): string {
  if (!hasHighBytes(bytes)) return bytes;
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const rune = runeAt(bytes, at);
    const invalid = rune.width === 1 && rune.code === REPLACEMENT.code;
    text += invalid ? String.fromCharCode(INVALID + bytes.charCodeAt(at)) : String.fromCodePoint(rune.code);
    at += rune.width;
  }
  return text;
}

/** The bytes of a text, one character each. */
export function bytesOfText(text: string): string {
  if (!/[^\0-\x7f]/.test(text)) return text;
  let bytes = "";
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += isInvalidByte(code) ? String.fromCharCode(code - INVALID) : Buffer.from(character).toString("latin1");
  }
  return bytes;
}

/** Whether a code unit represents a byte that was not UTF-8. */
export function isInvalidByte(code: number): boolean {
  return code >= INVALID + 0x80 && code <= INVALID + 0xff;
}

function hasHighBytes(bytes: string): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes.charCodeAt(at) >= 0x80) return true;
  return false;
}
