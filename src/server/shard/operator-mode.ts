/**
 * Operator mode of a server: wires operators' keys, resolver and accounts to its clients and its system account.
 *
 *   options ─▶ TrustedKeys, Resolver ─▶ OperatorAccounts ─┬─▶ UserJwtAuthenticator: decides about logins
 *   system account ─▶ ClaimsServices ─▶ Resolver ─────────┘  └─▶ this class: applies new claims to connected clients
 *   open   waits for the account server and the claims of the system account
 *   start  starts services and timers; the client port is not open yet
 * Claims may change in the middle of a delivery (a push is a message), so they are applied to connected clients after the current code
 * has returned: no client loses permissions or its connection while one of its messages is being delivered.
 * Source: server/server.go, NewServer, Start; server/reload.go, reloadAuthorization (behaviour).
 */

import { newClaims } from "../../access/jwt/encode.ts";
import { isRevoked } from "../../access/jwt/trust.ts";
import { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { Accounts } from "../../accounts/account/accounts.ts";
import { claimedDenials } from "../../auth/callout/callout-denials.ts";
import { ClaimsServices } from "../../auth/operator/claims-services.ts";
import { DirectoryResolver } from "../../auth/operator/directory-resolver.ts";
import type { LoadedAccount } from "../../auth/operator/loaded-account.ts";
import { EXPIRED, reasonOf } from "../../auth/operator/lookup-error.ts";
import { MemoryResolver } from "../../auth/operator/memory-resolver.ts";
import { OperatorAccounts } from "../../auth/operator/operator-accounts.ts";
import type { AccountClients, ClaimsChange, OperatorHost } from "../../auth/operator/operator-host.ts";
import { operatorOptionsOf, type ResolverOptions } from "../../auth/operator/operator-options.ts";
import type { Resolver } from "../../auth/operator/resolver.ts";
import { runSteps } from "../../auth/operator/steps.ts";
import { TrustedKeys } from "../../auth/operator/trusted-keys.ts";
import { UrlResolver } from "../../auth/operator/url-resolver.ts";
import { UserJwtAuthenticator } from "../../auth/operator/user-jwt-authenticator.ts";
import { TrustedProxies } from "../../auth/users/trusted-proxies.ts";
import type { Clock } from "../../base/clock/clock.ts";
import { type TimingWheel, WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Disk } from "../../base/disk/disk.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";
import {
  applyLimits,
  bind,
  expire,
  followAccount,
  renewShadows,
  reviewSubscriptions,
  shownUser,
} from "../../connections/client/binding.ts";
import type { Client } from "../../connections/client/client.ts";
import { logLimited } from "../../connections/link/limited-log.ts";
import type { Turn } from "../../connections/link/turn.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { REFUSALS, Refusal } from "../../wire/protocol/refusal.ts";
import { logOperators, warnOfPreloads } from "./operator-log.ts";
import { StartError } from "./server-errors.ts";

/** Time between two attempts to fetch the claims of the system account. */
const BOOTSTRAP_MS = 1_000;

/** The shard, as operator mode uses it. */
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
  onAuthenticationFailed(client: Client, refusal: Refusal): void;
}

export class OperatorMode implements OperatorHost, AccountClients {
  readonly accounts: OperatorAccounts;
  readonly clients: AccountClients = this;
  readonly otherServers = 0;
  /** Logins refused because their account is not pinned. */
  pinnedAccountFails = 0;
  private readonly keys: TrustedKeys;
  private readonly permissions: CompiledPermissions;
  private services: ClaimsServices | null = null;
  private authenticator: UserJwtAuthenticator | null = null;
  private deferred: (() => void)[] = [];
  private readonly bootstrapTimer: WheelTimer;

