/**
 * Every mechanism that the documentation of NATS has a configuration for, in its form, with keys and names of our own: who comes in with
 * what, and who does not.
 */

import { NO_LIMITS_SET } from "../../src/access/jwt/encode.ts";
import { encodeSeed, NkeyKind } from "../../src/base/keys/nkey.ts";
import { fixedSigner } from "../doubles/token-maker.ts";
import { scope } from "../operator/scope.ts";
import { ALPHA, ALPHA_SCOPED, accountToken, BETA, memoryConfig, operatorToken, SYSTEM, userToken } from "../operator/world.ts";
import { TestAuthority } from "../tls/secure-server.ts";
import type { Credentials } from "./documented-login.ts";

export interface Login {
  readonly as: Credentials;
  /** "hello" when not given. */
  readonly publishes?: string;
  /** "in", or why not. */
  readonly outcome: string;
}

export interface Mechanism {
  readonly title: string;
  /** @param directory of its own, empty */
  readonly config: string | ((directory: string) => string);
  readonly logins: readonly Login[];
  /** A service of auth callout decides. */
  readonly calledOut?: boolean;
  readonly tls?: boolean;
}

const REFUSED = "authorization violation";
const notTo = (subject: string) => `permissions violation for publish to "${subject}"`;
const bcrypt = (text: string) => Bun.password.hashSync(text, { algorithm: "bcrypt", cost: 4 });
const seedOf = (kind: NkeyKind, byte: number) => encodeSeed(kind, new Uint8Array(32).fill(byte));

const NKEY_USER = fixedSigner(NkeyKind.User, 70);
const NKEY_SEED = seedOf(NkeyKind.User, 70);
const STRANGER_SEED = seedOf(NkeyKind.User, 71);
export const CALLOUT_ISSUER = fixedSigner(NkeyKind.Account, 72);

/** With `[Symbol.dispose]` when the tests are over. */
export const trust = new TestAuthority();
const certificate = (name: string, subject: string, more: { readonly names?: string[]; readonly emails?: string[] } = {}) => ({
  caFile: trust.caFile,
  ...trust.directory.store(name, trust.root.issue({ subject, usage: "client", ...more })),
});
const CERTIFICATES = {
  email: certificate("email", "O=Shop,CN=e", { names: ["localhost"], emails: ["till@shop.example"] }),
  name: certificate("name", "O=Shop,CN=n", { names: ["stock.shop.example"] }),
  subject: certificate("subject", "O=Shop,OU=Kitchen"),
  nobody: certificate("nobody", "O=Shop,CN=nobody"),
};

/** Text of a file that nsc would write. */
function credsFile(jwt: string, seed: string): string {
  const part = (name: string, body: string) => `-----BEGIN ${name}-----\n${body}\n------END ${name}------\n`;
  return `${part("NATS USER JWT", jwt)}\n${part("USER NKEY SEED", seed)}`;
}

