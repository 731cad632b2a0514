/**
 * `verify_and_map` compared with nats-server: which user each client certificate is mapped to.
 *
 * Each test has a configuration with users and a set of certificates; a client connects to both servers with every certificate.
 */
import { afterAll, expect } from "bun:test";
import { Recording } from "../reference/recording.ts";
import type { CertificateRequest } from "../tls/certificates.ts";
import { TestAuthority } from "../tls/secure-server.ts";
import { type Outcome, outcomeOf, withBoth } from "./servers.ts";

const it = new Recording(import.meta.path);

const ca = new TestAuthority();
afterAll(() => ca[Symbol.dispose]());

/** User names of the configuration. */
const USERS = [
  "alice@example.com",
  "Alice@Example.com",
  "service.example.com",
  "*.wild.example.com",
  "spiffe://localhost/my-nats-service/user-a",
  "https://example.com/a%20b",
  "urn:uuid:1234",
  "CN=plain",
  "CN=full,OU=NATS,O=Synadia,L=Paris,ST=Idf,C=FR",
  "CN=reordered,OU=NATS,O=Synadia",
  "OU=lowered,cn=Lowered",
  "CN=multi+OU=value,O=Synadia",
  "CN=with dc,DC=example,DC=com",
  "CN=dc first,O=Synadia,DC=foo,DC=org",
  "CN=Smith\\, John,O=Synadia",
  "CN=plus\\+minus",
  "CN=hex\\2ccomma",
  "CN=Zoë Müller,O=Übung",
  "CN=\\C3\\89mile",
  "CN=\\ spaced\\ ",
  "CN=equals=sign",
  "CN=twice,OU=a,OU=b",
  "CN=twice2,OU=a+OU=b",
  "SERIALNUMBER=77,CN=serial",
  "CN=unknown,O=Synadia",
  "CN=unknown2,UID=7",
  "POSTALCODE=75001,STREET=Rue 1,CN=address",
  'CN=a quote\\"d',
  "CN=日本,O=会社",
  "CN=precedence",
  "CN=hash#inside",
  "CN=last",
  "no name at all",
  "CN=empty,O=",
  "O=Only Organisation",
];

const SUBJECTS: readonly CertificateRequest[] = [
  { subject: "CN=plain" },
  { subject: "CN=Plain" },
  { subject: "O=x,CN=plain" },
  { subject: "C=FR,ST=Idf,L=Paris,O=Synadia,OU=NATS,CN=full" },
  { subject: "CN=full,OU=NATS,O=Synadia,L=Paris,ST=Idf,C=FR" },
  { subject: "OU=NATS,CN=full,O=Synadia,C=FR,ST=Idf,L=Paris" },
  { subject: "OU=NATS,CN=reordered,O=Synadia" },
  { subject: "O=Synadia,OU=NATS,CN=reordered" },
  { subject: "O=Synadia,OU=NATS,OU=NATS,CN=reordered" },
  { subject: "CN=Lowered,OU=lowered" },
  { subject: "CN=lowered,OU=lowered" },
  { subject: "O=Synadia,CN=multi+OU=value" },
  { subject: "O=Synadia,OU=value+CN=multi" },
  { subject: "O=Synadia,OU=value,CN=multi" },
  { subject: "DC=com,DC=example,CN=with dc" },
  { subject: "DC=example,DC=com,CN=with dc" },
  { subject: "CN=with dc,DC=example,DC=com" },
  { subject: "DC=org,DC=foo,O=Synadia,CN=dc first" },
  { subject: "DC=foo,DC=org,CN=dc first,O=Synadia" },
  { subject: "UID=1,DC=foo,DC=org,O=Synadia,CN=dc first" }, // compared as text: UID is not an attribute that is compared by value
  { subject: "O=Synadia,CN=Smith\\, John" },
  { subject: "CN=plus\\+minus" },
  { subject: "CN=hex\\,comma" },
  { subject: "O=Übung,CN=Zoë Müller" },
  { subject: "CN=Émile" },
  { subject: "CN= spaced " },
  { subject: "CN=spaced" },
  { subject: "CN=equals=sign" },
  { subject: "OU=b,OU=a,CN=twice" },
  { subject: "OU=a,OU=b,CN=twice" },
  { subject: "OU=b+OU=a,CN=twice2" },
  { subject: "OU=a,OU=b,CN=twice2" },
  { subject: "CN=serial,SERIALNUMBER=77" },
  { subject: "SERIALNUMBER=77,CN=serial" },
  { subject: "UID=5,O=Synadia,CN=unknown" },
  { subject: "UID=7,CN=unknown2" },
  { subject: "CN=address,STREET=Rue 1,POSTALCODE=75001" },
  { subject: 'CN=a quote"d' },
  { subject: "O=会社,CN=日本" },
  { subject: "CN=hash#inside" },
  { subject: "CN=first,CN=last" },
  { subject: "UID=9,CN=first,CN=last" },
  { subject: "O=Only Organisation" },
  { subject: "O=Only Organisation,CN=" },
  { subject: "CN=nobody" },
  { subject: "" },
  { subject: "CN=nobody", emails: ["alice@example.com"] },
  { subject: "CN=nobody", emails: ["x@example.com", "alice@example.com"] },
  { subject: "CN=nobody", emails: ["Alice@Example.com"] },
  { subject: "CN=nobody", emails: ["ALICE@example.com"] },
  { subject: "", emails: ["alice@example.com"] },
  { subject: "CN=nobody", names: ["service.example.com"] },
  { subject: "CN=nobody", names: ["SERVICE.example.com"] },
  { subject: "CN=nobody", names: ["*.wild.example.com"] },
  { subject: "CN=nobody", names: ["a.wild.example.com"] },
  { subject: "CN=nobody", uris: ["spiffe://localhost/my-nats-service/user-a"] },
  { subject: "CN=nobody", uris: ["SPIFFE://localhost/my-nats-service/user-a"] },
  { subject: "CN=nobody", uris: ["https://example.com/a b"] },
  { subject: "CN=nobody", uris: ["https://example.com/a%20b#"] },
  { subject: "CN=nobody", uris: ["urn:uuid:1234"] },
  { subject: "CN=nobody", uris: ["urn:uuid:5678", "urn:uuid:1234"] },
  { subject: "CN=precedence", emails: ["alice@example.com"], names: ["service.example.com"], uris: ["urn:uuid:1234"] },
  { subject: "CN=precedence", names: ["service.example.com"], uris: ["urn:uuid:1234"] },
  { subject: "CN=precedence", uris: ["urn:uuid:1234"] },
  { subject: "CN=precedence", emails: ["x@y"], names: ["x"], uris: ["urn:x"] },
  { subject: "CN=plain", emails: ["no name at all"] },
];

