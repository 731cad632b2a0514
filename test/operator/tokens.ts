/** Fixed keys of operators, accounts and users, and the tokens that tests of operator mode make with them. */

import type { AccountBody, AccountClaims, AccountLimits, ClaimsData, OperatorBody, UserBody } from "../../src/access/jwt/claims.ts";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { NkeyKind } from "../../src/base/keys/nkey.ts";
import { fixedSigner } from "../doubles/token-maker.ts";

export const OPERATOR = fixedSigner(NkeyKind.Operator, 1);
export const OPERATOR_KEY = fixedSigner(NkeyKind.Operator, 2);
export const STRANGER = fixedSigner(NkeyKind.Operator, 3);
export const SYSTEM = fixedSigner(NkeyKind.Account, 10);
export const ALPHA = fixedSigner(NkeyKind.Account, 11);
export const ALPHA_KEY = fixedSigner(NkeyKind.Account, 12);
export const ALPHA_SCOPED = fixedSigner(NkeyKind.Account, 13);
export const BETA = fixedSigner(NkeyKind.Account, 14);
export const GAMMA = fixedSigner(NkeyKind.Account, 15);
export const USER = fixedSigner(NkeyKind.User, 20);
export const OTHER_USER = fixedSigner(NkeyKind.User, 21);
export const SYSTEM_USER = fixedSigner(NkeyKind.User, 22);

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** All operator tokens have this time of issue: a reload with a different operator token is refused. */
const LOADED_AT = nowSeconds();
/** Seconds in the past, so that tokens issued during a test are newer. */
const ISSUED_AGO = 100;

export function operatorToken(body: Partial<OperatorBody> = {}, data: Partial<ClaimsData> = {}): string {
  const claims = newClaims("operator", OPERATOR.publicKey, { systemAccount: SYSTEM.publicKey, ...body }, { name: "ops", ...data });
  return encodeClaims(claims, OPERATOR, LOADED_AT - ISSUED_AGO);
}

export interface AccountFacts extends Omit<Partial<AccountBody>, "limits"> {
  readonly limits?: Partial<AccountLimits>;
  readonly data?: Partial<ClaimsData>;
  readonly by?: Signer;
  readonly issuedAgo?: number;
}

export function accountToken(
  account: Signer,
  { by = OPERATOR, data = {}, issuedAgo = ISSUED_AGO, limits, ...body }: AccountFacts = {},
): string {
  const claims: AccountClaims = newClaims("account", account.publicKey, body, { name: "acc", ...data });
  const limited = limits === undefined ? claims : { ...claims, nats: { ...claims.nats, limits: { ...claims.nats.limits, ...limits } } };
  return encodeClaims(limited, by, nowSeconds() - issuedAgo);
}

export interface UserFacts extends Partial<UserBody> {
  readonly data?: Partial<ClaimsData>;
  readonly by?: Signer;
  readonly subject?: Signer;
  readonly issuedAgo?: number;
}

/** Signed by ALPHA unless `by` is given. */
export function userToken({ by = ALPHA, data = {}, issuedAgo = 10, subject = USER, ...body }: UserFacts = {}): string {
  return encodeClaims(newClaims("user", subject.publicKey, body, { name: "usr", ...data }), by, nowSeconds() - issuedAgo);
}

export function systemUserToken(): string {
  return userToken({ by: SYSTEM, subject: SYSTEM_USER });
}

/** A configuration with a memory resolver that holds the system account and these accounts. */
export function memoryConfig(accounts: Readonly<Record<string, string>>, more = "", operator = operatorToken()): string {
  const preload = Object.entries({ [SYSTEM.publicKey]: accountToken(SYSTEM), ...accounts });
  return [
    `operator: ${operator}`,
    "resolver: MEMORY",
    `resolver_preload: {\n${preload.map(([name, jwt]) => `  ${name}: ${jwt}`).join("\n")}\n}`,
    more,
  ].join("\n");
}
