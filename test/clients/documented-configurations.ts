/**
 * Every authentication mechanism that the documentation of NATS shows a configuration for, with our own keys and names: which logins
 * are accepted, and which are refused.
 */

import { NO_LIMITS_SET } from "../../src/access/jwt/encode.ts";
import { encodeSeed, NkeyKind } from "../../src/base/keys/nkey.ts";
import { fixedSigner } from "../doubles/token-maker.ts";
import { scope } from "../operator/scope.ts";
import { ALPHA, ALPHA_SCOPED, accountToken, BETA, memoryConfig, operatorToken, SYSTEM, userToken } from "../operator/tokens.ts";
import { TestAuthority } from "../tls/secure-server.ts";
import type { Credentials } from "./documented-login.ts";

export interface Login {
  readonly as: Credentials;
  /** Subject to publish to; default "hello". */
  readonly publishes?: string;
  /** "accepted", or the refusal. */
  readonly outcome: string;
}

export interface Mechanism {
  readonly title: string;
  /** @param directory an empty one for this configuration */
  readonly config: string | ((directory: string) => string);
  readonly logins: readonly Login[];
  /** Whether a service of auth callout decides. */
  readonly usesCallout?: boolean;
  readonly tls?: boolean;
}

const REFUSED = "authorization violation";
const mayNotPublish = (subject: string) => `permissions violation for publish to "${subject}"`;
const bcrypt = (text: string) => Bun.password.hashSync(text, { algorithm: "bcrypt", cost: 4 });
const seedOf = (kind: NkeyKind, byte: number) => encodeSeed(kind, new Uint8Array(32).fill(byte));

const NKEY_USER = fixedSigner(NkeyKind.User, 70);
const NKEY_SEED = seedOf(NkeyKind.User, 70);
const OTHER_SEED = seedOf(NkeyKind.User, 71);
export const CALLOUT_ISSUER = fixedSigner(NkeyKind.Account, 72);

/** Certificates of all mechanisms; dispose it after the tests. */
export const trust = new TestAuthority();
const certificate = (name: string, subject: string, more: { readonly names?: string[]; readonly emails?: string[] } = {}) => ({
  caFile: trust.caFile,
  ...trust.directory.store(name, trust.root.issue({ subject, usage: "client", ...more })),
});
const CERTIFICATES = {
  email: certificate("email", "O=Shop,CN=e", { names: ["localhost"], emails: ["till@shop.example"] }),
  name: certificate("name", "O=Shop,CN=n", { names: ["stock.shop.example"] }),
  subject: certificate("subject", "O=Shop,OU=Kitchen"),
  unmapped: certificate("unmapped", "O=Shop,CN=unmapped"),
};

/** Text of a credentials file as nsc writes it. */
function credsFile(jwt: string, seed: string): string {
  const part = (name: string, body: string) => `-----BEGIN ${name}-----\n${body}\n------END ${name}------\n`;
  return `${part("NATS USER JWT", jwt)}\n${part("USER NKEY SEED", seed)}`;
}

const USER_SEED = seedOf(NkeyKind.User, 20);
const OPERATOR_LOGINS: readonly Login[] = [
  { as: { creds: credsFile(userToken(), USER_SEED) }, outcome: "accepted" },
  { as: { jwt: userToken(), seed: USER_SEED }, outcome: "accepted" },
  { as: { jwt: userToken({ bearerToken: true }) }, outcome: "accepted" },
  {
    as: { creds: credsFile(userToken({ publish: { allow: ["hello"], deny: [] } }), USER_SEED) },
    publishes: "other",
    outcome: mayNotPublish("other"),
  },
  { as: { creds: credsFile(userToken(), OTHER_SEED) }, outcome: REFUSED },
  { as: { creds: credsFile(userToken({ data: { expiresAtSeconds: 1_600_000_000 } }), USER_SEED) }, outcome: REFUSED },
  { as: { creds: credsFile(userToken({ by: BETA }), USER_SEED) }, outcome: "maximum account active connections exceeded" },
  { as: { user: "a", password: "a" }, outcome: REFUSED },
  { as: {}, outcome: REFUSED },
];
const SCOPED = userToken({ by: ALPHA_SCOPED, issuerAccount: ALPHA.publicKey, data: { name: "joe" }, ...NO_LIMITS_SET });

