/** What operator mode needs of the server above it. */

import type { AccountClaims } from "../../access/jwt/claims.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { Accounts } from "../../accounts/account/accounts.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Logger } from "../../base/log/logger.ts";

/** What new claims of an account mean for those who are connected to it. */
export interface ClaimsChange {
  readonly account: Account;
  readonly claims: AccountClaims;
  /** Accounts whose stream imports are others now, perhaps this one among them. */
  readonly streamsChanged: ReadonlySet<Account>;
  readonly defaultPermissionsChanged: boolean;
  /** Whether users that this key signed have to go; null: the keys are the same as before. */
  readonly signerLeft: ((publicKey: string) => boolean) | null;
}

export interface AccountClients {
  follow(change: ClaimsChange): void;
  /** Accounts that import other streams than before. */
  renewStreams(accounts: ReadonlySet<Account>): void;
  /** The account's claims have run out, or it was deleted. */
  expire(account: Account): void;
}

export interface OperatorHost {
  readonly log: Logger;
  readonly clock: Clock;
  readonly timers: TimingWheel;
  readonly directory: Accounts;
  readonly clients: AccountClients;
  /** How answers of the server's own services name it: `server{}` of core §8.1. */
  serverInfo(): object;
  /** Servers of the same system that are known to be there. */
  readonly otherServers: number;
}
