import { createHash } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HASH_CHARACTERS = 8;

/**
 * Hash of a server's name, eight characters, as used in subjects.
 * Source: reference, core §8.
 */
export function serverHash(name: string): string {
  let text = "";
  for (const byte of createHash("sha256").update(name).digest().subarray(0, HASH_CHARACTERS)) text += DIGITS[byte % DIGITS.length];
  return text;
}
