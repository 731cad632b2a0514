/** What monitoring and the services of the system account say about JetStream, after the same requests to both servers. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { askBoth, Recording } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { SystemClient, withoutVariableValues } from "../system/system-client.ts";
import { type NeutralAnswer, requestNeutral, text } from "./comparison.ts";

import { type MonitoredBoth, startOursWith } from "./same-config.ts";

const it = new Recording(import.meta.path);
const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A configuration with a store directory of its own. */
function config(): string {
  const directory = mkdtempSync(join(tmpdir(), "bunats-jetstream-"));
  directories.push(directory);
  return `server_name: one\njetstream { store_dir: "${directory}", ${JETSTREAM} }\n${ACCOUNTS}`;
}

const ACCOUNTS = `
accounts {
  A { jetstream: enabled, users: [{ user: a, password: p }] }
  B { jetstream { max_mem: 10M, max_file: 20M, max_streams: 3, max_consumers: 4 }, users: [{ user: b, password: p }] }
  C { users: [{ user: c, password: p }] }
  SYS { users: [{ user: s, password: p }] }
}
system_account: SYS`;
const JETSTREAM = `max_mem: 1G, max_file: 2G, domain: hub, limits { max_ack_pending: 100, duplicate_window: "5m" }`;

const QUERIES = [
  "/jsz",
  "/jsz?accounts=1",
  "/jsz?accounts=1&offset=1",
  "/jsz?accounts=1&offset=1&limit=1",
  "/jsz?accounts=1&offset=7",
  "/jsz?streams=1",
  "/jsz?consumers=1&raft=1&direct-consumers=1",
  "/jsz?streams=1&config=1&raft=1&stream-leader-only=1",
  "/jsz?acc=B&streams=1&config=1",
  "/jsz?acc=B",
  "/jsz?acc=C&accounts=1",
  "/jsz?acc=unknown&streams=1",
  "/jsz?leader-only=1&raft=1&offset=-1",
  "/healthz",
  "/healthz?js-enabled=1",
  "/healthz?js-enabled-only=1",
  "/healthz?js-server-only=1",
  "/healthz?js-meta-only=1&details=1",
  "/healthz?account=A",
  "/healthz?account=B&details=1",
  "/healthz?account=C",
  "/healthz?account=C&details=1",
  "/healthz?account=A&stream=FILES",
  "/healthz?account=A&stream=MEMORY",
  "/healthz?account=A&stream=NONE&details=1",
  "/healthz?account=A&stream=FILES&consumer=C",
  "/healthz?account=A&stream=FILES&consumer=C&details=1",
  "/accountz?acc=A",
  "/accountz?acc=B",
  "/accountz?acc=C",
  "/accountz?acc=SYS",
  "/varz",
] as const;

/** Requests to the system account. */
const SERVICES: readonly (readonly [subject: string, body: string])[] = [
  ["$SYS.REQ.SERVER.PING.JSZ", ""],
  ["$SYS.REQ.SERVER.PING.JSZ", '{"streams":true,"config":true,"raft":true}'],
  ["$SYS.REQ.SERVER.PING.JSZ", '{"accounts":true,"offset":1,"limit":1}'],
  ["$SYS.REQ.SERVER.PING.JSZ", '{"account":"B","consumer":true,"direct_consumer":true,"stream_leader_only":true}'],
  ["$SYS.REQ.SERVER.PING.JSZ", '{"leader_only":true,"domain":"hub"}'],
  ["$SYS.REQ.ACCOUNT.A.JSZ", ""],
  ["$SYS.REQ.ACCOUNT.A.JSZ", '{"streams":true}'],
  ["$SYS.REQ.ACCOUNT.A.JSZ", '{"consumer":true}'],
  ["$SYS.REQ.ACCOUNT.C.JSZ", ""],
  ["$SYS.REQ.ACCOUNT.unknown.JSZ", ""],
  ["$SYS.REQ.ACCOUNT.B.INFO", ""],
  ["$SYS.REQ.SERVER.PING.STATSZ", ""],
  ["$SYS.REQ.SERVER.PING.HEALTHZ", '{"account":"A","stream":"FILES"}'],
  ["$SYS.REQ.SERVER.PING.HEALTHZ", '{"account":"A","stream":"NONE","details":true}'],
  ["$SYS.REQ.SERVER.PING.HEALTHZ", '{"js-enabled-only":true}'],
];

