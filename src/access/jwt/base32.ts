/** Hashes as text: RFC 4648 base32, as in Go's `base32.StdEncoding`. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Without padding. */
export function base32(bytes: Uint8Array): string {
  let out = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) out += ALPHABET[(value >> (bits - 5)) & 31];
  }
  return bits > 0 ? out + ALPHABET[(value << (5 - bits)) & 31] : out;
}

/** Padded with `=` to whole groups of eight letters. */
export function paddedBase32(bytes: Uint8Array): string {
  const letters = base32(bytes);
  return letters.padEnd(Math.ceil(letters.length / 8) * 8, "=");
}
