/**
 * The accounts of a server, by name.
 *
 *   configuration ─▶ plan (trades, checked) ─▶ install: all of them at once
 *   claims        ─▶ update: one account, and what others import from it
 * An account that is configured again keeps its object, its subscriptions and its counters. Those that are not configured any more are
 * left without exports and imports, for the clients that are still to be closed.
 */

import { SubjectMappings } from "../../messaging/mapping/subject-mappings.ts";
import { type ActivationCheck, type AnyImport, exportFor, mayImport, NO_ACTIVATIONS } from "../trade/export-access.ts";
import { addExport, addServiceImport, addStreamImport, latencyProblem, planTrades, Trade } from "../trade/trade.ts";
import { Account, GLOBAL_ACCOUNT } from "./account.ts";
import type { AccountHost } from "./account-host.ts";
import { type AccountOptions, emptyAccount } from "./account-options.ts";
import { ServiceExport } from "./service-export.ts";
import { ServiceImport } from "./service-import.ts";
import { StreamImport } from "./stream-import.ts";
import { addSystemExports, addSystemImports } from "./system-trade.ts";

/** What a server is told of its accounts. */
export interface AccountsOptions {
  readonly accounts: readonly AccountOptions[];
  /** null: there is no system account. */
  readonly systemAccount: string | null;
}

/** An update that was checked. */
export interface AccountsUpdate {
  /** Puts it to use, which cannot fail. @returns accounts whose stream imports are others now: shadows must be made anew */
  install(): ReadonlySet<Account>;
}

/** What came of an account's claims. */
export interface AccountUpdate {
  /** Accounts whose stream imports are others now. */
  readonly changed: ReadonlySet<Account>;
  /** What was left out, in the reference's words. */
  readonly problems: readonly string[];
  /** Imports among it. */
  readonly refused: readonly AnyImport[];
}

export class Accounts {
  readonly global: Account;
  private systemName: string | null = null;
  private readonly byName = new Map<string, Account>();
  private readonly host: AccountHost;

  constructor(host: AccountHost) {
    this.host = host;
    this.global = this.open(GLOBAL_ACCOUNT);
  }

  get(name: string): Account | undefined {
    return this.byName.get(name);
  }

  /** null: there is none. */
  get system(): Account | null {
    return this.systemName === null ? null : (this.byName.get(this.systemName) ?? null);
  }

  all(): IterableIterator<Account> {
    return this.byName.values();
  }

  get size(): number {
    return this.byName.size;
  }

  /** The account of that name, made when there is none yet. */
  open(name: string): Account {
    let account = this.byName.get(name);
    if (account === undefined) {
      account = new Account(name, this.host);
      this.byName.set(name, account);
    }
    return account;
  }

  /** Which one is the system account: before anything else is said of accounts. */
  useSystem(name: string | null): void {
    this.systemName = name;
    if (name !== null) this.open(name);
  }

  /**
   * All accounts of a configuration. Its exports and imports were checked (`planTrades`) when it was read.
   * @throws Error with the reference's text; nothing has changed then
   */
  prepare({ accounts, systemAccount }: AccountsOptions): AccountsUpdate {
    const options = new Map(accounts.map(one => [one.name, one]));
    for (const name of [GLOBAL_ACCOUNT, systemAccount]) if (name !== null && !options.has(name)) options.set(name, emptyAccount(name));
    const { trades, problems } = planTrades([...options.values()], NO_ACTIVATIONS, systemAccount !== null);
    if (problems.length > 0) throw new Error(problems.join("\n"));
    if (systemAccount !== null) {
      addSystemExports(trades.get(systemAccount)!);
      for (const trade of trades.values()) addSystemImports(trade, systemAccount, name => trades.get(name));
    }
    return { install: () => this.install(options, trades, systemAccount) };
  }

