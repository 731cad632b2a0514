/**
 * Accounts defined by claims: fetched on first use, verified, installed, and updated when their claims change.
 *
 *   find(name) ─ loaded ────────────────────────────────────────────────▶ LoadedAccount, at once
 *        └ not loaded ─ resolver ─▶ verify ─▶ the same for its exporters ─▶ install all at once ───────┘
 *   update(jwt) ─ same claims? nothing ─ new claims ─▶ verify ─▶ apply: accounts, timers, connected clients
 * Everything asynchronous is gathered first; the installation is one synchronous step, so no partly installed account is visible. Concurrent
 * requests for an account share one fetch. Failures are not cached, but an expired account is fetched
 * at most once per second.
 * Accounts may import from each other in cycles, so all new accounts get their exports first and then their imports.
 * Source: server/server.go, lookupOrFetchAccount …; server/accounts.go, updateAccountClaimsWithRefresh (behaviour); core §4.5, §4.6.
 */

import type { AccountClaims } from "../../access/jwt/claims.ts";
import { decodeAccount } from "../../access/jwt/decode.ts";
import { isAccountKey } from "../../access/jwt/public-key.ts";
import { validateClaims } from "../../access/jwt/validate-claims.ts";
import { goDuration } from "../../base/go/duration.ts";
import { ActivationRules } from "./activation-rules.ts";
import { ClaimsInstaller } from "./claims-installer.ts";
import { LoadedAccount } from "./loaded-account.ts";
import { EXPIRED, INVALID, LookupError, MISSING, NO_ACCOUNT_KEY, NO_RESOLVER, reasonOf, TOO_SOON } from "./lookup-error.ts";
import type { OperatorHost } from "./operator-host.ts";
import type { Resolver } from "./resolver.ts";
import { runSteps, type Steps, waitFor } from "./steps.ts";
import type { TrustedKeys } from "./trusted-keys.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

/** Most accounts fetched for one request. */
const GATHERED_MAX = 1_000;
const REFRESH_MS = 1_000;
const SLOW_FETCH_MS = 1_000;
const VERIFIED_MAX = 1_024;
const VERIFIED_BYTES_MAX = 8 * 1024 * 1024;
const VERIFIED_TOKEN_BYTES_MAX = 256 * 1024;

/** Verified claims, not installed yet. */
interface Verified {
  readonly jwt: string;
  readonly claims: AccountClaims;
}

/** Result of gathering for an account: claims of accounts not loaded yet, and why others are unavailable. */
interface Gathered {
  readonly found: Map<string, Verified>;
  /** Names in `found`, exporters before their importers; in a cycle the account that was gathered first is the last. */
  readonly order: string[];
  readonly failed: Map<string, string>;
}

export class OperatorAccounts {
  private readonly loaded = new Map<string, LoadedAccount>();
  /** Accounts being fetched. */
  private readonly loading = new Map<string, Promise<LoadedAccount>>();
  /** Expired accounts whose claims are being fetched again. */
  private readonly refreshing = new Set<string>();
  private readonly verified = new VerifiedTokens<AccountClaims>(VERIFIED_MAX, VERIFIED_BYTES_MAX, VERIFIED_TOKEN_BYTES_MAX);
  private readonly installer: ClaimsInstaller;

  /** @param resolver null: only accounts that are added explicitly exist */
  constructor(
    private readonly host: OperatorHost,
    private readonly keys: TrustedKeys,
    public resolver: Resolver | null,
  ) {
    const rules = new ActivationRules(
      name => this.loaded.get(name),
      host.log,
      () => host.clock.now(),
    );
    this.installer = new ClaimsInstaller(host, keys, rules, name => this.loaded.get(name));
  }

  get(name: string): LoadedAccount | undefined {
    return this.loaded.get(name);
  }

  /** Names of the loaded accounts. */
  names(): string[] {
    return [...this.loaded.keys()];
  }

  /**
   * Finds the account, with current claims if the resolver has them.
   * @returns synchronously when the account is loaded or its resolver answers synchronously
   * @throws LookupError, or rejects
   */
  find(name: string): LoadedAccount | Promise<LoadedAccount> {
    const known = this.loaded.get(name);
    if (known !== undefined && !known.account.expired) return known;
    return runSteps(this.lookUpShared(name));
  }

  /** The account's unverified JWT from the resolver. @throws LookupError, or rejects */
  *fetchQuietly(name: string): Steps<string> {
    if (this.resolver === null) throw new LookupError(NO_RESOLVER);
    if (!isAccountKey(name)) throw new LookupError(NO_ACCOUNT_KEY);
    return yield* waitFor(this.resolver.fetch(name));
  }

