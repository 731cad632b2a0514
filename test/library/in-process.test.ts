/** Connections without a socket: `server.connect()`. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { headers } from "@nats-io/nats-core";
import { NatsServer } from "../../src/index.ts";
import { CloseReason } from "../../src/wire/protocol/close-reason.ts";
import { TestServer } from "../faults/test-server.ts";
import { until } from "../faults/until.ts";
import { connectInside } from "./nats-over-pipe.ts";
import { TextConnection } from "./text-connection.ts";

test("a connection without a socket gets INFO without client_ip, as in the reference", async () => {
  await using server = TestServer.open({ serverName: "inside" });
  const first = new TextConnection(server.connect());
  const info = JSON.parse((await first.exchange('CONNECT {"verbose":false}\r\n')).slice("INFO ".length).split("\r\n")[0]!);
  expect(Object.keys(info)).toEqual([
    ...["server_id", "server_name", "version", "proto", "go", "host", "port", "headers", "max_payload", "client_id"],
    ...["api_lvl", "xkey", "bunats"],
  ]);
  expect([info.server_name, info.client_id, info.port]).toEqual(["inside", 1, server.port]);
});

test("commands and messages work as over a socket", async () => {
  await using server = TestServer.open();
  const one = await TextConnection.open(server);
  const other = await TextConnection.open(server, { verbose: true });
  expect(await other.exchange("SUB a.* 1\r\nSUB a.b q 2\r\nUNSUB 1 2\r\n")).toBe("+OK\r\n+OK\r\n+OK\r\n");
  await one.exchange("PUB a.b 2\r\nhi\r\nPUB a.c in.1 0\r\n\r\nPUB a.d 0\r\n\r\n");
  expect(await other.exchange()).toBe("MSG a.b 1 2\r\nhi\r\nMSG a.b 2 2\r\nhi\r\nMSG a.c 1 in.1 0\r\n\r\n");
  for (const byte of "PUB a.b 1\r\nx\r\n") one.send(byte); // one write per byte
  await one.exchange();
  expect(await other.exchange()).toBe("MSG a.b 2 1\r\nx\r\n");
  one.send("BOGUS\r\n");
  expect(await one.ended()).toBe("-ERR 'Unknown Protocol Operation'\r\n");
  expect(server.closedConnections.all().map(({ id, address, closeReason }) => [id, address, closeReason])).toEqual([
    [1, "", CloseReason.ProtocolViolation],
  ]);
});

test("more bytes than the pipe holds arrive complete, and no buffer is left", async () => {
  await using server = TestServer.open();
  const publisher = await TextConnection.open(server);
  const subscriber = await TextConnection.open(server);
  await subscriber.exchange("SUB big 1\r\n");
  const payload = "0123456789abcdef".repeat(65_536 / 2);
  const messages = 30; // 15 MiB in one read; the pipe takes 4
  await publisher.exchange(`PUB big ${payload.length}\r\n${payload}\r\n`.repeat(messages));
  const received = await subscriber.exchange();
  expect(received === `MSG big 1 ${payload.length}\r\n${payload}\r\n`.repeat(messages)).toBe(true); // a diff would be 30 MiB
  expect(server.leftovers()).toMatchObject({ connections: 2, chunks: 0 });
});

test("bytes written during an authentication are kept in order", async () => {
  const answer = Promise.withResolvers<{ user: string }>();
  await using server = await NatsServer.start({
    host: "127.0.0.1",
    port: 0,
    authenticate: () => answer.promise,
  });
  const client = new TextConnection(server.connect());
  client.send('CONNECT {"verbose":false,"user":"a"}\r\nSUB a 1\r\n');
  for (let index = 0; index < 1_000; index++) client.send(`PUB a ${String(index).length}\r\n${index}\r\n`);
  await until(
    () => client.received !== "",
    () => "no INFO",
  );
  expect(client.received.split("\r\n").length).toBe(2); // INFO only
  client.received = "";
  answer.resolve({ user: "a" });
  const expected = Array.from({ length: 1_000 }, (_, index) => `MSG a 1 ${String(index).length}\r\n${index}\r\n`);
  expect(await client.exchange()).toBe(expected.join(""));
});

test("commands written before close are executed, and the server keeps nothing of the connection", async () => {
  await using server = TestServer.open();
  const subscriber = await TextConnection.open(server);
  await subscriber.exchange("SUB last.* 1\r\n");
  const closing = new TextConnection(server.connect());
  closing.send('CONNECT {"verbose":false}\r\nSUB last.* 1\r\nPUB last.message 3\r\nend\r\n');
  closing.connection.close();
  expect(closing.connection.closed).toBe(true);
  closing.send("PUB last.message 5\r\nnever\r\n");
  await closing.ended();
  expect([await subscriber.exchange(), closing.received]).toEqual(["MSG last.message 1 3\r\nend\r\n", ""]);
  expect(server.closedConnections.all().map(({ closeReason }) => closeReason)).toEqual([CloseReason.ClientClosed]);
  subscriber.connection.close();
  await server.cleared();
});

test("onClose is called once, after the last data", async () => {
  const server = TestServer.open();
  const client = await TextConnection.open(server);
  await client.exchange("SUB a 1\r\n");
  let ends = 0;
  client.connection.onClose = () => ends++;
  client.send("PUB a 1\r\nx\r\n");
  await until(
    () => client.received !== "",
    () => "no message",
  );
  await server.stop();
  expect([client.received, ends, client.connection.closed]).toEqual(["MSG a 1 1\r\nx\r\n", 1, true]);
  client.connection.close();
  await server.cleared();
  expect(ends).toBe(1);
});

test("max_connections counts connections without a socket too", async () => {
  await using server = TestServer.open({ connectionsMax: 1 });
  await TextConnection.open(server);
  const second = new TextConnection(server.connect());
  expect(await second.ended()).toEndWith("-ERR 'maximum connections exceeded'\r\n");
});

test("the official client works without a socket: requests, headers, drain", async () => {
  await using server = await NatsServer.start({ host: "127.0.0.1", port: 0 });
  const service = await connectInside(server);
  service.subscribe("echo", { callback: (_error, message) => void message.respond(message.data, { headers: message.headers! }) });
  await service.flush();
  const client = await connectInside(server, { name: "client" });
  const sent = headers();
  sent.append("Kind", "a");
  sent.append("Kind", "b");
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => client.request("echo", `${index}`, { timeout: 60_000, headers: sent })),
  );
  expect(answers.map(answer => answer.string())).toEqual(Array.from({ length: 100 }, (_, index) => `${index}`));
  expect(answers[0]!.headers!.values("Kind")).toEqual(["a", "b"]);
  await client.drain();
  await server.stop();
  expect(await service.closed()).toBeUndefined();
});

test("streams and buckets of nats.js work without a socket", async () => {
  const storeDirectory = mkdtempSync(join(tmpdir(), "bunats-inside-"));
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0, jetStream: { storeDirectory } });
  try {
    const client = await connectInside(server);
    const manager = await jetstreamManager(client);
    await manager.streams.add({ name: "S", subjects: ["s.*"], allow_direct: true });
    const acks = await Promise.all(Array.from({ length: 200 }, (_, index) => jetstream(client).publish(`s.${index % 3}`, `${index}`)));
    expect(acks.map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect((await manager.direct.getMessage("S", { last_by_subj: "s.0" }))!.string()).toBe("198");
    const bucket = await new Kvm(jetstream(client)).create("B");
    await bucket.put("key", "value");
    expect((await bucket.get("key"))!.string()).toBe("value");
    await client.close();
  } finally {
    await server.stop();
    rmSync(storeDirectory, { recursive: true });
  }
});

test("two servers cannot share a store directory; it is free when the first one has stopped", async () => {
  const storeDirectory = mkdtempSync(join(tmpdir(), "bunats-shared-"));
  const options = { host: "127.0.0.1", port: 0, jetStream: { storeDirectory } };
  const first = await NatsServer.start(options);
  await expect(NatsServer.start(options)).rejects.toMatchObject({
    code: "ERR_START",
    message: `JetStream store directory ${JSON.stringify(join(storeDirectory, "jetstream"))} is used by another server`,
  });
  await first.stop();
  const second = await NatsServer.start(options);
  await second.stop();
  rmSync(storeDirectory, { recursive: true });
});
