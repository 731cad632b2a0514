/** A callout service to which logins are delegated, and what its answers may contain. */

import type { AuthorizationResponseClaims, UserClaims } from "../../access/jwt/claims.ts";
import type { AllowedConnectionTypes } from "../../access/jwt/connection-types.ts";
import type { PermissionOptions } from "../../access/permission/permission-options.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { UserClaim } from "../users/authenticator.ts";

/** Account and permissions of a user created by a service. */
export interface Placement {
  readonly account: Account;
  /** With the scope's limits, if a scoped key signed the token. */
  readonly claims: UserClaims;
  /** null: no own permissions. */
  readonly permissions: PermissionOptions | null;
  readonly connectionTypes: AllowedConnectionTypes;
  /** null: the account is not defined by claims. */
  readonly claim: UserClaim | null;
}

export interface CalloutParty {
  /** The account in which the service listens. */
  readonly account: Account;
  /** Audience of requests: usually a public account nkey. */
  readonly subject: string;
  /** Public curve key of the service; empty: requests are not encrypted. */
  readonly xkey: string;
  /** @throws CalloutFault  the signer of the unencrypted answer is not authorized */
  checkSigner(answer: AuthorizationResponseClaims): void;
  /** Whether clients of that account share it with a callout service. */
  servesIn(account: Account): boolean;
  /** @throws CalloutFault, or rejects: the user cannot be placed in an account */
  place(user: UserClaims): Placement | Promise<Placement>;
}