function tlsConfig(more = ""): string {
  const { certFile, keyFile } = ca.serverFiles;
  return `tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${ca.caFile}", verify_and_map: true, timeout: 5 }\n${more}`;
}

const quotedConfig = (text: string) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

async function loginsWith(
  config: string,
  requests: readonly CertificateRequest[],
  connect: Record<string, unknown> = {},
): Promise<[Login[], Login[]]> {
  const issued = requests.map(request => ({ request, certificate: ca.root.issue({ ...request, usage: "client" }) }));
  return withBoth(config, async server => {
    const logins: Login[] = [];
    for (const { request, certificate } of issued) {
      const tls = { ca: ca.root.pem, cert: certificate.pem, key: certificate.keyPem };
      const { user, account, closed, lines } = await outcomeOf(server, { tls, connect });
      logins.push([JSON.stringify(request), { user, account, closed, lines }]);
    }
    return logins;
  });
}

type Login = [certificate: string, Pick<Outcome, "user" | "account" | "closed" | "lines">];

it.compared(
  `certificates of ${SUBJECTS.length} subjects and names map to the same users as in nats-server`,
  async () => {
    const users = USERS.map(name => `{ user: ${quotedConfig(name)} }`).join("\n");
    const [ours, theirs] = await loginsWith(tlsConfig(`authorization { users [\n${users}\n] }`), SUBJECTS);
    expect(ours).toEqual(theirs);
    const admitted = theirs.filter(([, { closed }]) => closed === "").length;
    expect([admitted > 35, admitted < SUBJECTS.length - 10]).toEqual([true, true]); // enough certificates are accepted and enough are refused
  },
  120_000,
);

it.compared(
  `a mapped user's account, connection types and password, with and without credentials in CONNECT`,
  async () => {
    const config = tlsConfig(`accounts {
      A { users [ { user: "CN=a" }, { user: "b@example.com", allowed_connection_types: [websocket] }, { user: "CN=secret", password: x } ] }
      B { users [ { user: "CN=b", permissions: { publish: "x" } } ] }
    }`);
    const requests: CertificateRequest[] = [
      { subject: "CN=a" },
      { subject: "CN=b", emails: ["b@example.com"] },
      { subject: "CN=secret" },
      { subject: "CN=c" },
    ];
    for (const connect of [{}, { user: "CN=b" }, { user: "x", pass: "x" }, { pass: "wrong" }, { nkey: "U" }]) {
      const [ours, theirs] = await loginsWith(config, requests, connect);
      expect(ours, JSON.stringify(connect)).toEqual(theirs);
    }
  },
  120_000,
);

it.compared(
  `without a list of users, the single user or the token decides`,
  async () => {
    for (const credentials of ["user: a, password: b", "token: b"]) {
      const config = tlsConfig(`authorization { ${credentials} }`);
      for (const connect of [{}, { user: "a", pass: "b" }, { auth_token: "b" }]) {
        const [ours, theirs] = await loginsWith(config, [{ subject: "CN=a" }], connect);
        expect(ours).toEqual(theirs);
      }
    }
  },
  120_000,
);
