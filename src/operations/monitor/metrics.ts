/**
 * `/metrics`: the metrics that prometheus-nats-exporter derives from the other endpoints, with the same names and labels, so that its
 * dashboards work without the exporter. nats-server has no such endpoint.
 *
 *   varz, subsz, routez ─▶ every number by its path: gnatsd_varz_slow_consumer_stats_clients
 *   connz, accstatz, accountz, leafz, healthz, jsz ─▶ by the exporter's individual names
 * `?prefix=nats`, or the option `metrics_prefix`, is the exporter's switch `-prefix`, which the Helm chart sets to `nats`.
 * Source: nats-io/prometheus-nats-exporter, collector/*.go. All its switches but `-connz_detailed` are on; that one is `connz_detailed=1`
 * here, for the first 1,024 connections, as there.
 */

import type { Account } from "../../accounts/account/account.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import { isMetricPrefix } from "../../config/schema/table/monitoring.ts";
import type { HttpAnswer } from "../http/http-answer.ts";
import type { HttpRequest } from "../http/http-request.ts";
import { accountStats } from "./accountz.ts";
import { addConnections } from "./connection-metrics.ts";
import type { Fields, MonitorContext } from "./endpoint.ts";
import { Exposition, type Labels } from "./exposition.ts";
import { healthzOf } from "./healthz.ts";
import { addJetStream } from "./jetstream-metrics.ts";
import { helpOf } from "./metric-help.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { routezOf } from "./other-servers.ts";
import { type Query, QueryError } from "./query.ts";
import { subszTotals } from "./subsz.ts";
import { varzOf } from "./varz.ts";

/** Most accounts with individual metrics. */
const ACCOUNTS_MAX = 10_000;
/** Units of work for the metrics of an account. */
const ACCOUNT_UNITS = 64;
/** The exporter's default for all metrics but those of JetStream. */
const CORE_PREFIX = "gnatsd";
const JETSTREAM_PREFIX = "jetstream";

/** First parts of metric names. As in the exporter, a chosen prefix replaces both. */
interface Prefixes {
  readonly core: string;
  readonly jetstream: string;
}

export function* metrics({ server }: MonitorContext, query: Query, request: HttpRequest): Sliced<HttpAnswer> {
  const detailed = query.flag("connz_detailed");
  const { core, jetstream } = prefixesOf(server, query);
  const exposition = new Exposition();
  const id = server.identity.id;
  addNumbers(exposition, core, "varz", id, varzOf(server));
  addNumbers(exposition, core, "subsz", id, yield* subszTotals(server));
  addNumbers(exposition, core, "routez", id, routezOf(server));
  yield* addConnections(exposition, server, core, detailed);
  yield* addHealth(exposition, core, server);
  yield* addAccounts(exposition, core, server);
  exposition.add(`${core}_leafz_conn_nodes_total`, "connected leaf nodes", { server_id: id }, 0);
  yield* addJetStream(exposition, jetstream, server);
  return exposition.answer(request.header("accept"));
}

/** The prefix of the request, else that of the options, else the exporter's defaults. @throws QueryError it is not part of a metric's name */
function prefixesOf({ options }: MonitoredServer, query: Query): Prefixes {
  const given = query.text("prefix");
  if (given !== "" && !isMetricPrefix(given)) throw new QueryError(`invalid prefix: ${given}`);
  const prefix = given || options.metricsPrefix;
  return prefix === "" ? { core: CORE_PREFIX, jetstream: JETSTREAM_PREFIX } : { core: prefix, jetstream: prefix };
}

/** Text fields that become a label of a metric with value 1, and times that become ms since 1970. */
const TEXTS: ReadonlySet<string> = new Set([
  "server_id",
  "server_name",
  "version",
  "domain",
  "leader",
  "name",
  "start",
  "config_load_time",
]);
/** Metrics that the exporter omits, by the name they would have. */
const OMITTED: ReadonlySet<string> = new Set(["leaf", "trusted_operators_claim"]);

function addNumbers(
  exposition: Exposition,
  prefix: string,
  endpoint: string,
  id: string,
  fields: Fields,
  path: readonly string[] = [],
): void {
  for (const [key, value] of Object.entries(fields)) {
    const name = metricName([...path, key]);
    if (OMITTED.has(name)) continue;
    const full = `${prefix}_${endpoint}_${name}`;
    const add = (labels: Labels, number: number) =>
      exposition.add(full, helpOf(`${endpoint}_${name}`), { server_id: id, ...labels }, number);
    if (typeof value === "number") add({}, value);
    else if (isRawNumber(value)) add({}, Number(value.rawJSON));
    else if (typeof value === "string") {
      if (!TEXTS.has(key)) continue;
      const time = /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(time)) add({ value }, 1);
      else add({}, time);
    } else if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      addNumbers(exposition, prefix, endpoint, id, value as Fields, [...path, key]);
    }
  }
}