async function client(server: MonitoredBoth, user: string): Promise<NatsConnection> {
  return await connect({ servers: `127.0.0.1:${server.port}`, user, pass: "p", reconnect: false, timeout: 60_000 });
}

/** Creates streams in two accounts, publishes into them, and makes requests that are refused. */
async function fill(server: MonitoredBoth): Promise<void> {
  const [a, b] = [await client(server, "a"), await client(server, "b")];
  const ask = (one: NatsConnection, subject: string, body: object | string = "") =>
    one.request(subject, typeof body === "string" ? body : JSON.stringify(body), { timeout: 60_000 });
  const create = (one: NatsConnection, name: string, more: object = {}) =>
    ask(one, `$JS.API.STREAM.CREATE.${name}`, { name, subjects: [`${name}.>`], storage: "file", ...more });
  await create(a, "FILES", { description: "<files>" });
  await create(a, "MEMORY", { storage: "memory", max_bytes: 1_000_000 });
  await create(b, "FILES", { max_bytes: 2_000_000, max_msgs_per_subject: 1 });
  for (const subject of ["FILES.1", "FILES.2", "FILES.3", "MEMORY.1", "MEMORY.1"]) await ask(a, subject, "hello");
  for (const subject of ["FILES.1", "FILES.1"]) await ask(b, subject, "hello");
  await ask(a, "$JS.API.STREAM.MSG.DELETE.FILES", { seq: 2 });
  await ask(a, "$JS.hub.API.INFO");
  await ask(a, "$JS.API.STREAM.INFO.NONE");
  await ask(b, "$JS.API.STREAM.CREATE.BIG", { name: "BIG", storage: "memory", max_bytes: 20_000_000 });
  await a.close();
  await b.close();
}

/** Of /varz the part about JetStream: the rest counts bytes of answers, which contain times of different lengths. */
function aboutJetStream({ body, ...rest }: NeutralAnswer): NeutralAnswer {
  const whole = body as { jetstream?: object };
  return { ...rest, body: whole.jetstream ?? whole };
}

async function answersOf(server: MonitoredBoth) {
  try {
    await fill(server);
    const answers: Record<string, NeutralAnswer> = {};
    for (const query of QUERIES) answers[query] = aboutJetStream(await requestNeutral(server, query));
    const system = await SystemClient.open(server.port, "s");
    const services: unknown[] = [];
    for (const [subject, body] of SERVICES) services.push([subject, body, withoutVariableValues(await system.ask(subject, body))]);
    const ignored = await system.isIgnored("$SYS.REQ.SERVER.PING.JSZ", '{"domain":"other"}');
    await system.connection.close();
    return it.comparable({ answers, services, ignored });
  } finally {
    await server.stop();
  }
}

const [ours, theirs] = await it.page("answers", () =>
  askBoth(
    async () => answersOf(await startOursWith(config())),
    async () => answersOf(await ReferenceServer.start(config())),
  ),
);

for (const query of QUERIES) {
  test(`${query} has the reference's answer`, () => {
    expect(text(ours.answers[query])).toEqual(text(theirs.answers[query]));
  });
}

for (const [index, [subject, body]] of SERVICES.entries()) {
  test(`the service ${subject} answers "${body}" as the reference does`, () => {
    expect(ours.services[index]).toEqual(theirs.services[index]);
  });
}

test("services answer only if the domain they are asked for is the server's", () => {
  expect([ours.ignored, theirs.ignored]).toEqual([true, true]);
});
