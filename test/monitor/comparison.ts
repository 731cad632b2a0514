/**
 * How an answer of ours is held against the reference's: the same keys in the same order, the same types, and the same values wherever
 * they can be. What may differ stands in `DIFFERENCES`, and in docs/differences.md.
 */
import { get } from "./monitored-pair.ts";
import type { MonitoredBoth } from "./same-config.ts";

/** Fields that only one of them has, or with another value. `row`: how its row in docs/differences.md begins; null: not there yet. */
export const DIFFERENCES: readonly { readonly field: RegExp; readonly row: string | null }[] = [
  { field: /^\/varz .*\.(go|gomaxprocs)$/, row: "`go` and `gomaxprocs` in /varz" },
  { field: /^\/varz .*\.http_port$/, row: "`http_port` in /varz with a free port" },
  { field: /^\/ipqueuesz\?all=1 /, row: "`/ipqueuesz`" },
];

/** Lists of which only the first item is compared. */
export const FIRST_ITEMS: typeof DIFFERENCES = [{ field: /tls_peer_certs$/, row: "Certificates that a client sends beside its own" }];

/** Values that two runs never share: replaced by their types. */
const PASSING: readonly RegExp[] = [
  /\.(now|start|stop|last_activity|config_load_time|update_time|config_digest)$/,
  /\.(uptime|idle|rtt|cid|port|mem|cpu|cores|pending_bytes)$/,
  /\.http_req_stats\.\/connz$/, // asked until something has happened
  // The reference's own subscriptions are counted, too.
  /^\/(subsz|accountz|accstatz)\S* .*\.(num_\w+|cache_hit_rate|max_fanout|avg_fanout)$/,
  /^\/(varz|accountz\S*) .*\.subscriptions$/,
];
const SERVER_ID = /^N[A-Z2-7]{55}$/;
/** Lists that at least one of them keeps in no order. */
const UNORDERED = /\.(subscriptions_list\w*|accounts|account_statz|imports|exports)$/;
/** Sort keys that are alike for several connections: their order is then none. */
const TIES = /^\/connz\?.*sort=(pending|subs|msgs_to|msgs_from|bytes_to|bytes_from|last|idle|uptime|rtt|stop|reason)/;

export interface Seen {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
}

function neutral(query: string, value: unknown, path = ""): unknown {
  if (typeof value === "string" && SERVER_ID.test(value)) return "<server id>"; // also the name of a server without one
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

/** Asks for it, and leaves out or evens what may differ. */
export async function see(server: MonitoredBoth, query: string): Promise<Seen> {
  const { status, type, body } = await get(server, query);
  const isJson = status === 200 || /^\{/.test(body);
  return { status, type, body: isJson ? neutral(query, JSON.parse(body)) : body };
}

/** Line by line, as that keeps the order of keys. */
export function text(answer: Seen | undefined): string[] {
  return JSON.stringify(answer, null, 1).split("\n");
}
