/** Every endpoint of both servers, after the same traffic with both. */
import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Recording } from "../reference/recording.ts";
import { DIFFERENCES, FIRST_ITEMS, type NeutralAnswer, requestNeutral, text } from "./comparison.ts";
import { MonitoredTraffic } from "./monitored-traffic.ts";
import { lookAtBoth } from "./same-config.ts";

const it = new Recording(import.meta.path, [[/"[0-9a-f]{64}"/g, '"<sha256>"']]);

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
  "/connz?user=unknown&state=all",
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
  "/accountz?acc=unknown",
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
  "/healthz?account=unknown&stream=s&consumer=c",
  "/ipqueuesz",
  "/ipqueuesz?queues=x&all=1",
  "/ipqueuesz?all=1",
  "/ipqueuesz?all=x",
  "/raftz",
  "/raftz?acc=$G&group=x",
  "/varz",
];

const traffic = new MonitoredTraffic();
afterAll(() => traffic[Symbol.dispose]());
const answersOfBoth = await it.page("answers", () =>
  lookAtBoth(traffic.config, async server => {
    const { close } = await traffic.start(server);
    const answers = new Map<string, NeutralAnswer>();
    for (const query of QUERIES) answers.set(query, await requestNeutral(server, query));
    close();
    return Object.fromEntries(answers);
  }),
);

for (const query of QUERIES) {
  test(`${query} has the reference's answer`, () => {
    const [ours, theirs] = answersOfBoth.map(answers => answers[query]);
    expect(text(ours)).toEqual(text(theirs));
  });
}

test("every accepted difference has a row in docs/differences.md", () => {
  const rows = readFileSync(join(import.meta.dir, "../../docs/differences.md"), "utf8");
  for (const { row } of [...DIFFERENCES, ...FIRST_ITEMS]) if (row !== null) expect(rows).toContain(`| ${row}`);
});
