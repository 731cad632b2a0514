/** Which certificate the server shows: by the requested name, by the algorithms of the client, and after new files. */
import { afterAll, expect, test } from "bun:test";
import { connect as connectTls } from "node:tls";
import { TlsContext } from "../../src/wire/transport/tls/tls-context.ts";
import type { TlsOptions } from "../../src/wire/transport/tls/tls-options.ts";
import { authority, type TestCertificate } from "./certificates.ts";
import { type PeerTls, SecurePeer } from "./secure-peer.ts";
import { SecureServer, TestAuthority } from "./secure-server.ts";

const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());

/** Writes a certificate for these names; the first one is its common name. */
function certificateFor(names: string[], more: { key?: "rsa" | "ec" | "ed25519" } = {}) {
  const certificate = trust.root.issue({ subject: `CN=${names[0]}`, names, ...more });
  return trust.directory.store(`${names[0]!.replace("*", "any")}-${more.key ?? "ec"}`, certificate);
}

/** The common name of the certificate that a client is shown. */
async function shownTo(port: number, tls: PeerTls): Promise<string> {
  using peer = await SecurePeer.open(port);
  await peer.info();
  await peer.secure(tls);
  return peer.serverName;
}

test("the requested name selects the certificate: exact, by wildcard, otherwise the first one", async () => {
  const certificates = [certificateFor(["first.test"]), certificateFor(["*.wild.test"]), certificateFor(["exact.wild.test", "other.test"])];
  await using server = SecureServer.open({ tls: trust.tls({ certificates }) });
  for (const [asked, shown] of [
    ["first.test", "first.test"],
    ["other.test", "exact.wild.test"],
    ["OTHER.test", "exact.wild.test"],
    ["a.wild.test", "*.wild.test"],
    ["exact.wild.test", "*.wild.test"], // the first that fits, as in Go
    ["a.b.wild.test", "first.test"],
    ["wild.test", "first.test"],
    ["unknown.test", "first.test"],
  ]) {
    expect([asked, await shownTo(server.port, { serverName: asked! })]).toEqual([asked!, shown!]);
  }
});

test("a client that does not support the first certificate's signature gets one that it supports", async () => {
  const certificates = [certificateFor(["ec.test"], { key: "ec" }), certificateFor(["rsa.test"], { key: "rsa" })];
  await using server = SecureServer.open({ tls: trust.tls({ certificates }) });
  const rsaOnly = { maxVersion: 0x0303, ciphers: "ECDHE-RSA-AES128-GCM-SHA256" };
  expect(await shownTo(server.port, { serverName: "" })).toBe("ec.test");
  expect(await shownTo(server.port, { serverName: "", ...rsaOnly })).toBe("rsa.test");
});

test("new certificates apply to new handshakes; open connections stay", async () => {
  const before = certificateFor(["before.test"]);
  const after = certificateFor(["after.test"]);
  await using server = SecureServer.open({ tls: trust.tls({ certificates: [before] }) });
  using old = await SecurePeer.open(server.port);
  await old.info();
  await old.secure();
  await old.connect("SUB a 1\r\n");
  for (const [files, shown] of [
    [after, "after.test"],
    [before, "before.test"],
    [after, "after.test"],
  ] as const) {
    server.useTls(TlsContext.load(trust.tls({ certificates: [files] })));
    expect(await shownTo(server.port, {})).toBe(shown);
  }
  using fresh = await SecurePeer.open(server.port);
  await fresh.info();
  await fresh.secure();
  await fresh.connect();
  await fresh.write("PUB a 2\r\nhi\r\n");
  await old.take("MSG a 1 2\r\nhi\r\n");
});

test("new pins close only the connections whose certificate is not pinned", async () => {
  const [kept, dropped] = [trust.root.issue({ subject: "CN=kept" }), trust.root.issue({ subject: "CN=dropped" })];
  const tls: Partial<TlsOptions> = { verify: true, caFile: trust.caFile };
  await using server = SecureServer.open({ tls: trust.tls({ ...tls, pinnedCerts: [kept.pin, dropped.pin] }) });
  const open = async (certificate: TestCertificate) => {
    const peer = await SecurePeer.open(server.port);
    await peer.info();
    await peer.secure({ cert: certificate.pem, key: certificate.keyPem });
    await peer.connect();
    return peer;
  };
  using stays = await open(kept);
  using goes = await open(dropped);
  server.useTls(TlsContext.load(trust.tls({ ...tls, pinnedCerts: [kept.pin] })));
  await goes.gone();
  expect(await server.closeReasons(1)).toEqual(["TLS Handshake Failure"]);
  await stays.connect();
});

test("resuming a session does not keep trust in a replaced authority", async () => {
  const client = trust.root.issue({ subject: "CN=client" });
  const verify = { verify: true, caFile: trust.caFile, handshakeFirst: true };
  await using server = SecureServer.open({ tls: trust.tls(verify) });
  const options = { port: server.port, host: "127.0.0.1", rejectUnauthorized: false, cert: client.pem, key: client.keyPem };
  const greeting = (session?: Buffer) =>
    new Promise<{ text: string; session: Buffer | undefined }>(resolve => {
      let text = "";
      const socket = connectTls({ ...options, ...(session === undefined ? {} : { session }) });
      socket.on("data", chunk => {
        text += chunk;
        if (text.includes("\r\n")) socket.end();
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve({ text, session: socket.getSession() }));
    });
  const first = await greeting();
  expect(first.text).toStartWith("INFO");
  const root = authority("Other CA");
  server.useTls(TlsContext.load(trust.tls({ ...verify, caFile: trust.directory.write("another.pem", root.pem) })));
  expect((await greeting(first.session)).text).toBe("");
});
