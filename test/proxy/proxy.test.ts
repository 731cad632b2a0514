/** PROXY headers on the client port, compared with the reference: addresses, log lines and close reasons. */
import { afterAll, describe, expect, test } from "bun:test";
import { WEBSOCKET_DEFAULTS } from "../../src/config/schema/websocket-options.ts";
import { FakeClock } from "../doubles/fake-clock.ts";
import { until } from "../faults/until.ts";
import { referenceIsLive } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { SecurePeer } from "../tls/secure-peer.ts";
import { SecureServer, TestAuthority } from "../tls/secure-server.ts";
import { upgradeRequest } from "../websocket/raw-client.ts";

const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());

interface Side extends AsyncDisposable {
  readonly port: number;
  readonly monitorPort: number;
  log(): string;
}

interface Rules {
  readonly tls?: boolean;
  readonly allowNonTls?: boolean;
  readonly handshakeFirst?: boolean;
}

const SIDES: [name: string, start: (rules?: Rules) => Promise<Side>][] = [
  [
    "ours",
    async ({ tls = false, allowNonTls = false, handshakeFirst = false } = {}) => {
      const server = SecureServer.open({
        proxyProtocol: true,
        httpPort: 0,
        allowNonTls,
        ...(tls ? { tls: trust.tls({ handshakeFirst }) } : {}),
      });
      return {
        port: server.port,
        monitorPort: server.monitorPort!,
        log: () => server.lines.map(line => `[${line.slice(0, 3)}]${line.slice(3)}`).join("\n"),
        [Symbol.asyncDispose]: () => server.stop(),
      };
    },
  ],
  [
    "nats-server",
    async ({ tls = false, allowNonTls = false, handshakeFirst = false } = {}) => {
      const { certFile, keyFile } = trust.serverFiles;
      const block = tls ? `tls { cert_file: "${certFile}", key_file: "${keyFile}", handshake_first: ${handshakeFirst} }` : "";
      const server = await ReferenceServer.start(`proxy_protocol: true\nallow_non_tls: ${allowNonTls}\n${block}`);
      return {
        port: server.port,
        monitorPort: server.monitorPort,
        log: () => server.log(),
        [Symbol.asyncDispose]: () => server.stop(),
      };
    },
  ],
];

const V1 = "PROXY TCP4 203.0.113.7 10.0.0.1 51234 4222\r\n";
const V2 = Buffer.concat([
  Buffer.from("\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c", "latin1"),
  Buffer.from([203, 0, 113, 8, 10, 0, 0, 1, 0xc8, 0x22, 0x10, 0x7e]),
]);

interface Shown {
  readonly cid: number;
  readonly ip: string;
  readonly port: number;
  readonly reason?: string;
}

async function connections(side: Side, state = "open"): Promise<Shown[]> {
  const response = await fetch(`http://127.0.0.1:${side.monitorPort}/connz?state=${state}`);
  return ((await response.json()) as { connections: Shown[] | null }).connections ?? [];
}

