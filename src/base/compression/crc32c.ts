/**
 * CRC-32C (Castagnoli), eight bytes per step; the runtime offers only the other polynomial.
 *
 * TABLES[k][b] is the effect of byte `b` on the sum when `k` more bytes follow, so the eight bytes of a step are looked up independently.
 */

const POLYNOMIAL = 0x82f63b78;
const TABLES = crc32cTables();

/** @returns an unsigned 32-bit number */
export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  let sum = 0xffffffff;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    const low = sum ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    sum =
      t7[low & 0xff] ^
      t6[(low >>> 8) & 0xff] ^
      t5[(low >>> 16) & 0xff] ^
      t4[low >>> 24] ^
      t3[bytes[at + 4]] ^
      t2[bytes[at + 5]] ^
      t1[bytes[at + 6]] ^
      t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) sum = t0[(sum ^ bytes[at]) & 0xff] ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** Eight tables of 256 words, see above. */
export function crc32cTables(): Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 0 ? sum >>> 1 : (sum >>> 1) ^ POLYNOMIAL;
    tables[0][byte] = sum;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let k = 1; k < 8; k++) tables[k][byte] = (tables[k - 1][byte] >>> 8) ^ tables[0][tables[k - 1][byte] & 0xff];
  }
  return tables;
}
