import { expect, test } from "bun:test";
import { TestServer } from "../../../test/faults/test-server.ts";
import { until } from "../../../test/faults/until.ts";
import { TextConnection } from "../../../test/library/text-connection.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { LocalPublisher } from "../fanout/local-publisher.ts";
import { type LocalCallback, LocalSubscriber } from "./local-subscriber.ts";

class Inside {
  readonly errors: string[] = [];
  readonly server = TestServer.open();
  readonly account = this.server.globalAccount;
  readonly subscriber = new LocalSubscriber(this.account, error => this.errors.push(String(error)));
  readonly publisher = new LocalPublisher(this.account, this.server);

  async [Symbol.asyncDispose](): Promise<void> {
    this.subscriber.close();
    await this.server.stop();
    expect(this.server.leftovers()).toMatchObject({ subscriptions: 0, chunks: 0, defects: [] });
  }
}

/** Records the delivered messages as text. */
function recorder(): { callback: LocalCallback; messages: string[] } {
  const messages: string[] = [];
  const callback: LocalCallback = (batch, index) => {
    const reply = batch.replyText(index);
    const header = batch.header(index).toString();
    messages.push(
      [batch.subjectText(index), ...(reply && [`→${reply}`]), ...(header && [JSON.stringify(header)]), batch.payload(index)].join(" "),
    );
  };
  return { callback, messages };
}

test("a callback gets a client's message, with reply and headers", async () => {
  await using inside = new Inside();
  const { callback, messages } = recorder();
  inside.subscriber.subscribe("orders.*", null, callback);
  const client = await TextConnection.open(inside.server);
  await client.exchange("PUB orders.eu 2\r\nhi\r\nPUB orders.us in.1 3\r\nyou\r\nPUB other 1\r\nx\r\n");
  await client.exchange("HPUB orders.h 16 20\r\nNATS/1.0\r\nA:\r\n\r\nbody\r\nPUB orders.e 0\r\n\r\n");
  expect(messages).toEqual(["orders.eu hi", "orders.us →in.1 you", 'orders.h "NATS/1.0\\r\\nA:\\r\\n\\r\\n" body', "orders.e "]);
});

test("a callback's answer reaches the client before the results of later commands", async () => {
  await using inside = new Inside();
  inside.subscriber.subscribe("double", null, (batch, index) => {
    inside.publisher.publish(batch.replyText(index), "", null, `${Number(batch.payload(index)) * 2}`);
  });
  const client = await TextConnection.open(inside.server);
  const answers = await client.exchange("SUB in.* 7\r\nPUB double in.a 1\r\n4\r\nPUB double in.b 2\r\n50\r\nPUB in.c 3\r\nend\r\n");
  expect(answers).toBe("MSG in.a 7 1\r\n8\r\nMSG in.b 7 3\r\n100\r\nMSG in.c 7 3\r\nend\r\n");
});

test("a request has a responder only if a callback takes it", async () => {
  await using inside = new Inside();
  const { callback } = recorder();
  const subscription = inside.subscriber.subscribe("service", null, callback)!;
  const client = await TextConnection.open(inside.server, { no_responders: true });
  expect(await client.exchange("SUB in 1\r\nPUB service in 0\r\n\r\n")).toBe("");
  inside.subscriber.unsubscribe(subscription);
  expect(await client.exchange("PUB service in 0\r\n\r\n")).toBe("HMSG in 1 39 39\r\nNATS/1.0 503\r\nNats-Subject: service\r\n\r\n\r\n");
});

test("a publish from inside the process, outside of any event, reaches clients and callbacks", async () => {
  await using inside = new Inside();
  const { callback, messages } = recorder();
  inside.subscriber.subscribe("news.>", null, callback);
  const plain = await TextConnection.open(inside.server, { headers: false });
  const modern = await TextConnection.open(inside.server);
  await Promise.all([plain.exchange("SUB news.* 1\r\n"), modern.exchange("SUB news.* 1\r\n")]);
  const header = Buffer.from("NATS/1.0\r\nA: b\r\n\r\n");
  expect(inside.publisher.publish("news.eu", "in.1", header, "hello")).toBe(3);
  expect(inside.publisher.publish("nobody", "in.1", null, "hello")).toBe(0);
  await until(
    () => plain.received !== "" && modern.received !== "",
    () => "nothing came",
  ); // no PING: the turn ends by itself
  expect([plain.received, modern.received, messages]).toEqual([
    "MSG news.eu 1 in.1 5\r\nhello\r\n",
    "HMSG news.eu 1 in.1 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n",
    ['news.eu →in.1 "NATS/1.0\\r\\nA: b\\r\\n\\r\\n" hello'],
  ]);
  const { counters } = inside.server;
  expect([counters.outMessages, counters.outBytes, inside.account.traffic.outMessages]).toEqual([2, 28, 2]);
  plain.connection.close();
  modern.connection.close();
});

test("one member of a queue group gets a message, a client or a callback", async () => {
  await using inside = new Inside();
  const { callback, messages } = recorder();
  inside.subscriber.subscribe("jobs", "workers", callback);
  const client = await TextConnection.open(inside.server);
  await client.exchange("SUB jobs workers 1\r\n");
  for (let job = 0; job < 100; job++) inside.publisher.publish("jobs", "", null, "j");
  const others = (await client.exchange()).split("MSG").length - 1;
  expect(messages.length + others).toBe(100);
  expect(Math.min(messages.length, others)).toBeGreaterThan(10); // one run in 10^16 fails by chance
});

