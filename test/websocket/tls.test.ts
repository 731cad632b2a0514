/** wss: both owners speak it; certificates of clients are the codec's; our own certificate is replaced while connections go on. */
import { afterAll, expect, test } from "bun:test";
import { connect as connectTls } from "node:tls";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import { TLS_DEFAULTS, type TlsOptions } from "../../src/wire/transport/tls/tls-options.ts";
import { until } from "../faults/until.ts";
import { authority, CertificateDirectory } from "../tls/certificates.ts";
import { BINARY, frame, RawClient, upgradeRequest } from "./raw-client.ts";
import { OURS, ourServer, type Subject, startSubject } from "./subject.ts";

const files = new CertificateDirectory();
afterAll(() => files[Symbol.dispose]());
const root = authority();
const caFile = files.write("ca.pem", root.pem);
const first = files.store("first", root.issue({ subject: "CN=first", names: ["127.0.0.1", "localhost"] }));
const second = files.store("second", root.issue({ subject: "CN=second", names: ["127.0.0.1", "localhost"] }));
const visitorCertificate = root.issue({ subject: "O=bunats,CN=visitor" });
const stranger = authority("Strangers").issue({ subject: "CN=stranger" });

const ours: Bun.TLSOptions = { ca: root.pem };
const showing = ({ pem, keyPem }: { pem: string; keyPem: string }): Bun.TLSOptions => ({ ca: root.pem, cert: pem, key: keyPem });

async function start(name: "codec" | "Bun.serve", tls: Partial<TlsOptions> = {}, handshakeTimeoutMs = 2_000): Promise<Subject> {
  const options = { ...TLS_DEFAULTS, certificates: [first], ...tls };
  return startSubject(name, { websocket: { tls: options, noTls: false, handshakeTimeoutMs } });
}

async function greeted(subject: Subject, tls: Bun.TLSOptions): Promise<RawClient> {
  const client = await RawClient.upgrade(subject.port, {}, tls);
  const info = JSON.parse((await client.textUntil("\r\n")).slice("INFO ".length));
  expect([info.tls_required, info.tls_available, info.port]).toEqual([true, true, subject.port]);
  return client;
}

/** Whom the server says it is to somebody who comes now. */
function nameOnPort(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port, ca: root.pem }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

for (const name of OURS) {
  test(`${name}: over TLS as without`, async () => {
    const subject = await start(name);
    expect(subject.lines()).toContain(`[INF] Listening for websocket clients on wss://127.0.0.1:${subject.port}`);
    expect(subject.lines().some(line => line.includes("DO NOT USE IN PRODUCTION"))).toBe(false);
    using client = await greeted(subject, ours);
    const size = 500_000;
    await client.write(frame(BINARY, 'CONNECT {"verbose":false}\r\nSUB a 1\r\n'));
    await client.write(frame(BINARY, `PUB a ${size}\r\n${"x".repeat(size)}\r\nPING\r\n`));
    expect(await client.textUntil("PONG\r\n")).toBe(`MSG a 1 ${size}\r\n${"x".repeat(size)}\r\nPONG\r\n`);
    await subject.stop();
    expect(await client.closed()).toBe("1001 Server Shutdown");
  });

  test(`${name}: another certificate is shown to those who come, those who are here stay`, async () => {
    const subject = await start(name);
    using before = await greeted(subject, ours);
    expect(await nameOnPort(subject.port)).toBe("first");
    const server = ourServer(subject);
    const { websocket } = server.options;
    const after = completeOptions({ ...server.options, websocket: { ...websocket!, tls: { ...websocket!.tls!, certificates: [second] } } });
    server.prepare(after)();
    expect(await nameOnPort(subject.port)).toBe("second");
    using later = await greeted(subject, ours);
    for (const client of [before, later]) {
      await client.write(frame(BINARY, "PING\r\n"));
      expect(await client.textUntil("\r\n")).toBe("PONG\r\n");
    }
    const unreadable = { ...websocket!.tls!, certificates: [{ certFile: "/nowhere", keyFile: "/nowhere" }] };
    expect(() => server.prepare(completeOptions({ ...server.options, websocket: { ...websocket!, tls: unreadable } }))).toThrow("/nowhere");
    await subject.stop();
    expect([await before.closed(), await later.closed()]).toEqual(["1001 Server Shutdown", "1001 Server Shutdown"]);
  });

  test(`${name}: same_origin means https here`, async () => {
    const subject = await startSubject(name, {
      websocket: { tls: { ...TLS_DEFAULTS, certificates: [first] }, sameOrigin: true },
    });
    const status = async (Origin: string) => {
      using client = await RawClient.open(subject.port, ours);
      await client.write(upgradeRequest({ headers: { Origin, Host: "here.example" } }));
      return (await client.head()).status;
    };
    expect([await status("https://here.example"), await status("https://here.example:443"), await status("http://here.example")]).toEqual([
      101, 101, 403,
    ]);
    await subject.stop();
  });
}

test("a client must show a certificate where that is asked, and monitoring shows who it is", async () => {
  const subject = await start("codec", { verify: true, caFile });
  using client = await greeted(subject, showing(visitorCertificate));
  await client.write(frame(BINARY, "PING\r\n"));
  expect(await client.textUntil("\r\n")).toBe("PONG\r\n");
  const [connection] = [...ourServer(subject).connections.values()];
  expect(connection!.transport.tls!.peerCertificates.map(({ subject: name }) => name)).toEqual(["CN=visitor,O=bunats"]);
  for (const tls of [ours, showing(stranger)]) {
    const refused = await RawClient.open(subject.port, tls);
    await refused.write(upgradeRequest());
    expect(await refused.nextFrame()).toBeNull();
  }
  await until(
    () => subject.lines().filter(line => line.startsWith("[ERR] websocket: http: TLS handshake error from 127.0.0.1:")).length === 2,
    () => subject.lines().join("\n"),
  );
  await subject.stop();
});

test("only pinned certificates", async () => {
  const subject = await start("codec", { verify: true, caFile, pinnedCerts: [visitorCertificate.pin] });
  (await greeted(subject, showing(visitorCertificate))).terminate();
  const other = await RawClient.open(subject.port, showing(root.issue({ subject: "CN=other" })));
  await other.write(upgradeRequest());
  expect(await other.nextFrame()).toBeNull();
  await subject.stop();
});

test("whoever speaks no TLS, or says nothing, is closed in time", async () => {
  const subject = await start("codec", {}, 200);
  using plain = await RawClient.open(subject.port);
  await plain.write(upgradeRequest());
  using silent = await RawClient.open(subject.port);
  expect([await plain.nextFrame(), await silent.nextFrame()]).toEqual([null, null]);
  await subject.stop();
});
