/** A reload of each rule of a `tls` block is in force for the next handshake, on the client port and on the WebSocket port, or is refused. */
import { afterAll, expect, test } from "bun:test";
import type { Options } from "../../src/config/schema/options.ts";
import { WEBSOCKET_DEFAULTS } from "../../src/config/schema/websocket-options.ts";
import { reload } from "../../src/server/process/reload.ts";
import { OCSP_PEER_DEFAULTS } from "../../src/wire/transport/tls/ocsp/ocsp-rules.ts";
import type { TlsOptions } from "../../src/wire/transport/tls/tls-options.ts";
import { until } from "../faults/until.ts";
import { BINARY, frame, upgradeRequest } from "../websocket/raw-client.ts";
import { authority, type TestCertificate } from "./certificates.ts";
import { OcspResponder, ocspResponse } from "./ocsp-responder.ts";
import { type PeerTls, SecurePeer } from "./secure-peer.ts";
import { SecureServer, TestAuthority } from "./secure-server.ts";

const trust = new TestAuthority();
const responder = new OcspResponder();
afterAll(() => {
  trust[Symbol.dispose]();
  responder[Symbol.dispose]();
});

const client = trust.root.issue({ subject: "CN=client" });
const other = trust.root.issue({ subject: "CN=other" });
const untrusted = authority("Other CA").issue({ subject: "CN=untrusted" });
const revoked = trust.root.issue({ subject: "CN=revoked", ocspResponder: responder.url });
responder.put(revoked, ocspResponse(revoked, { status: "revoked" }));
const second = trust.directory.store("second", trust.root.issue({ subject: "CN=second", names: ["second.test"] }));

const verified = { verify: true, caFile: trust.caFile };

interface Visitor extends PeerTls {
  readonly certificate?: TestCertificate;
}

/** A listener with a `tls` block. */
interface Listener {
  options(tls: TlsOptions): Partial<Options>;
  port(server: SecureServer): number;
  /** Connects and sends PING; returns whether the PONG came. */
  greet(peer: SecurePeer): Promise<void>;
  readonly waitsForInfo: boolean;
}

const LISTENERS: Record<string, Listener> = {
  client: {
    options: tls => ({ tls }),
    port: server => server.port,
    greet: peer => peer.write('CONNECT {"verbose":false}\r\nPING\r\n'),
    waitsForInfo: true,
  },
  websocket: {
    options: tls => ({ websocket: { ...WEBSOCKET_DEFAULTS, host: "127.0.0.1", tls } }),
    port: server => server.websocketPort!,
    async greet(peer) {
      await peer.write(upgradeRequest());
      await peer.write(""); // the frames must not come together with the request
      await until(
        () => peer.closed || peer.text.includes("INFO "),
        () => "neither INFO nor the end comes",
      );
      await peer.write(frame(BINARY, 'CONNECT {"verbose":false}\r\nPING\r\n'));
    },
    waitsForInfo: false,
  },
};

/** What a visitor finds: the name of the server's certificate, or null when the visitor is refused. */
async function visit(server: SecureServer, listener: Listener, { certificate, ...tls }: Visitor = {}): Promise<string | null> {
  using peer = await SecurePeer.open(listener.port(server));
  if (listener.waitsForInfo) {
    await until(
      () => peer.closed || peer.text.includes("\r\n"),
      () => "neither INFO nor the end comes",
    );
    peer.text = "";
    if (peer.closed) return null;
  }
  await peer.secure({ ...tls, ...(certificate === undefined ? {} : { cert: certificate.chainPem, key: certificate.keyPem }) });
  await listener.greet(peer);
  await until(
    () => peer.closed || peer.text.includes("PONG\r\n"),
    () => "neither PONG nor the end comes",
  );
  return peer.text.includes("PONG\r\n") ? peer.serverName : null;
}

/** The visitors of a rule: each with what it finds before the reload and after it. */
const RULES: Record<
  string,
  { before?: Partial<TlsOptions>; after: Partial<TlsOptions>; visitors: [Visitor, string | null, string | null][] }