  /**
   * Applies new claims of a loaded account; the same claims change nothing.
   * @throws LookupError or JwtError, or rejects: the claims are unusable, and the account is unchanged
   */
  update(loaded: LoadedAccount, jwt: string): void | Promise<void> {
    return runSteps(this.applyUpdate(loaded, jwt));
  }

  /** Installs an account with claims made by the server, because the resolver cannot deliver them yet. */
  installPlaceholder(claims: AccountClaims): LoadedAccount {
    const loaded = this.open(claims);
    this.installer.describe(loaded, "");
    loaded.version++;
    return loaded;
  }

  /** The account was deleted: rejects logins and disconnects current clients. The same claims restore it. */
  disable(name: string): void {
    const loaded = this.loaded.get(name);
    if (loaded === undefined) return;
    this.host.log.debug(`Disable account ${name} due to remove`);
    loaded.ticket++;
    loaded.jwt = "";
    this.installer.disable(loaded);
  }

  /** Removes the account from this server. */
  forget(name: string): void {
    const loaded = this.loaded.get(name);
    if (loaded === undefined) return;
    loaded.ticket++;
    this.loaded.delete(name);
    this.installer.remove(loaded);
  }

  /**
   * After the reload of a re-read resolver: updates or removes each account.
   * @param keeps name of the system account, which is never removed
   */
  refreshAll(keeps: string | null): void {
    for (const name of this.names()) {
      let jwt: string | null = null;
      try {
        const fetched = runSteps(this.fetch(name));
        if (typeof fetched === "string") jwt = this.verify(fetched).subject === name ? fetched : null;
      } catch {
        jwt = null; // already logged
      }
      if (jwt === null) {
        this.host.log.notice(`Reloaded: deleting account [removed]: ${JSON.stringify(name)}`);
        if (name !== keeps) this.forget(name);
      } else void this.update(this.loaded.get(name)!, jwt);
    }
  }

  stop(): void {
    for (const loaded of this.loaded.values()) this.installer.stop(loaded);
  }

  /** @throws JwtError or LookupError */
  verify(jwt: string): AccountClaims {
    const known = this.verified.get(jwt);
    const claims = known ?? decodeAccount(jwt);
    if (!this.keys.has(claims.issuer)) throw new LookupError(INVALID);
    if (validateClaims(claims, this.host.clock.now()).isBlocking(true)) throw new LookupError(INVALID);
    if (known === undefined) this.verified.add(jwt, claims);
    return claims;
  }

  /** Concurrent requests for the same account share one result. */
  private *lookUpShared(name: string): Steps<LoadedAccount> {
    const pending = this.loading.get(name);
    if (pending !== undefined) return yield* waitFor(pending);
    const loading = runSteps(this.lookUp(name));
    if (!(loading instanceof Promise)) return loading;
    this.loading.set(name, loading);
    try {
      return yield* waitFor(loading);
    } finally {
      this.loading.delete(name);
    }
  }

  private *lookUp(name: string): Steps<LoadedAccount> {
    const known = this.loaded.get(name);
    if (known === undefined) return yield* this.load(name);
    if (!known.account.expired) return known;
    this.host.log.debug(`Requested account [${name}] has expired`);
    try {
      yield* this.refresh(known);
    } catch {
      throw new LookupError(EXPIRED);
    }
    return known;
  }

  private *refresh(loaded: LoadedAccount): Steps<void> {
    const { clock, log } = this.host;
    if (!loaded.incomplete && clock.now() - loaded.account.updatedAt < REFRESH_MS) {
      log.debug(`Requested account update for [${loaded.name}] ignored, too soon`);
      throw new LookupError(TOO_SOON);
    }
    // Accounts that expired together may import from each other.
    if (this.refreshing.has(loaded.name)) throw new LookupError(EXPIRED);
    this.refreshing.add(loaded.name);
    try {
      yield* this.applyUpdate(loaded, yield* this.fetch(loaded.name));
    } finally {
      this.refreshing.delete(loaded.name);
    }
  }

  private *load(name: string): Steps<LoadedAccount> {
    if (this.resolver === null) throw new LookupError(MISSING);
    const gathered: Gathered = { found: new Map(), order: [], failed: new Map() };
    yield* this.gather(name, gathered);
    this.installAll(gathered);
    return this.loaded.get(name)!;
  }

