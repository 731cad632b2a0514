/** Consumers that are slower than their producers: dropped messages, stalled producers, closed connections, and bounded memory. */
import { expect, test } from "bun:test";
import { CloseReason } from "../../src/wire/protocol/close-reason.ts";
import { Peer } from "./peer.ts";
import { TestServer } from "./test-server.ts";
import { until } from "./until.ts";

const MIB = 1024 * 1024;

/** Messages `from` to `to` on `subject`, each with its number in a payload of `size` bytes: as published, and as received. */
function messages(subject: string, from: number, to: number, size: number): { published: string; received: string } {
  let published = "";
  let received = "";
  for (let number = from; number < to; number++) {
    const payload = String(number).padStart(size, ".");
    published += `PUB ${subject} ${size}\r\n${payload}\r\n`;
    received += `MSG ${subject} 1 ${size}\r\n${payload}\r\n`;
  }
  return { published, received };
}

/** Watches the pending output of all clients. @returns ends that, and gives the highest value */
function watchPending(server: TestServer): () => number {
  let most = 0;
  const timer = setInterval(() => {
    for (const client of server.connections.values()) most = Math.max(most, client.outbound.pendingBytes);
  }, 0);
  return () => {
    clearInterval(timer);
    return most;
  };
}

test("a slow subscriber that reads gets everything within max_pending, and its producer is stalled", async () => {
  const pendingBytesMax = 4 * MIB;
  await using server = TestServer.open({ pendingBytesMax });
  const subscriber = await Peer.subscriber(server.port, "fast");
  const expected = new Bun.CryptoHasher("sha1");
  const received = new Bun.CryptoHasher("sha1");
  let expectedBytes = 0;
  subscriber.onData = chunk => {
    received.update(chunk);
    subscriber.pause();
    setTimeout(() => subscriber.resume(), 2); // this makes it slow: at most half a megabyte every 2 ms
  };
  const pending = watchPending(server);
  const publisher = await Peer.open(server.port);
  await publisher.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
  for (let from = 0; from < 40_000; from += 1_000) {
    const some = messages("fast", from, from + 1_000, 1_024);
    expected.update(some.received);
    expectedBytes += some.received.length;
    await publisher.write(some.published);
  }
  await until(
    () => subscriber.received === expectedBytes,
    () => `${subscriber.received} of ${expectedBytes} bytes, pending ${pending()}`,
  );
  expect(received.digest("hex")).toBe(expected.digest("hex"));
  expect(pending()).toBeLessThanOrEqual(pendingBytesMax);
  expect(server.counters.stalls).toBeGreaterThan(0);
  expect([...server.connections.values()].map(({ stalls }) => stalls)).toEqual([server.counters.stalls, 0]);
  expect(server.counters.slowConsumers).toBe(0);
  for (const peer of [subscriber, publisher]) peer.leave("FIN");
  await server.cleared();
});

test("a subscriber that never reads is closed at max_pending, and no longer delays others", async () => {
  await using server = TestServer.open({ pendingBytesMax: 2 * MIB });
  const blocked = await Peer.subscriber(server.port, "big");
  blocked.pause();
  const reader = await Peer.subscriber(server.port, "big");
  const publisher = await Peer.open(server.port);
  const { published, received } = messages("big", 0, 1_000, 1_024);
  let rounds = 0;
  await publisher.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
  while (server.counters.slowConsumers === 0 && rounds < 100) {
    await publisher.write(published);
    rounds++;
    await until(
      () => reader.received === rounds * received.length,
      () => `the other subscriber has ${reader.received} of ${rounds * received.length} bytes`,
    );
  }
  expect(server.closedConnections.all()).toMatchObject([
    { id: 1, closeReason: CloseReason.SlowConsumerPendingBytes, pendingBytes: expect.any(Number), subscriptionCount: 1 },
  ]);
  expect(server.notices.filter(line => line.includes("Slow Consumer"))).toEqual([
    expect.stringMatching(/cid:1 - Slow Consumer Detected: MaxPending of 2097152 Exceeded$/),
  ]);
  expect([server.counters.slowConsumers, server.globalAccount.slowConsumers]).toEqual([1, 1]);
  const { stalls } = server.counters;
  await publisher.write(published);
  rounds++;
  await until(
    () => reader.received === rounds * received.length,
    () => `the other subscriber has ${reader.received} of ${rounds * received.length} bytes`,
  );
  expect(server.counters.stalls).toBe(stalls);
  for (const peer of [blocked, reader, publisher]) peer.leave("RST");
  await server.cleared();
});

