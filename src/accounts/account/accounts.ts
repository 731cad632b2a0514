/**
 * The accounts of a server, by name.
 *
 *   configuration ─▶ plan (checked trades) ─▶ install: all accounts at once
 *   claims        ─▶ update: one account, and the imports of others from it
 * A reconfigured account keeps its object, its subscriptions and its counters. Accounts that are no longer configured lose
 * their exports and imports; their clients are closed afterwards.
 */

import { installedRule } from "../../messaging/mapping/mapping-rule.ts";
import { SubjectMappings } from "../../messaging/mapping/subject-mappings.ts";
import { type ActivationCheck, type AnyImport, exportFor, mayImport, NO_ACTIVATIONS } from "../trade/export-access.ts";
import { addExport, addServiceImport, addStreamImport, latencyProblem, planTrades } from "../trade/plan-trades.ts";
import { Trade } from "../trade/trade.ts";
import { Account, GLOBAL_ACCOUNT } from "./account.ts";
import type { AccountHost } from "./account-host.ts";
import { type AccountOptions, emptyAccount } from "./account-options.ts";
import { type JetStreamAccess, NO_JETSTREAM, reachesApi, withDomainMappings } from "./jetstream-access.ts";
import type { OfferedService, TradingAccount } from "./response.ts";
import { ServiceExport } from "./service-export.ts";
import { ServiceImport } from "./service-import.ts";
import { StreamImport } from "./stream-import.ts";
import { addSystemExports, addSystemImports } from "./system-trade.ts";

/** The accounts of a configuration. */
export interface AccountsOptions {
  readonly accounts: readonly AccountOptions[];
  /** null: no system account. */
  readonly systemAccount: string | null;
  readonly jetStream: JetStreamAccess;
}

/** A checked update. */
export interface AccountsUpdate {
  /** Applies the update; cannot fail. @returns accounts whose stream imports changed, so that their shadows must be rebuilt */
  install(): ReadonlySet<Account>;
}

/** Result of applying an account's claims. */
export interface AccountUpdate {
  /** Accounts whose stream imports changed. */
  readonly changed: ReadonlySet<Account>;
  /** Skipped exports and latency metrics, in the reference's words. */
  readonly problems: readonly string[];
  readonly refused: readonly RefusedImport[];
}

/** An import that cannot be set up. */
export interface RefusedImport {
  readonly wanted: AnyImport;
  /** The reference's words. */
  readonly reason: string;
}

export class Accounts {
  readonly global: Account;
  private systemName: string | null = null;
  private jetStream: JetStreamAccess = NO_JETSTREAM;
  private readonly byName = new Map<string, Account>();
  private readonly host: AccountHost;

  constructor(host: AccountHost) {
    this.host = host;
    this.global = this.open(GLOBAL_ACCOUNT);
  }

  get(name: string): Account | undefined {
    return this.byName.get(name);
  }

  /** null: no system account. */
  get system(): Account | null {
    return this.systemName === null ? null : (this.byName.get(this.systemName) ?? null);
  }

  all(): IterableIterator<Account> {
    return this.byName.values();
  }

  get size(): number {
    return this.byName.size;
  }

  /** The account of that name, created if needed. */
  open(name: string): Account {
    let account = this.byName.get(name);
    if (account === undefined) {
      account = new Account(name, this.host);
      this.byName.set(name, account);
    }
    return account;
  }

  /** Sets the system account; called before accounts are configured. */
  useSystem(name: string | null): void {
    this.systemName = name;
    if (name !== null) this.open(name);
  }

  /**
   * Prepares all accounts of a configuration. Exports and imports were checked (`planTrades`) when it was read.
   * @throws Error with the reference's text; nothing is changed then
   */
  prepare({ accounts, jetStream, systemAccount }: AccountsOptions): AccountsUpdate {
    const options = new Map(accounts.map(one => [one.name, one]));
    for (const name of [GLOBAL_ACCOUNT, systemAccount]) if (name !== null && !options.has(name)) options.set(name, emptyAccount(name));
    const { trades, problems } = planTrades([...options.values()], NO_ACTIVATIONS, systemAccount !== null);
    if (problems.length > 0) throw new Error(problems.join("\n"));
    if (systemAccount !== null) {
      const lookup = (name: string) => trades.get(name);
      addSystemExports(trades.get(systemAccount)!, jetStream);
      for (const trade of trades.values()) {
        addSystemImports(trade, systemAccount, lookup, jetStream, jetStream.accounts.has(trade.account));
      }
    }
    return { install: () => this.install(options, trades, systemAccount, jetStream) };
  }

  private install(
    options: ReadonlyMap<string, AccountOptions>,
    trades: ReadonlyMap<string, Trade>,
    systemAccount: string | null,
    jetStream: JetStreamAccess,
  ): ReadonlySet<Account> {
    this.useSystem(systemAccount);
    this.jetStream = jetStream;
    const changed = new Set<Account>();
    // Accounts defined by claims are not affected by the configuration.
    const isClaimed = (name: string) => (this.byName.get(name)?.claim ?? null) !== null;
    for (const account of [...this.byName.values()]) {
      if (options.has(account.name) || isClaimed(account.name)) continue;
      if (account.streamImports.length > 0) changed.add(account);
      this.removeTrades(account);
    }
    const names = [...trades.keys()].filter(name => !isClaimed(name));
    for (const name of names) {
      this.applySettings(this.open(name), this.withDomains(options.get(name)!, trades.get(name)!, jetStream.accounts.has(name)));
    }
    for (const name of names) this.installExports(this.byName.get(name)!, trades.get(name)!);
    for (const name of names) if (this.installImports(this.byName.get(name)!)) changed.add(this.byName.get(name)!);
    return changed;
  }

