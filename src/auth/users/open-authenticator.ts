/**
 * Nobody is asked who he is: everybody comes in, into the global account. What clients say of themselves is believed, and shown. Only one
 * thing is looked at: where proxies are trusted, a signature of another one is refused.
 */
import type { Account } from "../../accounts/account/account.ts";
import { givenUser } from "../../wire/protocol/connect-options.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { type AuthenticationRequest, type Login, PLAIN_LOGIN, type Verdict } from "./authenticator.ts";
import type { Resolution, ResolvingAuthenticator } from "./config-authenticator.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

export class OpenAuthenticator implements ResolvingAuthenticator {
  readonly usesNonce: boolean;
  readonly required = false;
  readonly takesJwt = false;
  /** Of everybody who says nothing of himself. */
  private readonly login: Login;

  constructor(
    globalAccount: Account,
    private readonly proxies: TrustedProxies,
  ) {
    this.usesNonce = proxies.keys.length > 0;
    this.login = { ...PLAIN_LOGIN, account: globalAccount };
  }

  admitsAnonymous(): boolean {
    return true;
  }

  authenticate(request: AuthenticationRequest): Verdict {
    const proxyKey = this.proxies.keyOf(request);
    if (proxyKey === null) return Refusal.ProxyNotTrusted;
    const user = givenUser(request.connect);
    return user === "" && proxyKey === "" ? this.login : { ...this.login, user, proxyKey };
  }

  resolve(request: AuthenticationRequest): Resolution {
    const verdict = this.authenticate(request);
    return { verdict, identity: "", proxyKey: typeof verdict === "number" ? "" : verdict.proxyKey, proxyRequired: false };
  }
}
