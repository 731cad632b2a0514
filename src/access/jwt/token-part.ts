/** The parts of a token: base64url without padding, as Go decodes it: line breaks are skipped, and unused bits of the last letter are ignored. */
import { JwtError } from "./claims.ts";

const LETTERS = /^[A-Za-z0-9_-]*$/;

/** @throws JwtError */
export function decodePart(part: string): Buffer {
  const letters = part.includes("\n") || part.includes("\r") ? part.replace(/[\r\n]/g, "") : part;
  if (!LETTERS.test(letters) || letters.length % 4 === 1) throw new JwtError(`illegal base64 data at input byte ${illegalAt(part)}`);
  return Buffer.from(letters, "base64url");
}

function illegalAt(part: string): number {
  const at = part.search(/[^A-Za-z0-9_\r\n-]/);
  return at === -1 ? part.length - 1 : Buffer.byteLength(part.slice(0, at)); // -1: a last letter that is too few
}

export function encodePart(text: string): string {
  return Buffer.from(text).toString("base64url");
}
