/**
 * Operator mode of a server: wires operators' keys, resolver and accounts to its clients and its system account.
 *
 *   options ─▶ TrustedKeys, OperatorResolver ─▶ OperatorAccounts ─┬─▶ UserJwtAuthenticator: decides about logins
 *   system account ─▶ SystemAccountClaims ─────────┘              └─▶ ClaimedClients: applies new claims to connected clients
 *   open   waits for the account server and the claims of the system account
 *   start  starts services and timers; the client port is not open yet
 * Source: server/server.go, NewServer, Start (behaviour).
 */

import type { AccountClaims } from "../../access/jwt/claims.ts";
import { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { Accounts } from "../../accounts/account/accounts.ts";
import { reasonOf } from "../../auth/operator/lookup-error.ts";
import { OperatorAccounts } from "../../auth/operator/operator-accounts.ts";
import type { OperatorHost } from "../../auth/operator/operator-host.ts";
import { TrustedKeys } from "../../auth/operator/trusted-keys.ts";
import { UserJwtAuthenticator } from "../../auth/operator/user-jwt-authenticator.ts";
import { TrustedProxies } from "../../auth/users/trusted-proxies.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Disk } from "../../base/disk/disk.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";
import { ClaimedClients } from "./claimed-clients.ts";
import { logOperators, warnOfPreloads } from "./operator-log.ts";
import { OperatorResolver } from "./operator-resolver.ts";
import type { OperatorServer } from "./operator-server.ts";
import { StartError } from "./server-errors.ts";
import { SystemAccountClaims } from "./system-account-claims.ts";

export class OperatorMode implements OperatorHost {
  readonly accounts: OperatorAccounts;
  readonly clients: ClaimedClients;
  readonly otherServers = 0;
  /** Logins refused because their account is not pinned. */
  pinnedAccountFails = 0;
  private readonly keys: TrustedKeys;
  private readonly permissions: CompiledPermissions;
  private readonly resolver: OperatorResolver;
  private readonly systemAccount: SystemAccountClaims;
  private authenticator: UserJwtAuthenticator | null = null;

  /** @throws StartError a directory cannot be used */
  constructor(private readonly server: OperatorServer) {
    this.keys = new TrustedKeys(server.options);
    this.permissions = new CompiledPermissions(server.turn.random);
    this.clients = new ClaimedClients(server, this.permissions);
    const accounts = new OperatorAccounts(this, this.keys, null);
    this.accounts = accounts;
    this.systemAccount = new SystemAccountClaims(server, accounts, this.keys);
    try {
      this.resolver = new OperatorResolver(server, this, accounts, this.keys);
    } catch (error) {
      throw asStartError(error);
    }
  }

  get log(): Logger {
    return this.server.log;
  }

  get options(): Options {
    return this.server.options;
  }

  get clock(): Clock {
    return this.server.clock;
  }

  get disk(): Disk {
    return this.server.disk;
  }

  get timers(): TimingWheel {
    return this.server.turn.timers;
  }

  get directory(): Accounts {
    return this.server.directory;
  }

  followJetStreamClaims(account: Account, claims: AccountClaims | null): void {
    this.server.followJetStreamClaims(account, claims);
  }

  serverInfo(): object {
    return this.server.serverInfo();
  }

  /** Logs the trusted operators, with the reference's texts. */
  logOperators(): void {
    logOperators(this.log, this.server.options);
  }

  /** Users authenticate by JWT only. */
  get decidesLogins(): boolean {
    return !this.keys.isEmpty;
  }

  /** Creates an authenticator for these options. It replaces the previous one and keeps its users. */
  authenticatorFor(options: Options): UserJwtAuthenticator {
    const { pinnedAccounts, systemAccount, defaultSentinel, trustedProxies } = options;
    const pinned = pinnedAccounts.length === 0 ? null : new Set([...pinnedAccounts, ...(systemAccount === null ? [] : [systemAccount])]);
    const { accounts, keys, log, permissions } = this;
    const before = this.authenticator;
    const after = new UserJwtAuthenticator(
      {
        accounts,
        keys,
        proxies: new TrustedProxies(trustedProxies),
        permissions,
        pinned,
        sentinel: defaultSentinel,
        now: () => this.clock.now(),
        onUnpinned: () => this.pinnedAccountFails++,
        get debugs() {
          return log.debugEnabled;
        },
      },
      before?.users,
    );
    if (before !== null) before.successor = after;
    this.authenticator = after;
    return after;
  }

  /** Waits for the account server and the system account. @throws StartError with the reference's text */
  async open(): Promise<void> {
    if (this.accounts.resolver === null) return;
    try {
      await this.resolver.open();
    } catch (error) {
      throw asStartError(error);
    }
    if (this.decidesLogins) await this.systemAccount.open();
  }

  /** @throws StartError with the reference's text */
  start(): void {
    warnOfPreloads(this.log, this.server.options, this.clock.now());
    this.systemAccount.check();
    if (this.accounts.resolver === null) return;
    try {
      this.resolver.start();
    } catch (error) {
      throw new StartError(`Could not start resolver: ${reasonOf(error)}`, { cause: error });
    }
    this.systemAccount.start();
  }

  stop(): void {
    this.systemAccount.stop();
    this.resolver.stop();
    this.accounts.stop();
  }

  /**
   * Runs the steps of a reload that may fail.
   * @returns applies the new options and cannot fail
   * @throws Error with the reason
   */
  prepare(after: Options): () => void {
    const installResolver = this.resolver.prepare(after);
    const { jetStream } = this.options;
    const changesApi = jetStream.enabled !== after.jetStream.enabled || jetStream.domain !== after.jetStream.domain;
    return () => {
      installResolver();
      if (changesApi) this.accounts.installAgain();
    };
  }
}

function asStartError(error: unknown): StartError {
  return new StartError(reasonOf(error), { cause: error });
}
