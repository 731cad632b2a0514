/** The numbers of monitoring are correct, and its objects are the reference's: keys, types, and values where they can be equal. */
import { expect, test } from "bun:test";
import { askBoth, Recording } from "../reference/recording.ts";
import { client, endClient, json, type Monitored, shapeOf, startOurs, startReference } from "./monitored-pair.ts";

const it = new Recording(import.meta.path);

async function onBoth<T>(ask: (server: Monitored) => Promise<T>, config = "", options = {}): Promise<[ours: T, reference: T]> {
  const askAndStop = async (server: Monitored) => {
    try {
      return await ask(server);
    } finally {
      await server.stop();
    }
  };
  return askBoth(
    async () => askAndStop(await startOurs(options)),
    async () => askAndStop(await startReference(config)),
  );
}

async function shapeOfVarz(server: Monitored): Promise<Record<string, string>> {
  const connection = await client(server, {}, "SUB a 1\r\n");
  await json(server, "/connz");
  const { bunats: _, ...varz } = await json(server, "/varz"); // our own version
  const shape = shapeOf(varz);
  connection.close();
  return shape;
}

it.compared(`/varz has the reference's fields and types`, async () => {
  const [ours, theirs] = await onBoth(shapeOfVarz);
  expect(ours).toEqual(theirs);
});

it.compared(`/varz shows limits and authorization as the reference does`, async () => {
  const config = `max_subscriptions: 7\nmax_connections: 8\nmax_payload: 900\nping_interval: "30s"\nping_max: 5\nwrite_deadline: "3s"
max_control_line: 2048\nmax_pending: 5000\nserver_name: me\nauthorization { user: a, password: b, timeout: 3 }`;
  const options = {
    subscriptionsMax: 7,
    connectionsMax: 8,
    payloadBytesMax: 900,
    pingIntervalMs: 30_000,
    pingsOutMax: 5,
    writeDeadlineMs: 3_000,
    controlLineBytesMax: 2_048,
    pendingBytesMax: 5_000,
    serverName: "me",
    authorization: { user: "a", password: "b" },
    authTimeoutMs: 3_000,
  };
  const changing =
    /^(server_id|go|port|http_port|start|now|uptime|mem|cores|gomaxprocs|cpu|config_.*|feature_flags|subscriptions|http_req_stats|bunats)$/;
  const [ours, theirs] = await onBoth(
    async server => Object.fromEntries(Object.entries(await json(server, "/varz")).filter(([key]) => !changing.test(key))),
    config,
    options,
  );
  expect(ours).toEqual(theirs);
});

/** Replaces what differs between two runs. */
function neutral(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replace(/"(cid|port)":\d+/g, '"$1":0')
    .replace(/"(start|last_activity|stop|now)":"[^"]+"/g, '"$1":"<time>"')
    // The reference's write loop may not have run yet.
    .replace(/"pending_bytes":\d+/g, '"pending_bytes":0')
    .replace(/"(uptime|idle)":"\d+s"/g, '"$1":"<seconds>"')
    .replace(/"rtt":"[\d.]+[mµn]?s"/g, '"rtt":"<duration>"')
    .replace(/"server_id":"N\w+"/g, '"server_id":"<id>"');
  return JSON.parse(text);
}

// biome-ignore lint/suspicious/noExplicitAny: an answer of the server
function sorted(answer: any): any {
  for (const connection of answer.connections ?? []) {
    connection.subscriptions_list?.sort();
    connection.subscriptions_list_detail?.sort((a: { subject: string }, b: { subject: string }) => (a.subject < b.subject ? -1 : 1));
  }
  answer.subscriptions_list?.sort((a: { subject: string }, b: { subject: string }) => (a.subject < b.subject ? -1 : 1));
  return answer;
}

const QUERIES = [
  "/connz",
  "/connz?auth=1&subs=1&sort=cid",
  "/connz?auth=1&subs=detail&state=all",
  "/connz?state=closed&subs=detail&auth=true",
  "/connz?state=closed&sort=stop&subs=1",
  "/connz?state=closed&sort=reason",
  "/connz?user=derek&auth=1&state=any",
  "/connz?user=unknown",
  "/connz?acc=$G&auth=1",
  "/connz?limit=1",
  "/connz?offset=1",
  "/connz?offset=1&limit=1&state=all",
  "/connz?offset=99",
  "/connz?cid=12345&state=all",
  "/connz?mqtt_client=x",
  "/connz?sort=msgs_from",
  "/connz?sort=bytes_to",
  "/connz?sort=subs",
  "/subsz?acc=unknown",
];

/** Waits until the server has written everything to its clients. */
async function waitUntilWritten(server: Monitored): Promise<void> {
  const pending = async () => (await json(server, "/connz")).connections.some((one: { pending_bytes: number }) => one.pending_bytes > 0);
  while (await pending());
}

async function connectionAnswers(server: Monitored): Promise<unknown[]> {
  const closed = await client(server, { name: "closed", user: "derek", lang: "go", version: "1" }, "SUB old q 9\r\nSUB older 10\r\n");
  await endClient(server, closed, "closed");
  const reader = await client(server, { name: "<reader>", user: "derek" }, "SUB a.* 1\r\nSUB b q 2\r\nUNSUB 1 10\r\nSUB c 3\r\n");
  const writer = await client(
    server,
    { name: "writer", auth_token: "t", lang: "js", version: "2" },
    "PUB a.x 3\r\nabc\r\nPUB b 4\r\nabcd\r\n",
  );
  await waitUntilWritten(server);
  const answers = [];
  for (const query of QUERIES) answers.push({ query, answer: neutral(sorted(await json(server, query))) });
  reader.close();
  writer.close();
  return answers;
}

