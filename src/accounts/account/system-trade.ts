/**
 * Services that every account imports from the system account by default: statistics about itself, USER.INFO, and the API of JetStream.
 * Source: reference, core §5.1, §8.4.
 */

import { isSubsetText } from "../../messaging/subject/subject-text.ts";
import { NO_ACTIVATIONS } from "../trade/export-access.ts";
import { addExport, addServiceImport } from "../trade/plan-trades.ts";
import type { Trade, TradeLookup } from "../trade/trade.ts";
import { NO_SERVICE_EXPORT, NO_SERVICE_IMPORT, type ServiceExportOptions } from "../trade/trade-options.ts";
import { addJetStreamExport, addJetStreamImport, type JetStreamAccess } from "./jetstream-access.ts";

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

/** Adds the exports of the system account, except those that are configured. */
export function addSystemExports(system: Trade, jetStream: JetStreamAccess): void {
  for (const one of EXPORTS) {
    const given = [...system.serviceExports.keys()].some(subject => isSubsetText(one.subject, subject));
    if (!given) addExport(system, one);
  }
  addJetStreamExport(system, jetStream);
}

/** @param hasJetStream whether the account has JetStream */
export function addSystemImports(
  trade: Trade,
  systemAccount: string,
  trades: TradeLookup,
  jetStream: JetStreamAccess,
  hasJetStream: boolean,
): void {
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
  for (const [to, subject, share] of wanted) {
    const options = { ...NO_SERVICE_IMPORT, account: systemAccount, subject, to, share };
    // An import that the account configured is kept.
    addServiceImport(trade, options, { trades, activated: NO_ACTIVATIONS }, true);
  }
  addJetStreamImport(trade, systemAccount, trades, jetStream, hasJetStream);
}
