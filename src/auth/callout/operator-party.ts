/**
 * The callout service of an account with `authorization` claims: the account or its signing keys sign the answer; users may belong to the account
 * itself, or to other accounts that it names, whose own keys must then sign them.
 * Source: server/auth_callout.go (behaviour); core §4.9.
 */

import type { AuthorizationResponseClaims, UserClaims } from "../../access/jwt/claims.ts";
import { accountOf } from "../../access/jwt/trust.ts";
import type { Account } from "../../accounts/account/account.ts";
import { quoted } from "../../base/go/strconv.ts";
import { KnownUser, UserFault } from "../operator/known-user.ts";
import type { LoadedAccount } from "../operator/loaded-account.ts";
import { reasonOf } from "../operator/lookup-error.ts";
import type { OperatorAccounts } from "../operator/operator-accounts.ts";
import { CalloutFault } from "./callout-fault.ts";
import type { CalloutParty, Placement } from "./callout-party.ts";

const ANY_ACCOUNT = "*";

export class OperatorParty implements CalloutParty {
  readonly account: Account;
  readonly subject: string;

  constructor(
    private readonly loaded: LoadedAccount,
    private readonly accounts: OperatorAccounts,
  ) {
    this.account = loaded.account;
    this.subject = loaded.name;
  }

  get xkey(): string {
    return this.loaded.claims.nats.authorization.curveKey;
  }

  checkSigner({ issuer, nats }: AuthorizationResponseClaims): void {
    const { name, signers } = this.loaded;
    if (nats.issuerAccount !== "" && nats.issuerAccount !== name) {
      throw new CalloutFault(`auth callout response issuer account ${quoted(nats.issuerAccount)} is not the callout account`);
    }
    if (issuer !== name && !signers.has(issuer)) throw new CalloutFault("auth callout signing key is unknown");
  }

  /** Any account with `authorization` claims: its own service receives requests there. */
  servesIn(account: Account): boolean {
    return this.accounts.get(account.name)?.hasCallout === true;
  }

  async place(claims: UserClaims): Promise<Placement> {
    const { name } = this.loaded;
    const wanted = accountOf(claims);
    if (wanted !== name && !this.allows(wanted)) {
      const issuer = quoted(claims.issuer);
      throw new CalloutFault(`account ${issuer} not permitted as valid account option for auth callout for account ${quoted(name)}`);
    }
    const target = await this.find(wanted);
    if (!target.signers.has(claims.issuer)) throw new CalloutFault(`user JWT issuer ${quoted(claims.issuer)} is not known`);
    const user = new KnownUser("", claims); // the token is not kept, because its holder could log in with it
    try {
      return { ...user.effectiveIn(target), account: target.account, claim: { ...user.claim, bearer: false } };
    } catch (error) {
      if (!(error instanceof UserFault)) throw error;
      throw new CalloutFault(error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message);
    }
  }

  /** Whether users may belong to that account. */
  private allows(account: string): boolean {
    const { allowedAccounts } = this.loaded.claims.nats.authorization;
    return allowedAccounts.includes(account) || (allowedAccounts.length === 1 && allowedAccounts[0] === ANY_ACCOUNT);
  }

  private async find(name: string): Promise<LoadedAccount> {
    try {
      return await this.accounts.find(name);
    } catch (error) {
      const on = quoted(this.loaded.name);
      throw new CalloutFault(`no valid account ${quoted(name)} for auth callout response on account ${on}: ${reasonOf(error)}`);
    }
  }
}
