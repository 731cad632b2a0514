/**
 * Requests of tools to monitoring, and the fields that they read. Each row is one request, with the types that the tool's program requires: a
 * value of another type is an error or a panic in it.
 */
import { expect, test } from "bun:test";
import { NatsCli } from "../clients/nats-cli.ts";
import { needs } from "../reference/programs.ts";
import { client, get, type Monitored, startOurs } from "./monitored-pair.ts";

/** Type that a program requires of a field. */
type Kind = "number" | "integer" | "text" | "flag" | "time" | "duration" | "uptime" | "list" | "object";

const READERS: Record<Kind, (value: unknown) => boolean> = {
  number: value => typeof value === "number",
  integer: Number.isSafeInteger,
  text: value => typeof value === "string",
  flag: value => typeof value === "boolean",
  time: value => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) && !Number.isNaN(Date.parse(value)),
  duration: value => typeof value === "string" && /^([\d.]+(ns|µs|ms|s|m|h))+$/.test(value),
  uptime: value => typeof value === "string" && /^(\d+y)?(\d+d)?(\d+h)?(\d+m)?\d+s$/.test(value),
  list: Array.isArray,
  object: value => typeof value === "object" && value !== null && !Array.isArray(value),
};

interface ToolRequest {
  readonly tool: string;
  readonly path: string;
  /** Fields by path; `list[]` stands for every item, and a `?` at the end for a field that may be absent. */
  readonly fields: Readonly<Record<string, Kind>>;
}

const fields = (kind: Kind, prefix: string, names: string) =>
  Object.fromEntries(names.split(" ").map(name => [`${prefix}${name}`, kind])) as Record<string, Kind>;

const CONNECTION: Record<string, Kind> = {
  ...fields("integer", "connections[].", "cid port pending_bytes in_msgs out_msgs in_bytes out_bytes subscriptions"),
  ...fields("text", "connections[].", "kind type ip name? lang? version? tls_version? tls_cipher_suite? account? name_tag?"),
  ...fields("time", "connections[].", "start last_activity"),
  ...fields("uptime", "connections[].", "uptime idle"),
  "connections[].rtt": "duration",
};
const SUBSCRIPTIONS = fields(
  "integer",
  "",
  "num_subscriptions num_cache num_inserts num_removes num_matches max_fanout total offset limit",
);
const EXPORTER = "prometheus-nats-exporter";

