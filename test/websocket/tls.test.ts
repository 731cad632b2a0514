/** wss, which only the codec offers: client certificates are verified, a new server certificate leaves open connections alone. */
import { afterAll, expect, test } from "bun:test";
import { connect as connectTls } from "node:tls";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import { TLS_DEFAULTS, type TlsOptions } from "../../src/wire/transport/tls/tls-options.ts";
import { until } from "../faults/until.ts";
import { authority, CertificateDirectory } from "../tls/certificates.ts";
import { SecurePeer } from "../tls/secure-peer.ts";
import { BINARY, frame, RawClient, upgradeRequest } from "./raw-client.ts";
import { ourServer, startTestedServer, type TestedServer } from "./tested-server.ts";

const files = new CertificateDirectory();
afterAll(() => files[Symbol.dispose]());
const root = authority();
const caFile = files.write("ca.pem", root.pem);
const first = files.store("first", root.issue({ subject: "CN=first", names: ["127.0.0.1", "localhost"] }));
const second = files.store("second", root.issue({ subject: "CN=second", names: ["127.0.0.1", "localhost"] }));
const clientCertificate = root.issue({ subject: "O=bunats,CN=client" });
const untrusted = authority("Other CA").issue({ subject: "CN=untrusted" });

const ours: Bun.TLSOptions = { ca: root.pem };
const showing = ({ pem, keyPem }: { pem: string; keyPem: string }): Bun.TLSOptions => ({ ca: root.pem, cert: pem, key: keyPem });

async function start(tls: Partial<TlsOptions> = {}, handshakeTimeoutMs = 60_000): Promise<TestedServer> {
  const options = { ...TLS_DEFAULTS, certificates: [first], ...tls };
  return startTestedServer("codec", { websocket: { tls: options, noTls: false, handshakeTimeoutMs } });
}

async function greeted(tested: TestedServer, tls: Bun.TLSOptions): Promise<RawClient> {
  const client = await RawClient.upgrade(tested.port, {}, tls);
  const info = JSON.parse((await client.textUntil("\r\n")).slice("INFO ".length));
  expect([info.tls_required, info.tls_available, info.port]).toEqual([true, true, tested.port]);
  return client;
}

/** The common name in the certificate that the server shows to a new connection. */
function nameOnPort(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port, ca: root.pem }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

test("messages over TLS are the same as without", async () => {
  const tested = await start();
  expect(tested.lines()).toContain(`[INF] Listening for websocket clients on wss://127.0.0.1:${tested.port}`);
  expect(tested.lines().some(line => line.includes("DO NOT USE IN PRODUCTION"))).toBe(false);
  using client = await greeted(tested, ours);
  const size = 500_000;
  await client.write(frame(BINARY, 'CONNECT {"verbose":false}\r\nSUB a 1\r\n'));
  await client.write(frame(BINARY, `PUB a ${size}\r\n${"x".repeat(size)}\r\nPING\r\n`));
  expect(await client.textUntil("PONG\r\n")).toBe(`MSG a 1 ${size}\r\n${"x".repeat(size)}\r\nPONG\r\n`);
  await tested.stop();
  expect(await client.closed()).toBe("1001 Server Shutdown");
});

test("a new certificate is shown to new connections, and open connections stay", async () => {
  const tested = await start();
  using before = await greeted(tested, ours);
  expect(await nameOnPort(tested.port)).toBe("first");
  const server = ourServer(tested);
  const { websocket } = server.options;
  const after = completeOptions({ ...server.options, websocket: { ...websocket!, tls: { ...websocket!.tls!, certificates: [second] } } });
  server.prepare(after)();
  expect(await nameOnPort(tested.port)).toBe("second");
  using later = await greeted(tested, ours);
  for (const client of [before, later]) {
    await client.write(frame(BINARY, "PING\r\n"));
    expect(await client.textUntil("\r\n")).toBe("PONG\r\n");
  }
  const unreadable = { ...websocket!.tls!, certificates: [{ certFile: "/nowhere", keyFile: "/nowhere" }] };
  expect(() => server.prepare(completeOptions({ ...server.options, websocket: { ...websocket!, tls: unreadable } }))).toThrow("/nowhere");
  await tested.stop();
  expect([await before.closed(), await later.closed()]).toEqual(["1001 Server Shutdown", "1001 Server Shutdown"]);
});

