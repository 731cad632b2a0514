/**
 * Decides which logins are delegated in operator mode: users of accounts with `authorization` claims, except exempted ones. A client whose token or
 * signature is invalid is refused at once; the reference sends its request to `$G`, where no service exists, and refuses it after the timeout.
 * Source: server/auth.go, processClientOrLeafAuthentication (behaviour); core §4.9.
 */

import type { OperatorAccounts } from "../operator/operator-accounts.ts";
import type { UserJwtAuthenticator, UserResolution } from "../operator/user-jwt-authenticator.ts";
import type { AuthenticationRequest, Authenticator, Verdict } from "../users/authenticator.ts";
import { type Callout, isFullFor } from "./callout.ts";
import { OperatorParty } from "./operator-party.ts";

export class OperatorCalloutAuthenticator implements Authenticator {
  readonly usesNonce = true;
  readonly required = true;
  readonly takesJwt = true;

  constructor(
    private readonly inner: UserJwtAuthenticator,
    private readonly callout: Callout,
    private readonly accounts: OperatorAccounts,
  ) {}

  admitsAnonymous(): boolean {
    return this.inner.admitsAnonymous();
  }

  authenticate(request: AuthenticationRequest): Verdict | Promise<Verdict> {
    const resolution = this.inner.resolve(request);
    if (resolution instanceof Promise) return resolution.then(settled => this.decide(request, settled));
    return this.decide(request, resolution);
  }

  private decide(request: AuthenticationRequest, resolution: UserResolution): Verdict | Promise<Verdict> {
    const { account: loaded, claims, proxyKey, proxyRequired, verdict } = resolution;
    if (loaded === null || claims === null) return verdict;
    if (!loaded.hasCallout) return verdict;
    const { users } = loaded.claims.nats.authorization;
    if (typeof verdict === "number") {
      request.refusedBy?.(loaded.account, null);
      return verdict;
    }
    if (users.includes(claims.subject)) return this.callout.guarded(verdict, true);
    // The account's connection limit does not affect who decides.
    if (isFullFor(verdict.account, request)) return { ...verdict, accountFull: true };
    request.delegated?.(verdict);
    const party = new OperatorParty(loaded, this.accounts);
    return this.callout.decide({ request, party, user: claims, proxyKey, proxyRequired });
  }
}