/** A number beyond 2^53: see `rawNumber`. */
function isRawNumber(value: unknown): value is { readonly rawJSON: string } {
  return typeof value === "object" && value !== null && "rawJSON" in value;
}

/** `http_req_stats`, `/varz` → `http_req_stats_varz`. */
function metricName(path: readonly string[]): string {
  return path.join("_").replaceAll("/", "_").replace(/_{2,}/g, "_").replace(/^_|_$/g, "");
}

/** The checks of /healthz that have a metric, by its name. */
const HEALTH_CHECKS = {
  healthz: {},
  healthz_js_enabled_only: { enabledOnly: true },
  healthz_js_server_only: { serverOnly: true },
};
const FULL_CHECK = { account: "", stream: "", consumer: "", details: false, enabledOnly: false, serverOnly: false };

function* addHealth(exposition: Exposition, prefix: string, server: MonitoredServer): Sliced<void> {
  const id = server.identity.id;
  for (const [check, options] of Object.entries(HEALTH_CHECKS)) {
    const { status, status_code } = yield* healthzOf(server, { ...FULL_CHECK, ...options });
    const healthy = status_code === 200;
    exposition.add(`${prefix}_${check}_status`, "0 when the server is healthy, 1 when it is not", { server_id: id }, healthy ? 0 : 1);
    const labels = { server_id: id, value: status };
    exposition.add(`${prefix}_${check}_status_value`, "1 when the server is healthy; the status as a label", labels, healthy ? 1 : 0);
  }
}

function* addAccounts(exposition: Exposition, prefix: string, server: MonitoredServer): Sliced<void> {
  const id = server.identity.id;
  const pace = new Pace();
  const stats = (yield* accountStats(server, { accounts: [], includeUnused: true })).slice(0, ACCOUNTS_MAX);
  for (const { acc, name, conns, leafnodes, total_conns, num_subscriptions, sent, received, slow_consumers } of stats) {
    const labels = { server_id: id, account: acc, account_id: acc, account_name: name };
    const add = (metric: string, value: number) =>
      exposition.add(`${prefix}_accstatz_${metric}`, helpOf(`accstatz_${metric}`), labels, value);
    add("current_connections", conns);
    add("total_connections", total_conns);
    add("subscriptions", num_subscriptions);
    add("leaf_nodes", leafnodes);
    add("sent_messages", sent.msgs);
    add("sent_bytes", sent.bytes);
    add("received_messages", received.msgs);
    add("received_bytes", received.bytes);
    add("slow_consumers", slow_consumers);
    if (pace.due(ACCOUNT_UNITS)) yield PAUSE;
  }
  for (const account of server.accounts.slice(0, ACCOUNTS_MAX)) {
    const labels = { server_id: id, account_id: account.name, account_name: account.nameTag };
    const add = (metric: string, value: number) =>
      exposition.add(`${prefix}_accountz_${metric}`, helpOf(`accountz_${metric}`), labels, value);
    add("client_connections", account.connections);
    add("leafnode_connections", 0);
    add("subscriptions", account.interest.count);
    add("is_system", account === server.systemAccount ? 1 : 0);
    add("expired", account.expired ? 1 : 0);
    add("complete", 1);
    add("jetstream_enabled", server.jetStream?.accounts.has(account.name) ? 1 : 0);
    for (const [limit, value] of Object.entries(claimedLimits(account))) add(`limit_${limit}`, value);
    if (pace.due(ACCOUNT_UNITS)) yield PAUSE;
  }
}

/** Limits from claims; 0 for accounts without claims, because the exporter reads claims only. */
function claimedLimits({ claim, limits }: Account): Record<string, number> {
  const none = { subs: 0, data: 0, payload: 0, imports: 0, exports: 0, wildcards: 0, conn: 0, leaf: 0 };
  if (claim === null) return none;
  const { connectionsMax, leafNodesMax, payloadBytesMax, subscriptionsMax } = limits;
  return { ...none, subs: subscriptionsMax, payload: payloadBytesMax, conn: connectionsMax, leaf: leafNodesMax };
}
