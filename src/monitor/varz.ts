/** `/varz`: the server as a whole. What belongs to features that are not there yet is empty, as in the reference where they are off. */
import { NATS_VERSION, PROTOCOL } from "../protocol/version.ts";
import { countRequest, jsonResponse, type MonitorContext } from "./endpoint.ts";
import { goTime, uptimeText } from "./go-json.ts";

const NANOS_PER_MS = 1e6;
/** Of a handshake, s: the reference's default. */
const TLS_TIMEOUT = 2;

export function varz(context: MonitorContext): Response {
  countRequest(context, "/varz");
  return jsonResponse(varzOf(context));
}

function varzOf({ server, usage, host, port, requests }: MonitorContext): Record<string, unknown> {
  const { options, counters, startedAt } = server;
  const now = Date.now();
  return {
    server_id: server.identity.id,
    server_name: server.serverName,
    version: NATS_VERSION,
    proto: PROTOCOL,
    go: `bun${Bun.version}`,
    host: server.advertisedHost,
    port: server.advertisedPort,
    ...(server.authRequired ? { auth_required: true } : {}),
    max_connections: options.connectionsMax,
    ...(options.subscriptionsMax === 0 ? {} : { max_subscriptions: options.subscriptionsMax }),
    ping_interval: options.pingIntervalMs * NANOS_PER_MS,
    ping_max: options.pingsOutMax,
    http_host: host,
    http_port: port,
    http_base_path: options.httpBasePath === "/" ? "" : options.httpBasePath,
    https_port: 0,
    auth_timeout: options.authTimeoutMs / 1000,
    max_control_line: options.controlLineBytesMax,
    max_payload: options.payloadBytesMax,
    max_pending: options.pendingBytesMax,
    cluster: {},
    gateway: {},
    leaf: {},
    mqtt: {},
    websocket: {},
    jetstream: {},
    tls_timeout: TLS_TIMEOUT,
    write_deadline: options.writeDeadlineMs * NANOS_PER_MS,
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
    subscriptions: server.accounts.reduce((sum, account) => sum + account.interest.count, 0),
    http_req_stats: Object.fromEntries([...requests].sort()),
    config_load_time: goTime(startedAt),
    config_digest: "",
    system_account: server.systemAccount.name,
    slow_consumer_stats: byKind(counters.slowConsumers),
    stale_connection_stats: byKind(counters.staleConnections),
    disk_io_wait_stats: { waiters: 0, waits: 0, wait_time: 0, max_wait_time: 0 },
  };
}

function byKind(clients: number): Record<string, number> {
  return { clients, routes: 0, gateways: 0, leafs: 0 };
}
