/** JWTs of an operator, an account and a user for configurations. They are the same in every run: keys and times are fixed. */

import type { OperatorBody, UserBody } from "../../src/access/jwt/claims.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { encodeSeed, NkeyKind, publicNkeyOf } from "../../src/base/keys/nkey.ts";
import { signerOf } from "../doubles/seed-signer.ts";

const ISSUED_AT_SECONDS = 1_700_000_000;

const seedOf = (kind: NkeyKind, fill: number) => encodeSeed(kind, new Uint8Array(32).fill(fill));
const operator = signerOf(seedOf(NkeyKind.Operator, 11));
const account = signerOf(seedOf(NkeyKind.Account, 12));
const system = signerOf(seedOf(NkeyKind.Account, 13));

export const OPERATOR_ID = operator.publicKey;
export const ACCOUNT_ID = account.publicKey;
export const SYSTEM_ID = system.publicKey;

export function operatorJwt(body: Partial<OperatorBody> = {}): string {
  return encodeClaims(newClaims("operator", operator.publicKey, body), operator, ISSUED_AT_SECONDS);
}

export function accountJwt(id = ACCOUNT_ID): string {
  return encodeClaims(newClaims("account", id), operator, ISSUED_AT_SECONDS);
}

export function userJwt(body: Partial<UserBody> = {}): string {
  const id = publicNkeyOf(seedOf(NkeyKind.User, 14))!;
  return encodeClaims(newClaims("user", id, body), account, ISSUED_AT_SECONDS);
}