export const MECHANISMS: readonly Mechanism[] = [
  {
    title: "a token",
    config: 'authorization { token: "s3same" }',
    logins: [
      { as: { token: "s3same" }, outcome: "accepted" },
      { as: { token: "other" }, outcome: REFUSED },
      { as: { user: "ann", password: "s3same" }, outcome: REFUSED },
      { as: {}, outcome: REFUSED },
    ],
  },
  {
    title: "a hashed token",
    config: `authorization { token: "${bcrypt("s3same")}" }`,
    logins: [
      { as: { token: "s3same" }, outcome: "accepted" },
      { as: { token: "other" }, outcome: REFUSED },
    ],
  },
  {
    title: "one user",
    config: "authorization: {\n user: ann,\n password: pw\n}",
    logins: [
      { as: { user: "ann", password: "pw" }, outcome: "accepted" },
      { as: { user: "pw", password: "ann" }, outcome: REFUSED },
      { as: { user: "ann" }, outcome: REFUSED },
      { as: {}, outcome: REFUSED },
    ],
  },
  {
    title: "several users, one password hashed, and a timeout",
    config: `authorization: { timeout: 3, users: [ {user: ann, password: "${bcrypt("pw")}"}, {user: ben, password: ann} ] }`,
    logins: [
      { as: { user: "ann", password: "pw" }, outcome: "accepted" },
      { as: { user: "ben", password: "ann" }, outcome: "accepted" },
      { as: { user: "ann", password: "ann" }, outcome: REFUSED },
      { as: { user: "eve", password: "pw" }, outcome: REFUSED },
    ],
  },
  {
    title: "nkeys",
    config: `authorization: { users: [ { nkey: ${NKEY_USER.publicKey} } ] }`,
    logins: [
      { as: { nkey: NKEY_SEED }, outcome: "accepted" },
      { as: { nkey: OTHER_SEED }, outcome: REFUSED },
      { as: { user: NKEY_USER.publicKey, password: "" }, outcome: REFUSED },
    ],
  },
  {
    title: "verified certificates",
    tls: true,
    config: tlsConfig("verify: true"),
    logins: [
      { as: { tls: CERTIFICATES.unmapped }, outcome: "accepted" },
      { as: { tls: { caFile: trust.caFile } }, outcome: "no connection" },
    ],
  },
  {
    title: "certificates that name a user",
    tls: true,
    config: `${tlsConfig("verify_and_map: true")}
authorization { users = [ {user: "till@shop.example", permissions: {publish: hello}}, {user: "stock.shop.example"}, {user: "OU=Kitchen,O=Shop"} ] }`,
    logins: [
      { as: { tls: CERTIFICATES.email }, outcome: "accepted" },
      { as: { tls: CERTIFICATES.email }, publishes: "other", outcome: mayNotPublish("other") },
      { as: { tls: CERTIFICATES.name }, outcome: "accepted" },
      { as: { tls: CERTIFICATES.subject }, outcome: "accepted" },
      { as: { tls: CERTIFICATES.unmapped }, outcome: REFUSED },
      { as: { tls: { caFile: trust.caFile } }, outcome: "no connection" },
    ],
  },
  {
    title: "permissions by variables, and default permissions",
    config: `authorization {
  default_permissions = { publish = "SAND.*", subscribe = ["OPEN.>", "_INBOX.>"] }
  CHIEF = { publish = ">", subscribe = ">" }
  ASKER = { publish = ["ask.a", "ask.b"], subscribe = "_INBOX.>" }
  users = [ {user: chief, password: pw, permissions: $CHIEF}, {user: asker, password: pw, permissions: $ASKER}, {user: other, password: pw} ]
}`,
    logins: [
      { as: { user: "chief", password: "pw" }, outcome: "accepted" },
      { as: { user: "asker", password: "pw" }, publishes: "ask.b", outcome: "accepted" },
      { as: { user: "asker", password: "pw" }, publishes: "ask.c", outcome: mayNotPublish("ask.c") },
      { as: { user: "other", password: "pw" }, publishes: "SAND.x", outcome: "accepted" },
      { as: { user: "other", password: "pw" }, publishes: "SAND.x.y", outcome: mayNotPublish("SAND.x.y") },
    ],
  },
  {
    title: "permissions that allow and deny",
    config: `authorization: { users = [
  { user: chief, password: pw, permissions: { publish: ">", subscribe: ">" } }
  { user: mute, password: pw, permissions: { publish: { deny: ">" }, subscribe: { allow: "client.>" } } }
  { user: most, password: pw, permissions: { publish: { allow: "a.>", deny: "a.b.*" } } } ] }`,
    logins: [
      { as: { user: "chief", password: "pw" }, outcome: "accepted" },
      { as: { user: "mute", password: "pw" }, outcome: mayNotPublish("hello") },
      { as: { user: "most", password: "pw" }, publishes: "a.b", outcome: "accepted" },
      { as: { user: "most", password: "pw" }, publishes: "a.b.c", outcome: mayNotPublish("a.b.c") },
    ],
  },
  {
    title: "accounts, and a user for clients without credentials",
    config: "accounts: { A: { users: [ {user: a, password: a} ] }, B: { users: [ {user: b, password: b} ] } }\nno_auth_user: a",
    logins: [
      { as: {}, outcome: "accepted" },
      { as: { user: "b", password: "b" }, outcome: "accepted" },
      { as: { user: "b", password: "a" }, outcome: REFUSED },
      { as: { user: "c", password: "" }, outcome: REFUSED },
    ],
  },
  {
    title: "JWTs of accounts in memory",
    config: memoryConfig({
      [ALPHA.publicKey]: accountToken(ALPHA, {
        signingKeys: new Map([scope(ALPHA_SCOPED.publicKey, { publish: { allow: ["team.{{name()}}.>"], deny: [] } })]),
      }),
      [BETA.publicKey]: accountToken(BETA, { limits: { connectionsMax: 0 } }),
    }),
    logins: [
      ...OPERATOR_LOGINS,
      { as: { jwt: SCOPED, seed: USER_SEED }, publishes: "team.joe.x", outcome: "accepted" },
      { as: { jwt: SCOPED, seed: USER_SEED }, publishes: "team.eve.x", outcome: mayNotPublish("team.eve.x") },
    ],
  },
  {
    title: "JWTs of accounts in a directory",
    config: directory => `operator: ${operatorToken()}
system_account: ${SYSTEM.publicKey}
resolver: { type: full, dir: "${directory}", allow_delete: false, interval: "2m", limit: 1000 }
resolver_preload: {
  ${SYSTEM.publicKey}: ${accountToken(SYSTEM)},
  ${ALPHA.publicKey}: ${accountToken(ALPHA)},
  ${BETA.publicKey}: ${accountToken(BETA, { limits: { connectionsMax: 0 } })},
}`,
    logins: OPERATOR_LOGINS,
  },
  {
    title: "auth callout",
    usesCallout: true,
    config: `accounts { AUTH: { users: [ { user: auth, password: auth } ] }, APP: {}, SYS: {} }
system_account: SYS
authorization { auth_callout { issuer: ${CALLOUT_ISSUER.publicKey}, auth_users: [ auth ], account: AUTH } }`,
    logins: [
      { as: { user: "ann", password: "ann" }, outcome: "accepted" },
      { as: { user: "ann", password: "ann" }, publishes: "other", outcome: mayNotPublish("other") },
      { as: { user: "ann", password: "ben" }, outcome: REFUSED },
      { as: { user: "auth", password: "auth" }, outcome: "accepted" },
      { as: { user: "auth", password: "ann" }, outcome: REFUSED },
      { as: {}, outcome: REFUSED },
    ],
  },
];

function tlsConfig(more: string): string {
  const { certFile, keyFile } = trust.serverFiles;
  return `tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${trust.caFile}", ${more} }`;
}
