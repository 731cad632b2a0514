/** `/varz`: the whole server. Fields of features that do not exist yet are empty, as in the reference when they are disabled. */

import { claimsJson } from "../../access/jwt/claim-shapes.ts";
import { decodeOperator } from "../../access/jwt/decode.ts";
import { exactInteger } from "../../base/go/json-writer.ts";
import { INT64_MAX, INT64_MIN } from "../../base/go/strconv.ts";
import { goTime } from "../../base/go/time.ts";
import { mergedFeatureFlags } from "../../config/schema/table/server.ts";
import { WEBSOCKET_DEFAULTS } from "../../config/schema/websocket-options.ts";
import { ConnectionKind } from "../../wire/protocol/connection-kind.ts";
import { NATS_VERSION, OWN_VERSION, PROTOCOL } from "../../wire/protocol/version.ts";
import type { TlsOptions } from "../../wire/transport/tls/tls-options.ts";
import type { HttpAnswer } from "../http/http-answer.ts";
import { countRequest, type Fields, jsonAnswer, type MonitorContext, unlessEmpty, uptimeText } from "./endpoint.ts";
import { jetStreamFields } from "./jetstream-fields.ts";
import type { MonitoredServer } from "./monitored-server.ts";

/** Default handshake timeout without a `tls` block, from the reference. */
const TLS_TIMEOUT_MS = 2_000;

export function varz(context: MonitorContext): HttpAnswer {
  countRequest(context, "/varz");
  return jsonAnswer(varzOf(context.server));
}

export function varzOf(server: MonitoredServer): Fields {
  const { counters, jetStream, startedAt, options } = server;
  const { requests, usage } = server.monitoring;
  const now = server.clock.now();
  return {
    ...identityFields(server),
    ...listenFields(server),
    ...limitFields(server),
    cluster: unlessEmpty("name", options.clusterName),
    gateway: {},
    leaf: {},
    mqtt: {},
    websocket: websocketBlock(server),
    jetstream: jetStream === null ? {} : jetStreamFields(jetStream, true),
    tls_timeout: (options.tls?.timeoutMs ?? TLS_TIMEOUT_MS) / 1000,
    write_deadline: nanoseconds(options.writeDeadlineMs),
    ...(options.writeTimeout === "default" ? {} : { write_timeout: options.writeTimeout }),
    start: goTime(startedAt),
    now: goTime(now),
    uptime: uptimeText(now - startedAt),
    mem: usage.residentBytes(),
    cores: usage.cores(),
    gomaxprocs: 1, // one event loop does the work
    cpu: usage.cpuPercent(),
    connections: server.connections.size,
    total_connections: counters.totalConnections,
    routes: 0,
    remotes: 0,
    leafnodes: 0,
    ...trafficFields(server),
    subscriptions: server.accounts.reduce((sum, account) => sum + account.interest.count, 0),
    http_req_stats: Object.fromEntries([...requests].sort()),
    ...configurationFields(server),
    ...operatorFields(options.operators),
    ...unlessEmpty("system_account", server.systemAccount?.name ?? ""),
    ...unlessEmpty("pinned_account_fails", server.pinnedAccountFails),
    ...ocspCacheField(server.ocspCacheStats),
    slow_consumer_stats: connectionStats(counters.slowConsumersOf),
    stale_connection_stats: connectionStats(counters.staleConnectionsOf),
    disk_io_wait_stats: { waiters: 0, waits: 0, wait_time: 0, max_wait_time: 0 },
    ...proxiesField(options.trustedProxies),
    ...expiryField(server.certificateExpiry.client),
    bunats: OWN_VERSION,
  };
}

function identityFields(server: MonitoredServer): Fields {
  const { tls, allowNonTls } = server.options;
  const required = tls !== null && !allowNonTls;
  return {
    server_id: server.identity.id,
    server_name: server.serverName,
    version: NATS_VERSION,
    proto: PROTOCOL,
    go: `bun${Bun.version}`,
    host: server.advertisedHost,
    port: server.advertisedPort,
    ...unlessEmpty("auth_required", server.authRequired),
    ...unlessEmpty("tls_required", required),
    ...unlessEmpty("tls_verify", tls?.verify ?? false),
    ...unlessEmpty("tls_ocsp_peer_verify", required && tls.ocspPeer !== null),
  };
}

function listenFields({ options, monitorAddress }: MonitoredServer): Fields {
  const { host, port, secure } = monitorAddress ?? { host: options.httpHost ?? options.host, port: 0, secure: false };
  return {
    max_connections: int64(options.connectionsMax),
    ...(options.subscriptionsMax === 0 ? {} : { max_subscriptions: int64(options.subscriptionsMax) }),
    ping_interval: nanoseconds(options.pingIntervalMs),
    ping_max: options.pingsOutMax,
    http_host: host,
    http_port: secure ? 0 : port,
    http_base_path: options.httpBasePath === "/" ? "" : options.httpBasePath,
    https_port: secure ? port : 0,
  };
}

