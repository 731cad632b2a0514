/**
 * Curve keys: encrypted messages for one reader, who can verify the sender.
 *
 *   sealed = "xkv1" · nonce (24) · tag (16) · message encrypted
 *
 * NaCl's box: X25519 derives a secret from the own seed and the other's public key, HSalsa20 derives a key from it, XSalsa20-Poly1305 does the
 * rest. The runtime has X25519; the ciphers come from `@noble/ciphers` and are loaded on first use, because loading takes 16 ms, which a server
 * without auth callout should not pay. So these functions are asynchronous; they never reject because of their arguments.
 *
 * A public key of low order is refused, because the secret would be known to everyone; Go's nkeys accepts it.
 * Source: nkeys (behaviour).
 */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject, randomBytes } from "node:crypto";
import { decodeNkey, decodeSeed, encodeNkey, NkeyKind } from "./nkey.ts";

const VERSION = Buffer.from("xkv1");
const NONCE_BYTES = 24;
const NONCE_END = VERSION.length + NONCE_BYTES;
const KEY_BYTES = 32;
/** DER prefix of the 32 bytes of an X25519 key. */
const PUBLIC_KEY_DER = Buffer.from("302a300506032b656e032100", "hex");
const SEED_DER = Buffer.from("302e020100300506032b656e04220420", "hex");
/** Salsa20's constant. */
const SIGMA = words(Buffer.from("expand 32-byte k"));

/**
 * @param recipient public key, `X…`
 * @param seed the sender's seed, as text (`SX…`) or its 32 bytes
 * @param nonce 24 bytes that must never be reused between these two keys; random unless a test provides one
 * @returns null when one of the keys is invalid
 */
export async function seal(
  message: Uint8Array,
  recipient: string,
  seed: string | Uint8Array,
  nonce: Uint8Array = randomBytes(NONCE_BYTES),
): Promise<Uint8Array | null> {
  const key = await boxKey(recipient, seed);
  if (key === null) return null;
  const { secretbox } = await ciphers();
  return new Uint8Array(Buffer.concat([VERSION, nonce, secretbox(key, nonce).seal(message)]));
}

/**
 * @param sender public key, `X…`
 * @param seed the reader's seed, as text (`SX…`) or its 32 bytes
 * @returns the message; null when it was not sealed by that sender for this reader, was modified, has another version, or a key is invalid
 */
export async function open(sealed: Uint8Array, sender: string, seed: string | Uint8Array): Promise<Uint8Array | null> {
  if (sealed.length <= NONCE_END || !VERSION.equals(sealed.subarray(0, VERSION.length))) return null;
  const key = await boxKey(sender, seed);
  if (key === null) return null;
  const { secretbox } = await ciphers();
  try {
    return new Uint8Array(secretbox(key, sealed.slice(VERSION.length, NONCE_END)).open(sealed.slice(NONCE_END)));
  } catch {
    return null;
  }
}

/** The public key, `X…`, of a curve seed; null when the seed is invalid. */
export function publicXkeyOf(seed: string | Uint8Array): string | null {
  const key = privateKeyOf(seed);
  if (key === null) return null;
  return encodeNkey(NkeyKind.Curve, new Uint8Array(Buffer.from(createPublicKey(key).export({ format: "jwk" }).x!, "base64url")));
}

function ciphers(): Promise<typeof import("@noble/ciphers/salsa.js")> {
  return import("@noble/ciphers/salsa.js");
}

async function boxKey(publicKey: string, seed: string | Uint8Array): Promise<Uint8Array | null> {
  const other = decodeNkey(publicKey);
  const own = privateKeyOf(seed);
  if (other === null || other.kind !== NkeyKind.Curve || own === null) return null;
  const secret = sharedSecret(own, other.key);
  if (secret === null) return null;
  const { hsalsa } = await ciphers();
  const key = new Uint32Array(KEY_BYTES / 4);
  hsalsa(SIGMA, words(secret), new Uint32Array(4), key);
  return new Uint8Array(key.buffer);
}

/** Shared secret; null for a public key of low order. */
function sharedSecret(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array | null {
  const der = Buffer.concat([PUBLIC_KEY_DER, publicKey]);
  try {
    return diffieHellman({ privateKey, publicKey: createPublicKey({ key: der, format: "der", type: "spki" }) });
  } catch {
    return null;
  }
}

function privateKeyOf(seed: string | Uint8Array): KeyObject | null {
  const decoded = typeof seed === "string" ? decodeSeed(seed) : { kind: NkeyKind.Curve, seed };
  if (decoded === null || decoded.kind !== NkeyKind.Curve || decoded.seed.length !== KEY_BYTES) return null;
  return createPrivateKey({ key: Buffer.concat([SEED_DER, decoded.seed]), format: "der", type: "pkcs8" });
}

/** Bytes as words in the machine's byte order, which is little-endian on all platforms of Bun. */
function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}
