/** Whom a server hands the question to who a client is, and what that one may say. */

import type { AuthorizationResponseClaims, UserClaims } from "../../access/jwt/claims.ts";
import type { AllowedConnectionTypes } from "../../access/jwt/connection-types.ts";
import type { PermissionOptions } from "../../access/permission/permission-options.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { UserClaim } from "../users/authenticator.ts";

/** Where a user belongs that a service made, and what it may do there. */
export interface Placement {
  readonly account: Account;
  /** With the limits of the scope, if a scoped key signed them. */
  readonly claims: UserClaims;
  /** null: it has none of its own. */
  readonly permissions: PermissionOptions | null;
  readonly connectionTypes: AllowedConnectionTypes;
  /** null: its account does not live by claims. */
  readonly claim: UserClaim | null;
}

export interface CalloutParty {
  /** Where the service listens. */
  readonly account: Account;
  /** Whom a request is for: public account nkey, as a rule. */
  readonly subject: string;
  /** Public curve key of the service; empty: it reads in the clear. */
  readonly xkey: string;
  /** @throws CalloutFault  whoever signed the answer, which came in the clear, may not */
  checkSigner(answer: AuthorizationResponseClaims): void;
  /** @throws CalloutFault, or rejects: there is no place for that user */
  place(user: UserClaims): Placement | Promise<Placement>;
}
