/**
 * Nkeys: Ed25519 and X25519 keys as text, `<kind letter><52 or more base32 letters>`.
 *
 *   base32( prefix byte · 32 bytes of key · CRC-16 of both, low byte first ), without padding
 * Source: nkeys (behaviour); core §4.2.
 */
import { randomBytes } from "node:crypto";

/** Prefix bytes; the letter that a key begins with follows from its top five bits. */
export enum NkeyKind {
  Server = 13 << 3, // N
  Cluster = 2 << 3, // C
  Operator = 14 << 3, // O
  Account = 0, // A
  User = 20 << 3, // U
  Curve = 23 << 3, // X
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const KEY_BYTES = 32;

export function encodeNkey(kind: NkeyKind, key: Uint8Array): string {
  if (key.length !== KEY_BYTES) throw new RangeError(`an nkey has ${KEY_BYTES} bytes, not ${key.length}`);
  const raw = new Uint8Array(1 + KEY_BYTES + 2);
  raw[0] = kind;
  raw.set(key, 1);
  const crc = crc16(raw.subarray(0, 1 + KEY_BYTES));
  raw[raw.length - 2] = crc & 0xff;
  raw[raw.length - 1] = crc >> 8;
  return base32(raw);
}

/** @returns the key's kind and bytes; null when the text is no nkey: another alphabet, length, prefix or checksum */
export function decodeNkey(text: string): { kind: NkeyKind; key: Uint8Array } | null {
  const raw = fromBase32(text);
  if (raw === null || raw.length !== 1 + KEY_BYTES + 2) return null;
  const crc = raw[raw.length - 2] | (raw[raw.length - 1] << 8);
  if (crc !== crc16(raw.subarray(0, raw.length - 2))) return null;
  const kind = raw[0];
  if (NkeyKind[kind] === undefined) return null;
  return { kind, key: raw.slice(1, 1 + KEY_BYTES) };
}

/** CRC-16/XMODEM: polynomial 0x1021, start 0. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(value << (5 - bits)) & 31] : text;
}

function fromBase32(text: string): Uint8Array | null {
  const bytes = new Uint8Array((text.length * 5) >> 3);
  let size = 0;
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    const digit = ALPHABET.indexOf(letter);
    if (digit === -1) return null;
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[size++] = value >> bits;
      value &= (1 << bits) - 1;
    }
  }
  return value === 0 && bits < 5 ? bytes : null;
}

/** 11 random bytes as 15 characters of base64url: what a client signs. */
export function newNonce(): string {
  return randomBytes(11).toString("base64url");
}