test("a subscription with a maximum ends after that number of messages, also within one read", async () => {
  await using inside = new Inside();
  const { callback, messages } = recorder();
  inside.subscriber.subscribe("tick", null, callback, 2);
  const client = await TextConnection.open(inside.server);
  await client.exchange("PUB tick 1\r\n1\r\nPUB tick 1\r\n2\r\nPUB tick 1\r\n3\r\n");
  expect([messages, inside.subscriber.size]).toEqual([["tick 1", "tick 2"], 0]);
});

test("a change of interest by a callback takes effect with the next message", async () => {
  await using inside = new Inside();
  const late = recorder();
  const calls: string[] = [];
  const first = inside.subscriber.subscribe("a", null, (batch, index, subscription) => {
    calls.push(batch.payload(index).toString());
    inside.subscriber.subscribe("a", null, late.callback);
    inside.subscriber.subscribe("b", null, late.callback);
    inside.subscriber.unsubscribe(subscription);
  });
  const client = await TextConnection.open(inside.server);
  // One read: the receivers of `b` (none) were looked up before the batch of `a` was delivered.
  await client.exchange("PUB a 1\r\n1\r\nPUB b 1\r\n2\r\nPUB a 1\r\n3\r\nPUB b 1\r\n4\r\n");
  expect([calls, late.messages, first!.closed]).toEqual([["1"], ["b 2", "a 3", "b 4"], true]);
});

test("a callback's message does not change while callbacks publish, also deeply nested", async () => {
  await using inside = new Inside();
  const seen: string[] = [];
  inside.subscriber.subscribe("count.down", null, (batch, index) => {
    const number = Number(batch.payload(index));
    if (number > 0) inside.publisher.publish("count.down", `in.${number}`, null, `${number - 1}`);
    seen.push(`${batch.subjectText(index)} ${batch.replyText(index)} ${batch.payload(index)}`);
  });
  const client = await TextConnection.open(inside.server);
  await client.exchange("SUB count.* 1\r\n");
  const delivered = await client.exchange("PUB count.down 1\r\n3\r\nPUB count.down 1\r\n1\r\n");
  expect(seen).toEqual([
    "count.down in.1 0",
    "count.down in.2 1",
    "count.down in.3 2",
    "count.down  3",
    "count.down in.1 0",
    "count.down  1",
  ]);
  expect(delivered.match(/^MSG.*$/gm)!.length).toBe(6);
  expect(inside.server.counters.outMessages).toBe(6);
});

test("a callback that publishes to itself endlessly is stopped, and no other callback is", async () => {
  await using inside = new Inside();
  let calls = 0;
  inside.subscriber.subscribe("loop", null, () => {
    calls++;
    inside.publisher.publish("loop", "", null, "");
  });
  const client = await TextConnection.open(inside.server);
  expect(await client.exchange("SUB loop 1\r\nPUB loop 0\r\n\r\n")).toContain("MSG loop 1 0\r\n\r\n");
  expect([calls, inside.errors]).toEqual([65, ["Error: publishes nest 64 deep: a callback publishes to itself"]]);
});

test("if a callback throws, all other receivers still get the message", async () => {
  await using inside = new Inside();
  const { callback, messages } = recorder();
  inside.subscriber.subscribe("a", null, () => {
    throw new Error("broken");
  });
  inside.subscriber.subscribe("a", null, callback);
  const client = await TextConnection.open(inside.server);
  expect(await client.exchange("SUB a 1\r\nPUB a 1\r\nx\r\n")).toBe("MSG a 1 1\r\nx\r\n");
  expect([messages, inside.errors]).toEqual([["a x"], ["Error: broken"]]);
});

test("deliveries of a callback count for the account it publishes into", async () => {
  await using inside = new Inside();
  const other = inside.server.shard.directory.open("OTHER");
  const { callback, messages } = recorder();
  const elsewhere = new LocalSubscriber(other, () => {});
  elsewhere.subscribe("copy", null, callback);
  const toElsewhere = new LocalPublisher(other, inside.server);
  inside.subscriber.subscribe("a", null, (batch, index) => void toElsewhere.publish("copy", "", null, batch.payload(index)));
  const client = await TextConnection.open(inside.server);
  await client.exchange("SUB a 1\r\nPUB a 4\r\ndata\r\n");
  expect(messages).toEqual(["copy data"]);
  expect([inside.account.traffic.outMessages, inside.account.traffic.outBytes, other.traffic.outMessages]).toEqual([1, 4, 0]);
  elsewhere.close();
});

test("a publish from inside the process is never stalled or dropped; a slow consumer is closed at its limit", async () => {
  await using server = TestServer.open({ pendingBytesMax: 1024 * 1024, payloadBytesMax: 256 * 1024, fastProducerStall: false });
  const publisher = new LocalPublisher(server.globalAccount, server);
  const client = await TextConnection.open(server);
  await client.exchange("SUB big 1\r\n");
  const payload = Buffer.alloc(200 * 1024);
  let taken = 0;
  while (publisher.publish("big", "", null, payload) > 0 && taken < 100) taken++; // the loop is synchronous, so no turn ends and the consumer reads nothing
  await client.ended();
  expect(server.closedConnections.all().map(({ closeReason }) => closeReason)).toEqual([CloseReason.SlowConsumerPendingBytes]);
  expect(taken).toBeLessThan(100);
  expect(server.counters.stalls).toBe(0);
});

test("a subscription with an invalid subject is refused", async () => {
  await using inside = new Inside();
  expect([inside.subscriber.subscribe("a..b", null, () => {}), inside.subscriber.size]).toEqual([null, 0]);
});