test("same_origin requires https on a TLS listener", async () => {
  const tested = await startTestedServer("codec", {
    websocket: { tls: { ...TLS_DEFAULTS, certificates: [first] }, sameOrigin: true },
  });
  const status = async (Origin: string) => {
    using client = await RawClient.open(tested.port, ours);
    await client.write(upgradeRequest({ headers: { Origin, Host: "here.example" } }));
    return (await client.head()).status;
  };
  expect([await status("https://here.example"), await status("https://here.example:443"), await status("http://here.example")]).toEqual([
    101, 101, 403,
  ]);
  await tested.stop();
});

test("with verify a client must show a certificate, and the connection keeps its tested", async () => {
  const tested = await start({ verify: true, caFile });
  using client = await greeted(tested, showing(clientCertificate));
  await client.write(frame(BINARY, "PING\r\n"));
  expect(await client.textUntil("\r\n")).toBe("PONG\r\n");
  const [connection] = [...ourServer(tested).connections.values()];
  expect(connection!.transport.tls!.peerCertificates.map(({ subject: name }) => name)).toEqual(["CN=client,O=bunats"]);
  for (const tls of [ours, showing(untrusted)]) {
    const refused = await RawClient.open(tested.port, tls);
    await refused.write(upgradeRequest());
    expect(await refused.nextFrame()).toBeNull();
  }
  await until(
    () => tested.lines().filter(line => line.startsWith("[ERR] websocket: TLS handshake error from 127.0.0.1:")).length === 2,
    () => tested.lines().join("\n"),
  );
  await tested.stop();
});

test("a certificate that is not pinned is refused", async () => {
  const tested = await start({ verify: true, caFile, pinnedCerts: [clientCertificate.pin] });
  (await greeted(tested, showing(clientCertificate))).terminate();
  const other = await RawClient.open(tested.port, showing(root.issue({ subject: "CN=other" })));
  await other.write(upgradeRequest());
  expect(await other.nextFrame()).toBeNull();
  await tested.stop();
});

test("a client that sends plain text or nothing is closed after the handshake timeout", async () => {
  const tested = await start({}, 200);
  using plain = await RawClient.open(tested.port);
  await plain.write(upgradeRequest());
  using silent = await RawClient.open(tested.port);
  expect([await plain.nextFrame(), await silent.nextFrame()]).toEqual([null, null]);
  await tested.stop();
});

test("failed handshakes are logged, and plain HTTP is answered, as nats-server does", async () => {
  const tested = await start({}, 100);
  const probes: [bytes: string, answer: string, reason: string][] = [
    [
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
      "client sent an HTTP request to an HTTPS server",
    ],
    ["CONNECT {}\r\nPING\r\n", "", "tls: first record does not look like a TLS handshake"],
    ["\x00\x01\x02\x03\x04", "", "tls: first record does not look like a TLS handshake"],
    ["", "", "i/o timeout"],
  ];
  for (const [index, [bytes, answer, reason]] of probes.entries()) {
    const peer = await SecurePeer.open(tested.port);
    await peer.write(bytes);
    await peer.gone();
    expect(peer.text).toBe(answer);
    const failures = () => tested.lines().filter(line => /^\[ERR\] websocket: TLS handshake error from 127\.0\.0\.1:\d+: /.test(line));
    await until(
      () => failures().length > index,
      () => tested.lines().join("\n"),
    );
    expect(failures()[index]).toEndWith(reason);
  }
  await tested.stop();
});
