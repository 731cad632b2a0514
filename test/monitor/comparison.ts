/**
 * How our answers are compared with the reference's: the same keys in the same order, the same types, and the same values wherever
 * they can be equal. `DIFFERENCES` and docs/differences.md list what may differ.
 */
import { get } from "./monitored-pair.ts";
import type { MonitoredBoth } from "./same-config.ts";

/** Fields that only one server has, or has with another value. `row`: start of the row in docs/differences.md; null: it has none. */
export const DIFFERENCES: readonly { readonly field: RegExp; readonly row: string | null }[] = [
  { field: /^\/varz .*\.(go|gomaxprocs)$/, row: "`go` and `gomaxprocs` in /varz" },
  { field: /^\/varz \.bunats$/, row: "`bunats` in INFO and /varz" },
  { field: /^\/varz .*\.http_port$/, row: "`http_port` in /varz with a free port" },
  { field: /^\/ipqueuesz\?all=1 /, row: "`/ipqueuesz`" },
];

/** Lists of which only the first item is compared. */
export const FIRST_ITEMS: typeof DIFFERENCES = [
  { field: /tls_peer_certs$/, row: "Certificates that a client sends in addition to its own" },
];

/** Values that change from run to run: replaced by their types. */
const PASSING: readonly RegExp[] = [
  /\.(now|start|stop|last_activity|config_load_time|update_time|config_digest)$/,
  /\.(uptime|idle|rtt|cid|port|mem|cpu|cores|pending_bytes)$/,
  /\.http_req_stats\.\/connz$/, // tests ask repeatedly until a condition is true
  // These include the reference's own subscriptions.
  /^\/(subsz|accountz|accstatz)\S* .*\.(num_\w+|cache_hit_rate|max_fanout|avg_fanout)$/,
  /^\/(varz|accountz\S*) .*\.subscriptions$/,
];
const SERVER_ID = /^N[A-Z2-7]{55}$/;
/** Lists that at least one server sends in no fixed order. */
const UNORDERED = /\.(subscriptions_list\w*|accounts|account_statz|account_details|stream_detail|imports|exports)$/;
/** Sort keys whose values depend on the moment, so that two servers need not have the same order. */
const TIES = /^\/connz\?.*sort=(pending|subs|msgs_to|msgs_from|bytes_to|bytes_from|last|idle|uptime|rtt|stop|reason)/;

export interface NeutralAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
}

function neutral(query: string, value: unknown, path = ""): unknown {
  if (typeof value === "string" && SERVER_ID.test(value)) return "<server id>"; // also the name of a server without a configured one
  if (typeof value !== "object" || value === null)
    return PASSING.some(field => field.test(`${query} ${path}`)) ? `<${typeof value}>` : value;
  if (Array.isArray(value)) {
    const kept = FIRST_ITEMS.some(({ field }) => field.test(path)) ? value.slice(0, 1) : value;
    const items = kept.map(item => neutral(query, item, path));
    const unordered = UNORDERED.test(path) || (TIES.test(query) && path === ".connections");
    return unordered ? items.sort((a, b) => (Bun.deepEquals(a, b) ? 0 : JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  const fields = Object.entries(value)
    .map(([key, item]) => [key, item, `${path}.${key}`] as const)
    .filter(([, , inner]) => !DIFFERENCES.some(({ field }) => field.test(`${query} ${inner}`)));
  return Object.fromEntries(fields.map(([key, item, inner]) => [key, neutral(query, item, inner)]));
}

/** Requests `query`, and removes or replaces what may differ. */
export async function requestNeutral(server: MonitoredBoth, query: string): Promise<NeutralAnswer> {
  const { status, type, body } = await get(server, query);
  const isJson = status === 200 || /^\{/.test(body);
  return { status, type, body: isJson ? neutral(query, JSON.parse(body)) : body };
}

/** As lines of text: that keeps the order of keys. */
export function text(answer: NeutralAnswer | undefined): string[] {
  return JSON.stringify(answer, null, 1).split("\n");
}
