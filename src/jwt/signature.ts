/**
 * Ed25519 by the runtime's own code: keys are the 32 bytes of an nkey, wrapped in the few bytes of DER that `node:crypto` asks for.
 * Making a key object costs less than a hundredth of a verification, so none is kept.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { decodeNkey, encodeNkey, type NkeyKind } from "../identity/nkey.ts";

const PUBLIC_DER = Buffer.from("302a300506032b6570032100", "hex");
const SEED_DER = Buffer.from("302e020100300506032b657004220420", "hex");

/** Who signs tokens. */
export interface Signer {
  /** nkey */
  readonly publicKey: string;
  /** 64 bytes. */
  sign(data: Uint8Array): Uint8Array;
}

/** @param seed 32 bytes */
export function signerOf(kind: NkeyKind, seed: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.concat([SEED_DER, seed]), format: "der", type: "pkcs8" });
  return { publicKey: encodeNkey(kind, publicBytes(key)), sign: data => sign(null, data, key) };
}

/** @returns false also when the key is no nkey, or the signature no signature */
export function signatureIsBy(publicKey: string, data: Uint8Array, signature: Uint8Array): boolean {
  const nkey = decodeNkey(publicKey);
  if (nkey === null) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_DER, nkey.key]), format: "der", type: "spki" });
    return verify(null, data, key, signature);
  } catch {
    return false; // 32 bytes that are no point of the curve
  }
}

function publicBytes(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(PUBLIC_DER.length);
}
