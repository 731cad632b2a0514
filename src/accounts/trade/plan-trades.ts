/**
 * Adds exports and imports to the plans of accounts, and checks them before anything is applied.
 *
 *   exporter ── export `orders.>` ──▶ import, seen as `eu.orders.>` ── importer
 * All exports are added before imports: an import is checked against its exporter's exports, and against the imports added
 * so far, with which it must not form a cycle.
 * Source: reference, accounts (behaviour); core §5.2, §5.3.
 */

import { type HashedAccounts, withAccountHashes } from "../../messaging/mapping/account-functions.ts";
import { SubjectTransform } from "../../messaging/mapping/subject-transform.ts";
import { TransformError } from "../../messaging/mapping/transform-error.ts";
import { hasWildcardText, isValidPublishSubjectText, isValidSubjectText } from "../../messaging/subject/subject-text.ts";
import { type ActivationCheck, mayImport } from "./export-access.ts";
import { serviceCycle, streamCycle } from "./import-cycle.ts";
import { Trade, type TradeLookup } from "./trade.ts";
import type {
  ServiceExportOptions,
  ServiceImportOptions,
  StreamExportOptions,
  StreamImportOptions,
  TradeOptions,
} from "./trade-options.ts";
import { wildcardsAsReferences, withWildcards } from "./wildcard-references.ts";

const INVALID_SUBJECT = "sublist: invalid subject";

/** @returns null, or why not */
export function addExport(trade: Trade, given: StreamExportOptions | ServiceExportOptions): string | null {
  const { subject, accountTokenPosition } = given;
  if (accountTokenPosition > 0 && subject.split(".")[accountTokenPosition - 1] !== "*") return INVALID_SUBJECT;
  if (given.kind === "stream") trade.streamExports.set(subject, given);
  else trade.serviceExports.set(subject, given);
  return null;
}

/** Why the latency of a service cannot be measured; null when it can. */
export function latencyProblem(trade: Trade, given: ServiceExportOptions): string | null {
  const { latency } = given;
  if (latency === null) return null;
  if (latency.sampling !== 0 && (latency.sampling < 1 || latency.sampling > 100)) return "bad sampling percentage, should be 1-100";
  if (!isValidPublishSubjectText(latency.subject) || trade.serviceExport(latency.subject) !== null) return "invalid publish subject";
  return given.responseType === "Singleton" ? null : "bad service response type";
}

/** The trades of all accounts, to which imports are added. */
export interface TradeContext {
  readonly trades: TradeLookup;
  readonly activated: ActivationCheck;
}

/** @returns null, or why not */
export function addStreamImport(trade: Trade, options: StreamImportOptions, { trades, activated }: TradeContext): string | null {
  const exporter = trades(options.account);
  if (exporter === undefined) return "account missing";
  const from = options.subject;
  if (!mayImport(trade.account, options.account, exporter.streamExports, options, activated)) return "stream import not authorized";
  let to = options.to === "" ? from : options.to;
  if (options.prefix !== "") {
    if (hasWildcardText(options.prefix)) return "stream import prefix can not contain wildcard tokens";
    to = `${options.prefix}${options.prefix.endsWith(".") ? "" : "."}${from}`;
  }
  const cycle = streamCycle(trade, exporter, to, trades) ?? streamCycle(trade, exporter, from, trades);
  if (cycle !== null) return cycle;
  let transform: SubjectTransform | null = null;
  const usesPublished = hasWildcardText(from) && to === from;
  if (hasWildcardText(from) && !usesPublished) {
    try {
      transform = SubjectTransform.compileStrict(from, wildcardsAsReferences(to));
    } catch (error) {
      if (!(error instanceof TransformError)) throw error;
      return `failed to create mapping transform for stream import subject from "${from}" to "${to}": ${error.message}`;
    }
    to = withWildcards(to);
  }
  if (trade.streamImports.some(other => other.exporter === options.account && other.from === from)) return "stream import already exists";
  trade.streamImports.push({ options, exporter: options.account, from, to, transform, usesPublished });
  return null;
}

/**
 * @param internal a server-internal import, which needs no authorization
 * @returns null, or why not
 */
export function addServiceImport(
  trade: Trade,
  options: ServiceImportOptions,
  { trades, activated }: TradeContext,
  internal = false,
): string | null {
  const exporter = trades(options.account);
  if (exporter === undefined) return "account missing";
  let from = options.to === "" ? options.subject : options.to;
  let to = options.subject;
  if (!isValidSubjectText(from) || !isValidSubjectText(to)) return INVALID_SUBJECT;
  if (!internal && !mayImport(trade.account, options.account, exporter.serviceExports, options, activated)) {
    return "service import not authorized";
  }
  const cycle = serviceCycle(trade, exporter, hasWildcardText(to) ? withWildcards(from) : from, trades);
  if (cycle !== null) return cycle;
  const other = trade.serviceImports.find(one => one.exporter === options.account && one.from === from);
  if (other !== undefined) {
    return `duplicate service import subject "${from}", previously used in import for account "${other.exporter}", subject "${other.to}"`;
  }
  let transform: SubjectTransform | null = null;
  const usesPublished = hasWildcardText(to) && to === from;
  if (hasWildcardText(to) && !usesPublished) {
    try {
      to = withWildcards(to);
      transform = SubjectTransform.compileStrict(to, wildcardsAsReferences(from)).reverse();
      from = withWildcards(from);
    } catch (error) {
      if (!(error instanceof TransformError)) throw error;
      return `failed to create mapping transform for service import subject from "${from}" to "${to}": ${error.message}`;
    }
  }
  trade.serviceImports.push({ options, exporter: options.account, from, to, transform, usesPublished, internal });
  return null;
}