  private install(
    options: ReadonlyMap<string, AccountOptions>,
    trades: ReadonlyMap<string, Trade>,
    systemAccount: string | null,
  ): ReadonlySet<Account> {
    this.useSystem(systemAccount);
    const changed = new Set<Account>();
    // Those that live by claims are none of the configuration's business.
    const isClaimed = (name: string) => (this.byName.get(name)?.claim ?? null) !== null;
    for (const account of [...this.byName.values()]) {
      if (options.has(account.name) || isClaimed(account.name)) continue;
      if (account.streamImports.length > 0) changed.add(account);
      this.giveUp(account);
    }
    const names = [...trades.keys()].filter(name => !isClaimed(name));
    for (const name of names) this.describe(this.open(name), options.get(name)!);
    for (const name of names) this.offer(this.byName.get(name)!, trades.get(name)!);
    for (const name of names) if (this.take(this.byName.get(name)!)) changed.add(this.byName.get(name)!);
    return changed;
  }

  /** Nobody configures it any more. */
  private giveUp(account: Account): void {
    this.offer(account, new Trade(account.name));
    this.take(account);
    account.mappings = null;
    this.byName.delete(account.name);
  }

  /** The account is none any more, for clients that are still to be closed. @returns those whose stream imports are others now */
  remove(account: Account): ReadonlySet<Account> {
    const changed = new Set(account.streamImports.length > 0 ? [account] : []);
    this.giveUp(account);
    for (const importer of this.checkImporters(account, NO_ACTIVATIONS)) changed.add(importer);
    return changed;
  }

  /** What of an account concerns nobody else. */
  describe(account: Account, { nkey, limits, defaultPermissions, mappings, trace }: AccountOptions): void {
    account.nkey = nkey;
    account.limits = limits;
    account.defaultPermissions = defaultPermissions;
    account.trace = trace;
    account.mappings = mappings.length === 0 ? null : new SubjectMappings(mappings, this.host.clusterName, this.host.turn.random);
    account.updatedAt = this.host.clock.now();
  }

  /** From here on the account gives what the trade says. */
  private offer(account: Account, trade: Trade): void {
    account.trade = trade;
    account.serviceExports.clear();
    for (const [subject, options] of trade.serviceExports) account.serviceExports.set(subject, new ServiceExport(account, options));
  }

  /** From here on it takes what its trade says. @returns whether its stream imports are others now */
  private take(account: Account): boolean {
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
   * One account as its claims say it, in operator mode. What cannot be had is left out and reported, as the reference does: the rest of the
   * account works.
   * @param activated whether an import's token entitles to it
   */
  update(options: AccountOptions, activated: ActivationCheck): AccountUpdate {
    const account = this.open(options.name);
    const { label } = account;
    const problems: string[] = [];
    const refused: AnyImport[] = [];
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
    if (systemName === account.name) addSystemExports(trade);
    for (const wanted of options.imports) {
      const add =
        wanted.kind === "stream"
          ? addStreamImport(trade, wanted, { trades, activated })
          : addServiceImport(trade, wanted, { trades, activated });
      note(`Error adding ${wanted.kind} import to account [${label}]`, add);
      if (add !== null) refused.push(wanted);
    }
    if (systemName !== null) addSystemImports(trade, systemName, trades);
    this.describe(account, options);
    this.offer(account, trade);
    const changed = new Set<Account>();
    if (this.take(account)) changed.add(account);
    for (const importer of this.checkImporters(account, activated)) changed.add(importer);
    return { changed, problems, refused };
  }

  /** Whether others may still import from the account what they do, and by which export. @returns those whose streams are others now */
  checkImporters(exporter: Account, activated: ActivationCheck): Account[] {
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

function exportOf(exporter: Account, subject: string): ServiceExport | null {
  const found = exportFor(exporter.trade.serviceExports, subject);
  return found === null ? null : (exporter.serviceExports.get(found.found.subject) ?? null);
}

function streamKey({ plan, invalid }: StreamImport): unknown {
  return [plan.exporter, plan.from, plan.to, plan.options.allowTrace, invalid];
}
