/** Client certificates: verification, their names as Go prints them, pinning, and what an authenticator receives. */
import { afterAll, expect, test } from "bun:test";
import type { GivenRequest } from "../../src/auth/users/given-authenticator.ts";
import { TlsContext } from "../../src/wire/transport/tls/tls-context.ts";
import { until } from "../faults/until.ts";
import { askBoth, Recording } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { authority, type TestCertificate } from "./certificates.ts";
import { SecurePeer } from "./secure-peer.ts";
import { SecureServer, TestAuthority } from "./secure-server.ts";

const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());

const client = trust.root.issue({ subject: "DC=com,DC=example,O=Org,CN=client+UID=7", emails: ["a@b.c"], names: ["me.example"] });
const untrusted = authority("Other CA").issue({ subject: "C=US,O=Org\\, Inc+OU=a,OU=b,CN= x#,SERIALNUMBER=9" });
const verify = { verify: true, caFile: trust.caFile };

/** Connects with a certificate or without one. @returns whether the server accepts the client */
async function isAccepted(port: number, certificate: TestCertificate | null): Promise<boolean> {
  using peer = await SecurePeer.open(port);
  await peer.info();
  await peer.secure(certificate === null ? {} : { cert: certificate.chainPem, key: certificate.keyPem });
  await peer.write('CONNECT {"verbose":false}\r\nPING\r\n');
  await until(
    () => peer.closed || peer.text.includes("PONG\r\n"),
    () => "neither PONG nor the end arrives",
  );
  return peer.text.includes("PONG\r\n");
}

test("a certificate of the authority is accepted, directly or through an intermediate authority", async () => {
  await using server = SecureServer.open({ tls: trust.tls(verify) });
  expect(await isAccepted(server.port, client)).toBe(true);
  const intermediate = trust.root.issue({ subject: "CN=intermediate", authority: true });
  expect(await isAccepted(server.port, intermediate.issue({ subject: "CN=leaf" }))).toBe(true);
});

test("no certificate, an untrusted one, an expired one and one for servers only are refused", async () => {
  await using server = SecureServer.open({ tls: trust.tls(verify) });
  const expired = trust.root.issue({ subject: "CN=late", validDays: -1 });
  const forServers = trust.root.issue({ subject: "CN=server", usage: "server" });
  for (const certificate of [null, untrusted, expired, forServers]) expect(await isAccepted(server.port, certificate)).toBe(false);
  expect(await server.closeReasons(4)).toEqual(Array(4).fill("TLS Handshake Failure"));
  const detail = (certificate: TestCertificate, subject: string) => ` (${subject} SHA-256: ${certificate.sha256})`;
  const errors = server.lines.filter(line => line.startsWith("ERR")).map(line => line.slice(line.indexOf("TLS handshake error")));
  const failed = "TLS handshake error: tls: failed to verify certificate: x509:";
  expect(errors).toEqual([
    "TLS handshake error: tls: client didn't provide a certificate",
    `${failed} certificate signed by unknown authority${detail(untrusted, "SERIALNUMBER=9,CN=\\ x#,OU=a+OU=b,O=Org\\, Inc,C=US")}`,
    `${failed} certificate has expired or is not yet valid${detail(expired, "CN=late")}`,
    `${failed} certificate specifies an incompatible key usage${detail(forServers, "CN=server")}`,
  ]);
  await server.cleared();
});

const it = new Recording(import.meta.path);
const SUBJECTS = [
  "CN=a",
  "C=US,ST=CA,L=SF,O=Synadia,OU=x,OU=y,CN=first,CN=last,STREET=1 Way,POSTALCODE=94105,SERIALNUMBER=5",
  "DC=com,DC=example,UID=7,CN=x",
  "O=a+CN=b,OU=c",
  'CN= lead and trail ,O=#x,OU=a\\,b\\+c"d\\\\e<f>g;h',
  "CN=ünïcode ,O=日本",
  "1.2.3.4=odd@x,O=y",
];

/** How a server's log prints the subjects of certificates that it refuses. */
async function printedSubjects(port: number, log: () => string): Promise<string[]> {
  const foreign = authority("Other CA");
  const printed: string[] = [];
  for (const subject of SUBJECTS) {
    const certificate = foreign.issue({ subject });
    await isAccepted(port, certificate);
    const shown = () => new RegExp(`\\((.*) SHA-256: ${certificate.sha256}`).exec(log())?.[1];
    await until(
      () => shown() !== undefined,
      () => `${subject} is not logged: ${log()}`,
    );
    printed.push(shown()!);
  }
  return printed;
}