  /** Fetches and verifies an account and its exporters. @throws when the account itself is unavailable */
  private *gather(name: string, gathered: Gathered): Steps<void> {
    const jwt = yield* this.fetch(name);
    const claims = this.verify(jwt);
    if (claims.subject !== name) throw new LookupError(INVALID);
    gathered.found.set(name, { jwt, claims });
    yield* this.gatherExporters(claims, gathered);
    gathered.order.push(name);
  }

  private *gatherExporters({ nats: { imports } }: AccountClaims, gathered: Gathered): Steps<void> {
    for (const exporter of new Set(imports.map(one => one!.account))) {
      if (gathered.found.has(exporter) || gathered.failed.has(exporter) || this.has(exporter)) continue;
      if (gathered.found.size >= GATHERED_MAX) continue;
      try {
        if (this.loaded.has(exporter)) {
          yield* this.lookUp(exporter);
        } else yield* this.gather(exporter, gathered);
      } catch (error) {
        gathered.failed.set(exporter, reasonOf(error));
      }
    }
  }

  private has(name: string): boolean {
    return this.loaded.get(name)?.account.expired === false;
  }

  private *fetch(name: string): Steps<string> {
    const { clock, log } = this.host;
    const startedAt = clock.monotonic();
    try {
      return yield* this.fetchQuietly(name);
    } catch (error) {
      log.warn(`Account fetch failed: ${reasonOf(error)}`);
      throw error;
    } finally {
      const elapsedMs = clock.monotonic() - startedAt;
      const text = `Account [${name}] fetch took ${goDuration(Math.round(elapsedMs * 1e6))}`;
      if (elapsedMs > SLOW_FETCH_MS) log.warn(text);
      else log.debug(text);
    }
  }

  private open(claims: AccountClaims): LoadedAccount {
    const loaded = new LoadedAccount(
      this.host.directory.open(claims.subject),
      claims,
      this.keys,
      one => this.installer.onExpired(one),
      one => this.installer.onActivationEnded(one),
    );
    this.loaded.set(claims.subject, loaded);
    return loaded;
  }

  private installAll({ found, order, failed }: Gathered): void {
    const fresh = order
      .filter(name => !this.loaded.has(name))
      .map(name => ({ ...found.get(name)!, loaded: this.open(found.get(name)!.claims) }));
    // Some may have been loaded during the wait.
    if (fresh.length > 1) for (const { loaded, jwt } of fresh) this.installer.describe(loaded, jwt);
    for (const { loaded, jwt, claims } of fresh) this.apply(loaded, jwt, claims, failed);
  }

  private *applyUpdate(loaded: LoadedAccount, jwt: string): Steps<void> {
    if (loaded.jwt !== "" && loaded.jwt === jwt && !loaded.incomplete) {
      this.host.log.debug(`Requested account update for [${loaded.name}], same claims detected`);
      return;
    }
    const claims = this.verify(jwt);
    if (claims.subject !== loaded.name) throw new LookupError(INVALID);
    const ticket = ++loaded.ticket;
    const gathered: Gathered = { found: new Map(), order: [], failed: new Map() };
    yield* this.gatherExporters(claims, gathered);
    this.installAll(gathered);
    if (ticket === loaded.ticket) this.apply(loaded, jwt, claims, gathered.failed);
  }

  private apply(loaded: LoadedAccount, jwt: string, claims: AccountClaims, failed: ReadonlyMap<string, string>): void {
    this.installer.apply(loaded, jwt, claims, failed);
    this.completeImporters(loaded.name);
  }

  /** Installs the claims of all accounts again, because what they get beside them has changed: the API of JetStream. */
  installAgain(): void {
    for (const loaded of [...this.loaded.values()]) {
      if (loaded.jwt !== "" && isInForce(loaded, this.host.clock.now())) this.installer.apply(loaded, loaded.jwt, loaded.claims, new Map());
    }
  }

  /** Retries accounts that could not import from it before. */
  private completeImporters(exporter: string): void {
    const { missed } = this.installer;
    if (!missed.delete(exporter)) return;
    for (const importer of [...this.loaded.values()]) {
      if (!importer.incomplete || importer.name === exporter || importer.jwt === "") continue;
      if (!isInForce(importer, this.host.clock.now())) continue;
      this.installer.apply(importer, importer.jwt, importer.claims, new Map());
      // It stays in `missed`, so that the imports work once claims with the export arrive. The reference forgets it here.
      if (missed.has(exporter)) this.host.log.error(`Account ${importer.account.label} has issues importing account ${exporter}`);
    }
  }
}

function isInForce({ claims }: LoadedAccount, nowMs: number): boolean {
  return !validateClaims(claims, nowMs).isBlocking(true);
}