for (const [name, start] of SIDES) {
  if (name !== "ours" && !referenceIsLive()) continue; // the expected answers stand in the tests
  describe(name, () => {
    for (const [version, header, ip, port] of [
      ["1", Buffer.from(V1), "203.0.113.7", 51234],
      ["2", V2, "203.0.113.8", 51234],
    ] as const) {
      test(`version ${version}: /connz and the INFO after CONNECT have the source address of the header`, async () => {
        await using side = await start();
        using peer = await SecurePeer.open(side.port);
        expect((await peer.info()).client_ip).toBeUndefined();
        await peer.write(Buffer.concat([header, Buffer.from('CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n')]));
        await peer.take("PONG\r\n");
        expect((await peer.info()).client_ip).toBe(ip);
        expect((await connections(side)).map(shown => [shown.ip, shown.port])).toEqual([[ip, port]]);
      });
    }

    test("without a header, and with PROXY UNKNOWN, the address is the socket's", async () => {
      await using side = await start();
      for (const header of ["", "PROXY UNKNOWN\r\n"]) {
        using peer = await SecurePeer.open(side.port);
        expect((await peer.info()).client_ip).toBeUndefined();
        await peer.write(`${header}CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n`);
        await peer.take("PONG\r\n");
        expect((await peer.info()).client_ip).toBe("127.0.0.1");
      }
    });

    test("a header may arrive byte by byte", async () => {
      await using side = await start();
      using peer = await SecurePeer.open(side.port);
      await peer.info();
      for (const byte of V2) await peer.write(Buffer.from([byte]));
      await peer.connect();
      expect((await connections(side))[0]!.ip).toBe("203.0.113.8");
    });

    test("the header comes before TLS", async () => {
      await using side = await start({ tls: true });
      using peer = await SecurePeer.open(side.port);
      await peer.info();
      await peer.write(V1);
      await peer.secure();
      await peer.connect();
      expect((await connections(side))[0]!.ip).toBe("203.0.113.7");
    });

    test("with handshake_first the header comes before the handshake, and INFO has the address", async () => {
      await using side = await start({ tls: true, handshakeFirst: true });
      using peer = await SecurePeer.open(side.port);
      await peer.write(V2);
      await peer.secure();
      expect((await peer.info()).client_ip).toBe("203.0.113.8");
    });

    test("allow_non_tls: the bytes after the header select TLS or plain", async () => {
      await using side = await start({ tls: true, allowNonTls: true });
      using secure = await SecurePeer.open(side.port);
      await secure.info();
      await secure.write(V1);
      await secure.secure();
      await secure.connect();
      using plain = await SecurePeer.open(side.port);
      await plain.info();
      await plain.write(V2);
      await plain.connect();
      using bare = await SecurePeer.open(side.port);
      await bare.info();
      await bare.connect();
      expect((await connections(side)).map(({ ip }) => ip)).toEqual(["203.0.113.7", "203.0.113.8", "127.0.0.1"]);
    });

    test("an invalid header closes the connection without -ERR, and the log has the reason", async () => {
      await using side = await start();
      const refusals = [
        ["PROXY TCP4 1.2.3.4\r\n", "invalid PROXY protocol header: invalid v1 format"],
        ["PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n", 'invalid dest port: strconv.ParseUint: parsing "99999": value out of range'],
        ["PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "invalid PROXY protocol header: TCP6 with IPv4 address"],
        [`PROXY ${"x".repeat(120)}`, "invalid PROXY protocol header: v1 line too long"],
        ["\r\n\r\n\0\r\nQUIX\n", "invalid PROXY protocol header: invalid signature"],
        ["\r\n\r\n\0\r\nQUIT\n\x21\x12\0\0", "unsupported PROXY protocol feature: only STREAM protocol supported"],
        ["\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x05abcde", "IPv6 address data too short: 5 bytes"],
      ] as const;
      for (const [header, text] of refusals) {
        using peer = await SecurePeer.open(side.port);
        await peer.info();
        await peer.write(Buffer.from(header, "latin1"));
        await peer.gone();
        expect(peer.text).toBe("");
        const line = `[WRN] Error reading PROXY protocol header from 127.0.0.1:`;
        await until(
          () =>
            side
              .log()
              .split("\n")
              .some(logged => logged.includes(line) && logged.endsWith(`: ${text}`)),
          () => `"${text}" is not in the log:\n${side.log()}`,
        );
      }
      const closed = await connections(side, "closed");
      expect([...new Set(closed.map(({ reason }) => reason))]).toEqual(["Protocol Violation"]);
      expect(closed).toHaveLength(refusals.length);
    });

    for (const [bytes, text] of [
      ["", "failed to read protocol version: EOF"],
      ["PRO", "failed to read protocol version: unexpected EOF"],
      ["PROXY TCP4", "failed to read v1 line: EOF"],
      ["\r\n\r\n\0\r\nQU", "failed to read v2 signature: unexpected EOF"],
      ["\r\n\r\n\0\r\nQUIT\n\x21\x11", "failed to read v2 header: unexpected EOF"],
      ["\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0cabc", "failed to read IPv4 address data: unexpected EOF"],
    ] as const) {
      test(`the connection ends in the header: ${text}`, async () => {
        await using side = await start();
        using peer = await SecurePeer.open(side.port);
        await peer.info();
        await peer.write(Buffer.from(bytes, "latin1"));
        peer.end();
        await until(
          () =>
            side
              .log()
              .split("\n")
              .some(line => line.endsWith(text)),
          () => `"${text}" is not in the log:\n${side.log()}`,
        );
      });
    }
  });
}

test("a header that does not arrive in time closes the connection like an invalid one", async () => {
  const clock = new FakeClock(true);
  await using server = SecureServer.open({ proxyProtocol: true }, null, clock);
  using peer = await SecurePeer.open(server.port);
  await peer.info();
  clock.advance(5_100);
  await peer.gone();
  expect(await server.closeReasons(1)).toEqual(["Protocol Violation"]);
  await server.logged("failed to read protocol version: read tcp 127.0.0.1:");
});

describe("ours only", () => {
  test("handshake_first: auto sends INFO to a client behind a proxy that waits for it, and lets one that begins with TLS go first", async () => {
    const clock = new FakeClock(true);
    const tls = trust.tls({ handshakeFirst: true, handshakeFirstFallbackMs: 50 });
    await using server = SecureServer.open({ proxyProtocol: true, tls }, null, clock);
    for (const parts of [[V1], [V2], [V1.slice(0, 3), V1.slice(3, 20), V1.slice(20)]]) {
      using waiting = await SecurePeer.open(server.port);
      for (const part of parts) await waiting.write(part);
      await until(
        () => [...server.connections.values()].at(-1)?.transport.remoteAddress.startsWith("203.0.113.") ?? false,
        () => "the header is not read",
      );
      expect(waiting.text).toBe("");
      clock.advance(60);
      expect((await waiting.info()).tls_required).toBe(true);
      await waiting.secure();
      await waiting.connect();
    }
    using first = await SecurePeer.open(server.port);
    await first.write(V1);
    await first.secure();
    expect((await first.info()).tls_required).toBe(true);
    await first.connect();
  });

  for (const secure of [false, true]) {
    test(`the ${secure ? "secure " : ""}WebSocket port reads a PROXY header, and refuses a broken one`, async () => {
      const websocket = { ...WEBSOCKET_DEFAULTS, host: "127.0.0.1", noTls: !secure, tls: secure ? trust.tls() : null };
      await using server = SecureServer.open({ proxyProtocol: true, websocket });
      for (const [header, address] of [
        [V1, "203.0.113.7"],
        [V2, "203.0.113.8"],
        ["", "127.0.0.1"],
      ] as const) {
        using peer = await SecurePeer.open(server.websocketPort!);
        await peer.write(header);
        if (secure) await peer.secure();
        await peer.write(upgradeRequest());
        await peer.take("INFO ");
        expect([...server.connections.values()].at(-1)!.transport.remoteAddress).toBe(address);
      }
      using broken = await SecurePeer.open(server.websocketPort!);
      await broken.write("PROXY TCP4 nonsense\r\n");
      await broken.gone();
      await server.logged("Error reading PROXY protocol header from 127.0.0.1:");
    });
  }
});
