/** Metrics of connections: sums over all, and on request the first ones individually. Names and labels: prometheus-nats-exporter, `connz`. */
import { GLOBAL_ACCOUNT } from "../../accounts/account/account.ts";
import type { Client } from "../../connections/client/client.ts";
import { KIND_TEXTS } from "../../wire/protocol/connection-kind.ts";
import { CONNECTIONS_LIMIT } from "./connz.ts";
import type { Exposition } from "./exposition.ts";
import { helpOf } from "./metric-help.ts";
import type { MonitoredServer } from "./monitored-server.ts";

const MICROS_PER_MS = 1_000;

/** Summed values, by the exporter's names. */
const SUMS: Record<string, (client: Client) => number> = {
  pending_bytes: client => client.outbound.pendingBytes,
  subscriptions: client => client.subscriptions.size,
  in_bytes: client => client.inBytes,
  out_bytes: client => client.outBytes,
  in_msgs: client => client.inMessages,
  out_msgs: client => client.outMessages,
};

/** Values of single connections only; times in ms, the round trip in µs, as in the exporter. */
const DETAILS: Record<string, (client: Client, now: number) => number> = {
  start: client => client.startedAt,
  last_activity: client => client.lastActivityAt,
  rtt: client => Math.trunc(client.keepalive.roundTripMs * MICROS_PER_MS),
  uptime: (client, now) => now - client.startedAt,
  idle: (client, now) => now - client.lastActivityAt,
};

export function addConnections(exposition: Exposition, server: MonitoredServer, detailed: boolean): void {
  const { clock, connections, identity } = server;
  const id = identity.id;
  const add = (metric: string, labels: Record<string, string>, value: number) =>
    exposition.add(`gnatsd_connz_${metric}`, helpOf(`gnatsd_connz_${metric}`), { server_id: id, ...labels }, value);
  add("num_connections", {}, Math.min(connections.size, CONNECTIONS_LIMIT));
  add("total", {}, connections.size);
  add("offset", {}, 0);
  add("limit", {}, CONNECTIONS_LIMIT);
  for (const [metric, read] of Object.entries(SUMS)) {
    let sum = 0;
    for (const client of connections.values()) sum += read(client);
    add(metric, {}, sum);
  }
  if (!detailed) return;
  const now = clock.now();
  let listed = 0;
  for (const client of connections.values()) {
    if (++listed > CONNECTIONS_LIMIT) return;
    const labels = labelsOf(client);
    for (const [metric, read] of Object.entries(SUMS)) add(metric, labels, read(client));
    for (const [metric, read] of Object.entries(DETAILS)) add(metric, labels, read(client, now));
  }
}

function labelsOf({ id, kind, transport, connect, account }: Client): Record<string, string> {
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
