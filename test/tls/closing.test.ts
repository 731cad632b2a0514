/** Connections that the server closes: the peer gets the last bytes, and the server does not wait for a peer that goes on writing. */
import { afterAll, expect, test } from "bun:test";
import type { Options } from "../../src/config/schema/options.ts";
import { WEBSOCKET_DEFAULTS, type WebSocketOptions } from "../../src/config/schema/websocket-options.ts";
import { SocketCalls } from "../../src/wire/transport/socket-calls.ts";
import { FakeClock } from "../doubles/fake-clock.ts";
import { BINARY, frame } from "../websocket/raw-client.ts";
import { SecurePeer } from "./secure-peer.ts";
import { SecureServer, TestAuthority } from "./secure-server.ts";

const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());

const onLinux = test.skipIf(SocketCalls.load() === null);

/** The ways of a client to the server. */
interface Way {
  readonly options: Partial<Options>;
  port(server: SecureServer): number;
  /** Connects and authenticates. */
  open(port: number): Promise<SecurePeer>;
  /** The bytes that carry protocol text. */
  carry(text: string): Buffer;
}

const UPGRADE =
  "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

const WAYS: Record<string, Way> = {
  TCP: {
    options: {},
    port: server => server.port,
    async open(port) {
      const peer = await SecurePeer.open(port, true);
      await peer.info();
      await peer.connect();
      return peer;
    },
    carry: text => Buffer.from(text),
  },
  TLS: {
    options: { tls: trust.tls() },
    port: server => server.port,
    async open(port) {
      const peer = await SecurePeer.open(port, true);
      await peer.info();
      await peer.secure();
      await peer.connect();
      return peer;
    },
    carry: text => Buffer.from(text),
  },
  "secure WebSocket": webSocket({ tls: trust.tls() }, peer => peer.secure()),
  "WebSocket by Bun.serve": webSocket({ noTls: true }),
  "WebSocket by the codec": webSocket({ noTls: true, compression: true }),
};

function webSocket(given: Partial<WebSocketOptions>, secure: (peer: SecurePeer) => Promise<void> = async () => {}): Way {
  return {
    options: { websocket: { ...WEBSOCKET_DEFAULTS, host: "127.0.0.1", ...given } },
    port: server => server.websocketPort!,
    async open(port) {
      const peer = await SecurePeer.open(port, true);
      await secure(peer);
      await peer.write(UPGRADE);
      await peer.take("INFO ");
      await peer.write(frame(BINARY, Buffer.from('CONNECT {"verbose":false}\r\nPING\r\n')));
      await peer.take("PONG\r\n");
      return peer;
    },
    carry: text => frame(BINARY, Buffer.from(text)),
  };
}

/** Lets sockets report their events. */
const eventLoopTurn = () => new Promise<void>(resolve => setImmediate(resolve));

for (const [name, way] of Object.entries(WAYS)) {
  // The sockets of Bun.serve are found by the kernel's own times, which the test's clock cannot move.
  const limitMs = name === "WebSocket by Bun.serve" ? 2_000 : 50;

  onLinux(
    `${name}: a peer that goes on writing after a violation is cut off within ${limitMs} ms, and has received the error`,
    async () => {
      const clock = new FakeClock(true);
      await using server = SecureServer.open({ ...way.options, payloadBytesMax: 1000 }, null, clock);
      using peer = await way.open(way.port(server));
      await peer.write(way.carry("PUB a 2000\r\n"));
      const more = way.carry("x".repeat(100));
      for (let ms = 0; ms < limitMs && !peer.closed; ) {
        await peer.write(more);
        await eventLoopTurn();
        if (server.connections.size > 0) continue;
        clock.advance(1);
        ms++;
      }
      expect(peer.closed).toBe(true);
      await peer.take("-ERR 'Maximum Payload Violation'\r\n");
      expect(server.shard.transports.size).toBe(0);
    },
  );

  onLinux(`${name}: the error arrives whatever the peer is sending`, async () => {
    await using server = SecureServer.open({ ...way.options, payloadBytesMax: 1000 });
    const flood = way.carry("x".repeat(20_000));
    for (let round = 0; round < 100; round++) {
      using peer = await way.open(way.port(server));
      await peer.write(way.carry("PUB a 2000\r\n"));
      while (!peer.closed) {
        await peer.write(flood);
        await eventLoopTurn();
      }
      expect(peer.text, `round ${round}`).toContain("-ERR 'Maximum Payload Violation'\r\n");
    }
  });

  onLinux(`${name}: a server that stops closes clients that only read, without waiting for them`, async () => {
    const clock = new FakeClock(true); // it stands still, so nothing can time out
    const server = SecureServer.open(way.options, null, clock);
    const peers = await Promise.all(Array.from({ length: 20 }, () => way.open(way.port(server))));
    for (const peer of peers) peer.pause();
    await server.stop();
    for (const peer of peers) peer[Symbol.dispose]();
  });
}
