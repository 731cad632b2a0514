/**
 * Detects import cycles, in which a message would loop, by following the imports added so far from account to account.
 * Source: reference, accounts (behaviour); core §5.3.
 */
import { collideText, isSubsetText } from "../../messaging/subject/subject-text.ts";
import type { Trade, TradeLookup } from "./trade.ts";

const ACCOUNTS_MAX = 1024;
const CYCLE = "import forms a cycle";
const DEPTH = "search cycle depth exhausted";

/** Whether a service import of `importer` from `exporter` under the local subject `from` closes a cycle. @returns null, or the error text */
export function serviceCycle(importer: Trade, exporter: Trade, from: string, trades: TradeLookup): string | null {
  return followServices(exporter, from, new Set([importer.account]), trades);
}

function followServices(trade: Trade, from: string, visited: Set<string>, trades: TradeLookup): string | null {
  if (visited.size >= ACCOUNTS_MAX) return DEPTH;
  for (const one of trade.serviceImports) {
    if (!collideText(from, one.to)) continue;
    if (visited.has(one.exporter)) return CYCLE;
    visited.add(trade.account);
    const next = trades(one.exporter);
    if (next === undefined) continue;
    const found = followServices(next, isSubsetText(one.from, from) ? one.from : from, visited, trades);
    if (found !== null) return found;
  }
  return null;
}

/** The same for a stream import under the local subject `to`. */
export function streamCycle(importer: Trade, exporter: Trade, to: string, trades: TradeLookup): string | null {
  return followStreams(exporter, to, new Set([importer.account]), trades);
}

function followStreams(trade: Trade, to: string, visited: Set<string>, trades: TradeLookup): string | null {
  if (visited.size >= ACCOUNTS_MAX) return DEPTH;
  if (![...trade.streamExports.keys()].some(subject => isSubsetText(to, subject))) return null;
  for (const one of trade.streamImports) {
    if (!collideText(to, one.to)) continue;
    if (visited.has(one.exporter)) return CYCLE;
    visited.add(trade.account);
    const next = trades(one.exporter);
    if (next === undefined) continue;
    const found = followStreams(next, isSubsetText(one.to, to) ? one.to : to, visited, trades);
    if (found !== null) return found;
  }
  return null;
}