> = {
  verify: {
    after: verified,
    visitors: [
      [{}, "server", null],
      [{ certificate: untrusted }, "server", null],
      [{ certificate: client }, "server", "server"],
    ],
  },
  "verify: optional": {
    after: { verifyOptional: true, caFile: trust.caFile },
    visitors: [
      [{}, "server", "server"],
      [{ certificate: untrusted }, "server", null],
      [{ certificate: client }, "server", "server"],
    ],
  },
  "verify, no longer optional": {
    before: { verifyOptional: true, caFile: trust.caFile },
    after: verified,
    visitors: [
      [{}, "server", null],
      [{ certificate: client }, "server", "server"],
    ],
  },
  "verify, switched off": {
    before: verified,
    after: {},
    visitors: [
      [{}, null, "server"],
      [{ certificate: untrusted }, null, "server"],
    ],
  },
  ca_file: {
    before: { verify: true, caFile: trust.directory.write("other-ca.pem", untrusted.issuer!.pem) },
    after: verified,
    visitors: [
      [{ certificate: client }, null, "server"],
      [{ certificate: untrusted }, "server", null],
    ],
  },
  ocsp_peer: {
    before: verified,
    after: { ...verified, ocspPeer: OCSP_PEER_DEFAULTS },
    visitors: [
      [{ certificate: revoked }, "server", null],
      [{ certificate: client }, "server", "server"],
    ],
  },
  "a second certificate": {
    after: { certificates: [trust.serverFiles, second] },
    visitors: [
      [{ serverName: "second.test" }, "server", "second"],
      [{ serverName: "localhost" }, "server", "server"],
    ],
  },
  min_version: {
    after: { minVersion: "1.3" },
    visitors: [
      [{ maxVersion: 0x0303 }, "server", null],
      [{}, "server", "server"],
    ],
  },
  cipher_suites: {
    after: { cipherSuites: ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"] },
    visitors: [
      [{ maxVersion: 0x0303, ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }, "server", null],
      [{ maxVersion: 0x0303, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" }, "server", "server"],
    ],
  },
};

const apply = (server: SecureServer, given: Partial<Options>) =>
  reload(server, { options: { ...server.options, ...given }, digest: "sha256:", warnings: [] });

for (const [listenerName, listener] of Object.entries(LISTENERS)) {
  for (const [ruleName, { before = {}, after, visitors }] of Object.entries(RULES)) {
    test(`${listenerName}: ${ruleName} is in force after a reload`, async () => {
      await using server = SecureServer.open(listener.options(trust.tls(before)));
      for (const [visitor, finds] of visitors) expect(await visit(server, listener, visitor)).toBe(finds);
      apply(server, listener.options(trust.tls(after)));
      expect(server.lines.at(-1)).toBe("INF Reloaded server configuration (sha256:)");
      for (const [visitor, , finds] of visitors) expect(await visit(server, listener, visitor)).toBe(finds);
    });
  }

  test(`${listenerName}: verify_and_map cannot be reloaded`, async () => {
    await using server = SecureServer.open(listener.options(trust.tls()));
    expect(() => apply(server, listener.options(trust.tls({ ...verified, mapsCertificate: true })))).toThrow(
      "config reload not supported for",
    );
    expect(await visit(server, listener)).toBe("server");
  });

  test(`${listenerName}: pinned_certs are in force after a reload, or cannot be reloaded`, async () => {
    await using server = SecureServer.open(listener.options(trust.tls(verified)));
    const change = () => apply(server, listener.options(trust.tls({ ...verified, pinnedCerts: [client.pin] })));
    if (listenerName === "websocket") return expect(change).toThrow("config reload not supported for Websocket");
    expect(await visit(server, listener, { certificate: other })).toBe("server");
    change();
    expect(await visit(server, listener, { certificate: other })).toBeNull();
    expect(await visit(server, listener, { certificate: client })).toBe("server");
  });
}

test("websocket: a limit of handshakes is in force after a reload; that of the client port cannot be reloaded", async () => {
  const { websocket, client } = LISTENERS;
  await using server = SecureServer.open({ ...websocket!.options(trust.tls()), ...client!.options(trust.tls()) });
  expect(() => apply(server, client!.options(trust.tls({ connectionRateLimit: 1 })))).toThrow(
    "config reload not supported for TLSRateLimit",
  );
  apply(server, websocket!.options(trust.tls({ connectionRateLimit: 1 })));
  const visits = await Promise.all(Array.from({ length: 30 }, () => visit(server, websocket!)));
  expect(visits.filter(finds => finds === null).length).toBeGreaterThan(0);
});

test("websocket: TLS cannot be added or removed by a reload", async () => {
  const { websocket } = LISTENERS;
  const plain = { websocket: { ...WEBSOCKET_DEFAULTS, host: "127.0.0.1", noTls: true } };
  const secure = { websocket: { ...plain.websocket, tls: trust.tls() } };
  await using server = SecureServer.open(plain);
  expect(() => apply(server, secure)).toThrow("config reload not supported for Websocket");
  await using other = SecureServer.open(secure);
  expect(() => apply(other, plain)).toThrow("config reload not supported for Websocket");
  expect(await visit(other, websocket!)).toBe("server");
});

test("verify: optional is not shown as tls_verify in INFO", async () => {
  await using server = SecureServer.open({ tls: trust.tls({ verifyOptional: true, caFile: trust.caFile }) });
  using peer = await SecurePeer.open(server.port);
  const info = await peer.info();
  expect([info.tls_required, info.tls_verify]).toEqual([true, undefined]);
  apply(server, { tls: trust.tls(verified) });
  using later = await SecurePeer.open(server.port);
  expect((await later.info()).tls_verify).toBe(true);
});
