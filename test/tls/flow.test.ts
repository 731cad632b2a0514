/** Data after the handshake: it arrives complete and in order at slow readers too, and a last error arrives before the end. */
import { afterAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { until } from "../faults/until.ts";
import { SecurePeer } from "./secure-peer.ts";
import { SecureServer, TestAuthority } from "./secure-server.ts";

const MIB = 1024 * 1024;
const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());

async function connected(server: SecureServer, more = ""): Promise<SecurePeer> {
  const peer = await SecurePeer.open(server.port);
  await peer.info();
  await peer.secure();
  await peer.connect(more);
  await peer.take("\r\n"); // the INFO after the PONG
  return peer;
}

for (const size of [1, 100, 16_384, 100_000, MIB]) {
  test(`messages of ${size} bytes arrive unchanged at a subscriber that pauses`, async () => {
    await using server = SecureServer.open({ tls: trust.tls(), writeDeadlineMs: 30_000 });
    using subscriber = await connected(server, "SUB a 1\r\n");
    using publisher = await connected(server);
    const count = Math.min(20_000, Math.ceil((24 * MIB) / (size + 20)));
    const payload = Buffer.from(
      randomBytes(size)
        .toString("latin1")
        .replace(/[\r\n]/g, "x"),
      "latin1",
    );
    const message = Buffer.concat([Buffer.from(`PUB a ${size}\r\n`), payload, Buffer.from("\r\n")]);
    const wanted = Buffer.concat([Buffer.from(`MSG a 1 ${size}\r\n`), payload, Buffer.from("\r\n")]);
    let at = 0;
    let wrong = 0;
    let pingLeft = 0; // bytes of the server's PING, which measures the round trip two seconds after CONNECT
    subscriber.received = 0;
    subscriber.onChunk = chunk => {
      for (let i = 0; i < chunk.length; ) {
        const offset = at % wanted.length;
        if (offset === 0 && chunk[i] === "P".charCodeAt(0)) pingLeft = "PING\r\n".length;
        if (pingLeft > 0) {
          pingLeft--;
          i++;
          continue;
        }
        const length = Math.min(chunk.length - i, wanted.length - offset);
        if (!chunk.subarray(i, i + length).equals(wanted.subarray(offset, offset + length))) wrong++;
        i += length;
        at += length;
      }
    };
    subscriber.pause();
    const sent = (async () => {
      const batch = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(65_536 / message.length)) }, () => message));
      const perBatch = batch.length / message.length;
      let left = count;
      for (; left >= perBatch; left -= perBatch) await publisher.write(batch);
      for (; left > 0; left--) await publisher.write(message);
    })();
    await until(
      () => server.counters.inMessages > 0,
      () => "no message was published",
    );
    subscriber.resume();
    await sent;
    await until(
      () => at >= count * wanted.length,
      () => `${at} of ${count * wanted.length} bytes came`,
    );
    expect([at, wrong]).toEqual([count * wanted.length, 0]);
  });
}

test("a subscriber that does not read is closed as a slow consumer, and the publisher continues", async () => {
  await using server = SecureServer.open({ tls: trust.tls(), pendingBytesMax: 2 * MIB, fastProducerStall: false });
  using slow = await connected(server, "SUB a 1\r\n");
  using publisher = await connected(server);
  slow.pause();
  const message = `PUB a ${MIB}\r\n${"x".repeat(MIB)}\r\n`;
  for (let sent = 0; sent < 16; sent++) await publisher.write(message);
  await publisher.connect();
  expect(await server.closeReasons(1)).toEqual(["Slow Consumer (Pending Bytes)"]);
});

test("the last -ERR arrives before the end", async () => {
  await using server = SecureServer.open({ tls: trust.tls() });
  using peer = await connected(server);
  await peer.write("HELLO\r\n");
  expect(await peer.take("\r\n")).toBe("-ERR 'Unknown Protocol Operation'\r\n");
  await peer.gone();
  expect(await server.closeReasons(1)).toEqual(["Protocol Violation"]);
  await server.cleared();
});

test("the last -ERR arrives although the client is still sending", async () => {
  await using server = SecureServer.open({ tls: trust.tls() });
  using peer = await connected(server);
  await peer.write(Buffer.concat([Buffer.from("HELLO\r\n"), Buffer.alloc(4 * MIB, "PING\r\n")]));
  expect(await peer.take("\r\n")).toBe("-ERR 'Unknown Protocol Operation'\r\n");
  await peer.gone();
});

for (const [leave, reason] of [
  ["end", "Client Closed"],
  ["terminate", "Read Error"],
] as const) {
  test(`a peer that leaves by ${leave} leaves no connection and no timer`, async () => {
    await using server = SecureServer.open({ tls: trust.tls() });
    using peer = await connected(server, "SUB a 1\r\n");
    peer[leave]();
    expect(await server.closeReasons(1)).toEqual([reason]);
    await server.cleared();
  });
}

test("the connection keeps the TLS version and cipher suite for monitoring", async () => {
  await using server = SecureServer.open({ tls: trust.tls({ minVersion: "1.2" }) });
  using old = await SecurePeer.open(server.port);
  await old.info();
  await old.secure({ maxVersion: 0x0303, ciphers: "ECDHE-ECDSA-CHACHA20-POLY1305" });
  await old.connect();
  using fresh = await connected(server);
  await fresh.connect();
  const states = [...server.connections.values()].map(({ transport }) => transport.tls);
  expect(states[0]).toEqual({
    version: "1.2",
    cipherSuite: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    peerCertificates: [],
    handshakeFirst: false,
  });
  expect(states[1]!.version).toBe("1.3");
  expect(states[1]!.cipherSuite).toMatch(/^TLS_(AES_128_GCM_SHA256|AES_256_GCM_SHA384|CHACHA20_POLY1305_SHA256)$/);
  await server.logged("cid:1 - TLS version 1.2, cipher suite TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
});
