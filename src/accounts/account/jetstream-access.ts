/**
 * How accounts reach the API of JetStream, which answers in the system account.
 *
 *   account: `$JS.API.>`          ─ import, with the requester's identity ─▶ system account: `$JS.API.>`, exported
 *   account: `$JS.<domain>.API.…` ─ mapping ─▶ `$JS.API.…`                   if the server has a domain
 * An account without JetStream has the import too, so that it is told so; unless it reaches the API of another account under these subjects.
 * Source: reference, jetstream.md §1.1, §1.2.
 */
import type { MappingRule } from "../../messaging/mapping/mapping-rule.ts";
import { isSubsetText } from "../../messaging/subject/subject-text.ts";
import { NO_ACTIVATIONS } from "../trade/export-access.ts";
import { addExport, addServiceImport } from "../trade/plan-trades.ts";
import type { Trade, TradeLookup } from "../trade/trade.ts";
import { NO_SERVICE_EXPORT, NO_SERVICE_IMPORT } from "../trade/trade-options.ts";

export interface JetStreamAccess {
  /** The server has JetStream. */
  readonly enabled: boolean;
  /** Empty: none. */
  readonly domain: string;
  /** Accounts of the configuration that have JetStream. */
  readonly accounts: ReadonlySet<string>;
  /** Domains of other servers to which requests of accounts are directed, by account. */
  readonly defaultDomains: Readonly<Record<string, string>>;
}

export const NO_JETSTREAM: JetStreamAccess = { enabled: false, domain: "", accounts: new Set(), defaultDomains: {} };

/** All requests to the API of JetStream. */
export const JETSTREAM_API = "$JS.API.>";
const INFO = "$JS.API.INFO";

/** Adds the export of the API to the system account's. */
export function addJetStreamExport(system: Trade, { accounts, enabled }: JetStreamAccess): void {
  if ((enabled || accounts.size > 0) && !system.serviceExports.has(JETSTREAM_API))
    addExport(system, { ...NO_SERVICE_EXPORT, subject: JETSTREAM_API });
}

/** Adds the import of the API. @param hasJetStream whether the account has JetStream of its own */
export function addJetStreamImport(
  trade: Trade,
  systemAccount: string,
  trades: TradeLookup,
  { enabled }: JetStreamAccess,
  hasJetStream: boolean,
): void {
  if (!importsApi(trade, systemAccount, enabled, hasJetStream)) return;
  const options = { ...NO_SERVICE_IMPORT, account: systemAccount, subject: JETSTREAM_API, to: JETSTREAM_API, share: true };
  addServiceImport(trade, options, { trades, activated: NO_ACTIVATIONS }, true);
}

function importsApi({ account, serviceImports }: Trade, systemAccount: string, enabled: boolean, hasJetStream: boolean): boolean {
  if (account === systemAccount) return false;
  if (hasJetStream) return true;
  return enabled && !serviceImports.some(({ from }) => isSubsetText(INFO, from));
}

/** Subjects below `$JS.<domain>.API.`, and what they mean on this server. */
const MAPPED: readonly (readonly [suffix: string, subject: string])[] = [
  ["INFO", INFO],
  ["STREAM.>", "$JS.API.STREAM.>"],
  ["CONSUMER.>", "$JS.API.CONSUMER.>"],
  ["DIRECT.>", "$JS.API.DIRECT.>"],
  ["META.>", "$JS.API.META.>"],
  ["SERVER.>", "$JS.API.SERVER.>"],
  ["ACCOUNT.>", "$JS.API.ACCOUNT.>"],
  ["$KV.>", "$KV.>"],
  ["$OBJ.>", "$OBJ.>"],
];

/** The mappings of an account, with those for domains. Configured mappings of the same subject are kept. */
export function withDomainMappings(
  configured: readonly MappingRule[],
  name: string,
  systemAccount: string | null,
  access: JetStreamAccess,
  hasJetStream: boolean,
  reachesApi: boolean,
): readonly MappingRule[] {
  const { defaultDomains, domain } = access;
  const added: MappingRule[] = [];
  const add = (source: string, subject: string) => {
    if (!configured.some(one => one.source === source)) added.push({ source, destinations: [{ subject, weight: 100, cluster: "" }] });
  };
  if (domain !== "" && name === systemAccount && (access.enabled || access.accounts.size > 0)) add(`$JS.${domain}.API.>`, JETSTREAM_API);
  if (domain !== "" && reachesApi) for (const [suffix, subject] of MAPPED) add(`$JS.${domain}.API.${suffix}`, subject);
  const other = defaultDomains[name] ?? "";
  if (other !== "" && !hasJetStream) for (const [suffix, subject] of MAPPED) add(subject, `$JS.${other}.API.${suffix}`);
  return added.length === 0 ? configured : [...configured, ...added];
}

/** Whether the trade has the import of the API. */
export function reachesApi({ serviceImports }: Trade, systemAccount: string | null): boolean {
  return serviceImports.some(({ exporter, from }) => exporter === systemAccount && from === JETSTREAM_API);
}
