import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { FakeHost, type FakePeer } from "../../../test/doubles/fake-host.ts";
import { SubjectMappings } from "../../messaging/mapping/subject-mappings.ts";

const KIB = 1024;

function publication(size: number): string {
  return `PUB big ${size}\r\n${"x".repeat(size)}\r\n`;
}

/** A consumer over 75 % of its limit that takes nothing, and a producer that was not stalled yet. */
function newPair({ fastProducerStall = true } = {}) {
  const host = new FakeHost({ pendingBytesMax: 100 * KIB, payloadBytesMax: 50 * KIB, fastProducerStall });
  const consumer = host.connect();
  const producer = host.connect();
  consumer.send("SUB big 1\r\n");
  consumer.transport.room = 0;
  producer.send(publication(40 * KIB));
  producer.send(publication(40 * KIB));
  expect(consumer.client.outbound.stalling).toBe(true);
  expect([host.counters.stalls, producer.transport.paused]).toEqual([0, false]);
  return { host, consumer, producer };
}

/** How long the producer is stalled from now on, ms, to 0.25 ms. */
function stalledFor(host: FakeHost, producer: FakePeer): number {
  const start = host.clock.monotonic();
  while (producer.transport.paused && host.clock.monotonic() - start < 1_000) host.clock.advance(0.25);
  return host.clock.monotonic() - start;
}

test("a producer waits 2 ms for a consumer that is over 75 % of its limit, then continues", () => {
  const { host, consumer, producer } = newPair();
  producer.send(`${publication(10)}PING\r\n`);
  expect([producer.transport.paused, producer.next()]).toEqual([true, ""]);
  expect([host.counters.stalls, consumer.client.stalls, producer.client.stalls]).toEqual([1, 1, 0]);
  const ms = stalledFor(host, producer);
  expect(ms).toBeGreaterThanOrEqual(2);
  expect(ms).toBeLessThanOrEqual(5); // the wheel's ticks
  expect(producer.next()).toBe("PONG\r\n");
});

test("if a consumer drains below 75 %, its producer continues at once", () => {
  const { host, consumer, producer } = newPair();
  producer.send(`${publication(10)}PING\r\n`);
  consumer.drain(1 * KIB);
  expect(producer.transport.paused).toBe(true);
  consumer.drain(10 * KIB);
  expect([producer.transport.paused, producer.next()]).toEqual([false, "PONG\r\n"]);
  expect([host.counters.stalls, host.turn.timers.size]).toEqual([1, 3]); // two keepalives, and the consumer's write deadline
});

test("if a consumer is closed, its producer continues at once", () => {
  const { consumer, producer } = newPair();
  producer.send(`${publication(10)}PING\r\n`);
  consumer.client.onClose(null);
  expect([producer.transport.paused, producer.next()]).toEqual([false, "PONG\r\n"]);
});

test("input of a stalled producer is read afterwards, in order", () => {
  const { host, consumer, producer } = newPair();
  producer.send(`${publication(1)}PUB a 1\r\n1\r\n`);
  producer.send("PUB a 1\r\n2\r\nPUB a ");
  producer.send("1\r\n3\r\n");
  producer.send("SUB a 9\r\nPUB a 1\r\n4\r\nPING\r\n");
  expect(producer.client.inMessages).toBe(3);
  stalledFor(host, producer);
  expect([producer.client.inMessages, producer.next()]).toEqual([7, "MSG a 9 1\r\n4\r\nPONG\r\n"]);
  expect([consumer.client.closed, producer.client.closed]).toEqual([false, false]);
});

test("all waits for one read take at most 10 ms in total, for any number of messages", () => {
  const { host, consumer, producer } = newPair();
  producer.send(`${"PUB big 1\r\nx\r\nPING\r\n".repeat(50)}`); // PING ends the batch: each message is delivered alone
  const ms = stalledFor(host, producer);
  expect(ms).toBeGreaterThanOrEqual(10);
  expect(ms).toBeLessThanOrEqual(15);
  expect([producer.next(), consumer.client.closed]).toEqual(["PONG\r\n".repeat(50), false]);
});

test("a consumer at its limit is closed, and its producer continues at once", () => {
  const { host, consumer, producer } = newPair();
  producer.send(`${publication(30 * KIB)}PING\r\n`);
  expect([consumer.client.closed, consumer.transport.terminated, producer.transport.paused]).toEqual([true, true, false]);
  expect(host.closed).toEqual(["SlowConsumerPendingBytes"]);
  expect(host.lines).toEqual(["192.0.2.1:4242 - cid:1 - Slow Consumer Detected: MaxPending of 102400 Exceeded"]);
  expect([host.counters.slowConsumers, host.globalAccount.slowConsumers, host.turn.pool.taken]).toEqual([1, 1, 0]);
  expect(producer.next()).toBe("PONG\r\n");
});

