/** Who may not be read from yet, or does not read, costs nothing: the network waits instead of our memory. */
import { expect, test } from "bun:test";
import type { GivenAnswer } from "../../src/auth/users/given-authenticator.ts";
import { until } from "../faults/until.ts";
import { BINARY, closeText, frame, RawClient } from "./raw-client.ts";
import { OURS, ourServer, startSubject } from "./subject.ts";

const MIB = 1024 * 1024;

/** The kernel takes nothing more of what this client writes. */
async function standsStill(client: RawClient): Promise<void> {
  let before = -1;
  while (client.written !== before) {
    before = client.written;
    for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve));
  }
}

for (const name of OURS) {
  test(`${name}: while an authentication is under way nothing more is read; then everything is, in order`, async () => {
    const verdict = Promise.withResolvers<GivenAnswer>();
    let asked = false;
    const authenticate = () => {
      asked = true;
      return verdict.promise;
    };
    const subject = await startSubject(name, { authenticate });
    using client = await RawClient.upgrade(subject.port);
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
      () => "nobody asks",
    );
    await standsStill(client);
    expect(client.written).toBeLessThan(24 * MIB); // what two kernels hold
    expect(ourServer(subject).counters.inMessages).toBe(0);
    verdict.resolve({ user: "somebody" });
    let received = 0;
    let text = "";
    while (!text.endsWith("PONG\r\n")) {
      // The server measures the round trip by a PING that may come between.
      text = (await client.nextMessage()).toString("latin1").replaceAll("PING\r\n", "");
      received += text.length;
    }
    await written;
    const line = `MSG a 1 ${100 * 1024}\r\n`;
    expect(received).toBe(count * (line.length + 100 * 1024 + 2) + "PONG\r\n".length);
    expect(ourServer(subject).counters.inMessages).toBe(count);
    await subject.stop();
  }, 120_000);

  test(`${name}: a client that never reads is a slow consumer, and gone`, async () => {
    const subject = await startSubject(name, { server: { pendingBytesMax: 2 * MIB } });
    using slow = await RawClient.upgrade(subject.port);
    await slow.textUntil("\r\n");
    await slow.write(frame(BINARY, 'CONNECT {"verbose":false}\r\nSUB a 1\r\nPING\r\n'));
    await slow.textUntil("PONG\r\n");
    slow.pause();
    using publisher = await RawClient.upgrade(subject.port);
    await publisher.textUntil("\r\n");
    await publisher.write(frame(BINARY, 'CONNECT {"verbose":false}\r\n'));
    const server = ourServer(subject);
    const one = frame(BINARY, `PUB a ${100 * 1024}\r\n${"x".repeat(100 * 1024)}\r\n`);
    for (let round = 0; round < 400 && server.counters.slowConsumers === 0; round++) await publisher.write(one);
    await until(
      () => server.counters.slowConsumers === 1 && server.connections.size === 1,
      () => `${server.counters.slowConsumers} slow consumers, ${server.connections.size} connections`,
    );
    await publisher.write(frame(BINARY, "PING\r\n"));
    expect(await publisher.textUntil("PONG\r\n")).toBe("PONG\r\n");
    publisher.terminate();
    await subject.stop();
  });

  test(`${name}: a farewell waits for what was written before it, however slowly it is read`, async () => {
    const subject = await startSubject(name);
    using client = await RawClient.upgrade(subject.port);
    await client.textUntil("\r\n");
    await client.write(frame(BINARY, 'CONNECT {"verbose":false}\r\nSUB a 1\r\nPING\r\n'));
    await client.textUntil("PONG\r\n");
    client.pause();
    const size = 900 * 1024;
    for (let count = 0; count < 12; count++) await client.write(frame(BINARY, `PUB a ${size}\r\n${"x".repeat(size)}\r\n`));
    await client.write(frame(BINARY, "NONSENSE\r\n"));
    await until(
      () => ourServer(subject).connections.size === 0,
      () => "the nonsense was not refused",
    );
    client.resume();
    let bytes = 0;
    let last = await client.nextFrame();
    for (; last!.opcode === BINARY; last = await client.nextFrame()) bytes += last!.payload.length;
    expect(bytes).toBe(12 * (`MSG a 1 ${size}\r\n`.length + size + 2) + "-ERR 'Unknown Protocol Operation'\r\n".length);
    expect(closeText(last!)).toBe("1001 Read Error");
    client.terminate();
    await subject.stop();
  });
}
