import { afterAll, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { TestAuthority } from "../../../../test/tls/secure-server.ts";
import { TlsConfigError, TlsContext } from "./tls-context.ts";
import { CIPHER_SUITES, CURVES } from "./tls-names.ts";
import { TLS_DEFAULTS, type TlsRules } from "./tls-options.ts";

const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());
const { directory, serverFiles } = trust;

/** The error for these rules; empty when they are accepted. */
function complaint(given: Partial<TlsRules>): string {
  try {
    TlsContext.load({ ...TLS_DEFAULTS, certificates: [serverFiles], ...given });
    return "";
  } catch (error) {
    expect(error).toBeInstanceOf(TlsConfigError);
    return (error as Error).message;
  }
}

const withFiles = (certFile: string, keyFile: string) => complaint({ certificates: [{ certFile, keyFile }] });
const PAIR = "error parsing X509 certificate/key pair";

test("each unusable file gives one clear message", () => {
  const { certFile, keyFile } = serverFiles;
  const missing = join(directory.path, "missing.pem");
  const text = directory.write("text.pem", "hello");
  const broken = directory.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const brokenKey = directory.write("broken-key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  const other = directory.store("other", trust.root.issue({ subject: "CN=other" }));
  expect(withFiles(missing, keyFile)).toBe(`${PAIR}: open ${missing}: no such file or directory`);
  expect(withFiles(certFile, missing)).toBe(`${PAIR}: open ${missing}: no such file or directory`);
  expect(withFiles(directory.path, keyFile)).toBe(`${PAIR}: read ${directory.path}: is a directory`);
  expect(withFiles(text, keyFile)).toBe(`${PAIR}: tls: failed to find any PEM data in certificate input (${text})`);
  expect(withFiles(certFile, text)).toBe(`${PAIR}: tls: failed to find any PEM data in key input (${text})`);
  expect(withFiles(broken, keyFile)).toStartWith(`${PAIR}: x509: ${broken} holds no certificate`);
  expect(withFiles(certFile, brokenKey)).toBe(`${PAIR}: tls: failed to parse private key (${brokenKey})`);
  expect(withFiles(certFile, other.keyFile)).toBe(`${PAIR}: tls: private key does not match public key (${certFile}, ${other.keyFile})`);
  expect(withFiles("", keyFile)).toBe("missing 'cert_file' in TLS configuration");
  expect(withFiles(certFile, "")).toBe("missing 'key_file' in TLS configuration");
  expect(complaint({ certificates: [] })).toBe("missing 'cert_file' in TLS configuration");
  const several = [serverFiles, { certFile: missing, keyFile }];
  expect(complaint({ certificates: several })).toBe(`${PAIR} 2/2: open ${missing}: no such file or directory`);
});

test("a ca_file without certificates is refused", () => {
  const missing = join(directory.path, "missing.pem");
  expect(complaint({ caFile: missing })).toBe(`open ${missing}: no such file or directory`);
  expect(complaint({ caFile: directory.write("none.pem", "") })).toBe("failed to parse root ca certificate");
  expect(complaint({ caFile: trust.caFile })).toBe("");
});

test.skipIf(process.getuid?.() === 0)("an unreadable key file is refused", () => {
  const { certFile, keyFile } = directory.store("secret", trust.root.issue({ subject: "CN=secret" }));
  chmodSync(keyFile, 0);
  expect(withFiles(certFile, keyFile)).toBe(`${PAIR}: open ${keyFile}: permission denied`);
});

test("suites and curves have Go's names only; those that Bun lacks are refused by name", () => {
  expect(complaint({ cipherSuites: ["TLS_NONE"] })).toBe("unrecognized cipher TLS_NONE");
  expect(complaint({ curvePreferences: ["P256"] })).toBe("unrecognized curve preference P256");
  const insecure = ["TLS_RSA_WITH_AES_128_CBC_SHA"];
  expect(complaint({ cipherSuites: insecure })).toContain("without 'allow_insecure_cipher_suites'");
  expect(complaint({ cipherSuites: insecure, allowInsecureCipherSuites: true })).toBe("");
  expect(complaint({ curvePreferences: ["SecP256r1MLKEM768"] })).toContain("is not available in Bun's TLS library");
});

test("refuses to start when the environment switches verification off", () => {
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  try {
    expect(complaint({})).toStartWith("NODE_TLS_REJECT_UNAUTHORIZED=0 is set in the environment");
  } finally {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  }
});

test("Bun accepts every suite and curve of the tables, except those marked absent", async () => {
  const base = TlsContext.load({ ...TLS_DEFAULTS, certificates: [serverFiles] }).handshakeOptions(null);
  const accepts = (more: object) => {
    try {
      Bun.listen({ hostname: "127.0.0.1", port: 0, tls: { ...base, ...more } as Bun.TLSOptions, socket: { data() {} } }).stop(true);
      return true;
    } catch {
      return false;
    }
  };
  for (const [name, { openssl }] of Object.entries(CIPHER_SUITES)) {
    if (openssl) expect([name, accepts({ ciphers: openssl })]).toEqual([name, true]);
  }
  for (const [name, curve] of Object.entries(CURVES)) expect([name, accepts({ ecdhCurve: curve ?? name })]).toEqual([name, curve !== null]);
});

test("no signature with SHA-1 is made or accepted, also in TLS 1.2", async () => {
  const files = directory.store("rsa", trust.root.issue({ subject: "CN=rsa", names: ["localhost"], key: "rsa" }));
  const context = TlsContext.load({ ...TLS_DEFAULTS, certificates: [files] });
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    tls: context.handshakeOptions(null) as Bun.TLSOptions,
    socket: { data() {} },
  });
  const connects = (sigalgs: string) =>
    new Promise<boolean>(resolve => {
      const socket = connectTls({ port: listener.port, rejectUnauthorized: false, maxVersion: "TLSv1.2", sigalgs }, () => {
        resolve(true);
        socket.destroy();
      });
      socket.on("error", () => resolve(false));
    });
  expect([await connects("rsa_pkcs1_sha1"), await connects("rsa_pkcs1_sha256")]).toEqual([false, true]);
  listener.stop(true);
});

test("Bun.serve gets one entry, or the first certificate plus one entry per name", () => {
  const one = TlsContext.load({ ...TLS_DEFAULTS, certificates: [serverFiles] }).serveOptions();
  expect(Array.isArray(one)).toBe(false);
  const other = directory.store("named", trust.root.issue({ subject: "CN=n", names: ["n.example", "localhost"] }));
  const several = TlsContext.load({ ...TLS_DEFAULTS, certificates: [serverFiles, other] }).serveOptions();
  expect((several as { serverName?: string }[]).map(({ serverName }) => serverName)).toEqual([undefined, "localhost", "n.example"]);
});