  /** @throws StartError a directory cannot be used */
  constructor(private readonly server: OperatorServer) {
    this.keys = new TrustedKeys(server.options);
    this.permissions = new CompiledPermissions(server.turn.random);
    this.bootstrapTimer = new WheelTimer(() => void this.bootstrap());
    this.accounts = new OperatorAccounts(this, this.keys, null);
    this.accounts.resolver = asStartError(() => this.newResolver(server.options));
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
    const { systemAccount, resolverPreload } = this.server.options;
    const { resolver } = this.accounts;
    if (resolver === null) return;
    asStartError(() => this.preload(resolver, resolverPreload));
    if (resolver.kind === "url") await asyncStartError(() => resolver.fetch(""));
    if (systemAccount === null || !this.decidesLogins) return;
    try {
      await runSteps(this.accounts.fetchQuietly(systemAccount));
      await this.accounts.find(systemAccount);
    } catch (error) {
      const [operator, more] = this.keys.operators;
      if (operator === undefined || more !== undefined || resolver.kind === "memory" || systemAccount === SYSTEM_ACCOUNT) {
        throw new StartError(`error resolving system account: ${reasonOf(error)}`, { cause: error });
      }
      this.accounts.installPlaceholder({ ...newClaims("account", systemAccount), issuer: operator.issuer });
    }
  }

  /** @throws StartError with the reference's text */
  start(): void {
    const { log, options, systemAccount } = this.server;
    warnOfPreloads(log, options, this.clock.now());
    const { resolver } = this.accounts;
    if (systemAccount?.expired) throw new StartError(`Can't set system account: ${EXPIRED}`);
    if (resolver === null) return;
    if (systemAccount !== null) this.services = new ClaimsServices(this, systemAccount, this.server.serverName);
    try {
      this.startResolver(resolver);
    } catch (error) {
      throw new StartError(`Could not start resolver: ${reasonOf(error)}`, { cause: error });
    }
    if (this.bootstrapped() === null) return;
    log.notice("Using bootstrapping system account");
    this.timers.set(this.bootstrapTimer, BOOTSTRAP_MS);
  }

  stop(): void {
    this.timers.cancel(this.bootstrapTimer);
    this.services?.close();
    this.accounts.resolver?.stop();
    this.accounts.stop();
  }

  /**
   * Runs the steps of a reload that may fail.
   * @returns applies the new options and cannot fail
   * @throws Error with the reason
   */
  prepare(after: Options): () => void {
    const before = this.server.options;
    const { resolver } = this.accounts;
    if (resolver === null || after.resolver === null) return () => {};
    const isSame = resolver.kind !== "memory" && Bun.deepEquals(resolverPart(before), resolverPart(after));
    const next = isSame ? resolver : this.newResolver(after);
    if (next === null) return () => {};
    this.checkStart(next);
    this.preload(next, after.resolverPreload);
    return () => {
      if (next !== resolver) {
        resolver.stop();
        this.services?.close();
        this.accounts.resolver = next;
        this.startResolver(next);
      }
      if (next.kind === "memory") {
        warnOfPreloads(this.log, after, this.clock.now());
        this.accounts.refreshAll(after.systemAccount);
      } else next.reload();
    };
  }

  // AccountClients

  follow(change: ClaimsChange): void {
    this.defer(() => this.followNow(change));
  }

  renewStreams(accounts: ReadonlySet<Account>): void {
    if (accounts.size === 0) return;
    this.defer(() => {
      for (const client of this.server.connections.values()) if (accounts.has(client.account)) renewShadows(client);
    });
  }

  expire(account: Account): void {
    this.defer(() => {
      if (!account.expired) return;
      for (const client of this.connectedTo(account)) expire(client, Refusal.AccountAuthenticationExpired);
    });
  }

  private defer(task: () => void): void {
    this.deferred.push(task);
    if (this.deferred.length > 1) return;
    queueMicrotask(() => {
      const tasks = this.deferred;
      this.deferred = [];
      for (const one of tasks) one();
      this.server.turn.end();
    });
  }

  private connectedTo(account: Account): Client[] {
    return [...this.server.connections.values()].filter(client => client.account === account && client.registered === account);
  }

  /** Applies the change, oldest client first: when an account has too many connections, the newest are closed. */
  private followNow(change: ClaimsChange): void {
    const { account, streamsChanged: others } = change;
    let count = 0;
    for (const client of this.connectedTo(account)) {
      const limit = account.limits.connectionsMax;
      if (limit >= 0 && count >= limit) {
        logLimited(client, "error", REFUSALS[Refusal.MaxAccountConnectionsExceeded].error!);
        client.refuse(Refusal.MaxAccountConnectionsExceeded);
        continue;
      }
      count++;
      this.followClaims(client, change);
    }
    if (others.size === 0) return;
    for (const client of this.server.connections.values()) if (others.has(client.account)) renewShadows(client);
  }