  /** Removes an account that is no longer configured. */
  private removeTrades(account: Account): void {
    this.installExports(account, new Trade(account.name));
    this.installImports(account);
    account.mappings = null;
    this.byName.delete(account.name);
  }

  /** Removes the account; its clients are closed afterwards. @returns accounts whose stream imports changed */
  remove(account: Account): ReadonlySet<Account> {
    const changed = new Set(account.streamImports.length > 0 ? [account] : []);
    this.removeTrades(account);
    for (const importer of this.checkImporters(account, NO_ACTIVATIONS)) changed.add(importer);
    return changed;
  }

  /** The options with the mappings for domains of JetStream. */
  private withDomains(options: AccountOptions, trade: Trade, hasJetStream: boolean): AccountOptions {
    const { jetStream, systemName } = this;
    const reaches = reachesApi(trade, systemName);
    return { ...options, mappings: withDomainMappings(options.mappings, options.name, systemName, jetStream, hasJetStream, reaches) };
  }

  /** Applies the settings of an account that do not affect other accounts. */
  applySettings(account: Account, { nkey, limits, defaultPermissions, mappings, trace }: AccountOptions): void {
    account.nkey = nkey;
    account.limits = limits;
    account.defaultPermissions = defaultPermissions;
    account.trace = trace;
    account.mappings =
      mappings.length === 0
        ? null
        : new SubjectMappings(
            mappings.map(rule => installedRule(rule, account.name)),
            this.host.clusterName,
            this.host.turn.random,
          );
    account.updatedAt = this.host.clock.now();
  }

  /** Applies the exports of a trade. */
  private installExports(account: Account, trade: Trade): void {
    account.trade = trade;
    account.serviceExports.clear();
    for (const [subject, options] of trade.serviceExports) account.serviceExports.set(subject, new ServiceExport(account, options));
  }

  /** Applies the imports of a trade. @returns whether the stream imports changed */
  private installImports(account: Account): boolean {
    const { trade, interest } = account;
    interest.removeBatch(account.serviceImports.map(one => one.subscription));
    account.serviceImports = trade.serviceImports.map(plan => {
      const one = new ServiceImport(account, this.open(plan.exporter), plan);
      one.export = exportOf(one.exporter, plan.to);
      interest.insert(one.subscription);
      return one;
    });
    const before = JSON.stringify(account.streamImports.map(streamKey));
    const streams = trade.streamImports.map(plan => new StreamImport(account, this.open(plan.exporter), plan));
    const changed = before !== JSON.stringify(streams.map(streamKey));
    if (changed) account.streamImports = streams;
    return changed;
  }

  /**
   * Applies one account's claims, in operator mode. Invalid exports and imports are skipped and reported, as in the reference; the rest of the
   * account works.
   * @param activated whether an import's activation token is valid
   * @param hasJetStream whether the claims give it JetStream
   */
  update(options: AccountOptions, activated: ActivationCheck, hasJetStream: boolean): AccountUpdate {
    const account = this.open(options.name);
    const { label } = account;
    const problems: string[] = [];
    const refused: RefusedImport[] = [];
    const trades = (name: string) => (name === options.name ? trade : this.byName.get(name)?.trade);
    const trade = new Trade(options.name);
    const note = (what: string, problem: string | null) => {
      if (problem !== null) problems.push(`${what}: ${problem}`);
    };
    for (const given of options.exports) {
      note(`Error adding ${given.kind} export to account [${label}]`, addExport(trade, given));
      if (given.kind === "service")
        note(`Error adding latency tracking for service export to account [${label}]`, latencyProblem(trade, given));
    }
    const { systemName } = this;
    if (systemName === account.name) addSystemExports(trade, this.jetStream);
    for (const wanted of options.imports) {
      const reason =
        wanted.kind === "stream"
          ? addStreamImport(trade, wanted, { trades, activated })
          : addServiceImport(trade, wanted, { trades, activated });
      if (reason !== null) refused.push({ wanted, reason });
    }
    if (systemName !== null) addSystemImports(trade, systemName, trades, this.jetStream, hasJetStream);
    this.applySettings(account, this.withDomains(options, trade, hasJetStream));
    this.installExports(account, trade);
    const changed = new Set<Account>();
    if (this.installImports(account)) changed.add(account);
    for (const importer of this.checkImporters(account, activated)) changed.add(importer);
    return { changed, problems, refused };
  }

  /** Checks the imports of other accounts from this one again. @returns accounts whose stream imports changed */
  checkImporters(exporter: TradingAccount, activated: ActivationCheck): Account[] {
    const changed: Account[] = [];
    for (const importer of this.byName.values()) {
      for (const one of importer.serviceImports) {
        if (one.exporter !== exporter) continue;
        one.export = exportOf(exporter, one.plan.to);
        const { internal, options } = one.plan;
        one.invalid = !internal && !mayImport(importer.name, exporter.name, exporter.trade.serviceExports, options, activated);
      }
      let changes = false;
      for (const one of importer.streamImports) {
        if (one.exporter !== exporter) continue;
        const invalid = !mayImport(importer.name, exporter.name, exporter.trade.streamExports, one.plan.options, activated);
        if (invalid !== one.invalid) changes = true;
        one.invalid = invalid;
      }
      if (changes) changed.push(importer);
    }
    return changed;
  }
}

function exportOf(exporter: TradingAccount, subject: string): OfferedService | null {
  const found = exportFor(exporter.trade.serviceExports, subject);
  return found === null ? null : (exporter.serviceExports.get(found.found.subject) ?? null);
}

function streamKey({ plan, invalid }: StreamImport): unknown {
  return [plan.exporter, plan.from, plan.to, plan.options.allowTrace, invalid];
}
