/** Failed handshakes: the connection is closed with the right reason and text, in bounded time and memory, and nothing is left. */
import { afterAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { connect as connectTcp } from "node:net";
import { Random } from "../../src/base/random/random.ts";
import { FakeClock } from "../doubles/fake-clock.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { SecurePeer } from "./secure-peer.ts";
import { SecureServer, TestAuthority } from "./secure-server.ts";

const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());

const HANDSHAKE_FAILURE = "TLS Handshake Failure";

test("a client that never begins is closed after the timeout, which only the debug log reports", async () => {
  await using server = SecureServer.open({ tls: trust.tls({ timeoutMs: 50 }) });
  using peer = await SecurePeer.open(server.port);
  await peer.info();
  await peer.gone();
  expect(peer.text).toBe("");
  expect(await server.closeReasons(1)).toEqual([HANDSHAKE_FAILURE]);
  const line = await server.logged("TLS handshake error");
  expect(line).toMatch(/^DBG 127\.0\.0\.1:\d+ - cid:1 - TLS handshake error: read tcp 127\.0\.0\.1:\d+->127\.0\.0\.1:\d+: i\/o timeout$/);
  await server.logged("cid:1 - TLS handshake timeout");
  await server.cleared();
});

test("a client that begins and stops is closed after the same timeout", async () => {
  await using server = SecureServer.open({ tls: trust.tls({ timeoutMs: 50 }) });
  for (const start of ["\x16", "\x16\x03\x01\x02\x00", "\x16\x03\x01\x00\x08\x01\x00\x10\x00\x03\x03aa"]) {
    using peer = await SecurePeer.open(server.port);
    await peer.info();
    await peer.write(Buffer.from(start, "latin1"));
    await peer.gone();
  }
  expect(await server.closeReasons(3)).toEqual(Array(3).fill(HANDSHAKE_FAILURE));
  await server.cleared();
});

test("a hello that arrives byte by byte is accepted", async () => {
  await using server = SecureServer.open({ tls: trust.tls() });
  const hello = await helloOf();
  using peer = await SecurePeer.open(server.port);
  await peer.info();
  for (const byte of hello) await peer.write(Buffer.from([byte]));
  await peer.take("\x16\x03\x03"); // the server's first record
  peer.terminate();
  expect(await server.closeReasons(1)).toEqual([HANDSHAKE_FAILURE]);
});

test("a client that leaves during the handshake is logged as nats-server does", async () => {
  await using server = SecureServer.open({ tls: trust.tls() });
  const hello = await helloOf();
  for (const bytes of [hello.subarray(0, 50), hello]) {
    using peer = await SecurePeer.open(server.port);
    await peer.info();
    await peer.write(bytes);
    if (bytes === hello) await peer.take("\x16\x03\x03");
    peer.end();
    await peer.gone();
  }
  expect(await server.closeReasons(2)).toEqual([HANDSHAKE_FAILURE, HANDSHAKE_FAILURE]);
  const errors = server.lines.filter(line => line.startsWith("ERR"));
  expect(errors).toHaveLength(2);
  for (const line of errors)
    expect(line).toMatch(/TLS handshake error: ((?:unexpected )?EOF|read tcp \S+->\S+: read: connection reset by peer)$/);
  await server.cleared();
});

test("a client that sends plain text is closed at once, without an error in the log", async () => {
  await using server = SecureServer.open({ tls: trust.tls() });
  for (const text of ["GET / HTTP/1.1\r\n\r\n", "\x00\x00\x00\x00\x00", "\x16\xff\x00\x00\x00"]) {
    using peer = await SecurePeer.open(server.port);
    await peer.info();
    await peer.write(Buffer.from(text, "latin1"));
    await peer.gone();
  }
  expect(await server.closeReasons(3)).toEqual(Array(3).fill(HANDSHAKE_FAILURE));
  expect(server.lines.filter(line => line.endsWith("tls: first record does not look like a TLS handshake"))).toHaveLength(3);
  expect(server.lines.filter(line => line.startsWith("ERR"))).toEqual([]);
});

test("a hello beyond its maximum size is refused", async () => {
  await using server = SecureServer.open({ tls: trust.tls({ timeoutMs: 60_000 }) });
  using announced = await SecurePeer.open(server.port);
  await announced.info();
  await announced.write(Buffer.from("\x16\x03\x01\x40\x00\x01\xff\xff\xff", "latin1"));
  await announced.gone();
  using trickling = await SecurePeer.open(server.port);
  await trickling.info();
  // Records of one byte: five sixths of what is collected are headers.
  const record = Buffer.from("\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x01\x00\x16\x03\x01\x00\x01\x7f\x16\x03\x01\x00\x01\xff", "latin1");
  await trickling.write(Buffer.concat([record, Buffer.alloc(60_000, Buffer.from("\x16\x03\x01\x00\x01a", "latin1"))]));
  await trickling.gone();
  expect(await server.closeReasons(2)).toEqual([HANDSHAKE_FAILURE, HANDSHAKE_FAILURE]);
  expect(server.lines.filter(line => line.endsWith("tls: handshake message is too large"))).toHaveLength(2);
});

