/**
 * Every endpoint of both servers, after the same things happened to both: the same keys in the same order, the same types, and the same
 * values wherever they can be. What may differ stands in `DIFFERENCES`, and in docs/differences.md.
 */
import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { get, skipsReference, skipText } from "./monitored-pair.ts";
import { Plot } from "./plot.ts";
import { lookAtBoth, type MonitoredBoth } from "./same-config.ts";

/** Fields that only one of them has, or with another value. `row`: how its row in docs/differences.md begins; null: not there yet. */
const DIFFERENCES: readonly { readonly field: RegExp; readonly row: string | null }[] = [
  { field: /^\/varz .*\.(go|gomaxprocs)$/, row: "`go` and `gomaxprocs` in /varz" },
  { field: /^\/varz .*\.http_port$/, row: "`http_port` in /varz with a free port" },
  { field: /^\/ipqueuesz\?all=1 /, row: "`/ipqueuesz`" },
  // Services of the system account, which both accounts import.
  { field: /^\/accountz\S* \.account_detail\.(imports|exports)/, row: null },
];

/** Lists of which only the first item is compared. */
const FIRST_ITEMS: typeof DIFFERENCES = [{ field: /tls_peer_certs$/, row: "Certificates that a client sends beside its own" }];

/** Values that two runs never share: replaced by their types. */
const PASSING: readonly RegExp[] = [
  /\.(server_id|now|start|stop|last_activity|config_load_time|update_time|config_digest)$/,
  /\.(uptime|idle|rtt|cid|port|mem|cpu|cores|pending_bytes)$/,
  // The reference's own subscriptions are counted, too.
  /^\/(subsz|accountz|accstatz)\S* .*\.(num_\w+|cache_hit_rate|max_fanout|avg_fanout)$/,
  /^\/(varz|accountz\S*) .*\.subscriptions$/,
];
/** Lists that at least one of them keeps in no order. */
const UNORDERED = /\.(subscriptions_list\w*|accounts|account_statz)$/;
/** Sort keys that are alike for several connections: their order is then none. */
const TIES = /^\/connz\?.*sort=(pending|subs|msgs_to|msgs_from|bytes_to|bytes_from|last|idle|uptime|rtt|stop|reason)/;

const QUERIES: readonly string[] = [
  "/connz",
  ...["", "state=closed", "state=all"].flatMap(state =>
    ["", "subs=1", "subs=detail", "auth=1", "auth=1&subs=1", "auth=1&subs=detail"].map(more => `/connz?${state}&${more}`),
  ),
  ...[
    "cid",
    "start",
    "subs",
    "pending",
    "msgs_to",
    "msgs_from",
    "bytes_to",
    "bytes_from",
    "last",
    "idle",
    "uptime",
    "rtt",
    "stop",
    "reason",
  ].map(sort => `/connz?sort=${sort}`),
  ...["stop", "reason", "cid", "subs"].map(sort => `/connz?state=closed&sort=${sort}`),
  "/connz?user=derek&state=all",
  "/connz?user=nobody&state=all",
  "/connz?acc=$G",
  "/connz?acc=$SYS&state=all",
  "/connz?mqtt_client=x&state=all",
  "/connz?limit=1",
  "/connz?offset=1&limit=1",
  "/connz?offset=3&state=all",
  "/connz?cid=99999",
  "/routez",
  "/routez?subs=1",
  "/routez?subs=detail",
  "/routez?subs=x",
  "/gatewayz",
  "/gatewayz?accs=1&subs=detail",
  "/gatewayz?acc_name=$G&gw_name=x&subs=1",
  "/gatewayz?accs=x",
  "/gatewayz?subs=x",
  "/leafz",
  "/leafz?subs=1&acc=$G",
  "/leafz?subs=x",
  "/subsz?acc=$G",
  "/subsz?subs=1&acc=$G&test=a.x",
  "/subsz?subs=x",
  "/accountz",
  "/accountz?acc=$G",
  "/accountz?acc=$SYS",
  "/accountz?acc=nobody",
  "/accstatz",
  "/accstatz?unused=1",
  "/accstatz?unused=x",
  "/jsz",
  "/jsz?accounts=1&streams=1&consumers=1&direct-consumers=1&config=1&raft=1&stream-leader-only=1&offset=1&limit=2&acc=$G",
  "/jsz?leader-only=1",
  ...["accounts", "streams", "consumers", "direct-consumers", "config", "leader-only", "raft", "stream-leader-only"].map(
    name => `/jsz?${name}=x`,
  ),
  ...["offset", "limit"].map(name => `/jsz?${name}=x`),
  "/jsz?limit=x&raft=y&accounts=1",
  "/healthz",
  "/healthz?js-enabled=1&js-enabled-only=1&js-server-only=1&js-meta-only=1&details=1",
  ...["js-enabled", "js-enabled-only", "js-server-only", "js-meta-only", "details"].map(name => `/healthz?${name}=x`),
  "/healthz?stream=s&details=1",
  "/healthz?account=a&consumer=c",
  "/healthz?account=nobody&stream=s&consumer=c",
  "/ipqueuesz",
  "/ipqueuesz?queues=x&all=1",
  "/ipqueuesz?all=1",
  "/ipqueuesz?all=x",
  "/raftz",
  "/raftz?acc=$G&group=x",
  "/varz",
];

interface Seen {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
}

function neutral(query: string, value: unknown, path = ""): unknown {
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

async function see(server: MonitoredBoth, query: string): Promise<Seen> {
  const { status, type, body } = await get(server, query);
  const isJson = status === 200 || /^\{/.test(body);
  return { status, type, body: isJson ? neutral(query, JSON.parse(body)) : body };
}

const plot = new Plot();
afterAll(() => plot[Symbol.dispose]());
const seen = skipsReference
  ? null
  : await lookAtBoth(plot.config, async server => {
      const { close } = await plot.play(server);
      const answers = new Map<string, Seen>();
      for (const query of QUERIES) answers.set(query, await see(server, query));
      close();
      return answers;
    });

for (const query of QUERIES) {
  test.skipIf(skipsReference)(`${query} is answered as the reference answers it${skipText}`, () => {
    const [ours, theirs] = seen!.map(answers => answers.get(query));
    expect(text(ours)).toEqual(text(theirs));
  });
}

/** Line by line, as that keeps the order of keys. */
function text(answer: Seen | undefined): string[] {
  return JSON.stringify(answer, null, 1).split("\n");
}

test("every difference that is let pass has its row in the list of differences", () => {
  const rows = readFileSync(join(import.meta.dir, "../../docs/differences.md"), "utf8");
  for (const { row } of [...DIFFERENCES, ...FIRST_ITEMS]) if (row !== null) expect(rows).toContain(`| ${row}`);
});