function limitFields({ options }: MonitoredServer): Fields {
  return {
    auth_timeout: options.authTimeoutMs / 1000,
    max_control_line: int64(options.controlLineBytesMax),
    max_payload: int64(options.payloadBytesMax),
    max_pending: int64(options.pendingBytesMax),
  };
}

function trafficFields({ counters }: MonitoredServer): Fields {
  return {
    in_msgs: counters.inMessages,
    in_bytes: counters.inBytes,
    in_client_msgs: counters.inClientMessages,
    in_client_bytes: counters.inClientBytes,
    out_msgs: counters.outMessages,
    out_bytes: counters.outBytes,
    out_client_msgs: counters.outClientMessages,
    out_client_bytes: counters.outClientBytes,
    slow_consumers: counters.slowConsumers,
    stale_connections: counters.staleConnections,
    stalled_clients: counters.stalls,
  };
}

function configurationFields({ options, configLoadedAt, configDigest }: MonitoredServer): Fields {
  const { serverTags, serverMetadata, featureFlags } = options;
  const metadata = Object.entries(serverMetadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    config_load_time: goTime(configLoadedAt),
    config_digest: configDigest,
    ...unlessEmpty("tags", serverTags),
    ...(metadata.length === 0 ? {} : { metadata: Object.fromEntries(metadata) }),
    feature_flags: mergedFeatureFlags(featureFlags),
  };
}

function operatorFields(jwts: readonly string[]): Fields {
  if (jwts.length === 0) return {};
  return { trusted_operators_jwt: jwts, trusted_operators_claim: jwts.map(jwt => claimsJson(decodeOperator(jwt))) };
}

function proxiesField(trusted: readonly string[]): Fields {
  return trusted.length === 0 ? {} : { proxies: { trusted: trusted.map(key => ({ key })) } };
}

function websocketBlock({ options: { websocket }, websocketPort, certificateExpiry }: MonitoredServer): Fields {
  if (websocket === null) return {};
  const tls: TlsOptions | null = websocket.tls;
  return {
    host: websocket.host,
    port: websocketPort ?? websocket.port,
    ...unlessEmpty("advertise", websocket.advertise),
    ...unlessEmpty("no_auth_user", websocket.noAuthUser),
    ...unlessEmpty("jwt_cookie", websocket.jwtCookie),
    ...(isDefaultHandshakeTimeout(websocket.handshakeTimeoutMs) ? {} : { handshake_timeout: nanoseconds(websocket.handshakeTimeoutMs) }),
    ...unlessEmpty("auth_timeout", (websocket.authTimeoutMs ?? 0) / 1000),
    ...unlessEmpty("no_tls", websocket.noTls),
    ...unlessEmpty("tls_map", tls?.mapsCertificate ?? false),
    ...unlessEmpty("tls_pinned_certs", tls?.pinnedCerts ?? []),
    ...unlessEmpty("same_origin", websocket.sameOrigin),
    ...unlessEmpty("allowed_origins", websocket.allowedOrigins),
    ...unlessEmpty("compression", websocket.compression),
    ...unlessEmpty("tls_ocsp_peer_verify", (tls?.ocspPeer ?? null) !== null),
    ...expiryField(certificateExpiry.websocket),
  };
}

function ocspCacheField(stats: MonitoredServer["ocspCacheStats"]): Fields {
  if (stats === null) return {};
  return {
    ocsp_peer_cache: {
      cache_type: stats.type,
      ...unlessEmpty("cache_hits", stats.hits),
      ...unlessEmpty("cache_misses", stats.misses),
      ...unlessEmpty("cached_responses", stats.responses),
      ...unlessEmpty("cached_revoked_responses", stats.revoked),
      ...unlessEmpty("cached_good_responses", stats.good),
      ...unlessEmpty("cached_unknown_responses", stats.unknown),
    },
  };
}

/** The reference shows the configured value, and nothing for the default. */
function isDefaultHandshakeTimeout(ms: number): boolean {
  return ms === WEBSOCKET_DEFAULTS.handshakeTimeoutMs;
}

function expiryField(notAfterMs: number | null): Fields {
  return notAfterMs === null ? {} : { tls_cert_not_after: goTime(notAfterMs) };
}

/** Nanoseconds as an integer that Go can read; exact beyond 2^53. */
function nanoseconds(ms: number): unknown {
  const whole = Math.trunc(ms);
  return int64(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)));
}

/** An integer that Go can read: with all its digits, and within 64 bits. */
function int64(value: number | bigint): unknown {
  if (Number.isSafeInteger(Number(value))) return Number(value);
  const exact = BigInt(value);
  return exactInteger(exact > INT64_MAX ? INT64_MAX : exact < INT64_MIN ? INT64_MIN : exact);
}

/** Counts by connection kind. */
export function connectionStats(counts: readonly number[]): Fields {
  return {
    clients: counts[ConnectionKind.Client],
    routes: counts[ConnectionKind.Router],
    gateways: counts[ConnectionKind.Gateway],
    leafs: counts[ConnectionKind.Leaf],
  };
}
