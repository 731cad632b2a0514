/** What operator mode needs from the server above it. */

import type { AccountClaims } from "../../access/jwt/claims.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { Accounts } from "../../accounts/account/accounts.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Disk } from "../../base/disk/disk.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { SentTraceHost } from "../../services/sent-trace.ts";

/** Effects of an account's new claims on its clients. */
export interface ClaimsChange {
  readonly account: Account;
  readonly claims: AccountClaims;
  /** Accounts whose stream imports changed, possibly including this one. */
  readonly streamsChanged: ReadonlySet<Account>;
  readonly defaultPermissionsChanged: boolean;
  /** Whether users signed by this key must be closed; null: the keys are unchanged. */
  readonly signerLeft: ((publicKey: string) => boolean) | null;
}

export interface AccountClients {
  follow(change: ClaimsChange): void;
  /** The stream imports of these accounts changed. */
  renewStreams(accounts: ReadonlySet<Account>): void;
  /** The account's claims expired, or it was deleted. */
  expire(account: Account): void;
}

export interface OperatorHost extends SentTraceHost {
  readonly log: Logger;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly timers: TimingWheel;
  readonly directory: Accounts;
  readonly clients: AccountClients;
  /** Gives the account the JetStream of its claims. @param claims null: the account is locked or gone */
  followJetStreamClaims(account: Account, claims: AccountClaims | null): void;
  /** Description of the server in answers: `server{}` of core §8.1. */
  serverInfo(): object;
  /** Number of known servers of the same system. */
  readonly otherServers: number;
}
