import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { getPublicKey, hashes } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { encodeNkey, NkeyKind } from "./nkey.ts";

hashes.sha512 = sha512; // what the library's synchronous functions hash with

/** Who a server is: made anew at every start, never stored. */
export interface ServerIdentity {
  /** Ed25519 seed behind `id`. Secret. */
  readonly seed: Uint8Array;
  /** Public key, `N…`: the server's id. */
  readonly id: string;
  /** Public X25519 key, `X…`, for answers that only this server can read. */
  readonly xkey: string;
}

export function newServerIdentity(): ServerIdentity {
  const seed = new Uint8Array(randomBytes(32));
  const id = encodeNkey(NkeyKind.Server, getPublicKey(seed));
  const curve = createPublicKey(generateKeyPairSync("x25519").privateKey).export({ format: "jwk" });
  const xkey = encodeNkey(NkeyKind.Curve, new Uint8Array(Buffer.from(curve.x!, "base64url")));
  return { seed, id, xkey };
}

/** Eight letters that stand for a server by its name: node ids, hashes in subjects. Source: core §8. */
export function serverHash(name: string): string {
  const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const digest = createHash("sha256").update(name).digest();
  return Array.from(digest.subarray(0, 8), byte => letters[byte % letters.length]).join("");
}
