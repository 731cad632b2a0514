/**
 * Accepts every client without credentials into the global account. The names that clients give are shown in logs and monitoring. The only check:
 * when trusted proxies are configured, the signature of any other proxy is refused.
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
  /** The login of clients without credentials. */
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
