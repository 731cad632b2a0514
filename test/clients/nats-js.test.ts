/** The official JavaScript client, unchanged, under Bun and under Node (harness.ts). */
import assert from "node:assert/strict";
import { errors, headers, type Msg, type NatsConnection, type Subscription } from "@nats-io/nats-core";
import { test } from "./harness.ts";

/** Texts of the next `count` messages; without a count those of all messages until the subscription ends. */
async function texts(subscription: Subscription, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const all: string[] = [];
  if (count === 0) return all;
  for await (const message of subscription) {
    all.push(message.string());
    if (all.length === count) break;
  }
  return all;
}

async function next(subscription: Subscription): Promise<Msg> {
  for await (const message of subscription) return message;
  throw new Error("the subscription ended");
}

const REQUEST_TIMEOUT_MS = 60_000;

/** Waits for a status of this type. */
async function status(connection: NatsConnection, type: string): Promise<void> {
  for await (const now of connection.status()) if (now.type === type) return;
  throw new Error(`the connection ended without "${type}"`);
}

/** How many messages a subscription has received after all earlier publishes have arrived. */
async function receivedAfter(publisher: NatsConnection, listener: NatsConnection, subscription: Subscription): Promise<number> {
  await publisher.flush();
  await listener.flush();
  return subscription.getReceived();
}

test("INFO has the fields that clients rely on", { serverName: "ours" }, async ({ connect }) => {
  const { info } = await connect();
  const { server_name, version, proto, headers, max_payload, api_lvl, client_ip, auth_required, tls_required } = info!;
  assert.deepEqual(
    { server_name, version, proto, headers, max_payload, api_lvl, client_ip, auth_required, tls_required },
    {
      server_name: "ours",
      version: "2.15.3",
      proto: 1,
      headers: true,
      max_payload: 1_048_576,
      api_lvl: 5,
      client_ip: "127.0.0.1",
      auth_required: undefined,
      tls_required: undefined,
    },
  );
});

test("a message arrives with its subject, reply and payload", {}, async ({ connect }) => {
  const publisher = await connect();
  const listener = await connect();
  const subscription = listener.subscribe("orders.created");
  await listener.flush();
  publisher.publish("orders.created", new Uint8Array([0, 13, 10, 255]), { reply: "answers.1" });
  const { subject, reply, data } = await next(subscription);
  assert.deepEqual({ subject, reply, data: [...data] }, { subject: "orders.created", reply: "answers.1", data: [0, 13, 10, 255] });
});

test("wildcards match the right subjects", {}, async ({ connect }) => {
  const client = await connect();
  const patterns = ["a.*.c", "a.>", "*.b.c", ">", "a.b.c", "a.b", "*"];
  const subscriptions = patterns.map(pattern => client.subscribe(pattern));
  for (const subject of ["a.b.c", "a.x.c", "a.b", "a", "z.b.c", "a.b.c.d"]) client.publish(subject);
  await client.flush();
  assert.deepEqual(Object.fromEntries(subscriptions.map((subscription, index) => [patterns[index], subscription.getReceived()])), {
    "a.*.c": 2,
    "a.>": 4,
    "*.b.c": 2,
    ">": 6,
    "a.b.c": 1,
    "a.b": 1,
    "*": 1,
  });
});

test("a queue group receives each message once, and every member gets a share", {}, async ({ connect }) => {
  const members = await Promise.all([connect(), connect(), connect()]);
  const subscriptions = members.map(member => member.subscribe("jobs", { queue: "workers" }));
  const everyone = members[0]!.subscribe("jobs");
  await Promise.all(members.map(member => member.flush()));
  const publisher = await connect();
  for (let job = 0; job < 600; job++) publisher.publish("jobs", `${job}`);
  await publisher.flush();
  await Promise.all(members.map(member => member.flush()));
  const counts = subscriptions.map(subscription => subscription.getReceived());
  assert.equal(counts[0]! + counts[1]! + counts[2]!, 600);
  assert.ok(
    counts.every(count => count > 100),
    `a fair share is 200: ${counts}`,
  );
  assert.equal(everyone.getReceived(), 600);
});

test("a request gets its answer, with and without a shared inbox", {}, async ({ connect }) => {
  const service = await connect();
  service.subscribe("double", { callback: (_error, message) => void message.respond(`${Number(message.string()) * 2}`) });
  await service.flush();
  const client = await connect();
  const answers = await Promise.all([1, 2, 3].map(number => client.request("double", `${number}`, { timeout: REQUEST_TIMEOUT_MS })));
  assert.deepEqual(
    answers.map(answer => answer.string()),
    ["2", "4", "6"],
  );
  const own = await client.request("double", "21", { timeout: REQUEST_TIMEOUT_MS, noMux: true, reply: "my.inbox" });
  assert.deepEqual([own.subject, own.string()], ["my.inbox", "42"]);
});

