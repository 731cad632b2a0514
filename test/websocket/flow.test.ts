/** Flow control: bytes that the server may not read yet, or that a client does not read, wait in the network and not in our memory. */
import { expect, test } from "bun:test";
import type { GivenAnswer } from "../../src/auth/users/given-authenticator.ts";
import { until } from "../faults/until.ts";
import { BINARY, closeText, frame, RawClient } from "./raw-client.ts";
import { OURS, ourServer, startTestedServer } from "./tested-server.ts";

const MIB = 1024 * 1024;

/** Waits until the kernel takes no more bytes of what this client writes. */
async function waitUntilBlocked(client: RawClient): Promise<void> {
  let before = -1;
  while (client.written !== before) {
    before = client.written;
    for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve));
  }
}

for (const name of OURS) {
  test(`${name}: the server reads nothing more during an authentication, and everything in order after it`, async () => {
    const verdict = Promise.withResolvers<GivenAnswer>();
    let asked = false;
    const authenticate = () => {
      asked = true;
      return verdict.promise;
    };
    const tested = await startTestedServer(name, { authenticate });
    using client = await RawClient.upgrade(tested.port);
    await client.textUntil("\r\n");
    const count = 350;
    const one = `PUB a ${100 * 1024}\r\n${"x".repeat(100 * 1024)}\r\n`;
    const flood = Buffer.concat([
      frame(BINARY, `CONNECT {"verbose":false}\r\nSUB a 1 \r\nUNSUB 1 ${count}\r\n${one}`),
      ...Array.from({ length: count - 1 }, () => frame(BINARY, one)),
      frame(BINARY, "PING\r\n"),
    ]);
    expect(flood.length).toBeGreaterThan(32 * MIB);
    const written = client.write(flood);
    await until(
      () => asked,
      () => "the authentication did not start",
    );
    await waitUntilBlocked(client);
    expect(client.written).toBeLessThan(24 * MIB); // more than the socket buffers of both sides hold
    expect(ourServer(tested).counters.inMessages).toBe(0);
    verdict.resolve({ user: "a" });
    let received = 0;
    let text = "";
    while (!text.endsWith("PONG\r\n")) {
      // The server may send a PING to measure the round trip.
      text = (await client.nextMessage()).toString("latin1").replaceAll("PING\r\n", "");
      received += text.length;
    }
    await written;
    const line = `MSG a 1 ${100 * 1024}\r\n`;
    expect(received).toBe(count * (line.length + 100 * 1024 + 2) + "PONG\r\n".length);
    expect(ourServer(tested).counters.inMessages).toBe(count);
    await tested.stop();
  }, 120_000);

  test(`${name}: a client that never reads is closed as a slow consumer`, async () => {
    const tested = await startTestedServer(name, { server: { pendingBytesMax: 2 * MIB } });
    using slow = await RawClient.upgrade(tested.port);
    await slow.textUntil("\r\n");
    await slow.write(frame(BINARY, 'CONNECT {"verbose":false}\r\nSUB a 1\r\nPING\r\n'));
    await slow.textUntil("PONG\r\n");
    slow.pause();
    using publisher = await RawClient.upgrade(tested.port);
    await publisher.textUntil("\r\n");
    await publisher.write(frame(BINARY, 'CONNECT {"verbose":false}\r\n'));
    const server = ourServer(tested);
    const one = frame(BINARY, `PUB a ${100 * 1024}\r\n${"x".repeat(100 * 1024)}\r\n`);
    for (let round = 0; round < 400 && server.counters.slowConsumers === 0; round++) await publisher.write(one);
    await until(
      () => server.counters.slowConsumers === 1 && server.connections.size === 1,
      () => `${server.counters.slowConsumers} slow consumers, ${server.connections.size} connections`,
    );
    await publisher.write(frame(BINARY, "PING\r\n"));
    expect(await publisher.textUntil("PONG\r\n")).toBe("PONG\r\n");
    publisher.terminate();
    await tested.stop();
  });

  test(`${name}: the close frame comes after all earlier messages, even when the client reads them late`, async () => {
    const tested = await startTestedServer(name);
    using client = await RawClient.upgrade(tested.port);
    await client.textUntil("\r\n");
    await client.write(frame(BINARY, 'CONNECT {"verbose":false}\r\nSUB a 1\r\nPING\r\n'));
    await client.textUntil("PONG\r\n");
    client.pause();
    const size = 900 * 1024;
    for (let count = 0; count < 12; count++) await client.write(frame(BINARY, `PUB a ${size}\r\n${"x".repeat(size)}\r\n`));
    await client.write(frame(BINARY, "NONSENSE\r\n"));
    await until(
      () => ourServer(tested).connections.size === 0,
      () => "the nonsense was not refused",
    );
    client.resume();
    let bytes = 0;
    let last = await client.nextFrame();
    for (; last!.opcode === BINARY; last = await client.nextFrame()) bytes += last!.payload.length;
    const wanted = 12 * (`MSG a 1 ${size}\r\n`.length + size + 2) + "-ERR 'Unknown Protocol Operation'\r\n".length;
    expect([0, "PING\r\n".length]).toContain(bytes - wanted); // the server may send a PING to measure the round trip
    expect(closeText(last!)).toBe("1001 Read Error");
    client.terminate();
    await tested.stop();
  });
}
