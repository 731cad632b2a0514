/**
 * The service of `auth_callout { }`: one key signs both the answer and the user in it, and the user's `aud` names its account.
 * Source: server/auth_callout.go (behaviour); core §4.9.
 */

import type { AuthorizationResponseClaims, UserClaims } from "../../access/jwt/claims.ts";
import { connectionTypes } from "../../access/jwt/connection-types.ts";
import type { Account } from "../../accounts/account/account.ts";
import { quoted } from "../../base/go/strconv.ts";
import { permissionOptionsOf } from "../operator/claims-options.ts";
import { MISSING } from "../operator/lookup-error.ts";
import type { CalloutOptions } from "../users/authorization.ts";
import { CalloutFault } from "./callout-fault.ts";
import type { CalloutParty, Placement } from "./callout-party.ts";

export class ConfigParty implements CalloutParty {
  readonly subject: string;
  readonly xkey: string;

  /** @param accountOf resolves configured accounts */
  constructor(
    private readonly options: CalloutOptions,
    readonly account: Account,
    private readonly accountOf: (name: string) => Account | undefined,
  ) {
    this.subject = options.issuer;
    this.xkey = options.xkey;
  }

  checkSigner({ issuer }: AuthorizationResponseClaims): void {
    if (issuer !== this.options.issuer) throw new CalloutFault("auth callout signing key is unknown");
  }

  servesIn(account: Account): boolean {
    return account === this.account;
  }

  place(claims: UserClaims): Placement {
    const { audience, issuer, nats } = claims;
    const name = quoted(this.account.name);
    // With an account's signing key a service could create users of accounts outside its responsibility.
    if (nats.issuerAccount !== "") {
      throw new CalloutFault(`error non operator mode account ${name}: attempted to use issuer_account`);
    }
    if (issuer !== this.options.issuer) {
      const expected = `expected ${quoted(this.options.issuer)} got ${quoted(issuer)}`;
      throw new CalloutFault(`wrong issuer for auth callout response on account ${name}, ${expected}`);
    }
    const account = this.accountOf(audience);
    if (account === undefined) {
      throw new CalloutFault(`no valid account ${quoted(audience)} for auth callout response on account ${name}: ${MISSING}`);
    }
    return {
      account,
      claims,
      permissions: permissionOptionsOf(nats),
      connectionTypes: connectionTypes(nats.allowedConnectionTypes),
      claim: null,
    };
  }
}
