/**
 * Nkeys: Ed25519 and X25519 keys as text, and signatures by them.
 *
 *   public key   base32( prefix byte · 32 bytes of key · checksum )             U… A… O… N… C… X…
 *   seed         base32( S and prefix, 5 bits each · 32 bytes · checksum )      SU… SA… SO… SN… SC… SX…    secret
 *
 * Without padding; the checksum is CRC-16 of the bytes before it, low byte first. Invalid text gives null or false, never an exception: it comes from
 * peers and files. Ed25519 is the runtime's; its key objects are created for each use: 1.5 µs compared with 50 µs for a verification.
 * Source: nkeys (behaviour); core §4.2.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign as signBytes, verify } from "node:crypto";

/** Prefix bytes; their top five bits give the first letter of a key. */
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
const SIGNATURE_BYTES = 64;
const SEED_PREFIX = 18 << 3; // S
/** DER prefix of the 32 bytes of an Ed25519 key. */
const PUBLIC_KEY_DER = Buffer.from("302a300506032b6570032100", "hex");
const SEED_DER = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Ed25519 points of small order, the top bit of the last byte cleared: y is 0, 1, p - 1, p, p + 1, or one of the two points of order 8. For such a
 * key anybody can make a signature that is accepted.
 */
const SMALL_ORDER_KEYS: ReadonlySet<string> = new Set([
  `00${"00".repeat(31)}`,
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

/** @throws RangeError  wrong key length, which is a bug in our code */
export function encodeNkey(kind: NkeyKind, key: Uint8Array): string {
  return encodeKey([kind], key);
}

/** @throws RangeError  wrong seed length */
export function encodeSeed(kind: NkeyKind, seed: Uint8Array): string {
  return encodeKey([SEED_PREFIX | (kind >> 5), (kind & 31) << 3], seed);
}

/** @returns the key's kind and bytes; null for a wrong alphabet, length, prefix or checksum, and for an Ed25519 key of small order */
export function decodeNkey(text: string): { kind: NkeyKind; key: Uint8Array } | null {
  const raw = decodeKey(text, 1);
  if (raw === null || NkeyKind[raw[0]] === undefined) return null;
  const key = raw.slice(1);
  return raw[0] !== NkeyKind.Curve && isOfSmallOrder(key) ? null : { kind: raw[0], key };
}

/** Whether a text has the form of a public nkey, although its key may be one of small order. */
export function hasNkeyForm(text: string): boolean {
  return decodeKey(text, 1) !== null;
}

function isOfSmallOrder(key: Uint8Array): boolean {
  const last = key[KEY_BYTES - 1] & 0x7f;
  if (last !== 0 && last !== 0x7f && last !== 0x05 && last !== 0x7a) return false;
  const copy = Buffer.from(key);
  copy[KEY_BYTES - 1] = last;
  return SMALL_ORDER_KEYS.has(copy.toString("hex"));
}

/** @returns the kind of its keys and its bytes; null when the text is not a seed */
export function decodeSeed(text: string): { kind: NkeyKind; seed: Uint8Array } | null {
  const raw = decodeKey(text, 2);
  if (raw === null || (raw[0] & 0xf8) !== SEED_PREFIX) return null;
  const kind = ((raw[0] & 7) << 5) | (raw[1] >> 3);
  return NkeyKind[kind] === undefined ? null : { kind, seed: raw.slice(2) };
}

/**
 * Whether the signature of the data belongs to the key.
 * @param publicKey text of any signing kind, or its 32 bytes
 * @param data text is signed as UTF-8
 */
export function verifySignature(publicKey: string | Uint8Array, data: string | Uint8Array, signature: Uint8Array): boolean {
  const key = typeof publicKey === "string" ? signingKeyOf(publicKey) : publicKey;
  if (key === null || key.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES || isOfSmallOrder(key)) return false;
  const keyObject = createPublicKey({ key: Buffer.concat([PUBLIC_KEY_DER, key]), format: "der", type: "spki" });
  return verify(null, bytesOf(data), keyObject, signature);
}

/**
 * @param seed text of any signing kind, or its 32 bytes
 * @returns 64 bytes; null when the seed is invalid
 */
export function sign(seed: string | Uint8Array, data: string | Uint8Array): Uint8Array | null {
  const key = privateKeyOf(seed);
  return key === null ? null : new Uint8Array(signBytes(null, bytesOf(data), key));
}

/** The public key of a signing seed; null when the seed is invalid. */
export function publicNkeyOf(seed: string): string | null {
  const kind = decodeSeed(seed)?.kind;
  const key = privateKeyOf(seed);
  if (kind === undefined || key === null) return null;
  return encodeNkey(kind, new Uint8Array(Buffer.from(createPublicKey(key).export({ format: "jwk" }).x!, "base64url")));
}

/**
 * Decodes a signature as clients send it: raw base64url, otherwise standard base64 with padding; line breaks are ignored.
 * @returns null when it is neither; the length is not checked
 */
export function decodeSignature(text: string): Uint8Array | null {
  const packed = text.replace(/[\r\n]/g, "");
  if (/^[A-Za-z0-9_-]*$/.test(packed) && packed.length % 4 !== 1) return new Uint8Array(Buffer.from(packed, "base64url"));
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(packed) && packed.length % 4 === 0) return new Uint8Array(Buffer.from(packed, "base64"));
  return null;
}

function signingKeyOf(text: string): Uint8Array | null {
  const decoded = decodeNkey(text);
  return decoded === null || decoded.kind === NkeyKind.Curve ? null : decoded.key;
}

function privateKeyOf(seed: string | Uint8Array): KeyObject | null {
  const decoded = typeof seed === "string" ? decodeSeed(seed) : { kind: null, seed };
  if (decoded === null || decoded.kind === NkeyKind.Curve || decoded.seed.length !== KEY_BYTES) return null;
  return createPrivateKey({ key: Buffer.concat([SEED_DER, decoded.seed]), format: "der", type: "pkcs8" });
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? Buffer.from(data) : data;
}

function encodeKey(prefix: number[], key: Uint8Array): string {
  if (key.length !== KEY_BYTES) throw new RangeError(`an nkey has ${KEY_BYTES} bytes, not ${key.length}`);
  const crc = crc16(new Uint8Array([...prefix, ...key]));
  return base32(new Uint8Array([...prefix, ...key, crc & 0xff, crc >> 8]));
}

/** Prefix and key, if the checksum is right. */
function decodeKey(text: string, prefixBytes: number): Uint8Array | null {
  const raw = fromBase32(text);
  if (raw === null || raw.length !== prefixBytes + KEY_BYTES + 2) return null;
  const crc = raw[raw.length - 2] | (raw[raw.length - 1] << 8);
  const checked = raw.subarray(0, raw.length - 2);
  return crc === crc16(checked) ? checked : null;
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

/** A nonce for clients to sign: 11 random bytes as 15 characters of base64url. */
export function newNonce(): string {
  return randomBytes(11).toString("base64url");
}

/** Whether a text is a public nkey; of that kind, unless it is null. */
export function isPublicNkey(text: string, kind: NkeyKind | null = null): boolean {
  const decoded = decodeNkey(text);
  return decoded !== null && (kind === null || decoded.kind === kind);
}