const REQUESTS: readonly ToolRequest[] = [
  {
    tool: EXPORTER,
    path: "/varz",
    fields: {
      ...fields("text", "", "server_id server_name version host"),
      ...fields("time", "", "start now config_load_time"),
      ...fields(
        "integer",
        "",
        "proto port max_connections ping_interval ping_max http_port https_port max_control_line max_payload max_pending",
      ),
      ...fields("number", "", "auth_timeout tls_timeout cpu"),
      ...fields("integer", "", "write_deadline mem cores gomaxprocs connections total_connections routes remotes leafnodes subscriptions"),
      ...fields("integer", "", "in_msgs out_msgs in_bytes out_bytes slow_consumers stale_connections stalled_clients"),
      ...fields("integer", "slow_consumer_stats.", "clients routes gateways leafs"),
      ...fields("object", "", "cluster gateway leaf mqtt websocket jetstream http_req_stats"),
      system_account: "text",
    },
  },
  { tool: EXPORTER, path: "/connz", fields: { ...fields("integer", "", "num_connections total offset limit"), ...CONNECTION } },
  { tool: EXPORTER, path: "/connz?auth=true", fields: CONNECTION },
  { tool: EXPORTER, path: "/subsz", fields: { ...SUBSCRIPTIONS, cache_hit_rate: "number", avg_fanout: "number" } },
  { tool: EXPORTER, path: "/routez", fields: { ...fields("text", "", "server_id server_name"), num_routes: "integer", routes: "list" } },
  { tool: EXPORTER, path: "/gatewayz", fields: fields("object", "", "outbound_gateways inbound_gateways") },
  { tool: EXPORTER, path: "/leafz", fields: { leafnodes: "integer", leafs: "list" } },
  {
    tool: EXPORTER,
    path: "/accstatz?unused=1",
    fields: {
      ...fields("text", "account_statz[].", "acc name"),
      ...fields("integer", "account_statz[].", "conns leafnodes total_conns num_subscriptions slow_consumers"),
      ...fields("integer", "account_statz[].", "sent.msgs sent.bytes received.msgs received.bytes"),
    },
  },
  { tool: EXPORTER, path: "/accountz", fields: { "accounts[]": "text" } },
  {
    tool: EXPORTER,
    path: "/accountz?acc=$G",
    fields: {
      ...fields("text", "account_detail.", "account_name name_tag"),
      ...fields("flag", "account_detail.", "is_system? expired complete jetstream_enabled"),
      ...fields("integer", "account_detail.", "leafnode_connections client_connections subscriptions"),
      "account_detail.update_time": "time",
    },
  },
  ...["", "?js-enabled-only=true", "?js-server-only=true"].map(query => ({
    tool: EXPORTER,
    path: `/healthz${query}`,
    fields: { status: "text", "error?": "text" } as const,
  })),
  ...["", "?accounts=true", "?streams=true", "?consumers=true&config=true&raft=true"].map(query => ({
    tool: EXPORTER,
    path: `/jsz${query}`,
    fields: {
      ...fields("integer", "", "memory storage reserved_memory reserved_storage accounts streams consumers messages bytes"),
      ...fields("integer", "", "config.max_memory config.max_storage api.total api.errors"),
      ...fields("text", "", "config.domain? meta_cluster.name? meta_cluster.leader?"),
      "disabled?": "flag" as const,
      "account_details?": "list" as const,
    },
  })),
  {
    tool: "nats-top",
    path: "/varz",
    fields: {
      ...fields("text", "", "server_id version"),
      uptime: "uptime",
      ...fields("integer", "", "cores mem in_msgs out_msgs in_bytes out_bytes slow_consumers connections"),
      cpu: "number",
    },
  },
  ...["cid", "subs", "pending", "msgs_to", "bytes_from", "last", "idle", "uptime", "rtt"].map(sort => ({
    tool: "nats-top",
    path: `/connz?limit=1024&sort=${sort}&subs=1`,
    fields: { ...CONNECTION, "connections[].subscriptions_list?": "list" as const },
  })),
  { tool: "NUI", path: "/connz?limit=10000&sort=last", fields: CONNECTION },
  {
    tool: "KEDA",
    path: "/jsz?acc=$G&consumers=true&config=true",
    fields: { "account_details?": "list", "meta_cluster.cluster_size?": "integer" },
  },
  { tool: "KEDA", path: "/varz", fields: { server_name: "text", "connect_urls?": "list", "cluster.urls?": "list" } },
  ...["", "?js-server-only=true", "?js-enabled-only=true"].map(query => ({
    tool: "the Helm chart's probes",
    path: `/healthz${query}`,
    fields: { status: "text" } as const,
  })),
];

/** Every value at a path, `undefined` where there is none. */
function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (path.length === 0) return [value];
  const [key, ...rest] = path;
  const list = key.endsWith("[]");
  const inner = (value as Record<string, unknown> | undefined)?.[list ? key.slice(0, -2) : key];
  return list ? (inner as unknown[]).flatMap(item => valuesAt(item, rest)) : valuesAt(inner, rest);
}

function faultsOf(answer: unknown, wanted: ToolRequest["fields"]): string[] {
  const faults: string[] = [];
  for (const [field, kind] of Object.entries(wanted)) {
    const optional = field.endsWith("?");
    const values = valuesAt(answer, field.replace(/\?$/, "").split("."));
    if (values.length === 0) faults.push(`${field}: there is no item to check`);
    for (const value of values) {
      const missing = value === undefined;
      if (missing ? !optional : !READERS[kind](value)) faults.push(`${field} is no ${kind}: ${JSON.stringify(value)}`);
    }
  }
  return faults;
}

async function withClients(check: (server: Monitored) => Promise<void>): Promise<void> {
  await using server = await startOurs();
  const connections = [
    await client(server, { name: "named", lang: "go", version: "1" }, "SUB a 1\r\nPUB a 1\r\nx\r\n"),
    await client(server, {}),
  ];
  await check(server);
  for (const connection of connections) connection.close();
}

test("every request of the tools is answered with the fields and types that they read", () =>
  withClients(async server => {
    for (const { tool, path, fields: wanted } of REQUESTS) {
      const { status, body } = await get(server, path);
      expect({ tool, path, status, faults: faultsOf(JSON.parse(body), wanted) }).toEqual({ tool, path, status: 200, faults: [] });
    }
  }));

needs(["nats"], () => {
  test("`nats server check connection` succeeds", async () => {
    await using server = await startOurs();
    using nats = new NatsCli(server.clientUrl);
    const { output, status } = await nats.run("server", "check", "connection");
    expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/^OK Connection OK:connected/) });
  });
});
