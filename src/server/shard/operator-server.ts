/** What operator mode needs from the shard. */

import type { AccountClaims } from "../../access/jwt/claims.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { Accounts } from "../../accounts/account/accounts.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { Disk } from "../../base/disk/disk.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";
import type { Client } from "../../connections/client/client.ts";
import type { Turn } from "../../connections/link/turn.ts";
import type { Refusal } from "../../wire/protocol/refusal.ts";

export interface OperatorServer {
  readonly options: Options;
  readonly log: Logger;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly turn: Turn;
  readonly directory: Accounts;
  readonly connections: ReadonlyMap<number, Client>;
  readonly serverName: string;
  readonly systemAccount: Account | null;
  /** The field `server` of one message: numbered, so call this once per message. */
  serverInfo(): object;
  followJetStreamClaims(account: Account, claims: AccountClaims | null): void;
  /** The streams that these accounts import have changed: those of JetStream follow. */
  followStreamImports(accounts: ReadonlySet<Account>): void;
  onAuthenticationFailed(client: Client, refusal: Refusal): void;
}
