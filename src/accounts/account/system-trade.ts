/**
 * Services that accounts import from the system account by default: statistics about themselves, USER.INFO, and the JetStream API for accounts that
 * use it. Source: reference, core §5.1, §8.4; jetstream §1.1, §1.2.
 */
import type { MappingRule } from "../../messaging/mapping/mapping-rule.ts";

import { isSubsetText } from "../../messaging/subject/subject-text.ts";
import { NO_ACTIVATIONS } from "../trade/export-access.ts";
import { addExport, addServiceImport } from "../trade/plan-trades.ts";
import type { Trade, TradeLookup } from "../trade/trade.ts";
import { NO_SERVICE_EXPORT, NO_SERVICE_IMPORT, type ServiceExportOptions } from "../trade/trade-options.ts";

/** Index of the subject token with the account's name. */
const ACCOUNT_TOKEN = 4;

function systemExport(subject: string, more: Partial<ServiceExportOptions> = {}): ServiceExportOptions {
  return { ...NO_SERVICE_EXPORT, subject, ...more };
}

const OF_THE_ACCOUNT = { responseType: "Stream", accountTokenPosition: ACCOUNT_TOKEN } as const;

const EXPORTS = [
  systemExport("$SYS.REQ.ACCOUNT.*.CONNZ", OF_THE_ACCOUNT),
  systemExport("$SYS.REQ.ACCOUNT.*.STATZ", OF_THE_ACCOUNT),
  systemExport("$SYS.DEBUG.SUBSCRIBERS"),
  systemExport("$SYS.REQ.USER.*.INFO"),
];

/** Which accounts use JetStream, and under which name other servers know it. */
export interface JetStreamTrade {
  /** JetStream is on. */
  readonly enabled: boolean;
  /** Names of the accounts of the configuration that use it. */
  readonly accounts: ReadonlySet<string>;
  /** Empty: none. */
  readonly domain: string;
}

export const NO_JETSTREAM: JetStreamTrade = { enabled: false, accounts: new Set(), domain: "" };

/** All requests to the JetStream API. */
export const JETSTREAM_API = "$JS.API.>";

/** What stands behind `$JS.<domain>.API.`, and the subjects that are meant. */
const DOMAIN_SUBJECTS = [
  ["INFO", "$JS.API.INFO"],
  ...["STREAM", "CONSUMER", "DIRECT", "META", "SERVER", "ACCOUNT"].map(part => [`${part}.>`, `$JS.API.${part}.>`] as const),
  ["$KV.>", "$KV.>"],
  ["$OBJ.>", "$OBJ.>"],
] as const;

function domainRule(source: string, subject: string): MappingRule {
  return { source, destinations: [{ subject, weight: 100, cluster: "" }] };
}

/** The mappings by which clients of an account reach JetStream under its domain, except those that the account has itself. */
export function domainMappings(domain: string, configured: readonly MappingRule[]): readonly MappingRule[] {
  if (domain === "") return [];
  const known = new Set(configured.map(({ source }) => source));
  return DOMAIN_SUBJECTS.map(([suffix, subject]) => domainRule(`$JS.${domain}.API.${suffix}`, subject)).filter(
    ({ source }) => !known.has(source),
  );
}

/** The same for the system account. */
export function systemDomainMappings(domain: string): readonly MappingRule[] {
  return domain === "" ? [] : [domainRule(`$JS.${domain}.API.>`, JETSTREAM_API)];
}

/** Adds the exports of the system account, except those that are configured. */
export function addSystemExports(system: Trade, jetStream: JetStreamTrade): void {
  for (const one of jetStream.enabled ? [...EXPORTS, systemExport(JETSTREAM_API)] : EXPORTS) {
    const given = [...system.serviceExports.keys()].some(subject => isSubsetText(one.subject, subject));
    if (!given) addExport(system, one);
  }
}

/** @param usesJetStream the account's clients reach the JetStream API */
export function addSystemImports(trade: Trade, systemAccount: string, trades: TradeLookup, usesJetStream: boolean): void {
  const name = trade.account;
  const userInfo = ["$SYS.REQ.USER.INFO", `$SYS.REQ.USER.${name}.INFO`, true] as const;
  const wanted =
    name === systemAccount
      ? [userInfo]
      : ([
          ["$SYS.REQ.ACCOUNT.PING.CONNZ", `$SYS.REQ.ACCOUNT.${name}.CONNZ`, false],
          ["$SYS.REQ.SERVER.PING.CONNZ", `$SYS.REQ.ACCOUNT.${name}.CONNZ`, false],
          ["$SYS.REQ.ACCOUNT.PING.STATZ", `$SYS.REQ.ACCOUNT.${name}.STATZ`, false],
          userInfo,
        ] as const);
  const all = usesJetStream ? [...wanted, [JETSTREAM_API, JETSTREAM_API, true] as const] : wanted;
  for (const [to, subject, share] of all) {
    const options = { ...NO_SERVICE_IMPORT, account: systemAccount, subject, to, share };
    // An import that the account configured is kept.
    addServiceImport(trade, options, { trades, activated: NO_ACTIVATIONS }, true);
  }
}