it.compared(`/connz answers as the reference does`, async () => {
  const [ours, theirs] = await onBoth(connectionAnswers);
  for (const [index, answer] of ours.entries()) expect(answer).toEqual(theirs[index]);
});

it.compared(`/subsz lists subscriptions as the reference does`, async () => {
  const [ours, theirs] = await onBoth(async server => {
    const connection = await client(server, {}, "SUB x.* 1\r\nSUB x.y q 2\r\nSUB z 3\r\nUNSUB 3 7\r\nPUB x.y 1\r\na\r\n");
    const answers = [];
    for (const query of ["/subsz?subs=1&test=x.y&acc=$G", "/subsz?subs=1&acc=$G&test=z&limit=1", "/subsz?subs=1&acc=$G&test=none.here"]) {
      const { total, offset, limit, subscriptions_list } = sorted(await json(server, query));
      answers.push(neutral({ total, offset, limit, subscriptions_list }));
    }
    const shape = shapeOf(await json(server, "/subscriptionsz"));
    connection.close();
    return { answers, shape };
  });
  expect(ours).toEqual(theirs);
});

it.compared(
  `totals count what passes the filters; equal connections and the subscriptions of /subsz are in the reference's order`,
  async () => {
    const [ours, theirs] = await onBoth(async server => {
      const clients = [];
      for (let index = 0; index < 6; index++) {
        const commands = `SUB s.${index % 3} 1\r\nSUB a${5 - index} q 2\r\n`;
        clients.push(await client(server, { name: `c${index}` }, commands));
      }
      const answers: unknown[] = [];
      for (const query of [
        "sort=subs",
        "sort=msgs_to",
        "sort=bytes_from&limit=3",
        "acc=$G&limit=2",
        "user=unknown",
        "state=any&limit=2&offset=1",
      ]) {
        const { total, connections } = await json(server, `/connz?${query}`);
        answers.push([query, total, connections.map(({ name }: { name: string }) => name)]);
      }
      const list = (await json(server, "/subsz?subs=1")).subscriptions_list as { subject: string }[];
      answers.push(list.map(({ subject }) => subject).filter(subject => !subject.startsWith("$")));
      for (const one of clients) one.close();
      return answers;
    });
    expect(ours).toEqual(theirs);
  },
);

test("counters of the server and its connections are exact", async () => {
  const server = await startOurs();
  const own = (await json(server, "/varz")).subscriptions; // services of the system account, and imports of them by other accounts
  const reader = await client(server, { name: "reader" }, "SUB a 1\r\nSUB > 2\r\n");
  const writer = await client(server, { name: "writer" }, "PUB a 5\r\nhello\r\n".repeat(10));
  const connections = (await json(server, "/connz")).connections;
  expect(
    connections.map(({ name, in_msgs, in_bytes, out_msgs, out_bytes, subscriptions }: Record<string, unknown>) => [
      name,
      in_msgs,
      in_bytes,
      out_msgs,
      out_bytes,
      subscriptions,
    ]),
  ).toEqual([
    ["reader", 0, 0, 20, 100, 2],
    ["writer", 10, 50, 0, 0, 0],
  ]);
  const varz = await json(server, "/varz");
  const {
    connections: open,
    total_connections,
    in_msgs,
    in_bytes,
    in_client_msgs,
    out_msgs,
    out_bytes,
    out_client_bytes,
    subscriptions,
  } = varz;
  expect({ open, total_connections, in_msgs, in_bytes, in_client_msgs, out_msgs, out_bytes, out_client_bytes, subscriptions }).toEqual({
    open: 2,
    total_connections: 2,
    in_msgs: 10,
    in_bytes: 50,
    in_client_msgs: 10,
    out_msgs: 20,
    out_bytes: 100,
    out_client_bytes: 100,
    subscriptions: 2 + own,
  });
  expect(varz.port).toBe(server.port);
  expect(varz.http_port).toBe(server.monitorPort);
  expect(Math.abs(varz.mem / process.memoryUsage.rss() - 1)).toBeLessThan(0.5);
  const { num_subscriptions, num_inserts, num_removes, max_fanout } = await json(server, "/subsz");
  expect({ num_subscriptions, num_inserts, num_removes, max_fanout }).toEqual({
    num_subscriptions: 2 + own,
    num_inserts: 2 + own,
    num_removes: 0,
    max_fanout: 2,
  });
  reader.close();
  writer.close();
  await server.stop();
});

test("a page of /connz is a part of the sorted list", async () => {
  const server = await startOurs();
  const clients = [];
  for (let index = 0; index < 5; index++) {
    const subscriptions = Array.from({ length: index }, (_, sid) => `SUB s ${sid}\r\n`).join("");
    clients.push(await client(server, { name: `c${index}` }, subscriptions));
  }
  const names = async (query: string) => (await json(server, `/connz?${query}`)).connections.map(({ name }: { name: string }) => name);
  expect(await names("sort=subs")).toEqual(["c4", "c3", "c2", "c1", "c0"]);
  expect(await names("sort=subs&offset=1&limit=2")).toEqual(["c3", "c2"]);
  expect(await names("sort=start&offset=3")).toEqual(["c3", "c4"]);
  expect(await names("cid=2")).toEqual(["c1"]);
  const { total, num_connections, offset, limit } = await json(server, "/connz?offset=1&limit=2");
  expect({ total, num_connections, offset, limit }).toEqual({ total: 5, num_connections: 2, offset: 1, limit: 2 });
  for (const one of clients) one.close();
  await server.stop();
});

test("closed connections of the global account are found by its name", async () => {
  const server = await startOurs();
  await endClient(server, await client(server, { name: "closed" }), "closed");
  expect((await json(server, "/connz?state=closed&acc=$G")).total).toBe(1); // the reference finds none there
  await server.stop();
});