  private followClaims(client: Client, { account, claims, defaultPermissionsChanged, signerLeft }: ClaimsChange): void {
    const { login } = client;
    const claim = login?.claim ?? null;
    if (login?.followsDefaults && defaultPermissionsChanged) {
      const denied = claimedDenials(claims.nats.authorization.users, login);
      bind(client, { ...login, permissions: this.permissions.denying(account.defaultPermissions, denied) });
      reviewSubscriptions(client);
    } else {
      applyLimits(client);
      followAccount(client);
    }
    if (claim === null) return;
    const { nats } = claims;
    if (claim.bearer && nats.limits.disallowBearer) return this.refuseBearer(client);
    const checksIssueTime = nats.revocations.size > 0 || nats.limits.disallowBearer;
    if (checksIssueTime && (claim.issuedAt === 0 || isRevoked(nats.revocations, claim.subject, claim.issuedAt))) {
      return expire(client, Refusal.UserAuthenticationRevoked);
    }
    if (signerLeft?.(claim.issuerKey)) client.close(CloseReason.AuthenticationViolation);
  }

  private refuseBearer(client: Client): void {
    client.logDebug("Bearer User JWT not allowed");
    client.logError(`authentication error - ${shownUser(client)}`);
    this.server.onAuthenticationFailed(client, Refusal.AuthorizationViolation);
    client.refuse(Refusal.AuthorizationViolation);
  }

  private newResolver(options: Options): Resolver | null {
    const { resolver, resolverTls } = operatorOptionsOf(options);
    if (resolver === null) return null;
    if (resolver.kind === "memory") return new MemoryResolver();
    return resolver.kind === "url" ? new UrlResolver(resolver.url, resolverTls) : new DirectoryResolver(resolver, this);
  }

  private preload(resolver: Resolver, jwts: Options["resolverPreload"]): void {
    const all = Object.entries(jwts);
    if (all.length > 0 && resolver.readOnly) {
      throw new Error("resolver preloads only available for writeable resolver types MEM/DIR/CACHE_DIR");
    }
    for (const [name, jwt] of all) {
      try {
        resolver.store(name, jwt);
      } catch (error) {
        this.log.debug(`preload of account [${name}] was not stored: ${reasonOf(error)}`); // the stored claims may be newer
      }
    }
  }

  /** @throws Error the resolver cannot be started: a directory resolver needs a system account and an operator key for updates */
  private checkStart(resolver: Resolver): void {
    if (!(resolver instanceof DirectoryResolver)) return;
    if (this.services === null) throw new Error("there is no system account");
    void this.keys.pushing;
  }

  private startResolver(resolver: Resolver): void {
    this.checkStart(resolver);
    if (resolver instanceof DirectoryResolver) resolver.start(this.accounts, this.services!, this.keys);
    else this.services?.serveMemory(this.accounts);
  }

  /** The system account while its claims are not fetched; null when they are. */
  private bootstrapped(): LoadedAccount | null {
    const { systemAccount } = this.server.options;
    const loaded = systemAccount === null ? undefined : this.accounts.get(systemAccount);
    return loaded !== undefined && loaded.jwt === "" ? loaded : null;
  }

  private async bootstrap(): Promise<void> {
    const loaded = this.bootstrapped();
    if (loaded === null) return;
    try {
      await this.accounts.update(loaded, await runSteps(this.accounts.fetchQuietly(loaded.name)));
      this.log.notice("System account fetched and updated");
    } catch {
      this.timers.set(this.bootstrapTimer, BOOTSTRAP_MS); // retries until the resolver has the claims
    }
  }
}

const SYSTEM_ACCOUNT = "$SYS";

function resolverPart({ resolver, resolverTls }: Options): [ResolverOptions | null, Options["resolverTls"]] {
  return [resolver, resolverTls];
}

function asStartError<T>(attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    throw new StartError(reasonOf(error), { cause: error });
  }
}

async function asyncStartError<T>(attempt: () => T | Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    throw new StartError(reasonOf(error), { cause: error });
  }
}