/** Errors in the exports and imports of accounts: the reference's texts, in its order. */
export interface TradePlan {
  readonly trades: ReadonlyMap<string, Trade>;
  readonly problems: readonly string[];
}

/** Plans the trades of all accounts of a configuration. @param measures whether a system account exists, which latency metrics require */
export function planTrades(accounts: readonly TradeOptions[], activated: ActivationCheck, measures: boolean): TradePlan {
  const trades = new Map(accounts.map(({ name }) => [name, new Trade(name)]));
  const problems: string[] = [];
  const context: TradeContext = { trades: name => trades.get(name), activated };
  const each = <T>(list: (account: TradeOptions) => readonly T[], add: (trade: Trade, one: T) => string | null) => {
    for (const account of accounts) {
      for (const one of list(account)) {
        const problem = add(trades.get(account.name)!, one);
        if (problem !== null) problems.push(problem);
      }
    }
  };
  const exportsOf =
    <K extends "stream" | "service">(kind: K) =>
    (account: TradeOptions) =>
      account.exports.filter(one => one.kind === kind);
  const importsOf =
    <K extends "stream" | "service">(kind: K) =>
    (account: TradeOptions) =>
      account.imports.filter(one => one.kind === kind);
  each(exportsOf("stream"), (trade, one) => exportProblem(trade, one, trades, problems));
  each(exportsOf("service"), (trade, one) => {
    const problem = exportProblem(trade, one, trades, problems);
    if (problem !== null || one.kind !== "service" || one.latency === null) return problem;
    if (!measures) return `Error adding service latency sampling for "${one.subject}": system account not setup`;
    const latency = latencyProblem(trade, one);
    return latency === null
      ? null
      : `Error adding service latency sampling for "${one.subject}" on subject "${one.latency.subject}": ${latency}`;
  });
  each(importsOf("stream"), (trade, one) =>
    importProblem(trade, one, trades, installed => addStreamImport(trade, installed as StreamImportOptions, context)),
  );
  each(importsOf("service"), (trade, one) =>
    importProblem(trade, one, trades, installed => addServiceImport(trade, installed as ServiceImportOptions, context)),
  );
  return { trades, problems };
}

function exportProblem(
  trade: Trade,
  given: StreamExportOptions | ServiceExportOptions,
  trades: ReadonlyMap<string, Trade>,
  problems: string[],
): string | null {
  for (const name of given.accounts ?? []) {
    if (!trades.has(name)) problems.push(`"${name}" account not defined for ${given.kind} export`);
  }
  const problem = textOf(() =>
    addExport(trade, { ...given, subject: withAccountHashes(given.subject, { own: trade.account, exporter: "" }) }),
  );
  return problem === null ? null : `Error adding ${given.kind} export "${given.subject}": ${problem}`;
}

function importProblem(
  trade: Trade,
  given: StreamImportOptions | ServiceImportOptions,
  trades: ReadonlyMap<string, Trade>,
  add: (installed: StreamImportOptions | ServiceImportOptions) => string | null,
): string | null {
  const { account, kind } = given;
  if (!trades.has(account)) return `"${account}" account not defined for ${kind} import`;
  const accounts = { own: trade.account, exporter: account };
  let { subject } = given; // as the reference shows it in errors
  const problem = textOf(() => {
    subject = withAccountHashes(subject, accounts);
    return add(withLocalHashes({ ...given, subject }, accounts));
  });
  return problem === null ? null : `Error adding ${kind} import "${subject}": ${problem}`;
}

/** The import with literals in place of account functions in the importer's subjects. @throws TransformError */
function withLocalHashes<T extends StreamImportOptions | ServiceImportOptions>(given: T, accounts: HashedAccounts): T {
  const prefix = given.kind === "stream" ? { prefix: withAccountHashes(given.prefix, accounts) } : {};
  return { ...given, ...prefix, to: withAccountHashes(given.to, accounts) };
}

/** Runs a step that may find a wrong account function. @returns the text of the error, or the step's result */
function textOf(step: () => string | null): string | null {
  try {
    return step();
  } catch (error) {
    if (error instanceof TransformError) return error.message;
    throw error;
  }
}
