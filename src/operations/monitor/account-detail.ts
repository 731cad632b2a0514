/**
 * One account in detail, for `/accountz?acc=` and the services: exports and imports, claims, pending answers.
 * Exports and imports have their shape in claims, plus fields that only a server knows.
 * Source: reference, core §7.6.
 */

import { claimsJson } from "../../access/jwt/claim-shapes.ts";
import type { AccountClaims } from "../../access/jwt/claims.ts";
import { decodeAccount } from "../../access/jwt/decode.ts";
import { validateClaims } from "../../access/jwt/validate-claims.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { OfferedService, Response } from "../../accounts/account/response.ts";
import type { ServiceImport } from "../../accounts/account/service-import.ts";
import type { StreamImport } from "../../accounts/account/stream-import.ts";
import type { LatencyOptions, ResponseType, ServiceExportOptions, StreamExportOptions } from "../../accounts/trade/trade-options.ts";
import { StreamedMap } from "../../base/go/json-stream.ts";
import { goTime } from "../../base/go/time.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import { TopList } from "../../base/scheduling/top-list.ts";
import { listsOf, type MappingRule, remainderOf } from "../../messaging/mapping/mapping-rule.ts";
import { type Fields, unlessEmpty } from "./endpoint.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { interestStats } from "./subsz.ts";

const MS_PER_SECOND = 1_000;

export function* accountDetail(server: MonitoredServer, account: Account): Sliced<Fields> {
  const { claim, connections, expired, interest, mappings, name, updatedAt } = account;
  const imports = [...account.streamImports.map(streamImport), ...account.serviceImports.map(serviceImport)];
  return {
    account_name: name,
    update_time: goTime(updatedAt),
    ...unlessEmpty("is_system", account === server.systemAccount),
    expired,
    complete: true,
    jetstream_enabled: server.jetStream?.accounts.has(name) ?? false,
    leafnode_connections: 0,
    client_connections: connections,
    subscriptions: interest.count,
    ...(mappings === null ? {} : { mappings: Object.fromEntries(sortedByName(mappings.rules.map(mappingOf))) }),
    ...unlessEmpty("exports", exportsOf(account)),
    ...unlessEmpty("imports", imports),
    ...unlessEmpty("jwt", claim?.jwt ?? ""),
    ...unlessEmpty("issuer_key", claim?.issuer ?? ""),
    name_tag: account.nameTag,
    ...unlessEmpty("tags", claim?.tags ?? []),
    ...(claim === null ? {} : claimFields(claim.jwt, server.clock.now())),
    sublist_stats: yield* interestStats([account]),
    ...(yield* responsesOf(account)),
  };
}

/** Go writes maps sorted by key. */
function sortedByName<T>(entries: [string, T][]): [string, T][] {
  return entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Weights are cumulative, from the smallest on, because the reference draws that way and shows them so. */
function mappingOf(rule: MappingRule): [source: string, destinations: Fields[]] {
  const destinations: Fields[] = [];
  for (const [cluster, listed] of listsOf(rule)) {
    const remainder = remainderOf(rule, listed);
    const all = (remainder === null ? [...listed] : [...listed, remainder]).sort((a, b) => a.weight - b.weight);
    let sum = 0;
    for (const { subject, weight } of all) {
      sum += weight;
      destinations.push({ subject, weight: sum, ...unlessEmpty("cluster", cluster) });
    }
  }
  return [rule.source, destinations];
}

function exportsOf({ trade }: Account): Fields[] {
  const services = [...trade.serviceExports.values()].map(one => ({
    subject: one.subject,
    type: "service",
    ...unlessEmpty("token_req", needsToken(one)),
    response_type: RESPONSE_TYPES[one.responseType],
    ...latencyField("service_latency", one.latency),
    ...permitted(one),
  }));
  const streams = [...trade.streamExports.values()].map(one => ({
    subject: one.subject,
    type: "stream",
    ...unlessEmpty("token_req", needsToken(one)),
    ...permitted(one),
  }));
  return [...services, ...streams];
}

type AnyExport = StreamExportOptions | ServiceExportOptions;

const RESPONSE_TYPES: Record<ResponseType, string> = { Singleton: "Singleton", Stream: "Streamed", Chunked: "Chunked" };

function needsToken({ accounts, tokenRequired }: AnyExport): boolean {
  return tokenRequired || accounts?.length === 0;
}

function permitted({ accounts, revocations }: AnyExport): Fields {
  return { ...unlessEmpty("approved_accounts", accounts), ...timesField("revoked_activations", Object.entries(revocations)) };
}

function timesField(name: string, seconds: [string, number][]): Fields {
  if (seconds.length === 0) return {};
  return { [name]: Object.fromEntries(sortedByName(seconds).map(([key, second]) => [key, goTime(second * MS_PER_SECOND)])) };
}

function latencyField(name: string, latency: LatencyOptions | null): Fields {
  if (latency === null) return {};
  return { [name]: { sampling: latency.sampling === 0 ? "headers" : latency.sampling, results: latency.subject } };
}

function streamImport({ plan, invalid }: StreamImport): Fields {
  return { subject: plan.from, account: plan.exporter, local_subject: plan.to, type: "stream", invalid, share: false, tracking: false };
}

function serviceImport({ plan, share, invalid, export: from }: ServiceImport): Fields {
  return service({ subject: plan.to, account: plan.exporter, local: plan.from, invalid, share, tracking: false }, from);
}

function service(
  one: { subject: string; account: string; local: string; invalid: boolean; share: boolean; tracking: boolean },
  from: OfferedService | null,
): Fields {
  const { subject, account, local, invalid, share, tracking } = one;
  return {
    subject,
    account,
    to: local,
    local_subject: local,
    type: "service",
    invalid,
    share,
    tracking,
    ...latencyField("latency", from?.latency ?? null),
  };
}

/** Only here the reference writes the type without its name. */
const SERVICE_NUMBER = 2;

/** Pending answers of its services: messages on `_R_…` go to the requester. */
function* responsesOf({ responses }: Account): Sliced<Fields> {
  if (responses.size === 0) return {};
  const pending = new TopList<Response>(Number.POSITIVE_INFINITY, (a, b) => (a.subject < b.subject ? -1 : 1));
  const pace = new Pace();
  for (const one of responses.all()) {
    pending.add(one);
    if (pace.due(4)) yield PAUSE;
  }
  return { responses: new StreamedMap(responseImports(yield* pending.sorted())) };
}

function* responseImports(pending: readonly Response[]): Generator<[string, Fields]> {
  for (const one of pending) yield [one.subject, responseImport(one)];
}

function responseImport({ subject, reply, requester, share, watcher, export: from }: Response): Fields {
  const tracking = watcher !== null;
  const one = { subject: Buffer.from(reply).toString(), account: requester.name, local: subject, invalid: false, share, tracking };
  return { ...service(one, from), type: SERVICE_NUMBER };
}

/** @param now wall clock, ms: some issues depend on it */
function claimFields(jwt: string, now: number): Fields {
  let claims: AccountClaims;
  try {
    claims = decodeAccount(jwt);
  } catch {
    return {};
  }
  const issues = validateClaims(claims, now).issues.map(({ description, blocking, timeCheck }) => ({
    description,
    blocking,
    time_check: timeCheck,
  }));
  return {
    decoded_jwt: claimsJson(claims),
    ...unlessEmpty("validation_result_jwt", issues),
    ...timesField("revoked_user", [...claims.nats.revocations]),
  };
}
