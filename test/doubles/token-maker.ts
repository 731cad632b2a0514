/** Fixed keys, and correctly signed tokens with any content, valid or invalid. */

import { fromSeed, type KeyPair } from "@nats-io/nkeys";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { encodeSeed, NkeyKind } from "../../src/base/keys/nkey.ts";
import { signerOf } from "./seed-signer.ts";

/** A key whose seed is one byte, repeated. The tokens in `test/vectors/go-jwt.json` are signed with the same keys. */
export function fixedSigner(kind: NkeyKind, byte: number): Signer {
  return signerOf(encodeSeed(kind, new Uint8Array(32).fill(byte)));
}

/** The same key as a key pair of the official library. */
export function fixedUser(byte: number): KeyPair {
  return fromSeed(new TextEncoder().encode(encodeSeed(NkeyKind.User, new Uint8Array(32).fill(byte))));
}

export const OPERATOR = fixedSigner(NkeyKind.Operator, 1);
export const ACCOUNT = fixedSigner(NkeyKind.Account, 3);
export const OTHER_ACCOUNT = fixedSigner(NkeyKind.Account, 4);
export const USER = fixedSigner(NkeyKind.User, 5);
export const SERVER = fixedSigner(NkeyKind.Server, 6);

const USUAL_HEADER = '{"typ":"JWT","alg":"ed25519-nkey"}';

/** @param claims JSON, or any other bytes for an invalid token */
export function rawToken(claims: string | Uint8Array, signer: Signer, header = USUAL_HEADER): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${part(signer.sign(Buffer.from(signed)))}`;
}

function part(content: string | Uint8Array): string {
  return Buffer.from(content as Uint8Array).toString("base64url");
}