test("a request without responders fails at once", {}, async ({ connect }) => {
  const client = await connect();
  await assert.rejects(client.request("unserved", "", { timeout: REQUEST_TIMEOUT_MS }), (error: Error) => {
    assert.ok(error.cause instanceof errors.NoRespondersError || error instanceof errors.NoRespondersError, String(error));
    return true;
  });
  const subscription = client.subscribe("inbox");
  client.publish("unserved", "", { reply: "inbox" });
  const answer = await next(subscription);
  assert.deepEqual(
    { subject: answer.subject, code: answer.headers!.code, about: answer.headers!.get("Nats-Subject"), size: answer.data.length },
    { subject: "inbox", code: 503, about: "unserved", size: 0 },
  );
});

test("requestMany collects the answers of several services", {}, async ({ connect }) => {
  for (const name of ["a", "b", "c"]) {
    const service = await connect();
    service.subscribe("who", { callback: (_error, message) => void message.respond(name) });
    await service.flush();
  }
  const client = await connect();
  const byCount: string[] = [];
  for await (const answer of await client.requestMany("who", "", { strategy: "count", maxMessages: 3, maxWait: REQUEST_TIMEOUT_MS })) {
    byCount.push(answer.string());
  }
  assert.deepEqual(byCount.sort(), ["a", "b", "c"]);
  const service = await connect();
  service.subscribe("list", {
    callback: (_error, message) => {
      for (const item of ["1", "2", ""]) message.respond(item);
    },
  });
  await service.flush();
  const untilEmpty: string[] = [];
  for await (const answer of await client.requestMany("list", "", { strategy: "sentinel", maxWait: REQUEST_TIMEOUT_MS }))
    untilEmpty.push(answer.string());
  assert.deepEqual(
    untilEmpty.filter(text => text !== ""),
    ["1", "2"],
  );
});

test("headers arrive with all their values and their status", {}, async ({ connect }) => {
  const client = await connect();
  const subscription = client.subscribe("with.headers");
  const sent = headers(207, "Mixed");
  sent.append("Trace", "first");
  sent.append("Trace", "second, with: a colon");
  sent.set("Empty", "");
  client.publish("with.headers", "body", { headers: sent });
  const message = await next(subscription);
  const got = message.headers!;
  assert.deepEqual(
    { code: got.code, description: got.description, trace: got.values("Trace"), empty: got.get("Empty"), body: message.string() },
    { code: 207, description: "Mixed", trace: ["first", "second, with: a colon"], empty: "", body: "body" },
  );
});

test("drain ends after all earlier messages have been handled", {}, async ({ connect }) => {
  const publisher = await connect();
  const listener = await connect();
  const handled: string[] = [];
  listener.subscribe("work", { callback: (_error, message) => void handled.push(message.string()) });
  await listener.flush();
  for (let index = 0; index < 1_000; index++) publisher.publish("work", `${index}`);
  await publisher.flush();
  await listener.drain();
  assert.ok(listener.isClosed());
  assert.deepEqual(
    handled,
    Array.from({ length: 1_000 }, (_, index) => `${index}`),
  );
});

test("a drained subscription ends, and its connection stays", {}, async ({ connect }) => {
  const client = await connect();
  const drained = client.subscribe("work");
  const other = client.subscribe("work");
  client.publish("work", "before");
  await client.flush();
  await drained.drain();
  client.publish("work", "after");
  await client.flush();
  assert.deepEqual([await texts(drained), await texts(other, 2)], [["before"], ["before", "after"]]);
});

test("flush and rtt return", {}, async ({ connect }) => {
  const client = await connect();
  await Promise.all(Array.from({ length: 100 }, () => client.flush()));
  assert.ok((await client.rtt()) >= 0);
});

test("a client reconnects to a restarted server with its subscriptions", {}, async ({ server, connect }) => {
  const listener = await connect({ reconnectTimeWait: 20, reconnectJitter: 0, maxReconnectAttempts: -1 });
  const publisher = await connect({ reconnectTimeWait: 20, reconnectJitter: 0, maxReconnectAttempts: -1 });
  const subscription = listener.subscribe("news");
  await listener.flush();
  const back = [status(listener, "reconnect"), status(publisher, "reconnect")];
  await server.restart();
  await Promise.all(back);
  await listener.flush();
  publisher.publish("news", "after the break");
  assert.deepEqual(await texts(subscription, 1), ["after the break"]);
});

test("a client may reconnect on purpose", {}, async ({ connect }) => {
  const client = await connect({ reconnectTimeWait: 20, reconnectJitter: 0 });
  const subscription = client.subscribe("news");
  await client.flush();
  const before = client.info!.client_id;
  const back = status(client, "reconnect");
  await client.reconnect();
  await back;
  client.publish("news", "again");
  assert.deepEqual(await texts(subscription, 1), ["again"]);
  assert.notEqual(client.info!.client_id, before);
});

test("with noEcho a client does not receive its own messages", {}, async ({ connect }) => {
  const quiet = await connect({ noEcho: true });
  const other = await connect();
  const [own, foreign] = [quiet.subscribe("talk"), other.subscribe("talk")];
  await Promise.all([quiet.flush(), other.flush()]);
  quiet.publish("talk", "mine");
  assert.deepEqual([await receivedAfter(quiet, quiet, own), await receivedAfter(quiet, other, foreign)], [0, 1]);
});

