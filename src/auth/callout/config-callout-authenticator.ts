/**
 * Decides which logins are delegated under a configured `auth_callout { }`.
 *
 *   result by configuration ─┬─ in an account that is not delegated ─────────▶ used as it is
 *                            ├─ one of `auth_users`, even if not proved ─────▶ used as it is
 *                            └─ any other client ─────────────────────────▶ the service decides
 * Membership in `auth_users` depends on the user that the server identified, never on other claims of the client.
 * Source: server/auth.go, processClientOrLeafAuthentication (behaviour); core §4.9.
 */

import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import { type Account, GLOBAL_ACCOUNT } from "../../accounts/account/account.ts";
import { quoted } from "../../base/go/strconv.ts";
import type { Logger } from "../../base/log/logger.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { MISSING } from "../operator/lookup-error.ts";
import type { AuthenticationRequest, Authenticator, Verdict } from "../users/authenticator.ts";
import type { CalloutOptions } from "../users/authorization.ts";
import type { Resolution, ResolvingAuthenticator } from "../users/config-authenticator.ts";
import { type Callout, isFullFor } from "./callout.ts";
import { ConfigParty } from "./config-party.ts";

export interface ConfigCalloutParts {
  readonly callout: Callout;
  readonly options: CalloutOptions;
  /** The configured accounts. */
  readonly accountOf: (name: string) => Account | undefined;
  readonly log: Pick<Logger, "warn">;
  /** Clients that the service admitted before a reload stay connected. */
  readonly keepsDelegated: boolean;
}

export class ConfigCalloutAuthenticator implements Authenticator {
  readonly takesJwt = false;
  private readonly exempt: ReadonlySet<string>;
  private readonly delegatedAccounts: ReadonlySet<string> | null;
  private readonly accountName: string;

  constructor(
    private readonly inner: ResolvingAuthenticator,
    private readonly parts: ConfigCalloutParts,
  ) {
    const { account, allowedAccounts, authUsers } = parts.options;
    this.exempt = new Set(authUsers);
    this.delegatedAccounts = allowedAccounts === null ? null : new Set(allowedAccounts);
    this.accountName = account === "" ? GLOBAL_ACCOUNT : account;
  }

  get usesNonce(): boolean {
    return this.inner.usesNonce;
  }

  get required(): boolean {
    return this.inner.required;
  }

  admitsAnonymous(type: ConnectionType): boolean {
    return this.inner.admitsAnonymous(type);
  }

  authenticate(request: AuthenticationRequest): Verdict | Promise<Verdict> {
    const resolution = this.inner.resolve(request);
    const { verdict } = resolution;
    if (verdict instanceof Promise) return verdict.then(settled => this.decide(request, resolution, settled));
    return this.decide(request, resolution, verdict);
  }

  keepsDelegated(account: Account): boolean {
    return this.parts.keepsDelegated && this.parts.accountOf(account.name) === account;
  }

  private decide(request: AuthenticationRequest, resolution: Resolution, verdict: Verdict): Verdict | Promise<Verdict> {
    const { callout, accountOf } = this.parts;
    const { identity, proxyKey, proxyRequired } = resolution;
    const isLogin = typeof verdict !== "number";
    if (verdict === Refusal.ProxyNotTrusted || verdict === Refusal.AuthenticationTimeout) return verdict;
    // The account's connection limit does not affect who decides.
    if (isLogin && isFullFor(verdict.account, request)) return { ...verdict, accountFull: true };
    if (!this.delegates(isLogin ? verdict.account : (request.boundTo ?? null))) return verdict;
    const account = accountOf(this.accountName);
    if (identity !== "" && this.exempt.has(identity)) {
      if (isLogin) return account === verdict.account ? callout.guarded(verdict, true) : verdict;
      if (account !== undefined) request.refusedBy?.(account, null);
      return verdict;
    }
    if (account === undefined) return this.refuse();
    if (isLogin) request.delegated?.(verdict);
    const party = new ConfigParty(this.parts.options, account, accountOf);
    return callout.decide({ request, party, user: null, proxyKey, proxyRequired });
  }

  /** Whether clients of that account are delegated. A client without a user counts as one of the global account. */
  private delegates(account: Account | null): boolean {
    if (this.delegatedAccounts === null || account === null || account.name === GLOBAL_ACCOUNT) return true;
    return this.delegatedAccounts.has(account.name);
  }

  private refuse(): Refusal {
    this.parts.log.warn(`No valid account ${quoted(this.accountName)} for auth callout request: ${MISSING}`);
    return Refusal.AuthorizationViolation;
  }
}