test("the log names an unsupported version, and the lack of a common cipher suite", async () => {
  await using server = SecureServer.open({ tls: trust.tls({ minVersion: "1.3" }) });
  using old = await SecurePeer.open(server.port);
  await old.info();
  await old.secure({ maxVersion: 0x0303 });
  await server.logged("TLS handshake error: tls: client offered only unsupported versions: [303]");
  await using picky = SecureServer.open({ tls: trust.tls({ cipherSuites: ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"] }) });
  using other = await SecurePeer.open(picky.port);
  await other.info();
  await other.secure({ maxVersion: 0x0303, ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" });
  await picky.logged("TLS handshake error: tls: no cipher suite supported by both client and server");
  expect([old.secured, other.secured]).toEqual([false, false]);
});

test("connection_rate_limit refuses further connections with an -ERR, and the log counts them", async () => {
  const clock = new FakeClock(true);
  await using server = SecureServer.open({ tls: trust.tls({ connectionRateLimit: 2 }) }, null, clock);
  const peers: SecurePeer[] = [];
  for (let count = 0; count < 4; count++) peers.push(await SecurePeer.open(server.port));
  for (const peer of peers.slice(2)) {
    await peer.take("-ERR 'Connection throttling is active. Please try again later.'\r\n");
    await peer.gone();
  }
  for (const peer of peers.slice(0, 2)) {
    await peer.info();
    await peer.secure();
    await peer.connect();
  }
  expect(await server.closeReasons(2)).toEqual(["Maximum Connections Exceeded", "Maximum Connections Exceeded"]);
  clock.advance(2_000);
  await server.logged("WRN Rejected 2 connections due to TLS rate limiting");
  for (const peer of peers) peer[Symbol.dispose]();
});

test("stopping does not wait for handshakes in progress", async () => {
  const server = SecureServer.open({ tls: trust.tls({ timeoutMs: 60_000 }) });
  using idle = await SecurePeer.open(server.port);
  await idle.info();
  using begun = await SecurePeer.open(server.port);
  await begun.info();
  await begun.write(await helloOf());
  await begun.take("\x16\x03\x03");
  await server.stop();
  await Promise.all([idle.gone(), begun.gone()]);
  expect([idle.closed, begun.closed]).toEqual([true, true]);
});

test("fuzz: the server closes clients that send random bytes instead of a handshake, and keeps nothing of them", async () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  await using server = SecureServer.open({ tls: trust.tls({ timeoutMs: 200, verify: true, caFile: trust.caFile }) });
  const hello = await helloOf();
  for (let round = 0; round < 60; round++) {
    const bytes = Buffer.from(random.below(3) === 0 ? randomBytes(1 + random.below(4_000)) : hello);
    for (let flips = random.below(6); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
    using peer = await SecurePeer.open(server.port);
    await peer.info();
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random.below(bytes.length);
      await peer.write(bytes.subarray(at, end));
      at = end;
    }
    await peer.write(randomBytes(random.below(200)));
    if (random.below(2) === 0) peer.end();
    await peer.gone();
  }
  const reasons = await server.closeReasons(60);
  expect([...new Set(reasons)], `SEED=${seed}`).toEqual([HANDSHAKE_FAILURE]);
  await server.cleared();
  using good = await SecurePeer.open(server.port);
  expect((await good.info()).tls_verify).toBe(true);
});

/** The ClientHello of a real client. */
async function helloOf(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  using listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: (_socket, chunk) => resolve(Buffer.from(chunk)) } });
  using peer = await SecurePeer.open(listener.port);
  peer.secure().catch(() => {}); // there is no answer
  const hello = await promise;
  peer.terminate();
  return hello;
}

test("a failed or late handshake ends with FIN, not with a reset", async () => {
  await using server = SecureServer.open({ tls: trust.tls({ timeoutMs: 50 }) });
  const hello = await helloOf();
  for (const start of ["", "GET / HTTP/1.1\r\n\r\n", hello.subarray(0, 50), hello]) {
    const errors: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket = connectTcp(server.port, "127.0.0.1");
    socket.on("error", ({ message }) => errors.push(message));
    socket.on("close", () => resolve());
    socket.resume();
    socket.write(Buffer.from(start as Uint8Array));
    await promise;
    expect(errors).toEqual([]);
  }
  await server.cleared();
});
