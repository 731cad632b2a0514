/** Base64 as Go decodes it: line breaks are skipped, padding is required. Source: encoding/base64, StdEncoding (behaviour). */

const LETTER = /[A-Za-z0-9+/]/;

/** @returns the bytes, or the byte offset of the first invalid character */
export function decodeBase64(text: string): Uint8Array | number {
  let letters = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "\n" || character === "\r") continue;
    if (LETTER.test(character)) letters += character;
    else if (character === "=") return padded(text, letters, at);
    else return Buffer.byteLength(text.slice(0, at));
  }
  return letters.length % 4 === 0 ? Buffer.from(letters, "base64") : text.length - trailingBreaks(text) - (letters.length % 4);
}

/** Checks the padding from the first `=` on: one or two `=` that complete the last group, and nothing else. */
function padded(text: string, letters: string, at: number): Uint8Array | number {
  const missing = (4 - (letters.length % 4)) % 4;
  if (missing === 0 || missing === 3) return at;
  let seen = 1;
  for (let next = at + 1; next < text.length; next++) {
    const character = text[next];
    if (character === "\n" || character === "\r") continue;
    if (character !== "=" || ++seen > missing) return next;
  }
  return seen === missing ? Buffer.from(letters, "base64") : text.length;
}

function trailingBreaks(text: string): number {
  let end = text.length;
  while (end > 0 && (text[end - 1] === "\n" || text[end - 1] === "\r")) end--;
  return text.length - end;
}