it.compared("a certificate's name is printed as nats-server prints it", async () => {
  const { certFile, keyFile } = trust.serverFiles;
  const [ours, theirs] = await askBoth(
    async () => {
      await using server = SecureServer.open({ tls: trust.tls(verify) });
      return await printedSubjects(server.port, () => server.lines.join("\n"));
    },
    async () => {
      const config = `tls { cert_file: "${certFile}", key_file: "${keyFile}", verify: true, ca_file: "${trust.caFile}" }`;
      const server = await ReferenceServer.start(config);
      try {
        return await printedSubjects(server.port, () => server.log());
      } finally {
        await server.stop();
      }
    },
  );
  expect(ours).toEqual(theirs);
});

test("a pinned certificate is accepted, another of the same authority is refused", async () => {
  await using server = SecureServer.open({ tls: trust.tls({ ...verify, pinnedCerts: [client.pin] }) });
  expect(await isAccepted(server.port, client)).toBe(true);
  const other = trust.root.issue({ subject: "CN=other" });
  expect(await isAccepted(server.port, other)).toBe(false);
  await server.logged(`DBG 127.0.0.1`);
  expect(server.lines.some(line => line.endsWith(`Failed pinned cert test for key id: ${other.pin}`))).toBe(true);
  expect(server.lines.some(line => line.startsWith("ERR") && line.endsWith("TLS handshake error: certificate not pinned"))).toBe(true);
});

test("the authenticator receives the certificate", async () => {
  const requests: GivenRequest[] = [];
  const authenticate = (request: GivenRequest) => {
    requests.push(request);
    return { user: "a" };
  };
  await using server = SecureServer.open({ tls: trust.tls(verify) }, authenticate);
  expect(await isAccepted(server.port, client)).toBe(true);
  const { certificate } = requests[0]!;
  expect(certificate).toMatchObject({
    spkiSha256: client.pin,
    certSha256: client.sha256,
    dnsNames: ["me.example"],
    emails: ["a@b.c"],
    uris: [],
  });
  expect(certificate!.subject).toBe(
    "CN=client,O=Org,0.9.2342.19200300.100.1.1=#130137,0.9.2342.19200300.100.1.25=#13076578616d706c65,0.9.2342.19200300.100.1.25=#1303636f6d",
  );
  expect(Buffer.from(certificate!.raw).equals(client.der)).toBe(true);
});

test("our check after the handshake decides before anything of the client is read", async () => {
  const verdicts = [
    async () => "revoked",
    async () => null,
    async () => {
      throw new Error("the responder is unreachable");
    },
  ];
  const authorities: number[] = [];
  const context = TlsContext.load(trust.tls(verify), (_certificate, known) => {
    authorities.push(known.length);
    return verdicts.shift()!();
  });
  await using server = SecureServer.open({ tls: trust.tls(verify) });
  server.useTls(context);
  expect(await isAccepted(server.port, client)).toBe(false);
  expect(await isAccepted(server.port, client)).toBe(true);
  expect(await isAccepted(server.port, client)).toBe(false);
  expect(authorities).toEqual([1, 1, 1]);
  await server.logged("TLS handshake error: revoked");
  await server.logged("TLS handshake error: the responder is unreachable");
  await server.cleared();
});

test("verify: optional accepts clients without a certificate, and verifies those that show one", async () => {
  const requests: GivenRequest[] = [];
  const authenticate = (request: GivenRequest) => {
    requests.push(request);
    return { user: "a" };
  };
  await using server = SecureServer.open({ tls: trust.tls({ verifyOptional: true, caFile: trust.caFile }) }, authenticate);
  expect(await isAccepted(server.port, null)).toBe(true);
  expect(await isAccepted(server.port, client)).toBe(true);
  expect(await isAccepted(server.port, untrusted)).toBe(false);
  expect(await isAccepted(server.port, trust.root.issue({ subject: "CN=late", validDays: -1 }))).toBe(false);
  expect(requests.map(({ certificate }) => certificate?.certSha256 ?? null)).toEqual([null, client.sha256]);
});