const USER_SEED = seedOf(NkeyKind.User, 20);
const OPERATOR_LOGINS: readonly Login[] = [
  { as: { creds: credsFile(userToken(), USER_SEED) }, outcome: "in" },
  { as: { jwt: userToken(), seed: USER_SEED }, outcome: "in" },
  { as: { jwt: userToken({ bearerToken: true }) }, outcome: "in" },
  {
    as: { creds: credsFile(userToken({ publish: { allow: ["hello"], deny: [] } }), USER_SEED) },
    publishes: "other",
    outcome: notTo("other"),
  },
  { as: { creds: credsFile(userToken(), STRANGER_SEED) }, outcome: REFUSED },
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
      { as: { token: "s3same" }, outcome: "in" },
      { as: { token: "other" }, outcome: REFUSED },
      { as: { user: "ann", password: "s3same" }, outcome: REFUSED },
      { as: {}, outcome: REFUSED },
    ],
  },
  {
    title: "a token that is hashed",
    config: `authorization { token: "${bcrypt("s3same")}" }`,
    logins: [
      { as: { token: "s3same" }, outcome: "in" },
      { as: { token: "other" }, outcome: REFUSED },
    ],
  },
  {
    title: "one user",
    config: "authorization: {\n user: ann,\n password: pw\n}",
    logins: [
      { as: { user: "ann", password: "pw" }, outcome: "in" },
      { as: { user: "pw", password: "ann" }, outcome: REFUSED },
      { as: { user: "ann" }, outcome: REFUSED },
      { as: {}, outcome: REFUSED },
    ],
  },
  {
    title: "several users, one password hashed, and a timeout",
    config: `authorization: { timeout: 3, users: [ {user: ann, password: "${bcrypt("pw")}"}, {user: ben, password: ann} ] }`,
    logins: [
      { as: { user: "ann", password: "pw" }, outcome: "in" },
      { as: { user: "ben", password: "ann" }, outcome: "in" },
      { as: { user: "ann", password: "ann" }, outcome: REFUSED },
      { as: { user: "eve", password: "pw" }, outcome: REFUSED },
    ],
  },
  {
    title: "nkeys",
    config: `authorization: { users: [ { nkey: ${NKEY_USER.publicKey} } ] }`,
    logins: [
      { as: { nkey: NKEY_SEED }, outcome: "in" },
      { as: { nkey: STRANGER_SEED }, outcome: REFUSED },
      { as: { user: NKEY_USER.publicKey, password: "" }, outcome: REFUSED },
    ],
  },
  {
    title: "certificates that are verified",
    tls: true,
    config: tlsConfig("verify: true"),
    logins: [
      { as: { tls: CERTIFICATES.nobody }, outcome: "in" },
      { as: { tls: { caFile: trust.caFile } }, outcome: "no connection" },
    ],
  },
  {
    title: "certificates that name a user",
    tls: true,
    config: `${tlsConfig("verify_and_map: true")}
authorization { users = [ {user: "till@shop.example", permissions: {publish: hello}}, {user: "stock.shop.example"}, {user: "OU=Kitchen,O=Shop"} ] }`,
    logins: [
      { as: { tls: CERTIFICATES.email }, outcome: "in" },
      { as: { tls: CERTIFICATES.email }, publishes: "other", outcome: notTo("other") },
      { as: { tls: CERTIFICATES.name }, outcome: "in" },
      { as: { tls: CERTIFICATES.subject }, outcome: "in" },
      { as: { tls: CERTIFICATES.nobody }, outcome: REFUSED },
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
      { as: { user: "chief", password: "pw" }, outcome: "in" },
      { as: { user: "asker", password: "pw" }, publishes: "ask.b", outcome: "in" },
      { as: { user: "asker", password: "pw" }, publishes: "ask.c", outcome: notTo("ask.c") },
      { as: { user: "other", password: "pw" }, publishes: "SAND.x", outcome: "in" },
      { as: { user: "other", password: "pw" }, publishes: "SAND.x.y", outcome: notTo("SAND.x.y") },
    ],
  },
  {
    title: "permissions that allow and deny",
    config: `authorization: { users = [
  { user: chief, password: pw, permissions: { publish: ">", subscribe: ">" } }
  { user: mute, password: pw, permissions: { publish: { deny: ">" }, subscribe: { allow: "client.>" } } }
  { user: most, password: pw, permissions: { publish: { allow: "a.>", deny: "a.b.*" } } } ] }`,
    logins: [
      { as: { user: "chief", password: "pw" }, outcome: "in" },
      { as: { user: "mute", password: "pw" }, outcome: notTo("hello") },
      { as: { user: "most", password: "pw" }, publishes: "a.b", outcome: "in" },
      { as: { user: "most", password: "pw" }, publishes: "a.b.c", outcome: notTo("a.b.c") },
    ],
  },
  {
    title: "accounts, and a user for who does not say",
    config: "accounts: { A: { users: [ {user: a, password: a} ] }, B: { users: [ {user: b, password: b} ] } }\nno_auth_user: a",
    logins: [
      { as: {}, outcome: "in" },
      { as: { user: "b", password: "b" }, outcome: "in" },
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
      { as: { jwt: SCOPED, seed: USER_SEED }, publishes: "team.joe.x", outcome: "in" },
      { as: { jwt: SCOPED, seed: USER_SEED }, publishes: "team.eve.x", outcome: notTo("team.eve.x") },
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
    title: "a service that is called",
    calledOut: true,
    config: `accounts { AUTH: { users: [ { user: auth, password: auth } ] }, APP: {}, SYS: {} }
system_account: SYS
authorization { auth_callout { issuer: ${CALLOUT_ISSUER.publicKey}, auth_users: [ auth ], account: AUTH } }`,
    logins: [
      { as: { user: "ann", password: "ann" }, outcome: "in" },
      { as: { user: "ann", password: "ann" }, publishes: "other", outcome: notTo("other") },
      { as: { user: "ann", password: "ben" }, outcome: REFUSED },
      { as: { user: "auth", password: "auth" }, outcome: "in" },
      { as: { user: "auth", password: "ann" }, outcome: REFUSED },
      { as: {}, outcome: REFUSED },
    ],
  },
];

function tlsConfig(more: string): string {
  const { certFile, keyFile } = trust.serverFiles;
  return `tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${trust.caFile}", ${more} }`;
}
