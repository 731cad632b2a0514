/** Claim-related state of an account that the accounts part does not need. */

import type { AccountClaims, UserScope } from "../../access/jwt/claims.ts";
import type { Account } from "../../accounts/account/account.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { MappingRule } from "../../messaging/mapping/mapping-rule.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

export class LoadedAccount {
  /** The JWT in force; empty: the same claims count as new when they arrive again. */
  jwt = "";
  claims: AccountClaims;
  /** Keys that may sign users: public key → scope; null: no scope. */
  signers: ReadonlyMap<string, UserScope | null>;
  /** An import failed. */
  incomplete = false;
  mappings: readonly MappingRule[] = [];
  /** Changes with the claims; results derived from older versions are stale. */
  version = 0;
  /** Rises with each update; overtaken updates are dropped. */
  ticket = 0;
  readonly expiryTimer: WheelTimer;
  /** Fires when the first activation of its imports expires. */
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

  /** A callout service decides about logins of its users. */
  get hasCallout(): boolean {
    return this.claims.nats.authorization.users.length > 0;
  }

  get disallowsBearer(): boolean {
    return this.claims.nats.limits.disallowBearer;
  }
}

/** The account's own key, unless the operator is strict, and its signing keys. */
export function signersOf({ issuer, nats, subject }: AccountClaims, keys: TrustedKeys): ReadonlyMap<string, UserScope | null> {
  const signers = new Map(nats.signingKeys);
  if (!keys.isStrict(issuer)) signers.set(subject, null);
  return signers;
}
