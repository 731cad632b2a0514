/** Metrics of connections: sums over all, and on request the first ones individually. Names and labels: prometheus-nats-exporter, `connz`. */
import { GLOBAL_ACCOUNT } from "../../accounts/account/account.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import { KIND_TEXTS } from "../../wire/protocol/connection-kind.ts";
import { CONNECTIONS_LIMIT } from "./connz.ts";
import type { Exposition } from "./exposition.ts";
import { helpOf } from "./metric-help.ts";
import type { MonitoredClient } from "./monitored-client.ts";
import type { MonitoredServer } from "./monitored-server.ts";

const MICROS_PER_MS = 1_000;

/** Summed values, by the exporter's names. */
const SUMS: Record<string, (client: MonitoredClient) => number> = {
  pending_bytes: client => client.outbound.pendingBytes,
  subscriptions: client => client.subscriptions.size,
  in_bytes: client => client.inBytes,
  out_bytes: client => client.outBytes,
  in_msgs: client => client.inMessages,
  out_msgs: client => client.outMessages,
};

/** Values of single connections only; times in ms, the round trip in µs, as in the exporter. */
const DETAILS: Record<string, (client: MonitoredClient, now: number) => number> = {
  start: client => client.startedAt,
  last_activity: client => client.lastActivityAt,
  rtt: client => Math.trunc(client.keepalive.roundTripMs * MICROS_PER_MS),
  uptime: (client, now) => now - client.startedAt,
  idle: (client, now) => now - client.lastActivityAt,
};

export function* addConnections(exposition: Exposition, server: MonitoredServer, prefix: string, detailed: boolean): Sliced<void> {
  const { clock, connections, identity } = server;
  const id = identity.id;
  const add = (metric: string, labels: Record<string, string>, value: number) =>
    exposition.add(`${prefix}_connz_${metric}`, helpOf(`connz_${metric}`), { server_id: id, ...labels }, value);
  add("num_connections", {}, Math.min(connections.size, CONNECTIONS_LIMIT));
  add("total", {}, connections.size);
  add("offset", {}, 0);
  add("limit", {}, CONNECTIONS_LIMIT);
  const pace = new Pace();
  const sums = Object.entries(SUMS).map(([metric, read]) => ({ metric, read, sum: 0 }));
  for (const client of connections.values()) {
    for (const one of sums) one.sum += one.read(client);
    if (pace.due(2)) yield PAUSE;
  }
  for (const { metric, sum } of sums) add(metric, {}, sum);
  if (!detailed) return;
  const now = clock.now();
  let listed = 0;
  for (const client of connections.values()) {
    if (++listed > CONNECTIONS_LIMIT) return;
    if (pace.due(64)) yield PAUSE;
    const labels = labelsOf(client);
    for (const [metric, read] of Object.entries(SUMS)) add(metric, labels, read(client));
    for (const [metric, read] of Object.entries(DETAILS)) add(metric, labels, read(client, now));
  }
}

function labelsOf({ id, kind, transport, connect, account }: MonitoredClient): Record<string, string> {
  const named = account.name === GLOBAL_ACCOUNT ? "" : account.name;
  return {
    cid: String(id),
    kind: KIND_TEXTS[kind],
    type: transport.type,
    ip: transport.remoteAddress,
    port: String(transport.remotePort),
    name: connect.name,
    name_tag: account.nameTag,
    account: named,
    account_id: named,
    lang: connect.lang,
    version: connect.version,
    tls_version: transport.tls?.version ?? "",
    tls_cipher_suite: transport.tls?.cipherSuite ?? "",
  };
}
