/** Counters besides messages: slow consumers, stale connections, stalled publishers; and the sort orders of /connz. */
import { expect, test } from "bun:test";
import { SecurePeer } from "../tls/secure-peer.ts";
import { client, get, json, type Monitored, startOurs } from "./monitored-pair.ts";

const NONE = { clients: 0, routes: 0, gateways: 0, leafs: 0 };

/** Requests /varz until it fulfils a condition. */
async function varzUntil(server: Monitored, isFulfilled: (varz: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
  for (;;) {
    const varz = await json(server, "/varz");
    if (isFulfilled(varz)) return varz;
  }
}

test("a consumer that does not read counts as slow, by kind and by account, and its stalled publisher is counted", async () => {
  await using server = await startOurs({ payloadBytesMax: 64 * 1024, pendingBytesMax: 256 * 1024 });
  using consumer = await SecurePeer.open(server.port);
  await consumer.connect("SUB big 1\r\n");
  consumer.pause();
  const payload = "x".repeat(64 * 1024);
  const producer = server.connect();
  producer.write(Buffer.from('CONNECT {"verbose":false}\r\n'));
  for (let count = 0; count < 200; count++) producer.write(Buffer.from(`PUB big ${payload.length}\r\n${payload}\r\n`));
  const varz = await varzUntil(server, ({ slow_consumers }) => slow_consumers === 1);
  expect(varz.slow_consumer_stats).toEqual({ ...NONE, clients: 1 });
  expect(varz.stale_connection_stats).toEqual(NONE);
  const [account] = (await json(server, "/accstatz?unused=1")).account_statz;
  expect(account.slow_consumers).toBe(1);
  const [closed] = (await json(server, "/connz?state=closed")).connections;
  expect(closed.reason).toBe("Slow Consumer (Pending Bytes)");
  expect(varz.stalled_clients).toBeGreaterThan(0);
});

test("a client that answers no PINGs counts as a stale connection, by kind", async () => {
  await using server = await startOurs({ pingIntervalMs: 50, pingsOutMax: 1 });
  const silent = await client(server, { name: "silent" });
  const varz = await varzUntil(server, ({ stale_connections }) => stale_connections === 1);
  expect(varz.stale_connection_stats).toEqual({ ...NONE, clients: 1 });
  expect(varz.slow_consumer_stats).toEqual(NONE);
  expect((await json(server, "/connz?state=closed")).connections[0].reason).toBe("Stale Connection");
  silent.close();
});

test("the last max_closed_clients closed connections are kept", async () => {
  await using server = await startOurs({ closedClientsMax: 2 });
  for (const name of ["a", "b", "c"]) {
    const one = server.connect();
    one.write(Buffer.from(`CONNECT {"verbose":false,"name":"${name}"}\r\n`));
    one.close();
  }
  const closed = async () => (await json(server, "/connz?state=closed")).connections.map(({ name }: { name: string }) => name);
  while ((await closed()).at(-1) !== "c");
  expect(await closed()).toEqual(["b", "c"]);
});

test("/connz sorts by every key: largest first, except by id, start, uptime and reason", async () => {
  await using server = await startOurs();
  const connections = [];
  for (const [name, subscriptions, messages] of [
    ["one", 2, 1],
    ["two", 0, 3],
    ["three", 1, 0],
  ] as const) {
    const subscribe = Array.from({ length: subscriptions }, (_, sid) => `SUB ${name} ${sid}\r\n`).join("");
    connections.push(await client(server, { name }, `${subscribe}${`PUB ${name} 3\r\nabc\r\n`.repeat(messages)}`));
  }
  const late = await client(server, {}, "PUB one 1\r\nx\r\nPUB three 2\r\nyy\r\n");
  late.close();
  // biome-ignore lint/suspicious/noExplicitAny: an answer of the server
  const listed = async (query: string): Promise<any[]> => (await json(server, `/connz?${query}`)).connections;
  while ((await listed("")).length > 3);
  const names = async (query: string) => (await listed(query)).map(({ name }) => name);
  expect(await names("sort=cid")).toEqual(["one", "two", "three"]);
  expect(await names("sort=start")).toEqual(["one", "two", "three"]);
  expect(await names("sort=subs")).toEqual(["one", "three", "two"]);
  expect(await names("sort=msgs_from")).toEqual(["two", "one", "three"]);
  expect(await names("sort=bytes_from")).toEqual(["two", "one", "three"]);
  expect(await names("sort=msgs_to")).toEqual(["one", "three", "two"]);
  expect(await names("sort=bytes_to")).toEqual(["one", "three", "two"]);
  const isDescending = (values: number[]) => values.every((value, index) => index === 0 || values[index - 1] >= value);
  const times = async (query: string, field: string) => (await listed(query)).map(one => Date.parse(one[field]));
  expect(isDescending(await times("sort=last", "last_activity"))).toBeTrue();
  expect(isDescending((await times("sort=idle", "last_activity")).reverse())).toBeTrue();
  expect(isDescending(await times("sort=uptime", "start"))).toBeTrue(); // the shortest first
  expect(isDescending((await listed("sort=pending")).map(({ pending_bytes }) => pending_bytes))).toBeTrue();
  expect(await listed("sort=rtt")).toHaveLength(3);
  for (const one of connections) one.close();
  while ((await listed("state=closed")).length < 4);
  expect(isDescending(await times("state=closed&sort=stop", "stop"))).toBeTrue();
  expect(await listed("state=closed&sort=reason")).toHaveLength(4);
});

test("/stacksz shows the event loop, and /debug/vars memory under Go's names", async () => {
  await using server = await startOurs();
  const connection = await client(server, {});
  const stack = await get(server, "/stacksz");
  expect([stack.status, stack.type]).toEqual([200, "application/json"]); // as the reference has it
  expect(stack.body).toStartWith("event loop [running]:\n");
  expect(stack.body).toContain("\n  connections: 1\n");
  const variables = await get(server, "/debug/vars");
  expect([variables.status, variables.type]).toEqual([200, "application/json; charset=utf-8"]);
  const { cmdline, memstats } = JSON.parse(variables.body);
  expect(cmdline).toEqual(process.argv);
  expect(memstats.HeapAlloc).toBeGreaterThan(1_000_000);
  connection.close();
});
