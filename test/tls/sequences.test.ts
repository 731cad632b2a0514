/** The order of INFO and the handshake: every order that the reference has, tested with it and with our server. */
import { afterAll, describe, expect, test } from "bun:test";
import type { TlsOptions } from "../../src/wire/transport/tls/tls-options.ts";
import { referenceIsLive } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { SecurePeer } from "./secure-peer.ts";
import { SecureServer, TestAuthority } from "./secure-server.ts";

const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());

interface Rules {
  readonly tls: Partial<TlsOptions>;
  readonly allowNonTls?: boolean;
  /** Clients must authenticate within this time. */
  readonly authTimeoutMs?: number;
  /** The same options as lines of the reference's configuration. */
  readonly config: string;
}

interface Side extends AsyncDisposable {
  readonly port: number;
}

const SIDES: [name: string, start: (rules: Rules) => Promise<Side>][] = [
  [
    "ours",
    async ({ tls, allowNonTls = false, authTimeoutMs }) => {
      const authorization = authTimeoutMs === undefined ? {} : { authorization: { user: "a", password: "b" }, authTimeoutMs };
      return SecureServer.open({ tls: trust.tls(tls), allowNonTls, ...authorization });
    },
  ],
  [
    "nats-server",
    async ({ config, allowNonTls = false, authTimeoutMs }) => {
      const { certFile, keyFile } = trust.serverFiles;
      const authorization = authTimeoutMs === undefined ? "" : `authorization { user: a, password: b, timeout: ${authTimeoutMs / 1_000} }`;
      const server = await ReferenceServer.start(
        `tls { cert_file: "${certFile}", key_file: "${keyFile}", ${config} }\nallow_non_tls: ${allowNonTls}\n${authorization}`,
      );
      return { port: server.port, [Symbol.asyncDispose]: () => server.stop() };
    },
  ],
];

/** Names of the fields of INFO about TLS, and `client_ip`. */
const tlsFieldsOf = (info: Record<string, unknown>) => Object.keys(info).filter(key => key.startsWith("tls_") || key === "client_ip");

for (const [side, start] of SIDES) {
  if (side !== "ours" && !referenceIsLive()) continue; // the expected answers stand in the tests
  describe(side, () => {
    test("INFO comes as plain text, then the handshake", async () => {
      await using server = await start({ tls: {}, config: "" });
      using peer = await SecurePeer.open(server.port);
      expect(tlsFieldsOf(await peer.info())).toEqual(["tls_required", "client_ip"]);
      await peer.secure();
      expect(peer.secured).toBe(true);
      await peer.connect();
      expect(tlsFieldsOf(await peer.info())).toEqual(["tls_required", "client_ip"]);
    });

    test("handshake_first: the handshake comes before INFO", async () => {
      await using server = await start({ tls: { handshakeFirst: true }, config: "handshake_first: true" });
      using peer = await SecurePeer.open(server.port);
      await peer.secure();
      expect(tlsFieldsOf(await peer.info())).toEqual(["tls_required", "client_ip"]);
      await peer.connect();
    });

    test("handshake_first with allow_non_tls: the handshake is still required, and INFO has both fields", async () => {
      await using server = await start({ tls: { handshakeFirst: true }, allowNonTls: true, config: "handshake_first: true" });
      using peer = await SecurePeer.open(server.port);
      await peer.secure();
      expect(tlsFieldsOf(await peer.info())).toEqual(["tls_required", "tls_available", "client_ip"]);
      await peer.connect();
      expect(tlsFieldsOf(await peer.info())).toEqual(["tls_available", "client_ip"]);
    });

    test("handshake_first with a fallback: a client that begins a handshake gets no plain INFO", async () => {
      const rules = { tls: { handshakeFirst: true, handshakeFirstFallbackMs: 60_000 }, config: "handshake_first: 60s" };
      await using server = await start(rules);
      using peer = await SecurePeer.open(server.port);
      await peer.secure();
      expect(tlsFieldsOf(await peer.info())).toEqual(["tls_required", "client_ip"]);
    });

    test("handshake_first with a fallback: a client that waits gets a plain INFO before the handshake", async () => {
      const rules = { tls: { handshakeFirst: true, handshakeFirstFallbackMs: 50 }, config: "handshake_first: auto" };
      await using server = await start(rules);
      using peer = await SecurePeer.open(server.port);
      expect(tlsFieldsOf(await peer.info())).toEqual(["tls_required", "client_ip"]);
      await peer.secure();
      await peer.connect();
    });

    test("handshake_first with a fallback and allow_non_tls: a client that waits may continue without TLS", async () => {
      const rules = { tls: { handshakeFirst: true, handshakeFirstFallbackMs: 50 }, allowNonTls: true, config: "handshake_first: auto" };
      await using server = await start(rules);
      using peer = await SecurePeer.open(server.port);
      expect(tlsFieldsOf(await peer.info())).toEqual(["tls_available", "client_ip"]);
      await peer.connect();
    });

    test("allow_non_tls: clients with and without TLS exchange messages", async () => {
      await using server = await start({ tls: {}, allowNonTls: true, config: "" });
      using plain = await SecurePeer.open(server.port);
      expect(tlsFieldsOf(await plain.info())).toEqual(["tls_available", "client_ip"]);
      await plain.connect("SUB a 1\r\n");
      using secure = await SecurePeer.open(server.port);
      await secure.info();
      await secure.secure();
      await secure.connect();
      await secure.write("PUB a 2\r\nhi\r\n");
      await plain.take("MSG a 1 2\r\nhi\r\n");
    });

    test("allow_non_tls: a silent client counts as plain after the TLS timeout", async () => {
      await using server = await start({ tls: { timeoutMs: 100 }, allowNonTls: true, authTimeoutMs: 100, config: "timeout: 0.1" });
      using peer = await SecurePeer.open(server.port);
      await peer.info();
      await peer.take("-ERR 'Authentication Timeout'\r\n"); // the authentication timeout starts only after the TLS decision
    });

    test("INFO says that client certificates are verified", async () => {
      const rules = { tls: { verify: true, caFile: trust.caFile }, config: `verify: true, ca_file: "${trust.caFile}"` };
      await using server = await start(rules);
      using peer = await SecurePeer.open(server.port);
      expect(tlsFieldsOf(await peer.info())).toEqual(["tls_required", "tls_verify", "client_ip"]);
    });

    test("plain text where TLS is required ends the connection without an answer", async () => {
      await using server = await start({ tls: {}, config: "" });
      using peer = await SecurePeer.open(server.port);
      await peer.info();
      await peer.write("CONNECT {}\r\nPING\r\n");
      await peer.gone();
      expect(peer.text).toBe("");
    });
  });
}