test("a subscription with a maximum ends after that number of messages", {}, async ({ connect }) => {
  const publisher = await connect();
  const listener = await connect();
  const fromTheStart = listener.subscribe("ticks", { max: 3 });
  const later = listener.subscribe("ticks");
  later.unsubscribe(5);
  const unlimited = listener.subscribe("ticks");
  await listener.flush();
  for (let tick = 0; tick < 10; tick++) publisher.publish("ticks", `${tick}`);
  assert.equal(await receivedAfter(publisher, listener, unlimited), 10);
  const ticks = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
  assert.deepEqual(
    [await texts(fromTheStart), await texts(later), await texts(unlimited, 10)],
    [ticks.slice(0, 3), ticks.slice(0, 5), ticks],
  );
});

test("verbose and pedantic clients work", {}, async ({ connect }) => {
  const client = await connect({ verbose: true, pedantic: true });
  const subscription = client.subscribe("a.b");
  client.publish("a.b", "1");
  client.publish("a.b", "2");
  assert.deepEqual(await texts(subscription, 2), ["1", "2"]);
  await client.flush();
  assert.equal(client.isClosed(), false);
});

test("the right user and password are accepted, others are refused", { authorization: { user: "ann", password: "secret" } }, async ({
  connect,
}) => {
  const ann = await connect({ user: "ann", pass: "secret" });
  await ann.flush();
  assert.equal(ann.info!.auth_required, true);
  for (const wrong of [{ user: "ann", pass: "wrong" }, { user: "bob", pass: "secret" }, { token: "secret" }, {}]) {
    await assert.rejects(connect({ ...wrong, reconnect: false }), errors.AuthorizationError);
  }
});

test("the right token is accepted, others are refused", { authorization: { token: "s3cr3t" } }, async ({ connect }) => {
  const client = await connect({ token: "s3cr3t" });
  await client.flush();
  for (const wrong of [{ token: "other" }, { user: "s3cr3t", pass: "" }, {}]) {
    await assert.rejects(connect({ ...wrong, reconnect: false }), errors.AuthorizationError);
  }
});

test("a payload of max_payload is accepted, a larger one ends the connection", { payloadBytesMax: 1024 }, async ({ connect }) => {
  const client = await connect({ reconnect: false });
  const subscription = client.subscribe("big");
  client.publish("big", new Uint8Array(1024));
  assert.equal((await next(subscription)).data.length, 1024);
  assert.throws(() => client.publish("big", new Uint8Array(1025)), errors.InvalidArgumentError); // the client knows the limit
  client.info!.max_payload = 1_000_000; // and now it does not
  client.publish("big", new Uint8Array(1025));
  const reason = await client.closed();
  assert.match(String(reason), /maximum payload violation/i);
});

test("10,000 messages arrive in order", {}, async ({ connect }) => {
  const publisher = await connect();
  const listener = await connect();
  const subscription = listener.subscribe("numbers.*");
  await listener.flush();
  for (let index = 0; index < 10_000; index++) publisher.publish(`numbers.${index % 7}`, `${index}`);
  assert.deepEqual(
    await texts(subscription, 10_000),
    Array.from({ length: 10_000 }, (_, index) => `${index}`),
  );
});

test("payloads of 1 MiB arrive whole and in order", {}, async ({ connect }) => {
  const publisher = await connect();
  const listener = await connect();
  const subscription = listener.subscribe("big");
  await listener.flush();
  const payload = (index: number) => new Uint8Array(1_048_576).map((_, at) => (at * 31 + (at >> 8) + index) & 0xff);
  for (let index = 0; index < 8; index++) publisher.publish("big", payload(index));
  let index = 0;
  for await (const { data } of subscription) {
    assert.ok(Buffer.from(data).equals(payload(index)), `message ${index}`);
    if (++index === 8) break;
  }
});

test("2,000 subscriptions of one client each receive their own message", {}, async ({ connect }) => {
  const client = await connect();
  const subscriptions = Array.from({ length: 2_000 }, (_, index) => client.subscribe(`room.${index}`));
  for (let index = 0; index < 2_000; index++) client.publish(`room.${index}`, `${index}`);
  await client.flush();
  const got: string[] = [];
  for (const subscription of subscriptions) got.push(...(await texts(subscription, subscription.getReceived())));
  assert.deepEqual(
    got,
    Array.from({ length: 2_000 }, (_, index) => `${index}`),
  );
  for (const subscription of subscriptions) subscription.unsubscribe();
  await client.flush();
  await assert.rejects(client.request("room.7", "", { timeout: REQUEST_TIMEOUT_MS })); // no subscription is left
});

test("20 clients exchange messages at the same time", {}, async ({ connect }) => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => connect()));
  const subscriptions = clients.map(client => client.subscribe("all"));
  await Promise.all(clients.map(client => client.flush()));
  clients.forEach((client, index) => {
    for (let round = 0; round < 10; round++) client.publish("all", `${index}.${round}`);
  });
  const expected = clients.flatMap((_, index) => Array.from({ length: 10 }, (_, round) => `${index}.${round}`)).sort();
  for (const subscription of subscriptions) assert.deepEqual((await texts(subscription, 200)).sort(), expected);
});
