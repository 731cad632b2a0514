/** Monitoring over https: it uses the certificate of the client port, requires none of clients, and a reload changes it. */
import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { SILENT } from "../../src/base/log/silent-logger.ts";
import { NatsServer } from "../../src/index.ts";
import { TestAuthority } from "../tls/secure-server.ts";
import { RawClient } from "../websocket/raw-client.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import { startOurs } from "./monitored-pair.ts";

const authority = new TestAuthority();
afterAll(() => authority[Symbol.dispose]());
const trusted = { ca: authority.root.pem };

const request = (port: number, path: string) => fetch(`https://localhost:${port}${path}`, { tls: trusted, keepalive: false });

test("https has the certificate of the client port, and requires no client certificate where the client port does", async () => {
  await using server = await startOurs({ httpPort: null, httpsPort: 0, tls: authority.tls({ caFile: authority.caFile, verify: true }) });
  const port = server.monitorPort!;
  const response = await request(port, "/varz");
  expect(response.status).toBe(200);
  const varz = (await response.json()) as Record<string, unknown>;
  expect([varz.http_port, varz.https_port, varz.tls_required, varz.tls_verify]).toEqual([0, port, true, true]);
  const expiry = Date.parse(varz.tls_cert_not_after as string);
  expect(Math.abs(expiry - Date.now() - 30 * 86_400_000)).toBeLessThan(60_000);
  const plain = await fetch(`http://127.0.0.1:${port}/varz`);
  expect([plain.status, await plain.text()]).toEqual([400, "Client sent an HTTP request to an HTTPS server.\n"]);
});

/** The common name of the certificate that a new connection gets. */
async function shown(port: number, serverName = "localhost"): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    tls: { ...trusted, serverName },
    socket: { data() {}, handshake: peer => resolve((peer.getPeerCertificate() as { subject: { CN: string } }).subject.CN) },
  });
  const name = await promise;
  socket.terminate();
  return name;
}

test("each configured name gets its certificate, other names get the first", async () => {
  const other = authority.directory.store("other", authority.root.issue({ subject: "CN=other", names: ["other.example"] }));
  const tls = authority.tls({ certificates: [authority.serverFiles, other] });
  await using server = await startOurs({ httpPort: null, httpsPort: 0, tls });
  const names = ["localhost", "other.example", "unknown.example"];
  expect(await Promise.all(names.map(name => shown(server.monitorPort!, name)))).toEqual(["server", "other", "server"]);
});

test("a reload changes the certificate: open connections stay, new ones get the new certificate", async () => {
  const files = authority.directory.store("reloaded", authority.root.issue({ subject: "CN=before", names: ["localhost"] }));
  const configFile = authority.directory.write(
    "https.conf",
    `listen: "127.0.0.1:-1"\nhttps: "127.0.0.1:-1"\ntls { cert_file: "${files.certFile}", key_file: "${files.keyFile}" }\n`,
  );
  await using server = await NatsServer.start({ configFile });
  const port = server.monitorPort!;
  expect(await shown(port)).toBe("before");
  const tls = { ...trusted, serverName: "localhost" };
  const kept = await RawClient.open(port, tls);
  const head = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const answered = async () => {
    await kept.write(head);
    return [(await kept.head()).status, await kept.body(15)];
  };
  expect(await answered()).toEqual([200, '{"status":"ok"}']);
  server.reload(); // with the same certificate
  expect(await answered()).toEqual([200, '{"status":"ok"}']);
  const started = await RawClient.open(port, tls);
  await started.write(head.slice(0, 20));
  await shown(port); // the server has read what was written before
  authority.directory.store("reloaded", authority.root.issue({ subject: "CN=after", names: ["localhost"] }));
  server.reload();
  expect(await shown(port)).toBe("after");
  await started.write(head.slice(20));
  expect((await started.head()).status).toBe(200);
  expect(await answered()).toEqual([200, '{"status":"ok"}']); // open connections stay
  kept.terminate();
  started.terminate();
});

test("https requires a certificate and a free port", async () => {
  const failure = (options: Parameters<typeof startOurs>[0]) =>
    startOurs(options).then(
      server => server.stop(),
      (error: Error) => error.message,
    );
  expect(await failure({ httpPort: null, httpsPort: 0 })).toContain("TLS");
  await using server = await startOurs();
  const tls = authority.tls();
  expect(await failure({ httpPort: null, httpsPort: server.monitorPort, tls })).toBe(
    `Can't start monitoring: can't listen to the monitor port: listen tcp 127.0.0.1:${server.monitorPort}: bind: address already in use`,
  );
  writeFileSync(authority.directory.write("no.pem", ""), "no certificate");
  const broken = { ...tls, certificates: [{ ...authority.serverFiles, certFile: `${authority.directory.path}/no.pem` }] };
  expect(await failure({ httpPort: null, httpsPort: 0, tls: broken })).toBeString();
});

test("plain HTTP on the https port, and what is neither, are answered and logged as the reference does", async () => {
  const lines: string[] = [];
  const log = { ...SILENT, error: (text: string) => void lines.push(text.replace(/:\d+:/, ":<port>:")) };
  await using server = await startOurs({ httpPort: null, httpsPort: 0, tls: authority.tls(), log });
  const answerTo = async (bytes: string) => {
    const connection = await WireConnection.open(server.monitorPort!, "requester");
    await connection.write(Buffer.from(bytes));
    return Buffer.from(await connection.takeAll()).toString();
  };
  expect(await answerTo("GET /varz HTTP/1.1\r\nHost: a\r\n\r\n")).toBe(
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
  );
  expect(await answerTo("nonsense\r\n")).toBe("");
  expect(lines).toEqual([
    "monitoring: TLS handshake error from 127.0.0.1:<port>: client sent an HTTP request to an HTTPS server",
    "monitoring: TLS handshake error from 127.0.0.1:<port>: tls: first record does not look like a TLS handshake",
  ]);
});
