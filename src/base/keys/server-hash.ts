import { createHash } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HASH_CHARACTERS = 8;

/**
 * A server's name in eight characters, as subjects hold it.
 * Source: reference, core §8.
 */
export function serverHash(name: string): string {
  let text = "";
  for (const byte of createHash("sha256").update(name).digest().subarray(0, HASH_CHARACTERS)) text += DIGITS[byte % DIGITS.length];
  return text;
}
