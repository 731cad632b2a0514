/** An account as its claims have it: what the account room does not need to know of it. */

import type { AccountClaims, UserScope } from "../../access/jwt/claims.ts";
import type { Account } from "../../accounts/account/account.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { MappingRule } from "../../messaging/mapping/mapping-rule.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

export class LoadedAccount {
  /** Empty: the same claims count as new ones when they come again. */
  jwt = "";
  claims: AccountClaims;
  /** Who signs users: public key → its scope; null: without one. */
  signers: ReadonlyMap<string, UserScope | null>;
  /** Some import could not be had. */
  incomplete = false;
  mappings: readonly MappingRule[] = [];
  /** Changes with its claims: what was derived from them is then stale. */
  version = 0;
  /** Number of the last update that was begun: one that was overtaken is dropped. */
  ticket = 0;
  readonly expiryTimer: WheelTimer;
  /** Runs until the first activation of its imports ends. */
  readonly activationTimer: WheelTimer;

  constructor(
    readonly account: Account,
    claims: AccountClaims,
    keys: TrustedKeys,
    onExpired: (loaded: LoadedAccount) => void,
    onActivationEnded: (loaded: LoadedAccount) => void,
  ) {
    this.claims = claims;
    this.signers = signersOf(claims, keys);
    this.expiryTimer = new WheelTimer(() => onExpired(this));
    this.activationTimer = new WheelTimer(() => onActivationEnded(this));
  }

  get name(): string {
    return this.account.name;
  }

  get disallowsBearer(): boolean {
    return this.claims.nats.limits.disallowBearer;
  }
}

/** The account itself, unless its operator is strict, and its signing keys. */
export function signersOf({ issuer, nats, subject }: AccountClaims, keys: TrustedKeys): ReadonlyMap<string, UserScope | null> {
  const signers = new Map(nats.signingKeys);
  if (!keys.isStrict(issuer)) signers.set(subject, null);
  return signers;
}
