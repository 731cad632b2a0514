/** Events about revoked certificates, compared with nats-server. */
import { afterAll, expect } from "bun:test";
import { join } from "node:path";
import { lookAtBoth } from "../monitor/same-config.ts";
import { Recording } from "../reference/recording.ts";
import type { TestCertificate } from "../tls/certificates.ts";
import { OcspResponder, ocspResponse } from "../tls/ocsp-responder.ts";
import { SecurePeer } from "../tls/secure-peer.ts";
import { TestAuthority } from "../tls/secure-server.ts";
import { lines, SystemClient, waitFor, withoutVariableValues } from "./system-client.ts";

const it = new Recording(import.meta.path, [[/"(fingerprint|raw)":"[^"]+"/g, '"$1":"<$1>"']]);

const trust = new TestAuthority();
const responder = new OcspResponder();
afterAll(() => {
  trust[Symbol.dispose]();
  responder[Symbol.dispose]();
});

function config(): string {
  const { certFile, keyFile } = trust.serverFiles;
  return `
    server_name: same
    allow_non_tls: true
    tls { cert_file: "${certFile}", key_file: "${keyFile}", verify: true, ca_file: "${trust.caFile}", ocsp_peer { verify: true } }
    ocsp_cache { type: local, local_store: "${join(trust.directory.path, "store")}" }
    system_account: SYS
    accounts { SYS { users [{ user: sys, password: p }] } }`;
}

async function tryTls(port: number, certificate: TestCertificate): Promise<void> {
  using peer = await SecurePeer.open(port);
  await peer.info();
  await peer.secure({ cert: certificate.chainPem, key: certificate.keyPem, maxVersion: 0x0303 }).catch(() => {});
  await peer.gone();
}

it.compared(`a revoked certificate causes an event for the chain link and one for the rejected peer`, async () => {
  const revoked = trust.root.issue({ subject: "O=bunats,CN=revoked", ocspResponder: responder.url });
  const unknown = trust.root.issue({ subject: "O=bunats,CN=<unknown>", ocspResponder: responder.url });
  responder.put(revoked, ocspResponse(revoked, { status: "revoked" }));
  const [ours, theirs] = await lookAtBoth(config(), async server => {
    const listener = await SystemClient.open(server.port, "sys");
    await listener.listen("$SYS.SERVER.*.OCSP.>");
    for (const certificate of [revoked, unknown]) await tryTls(server.port, certificate);
    await waitFor(
      () => listener.received.length === 4,
      () => `${listener.received.length} events instead of 4`,
    );
    await listener.close();
    return withoutVariableValues(listener.received);
  });
  expect(lines(ours)).toEqual(lines(theirs));
  expect(JSON.stringify(ours)).toContain("Invalid OCSP response status: revoked");
});
