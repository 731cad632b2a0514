/** A user identified by its token: its claims, and the rights that result from them in its account. */

import type { UserClaims } from "../../access/jwt/claims.ts";
import { JwtError } from "../../access/jwt/claims.ts";
import { type AllowedConnectionTypes, connectionTypes } from "../../access/jwt/connection-types.ts";
import { applyTemplate } from "../../access/jwt/permission-template.ts";
import { checkScopedSigner, withLimits } from "../../access/jwt/trust.ts";
import { validateClaims } from "../../access/jwt/validate-claims.ts";
import type { PermissionOptions } from "../../access/permission/permission-options.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import type { UserClaim, UserLimits } from "../users/authenticator.ts";
import { permissionOptionsOf, userLimitsOf } from "./claims-options.ts";
import type { LoadedAccount } from "./loaded-account.ts";

/** Why a user is refused, with the log's text. Thrown and caught within this folder. */
export class UserFault extends Error {
  override name = "UserFault";
  /** @param isError logged at level error, otherwise at debug */
  constructor(
    message: string,
    readonly refusal: Refusal = Refusal.AuthorizationViolation,
    readonly isError = false,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A user's claims combined with those of its account. */
export interface EffectiveClaims {
  /** With the scope's limits, if a scoped key signed the token. */
  readonly claims: UserClaims;
  /** null: no own permissions. Always the same object, so that they are compiled once. */
  readonly permissions: PermissionOptions | null;
  readonly limits: UserLimits;
  readonly connectionTypes: AllowedConnectionTypes;
}

export class KnownUser {
  readonly claim: UserClaim;
  private isValidated = false;
  private effective: EffectiveClaims | null = null;
  private account: LoadedAccount | null = null;
  private version = -1;

  constructor(
    readonly jwt: string,
    readonly claims: UserClaims,
  ) {
    const { issuedAtSeconds, issuer, nats, subject } = claims;
    this.claim = {
      jwt,
      subject,
      issuerKey: issuer,
      issuedAt: issuedAtSeconds,
      bearer: nats.bearerToken,
    };
  }

  /** Why the claims cannot be used now; null when they can. Claims that were valid once can only fail by time. */
  invalidity(nowMs: number): string | null {
    const { expiresAtSeconds, notBeforeSeconds } = this.claims;
    const now = Math.floor(nowMs / 1000);
    const timed = expiresAtSeconds > 0 || notBeforeSeconds > 0;
    if (this.isValidated && (!timed || ((expiresAtSeconds <= 0 || now <= expiresAtSeconds) && notBeforeSeconds <= now))) return null;
    const results = validateClaims(this.claims, nowMs);
    if (results.isBlocking(true)) return results.issues.map(({ description }) => description).join(", ");
    this.isValidated = true;
    return null;
  }

  /**
   * @param account the account whose key signed the token
   * @throws UserFault the signing key is scoped, and the token does not fit the scope
   */
  effectiveIn(account: LoadedAccount): EffectiveClaims {
    if (this.effective !== null && this.account === account && this.version === account.version) return this.effective;
    const claims = this.scoped(account);
    this.effective = {
      claims,
      permissions: permissionOptionsOf(claims.nats),
      limits: userLimitsOf(claims.nats),
      connectionTypes: connectionTypes(claims.nats.allowedConnectionTypes),
    };
    this.account = account;
    this.version = account.version;
    return this.effective;
  }

  private scoped({ claims: ofAccount, name, signers }: LoadedAccount): UserClaims {
    const { claims } = this;
    const scope = signers.get(claims.issuer);
    if (scope === null || scope === undefined) return claims;
    try {
      checkScopedSigner(scope, claims);
    } catch (error) {
      if (error instanceof JwtError) throw new UserFault(`User JWT is not valid: ${error.message}`);
      throw error;
    }
    try {
      const values = {
        name: claims.name,
        subject: claims.subject,
        accountName: ofAccount.name,
        accountSubject: name,
        userTags: claims.nats.tags,
        accountTags: ofAccount.nats.tags,
      };
      return withLimits(claims, applyTemplate(scope.template, values));
    } catch (error) {
      if (!(error instanceof JwtError)) throw error;
      throw new UserFault("User JWT generated invalid permissions", Refusal.AuthorizationViolation, false, { cause: error });
    }
  }
}