/** Publishes until the server has unwritten output for the subscriber. */
async function fillBacklog(server: TestServer, publisher: Peer, subject: string): Promise<void> {
  const { published } = messages(subject, 0, 1_000, 1_024);
  await publisher.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
  const backlog = () => [...server.connections.values()].some(({ outbound }) => outbound.hasBacklog);
  for (let round = 0; round < 40 && !backlog(); round++) {
    const before = server.counters.inMessages;
    await publisher.write(published);
    await until(
      () => server.counters.inMessages === before + 1_000,
      () => `${server.counters.inMessages - before} messages came`,
    );
  }
}

test("a missed write deadline closes a client that does not read", async () => {
  await using server = TestServer.open({ writeDeadlineMs: 100 });
  const blocked = await Peer.subscriber(server.port, "big");
  blocked.pause();
  const publisher = await Peer.open(server.port);
  await fillBacklog(server, publisher, "big");
  await until(
    () => server.connections.size === 1,
    () => "the client is still open",
  );
  expect(server.closedConnections.all()).toMatchObject([{ id: 1, closeReason: CloseReason.SlowConsumerWriteDeadline }]);
  expect(server.notices.filter(line => line.includes("Slow Consumer"))).toEqual([
    expect.stringMatching(/cid:1 - Slow Consumer Detected: WriteDeadline of 0.1s exceeded with \d+ chunks of \d+ total bytes\.$/),
  ]);
  expect([server.counters.slowConsumers, server.globalAccount.slowConsumers]).toEqual([1, 1]);
  for (const peer of [blocked, publisher]) peer.leave("RST");
  await server.cleared();
});

test("a missed write deadline with write_timeout retry keeps a client that read something, until it reads again", async () => {
  await using server = TestServer.open({ writeDeadlineMs: 1_000, writeTimeout: "retry" });
  const paused = await Peer.subscriber(server.port, "big");
  paused.pause();
  const publisher = await Peer.open(server.port);
  await fillBacklog(server, publisher, "big");
  await until(
    () => server.counters.slowConsumers === 1,
    () => "no deadline was missed",
  );
  paused.resume();
  const expected = (server.counters.inMessages / 1_000) * messages("big", 0, 1_000, 1_024).received.length;
  await until(
    () => paused.received === expected,
    () => `${paused.received} of ${expected} bytes`,
  );
  expect(server.connections.size).toBe(2);
  expect(server.notices.filter(line => line.includes("Slow Consumer")).map(line => line.replace(/.*(Slow Consumer \w+).*/, "$1"))).toEqual([
    "Slow Consumer Detected",
    "Slow Consumer Recovered",
  ]);
  for (const peer of [paused, publisher]) peer.leave("FIN");
  await server.cleared();
});

test("without stalls messages for a slow consumer are dropped, and it stays connected", async () => {
  const pendingBytesMax = 2 * MIB;
  await using server = TestServer.open({ pendingBytesMax, fastProducerStall: false });
  const slow = await Peer.subscriber(server.port, "big");
  slow.pause();
  const reader = await Peer.subscriber(server.port, "big");
  const publisher = await Peer.open(server.port);
  await publisher.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
  let text = "";
  slow.onData = chunk => {
    text += chunk;
  };
  let sent = 0;
  for (let from = 0; from < 20_000; from += 1_000) {
    const some = messages("big", from, from + 1_000, 1_024);
    sent += some.received.length;
    await publisher.write(some.published);
    await until(
      () => reader.received === sent,
      () => `the other subscriber has ${reader.received} of ${sent} bytes`,
    );
  }
  slow.resume();
  const [client] = server.connections.values();
  await until(
    () => client!.outbound.pendingBytes === 0 && text.endsWith("\r\n") && text.split("MSG").length - 1 === client!.outMessages,
    () => `${client!.outbound.pendingBytes} bytes are pending`,
  );
  const numbers = [...text.matchAll(/\.+(\d+)\r\n/g)].map(([, number]) => Number(number));
  expect(numbers.length).toBe(client!.outMessages);
  expect(numbers.length).toBeLessThan(20_000);
  expect(numbers).toEqual(numbers.toSorted((left, right) => left - right)); // the received messages are complete and in order
  expect([server.counters.stalls, server.counters.slowConsumers, server.connections.size]).toEqual([0, 0, 3]);
  for (const peer of [slow, reader, publisher]) peer.leave("FIN");
  await server.cleared();
});

test("a peer that ends its side after sending gets all of its output", async () => {
  await using server = TestServer.open();
  const peer = await Peer.subscriber(server.port, "own");
  peer.pause();
  const received = new Bun.CryptoHasher("sha1");
  peer.onData = chunk => void received.update(chunk);
  const all = messages("own", 0, 8_000, 1_024);
  await peer.write(all.published);
  peer.endInput();
  await until(
    () => server.closedConnections.total === 1,
    () => "the server has not read everything",
  );
  peer.resume();
  await peer.gone();
  expect(peer.received).toBe(all.received.length);
  expect(received.digest("hex")).toBe(new Bun.CryptoHasher("sha1").update(all.received).digest("hex"));
  await server.cleared();
});