test("without stalling, messages for the slow consumer are dropped and other consumers get them", () => {
  const { host, consumer, producer } = newPair({ fastProducerStall: false });
  const other = host.connect();
  other.send("SUB big 2\r\n");
  const pending = consumer.client.outbound.pendingBytes;
  producer.send("PUB big 4\r\nlost\r\n");
  expect([producer.transport.paused, consumer.client.outbound.pendingBytes, other.next()]).toEqual([
    false,
    pending,
    "MSG big 2 4\r\nlost\r\n",
  ]);
  consumer.drain(100 * KIB);
  consumer.next();
  producer.send("PUB big 4\r\nkept\r\n");
  expect([consumer.next(), host.counters.stalls]).toEqual(["MSG big 1 4\r\nkept\r\n", 0]);
});

test("a producer that publishes to its own slow connection does not wait for itself", () => {
  const host = new FakeHost({ pendingBytesMax: 100 * KIB, payloadBytesMax: 50 * KIB });
  const both = host.connect();
  both.send("SUB big 1\r\n");
  both.transport.room = 0;
  both.send(publication(40 * KIB));
  both.send(publication(40 * KIB));
  both.send(`${publication(10)}SUB other 2\r\n`);
  expect([both.transport.paused, both.client.subscriptions.size, host.counters.stalls]).toEqual([false, 2, 0]);
});

test("closing a stalled producer cancels its timer", () => {
  const { host, consumer, producer } = newPair();
  producer.send(publication(10));
  const timers = host.turn.timers.size;
  producer.client.onClose(null);
  expect(host.turn.timers.size).toBe(timers - 2); // its keepalive's too
  host.clock.advance(100);
  consumer.drain(200 * KIB);
  consumer.client.onClose(null);
  expect([host.closed, host.globalAccount.connections, host.turn.timers.size]).toEqual([["ClientClosed", "ClientClosed"], 0, 0]);
});

test("a stall by messages that are published one by one does not affect later messages", () => {
  const { host, consumer, producer } = newPair();
  const halves = ["big", "other"].map(subject => ({ subject, weight: 50, cluster: "" }));
  host.globalAccount.mappings = new SubjectMappings([{ source: "drawn", destinations: halves }], "", host.turn.random);
  producer.client.guarded = true;
  producer.send("PUB drawn 1\r\nx\r\n".repeat(50));
  expect(host.counters.stalls).toBe(1);
  stalledFor(host, producer);
  consumer.drain(100 * KIB);
  expect(consumer.client.outbound.stalling).toBe(false);
  producer.send("PUB drawn 1\r\nx\r\n".repeat(50));
  expect([host.counters.stalls, producer.transport.paused]).toEqual([1, false]);
});

test("mappings that a reload removes during a stall do not apply to the message that waited", () => {
  const { host, producer } = newPair();
  const subscriber = host.connect();
  subscriber.send("SUB from 1\r\nSUB to 2\r\n");
  const rules = [{ source: "from", destinations: [{ subject: "to", weight: 100, cluster: "" }] }];
  host.globalAccount.mappings = new SubjectMappings(rules, "", host.turn.random);
  producer.client.guarded = true;
  producer.send(`${publication(10)}PUB from 1\r\nx\r\n`);
  expect(producer.transport.paused).toBe(true);
  host.globalAccount.mappings = null;
  producer.client.guarded = false;
  stalledFor(host, producer);
  expect(subscriber.next()).toBe("MSG from 1 1\r\nx\r\n");
});

test("assertions: a stalled producer waits for one consumer", () => {
  const { consumer, host, producer } = newPair();
  producer.send(publication(10));
  host.turn.batch.stallMs = 1;
  host.turn.batch.stalledBy = consumer.client.stall;
  expect(brokenAssertion(() => producer.client.stall.afterFlush(host.turn.batch))).toBe(
    "Assertion broken: a stalled producer waits for one consumer",
  );
});

test("a consumer that is closed during a delivery lets its stalled producer continue after the delivery", () => {
  const { consumer, host, producer } = newPair();
  const other = host.connect();
  producer.send(`${publication(10)}PING\r\n`);
  expect(producer.transport.paused).toBe(true);
  other.send(publication(40 * KIB));
  expect(host.closed).toEqual(["SlowConsumerPendingBytes"]);
  expect(producer.next()).toBe("PONG\r\n");
  expect(consumer.client.closed).toBe(true);
});

test("a consumer that is closed by errors about its own messages lets its stalled producer continue afterwards", () => {
  const { consumer, host, producer } = newPair();
  producer.send(`${publication(10)}PING\r\n`);
  consumer.send(`PUB $NRG.${"d".repeat(60)} 0\r\n\r\n`.repeat(1_000));
  host.clock.advance(0); // the errors exceed a share of work
  expect(host.closed).toEqual(["SlowConsumerPendingBytes"]);
  expect(producer.next()).toBe("PONG\r\n");
});
