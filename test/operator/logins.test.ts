/**
 * Logins by JWT compared with nats-server: what the client receives, whether it stays connected, and what is logged. Every check of core
 * §4.5 has cases that fail it; cases that fail several checks show the order of the checks.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { NO_LIMITS_SET } from "../../src/access/jwt/encode.ts";
import { NkeyKind } from "../../src/base/keys/nkey.ts";
import { fixedSigner, rawToken } from "../doubles/token-maker.ts";
import { until } from "../faults/until.ts";
import { askBoth, Recording, referenceIsLive } from "../reference/recording.ts";
import { linesOf, type Side, startOurs, startReference } from "./both-servers.ts";
import { type Credentials, Peer } from "./peer.ts";
import { scope } from "./scope.ts";
import {
  ALPHA,
  ALPHA_KEY,
  ALPHA_SCOPED,
  accountToken,
  BETA,
  GAMMA,
  memoryConfig,
  nowSeconds,
  OPERATOR_KEY,
  OTHER_USER,
  operatorToken,
  STRANGER,
  USER,
  type UserFacts,
  userToken,
} from "./tokens.ts";

const it = new Recording(import.meta.path);

const TEMPLATED = fixedSigner(NkeyKind.Account, 30);
const PROXIED = fixedSigner(NkeyKind.Account, 31);
const BROKEN = fixedSigner(NkeyKind.Account, 32);
const MANY = fixedSigner(NkeyKind.Account, 33);
const NO_BEARER = fixedSigner(NkeyKind.Account, 34);
const FULL = fixedSigner(NkeyKind.Account, 35);
const UNTRUSTED = fixedSigner(NkeyKind.Account, 36);
const EXPIRED = fixedSigner(NkeyKind.Account, 37);
const FUTURE = fixedSigner(NkeyKind.Account, 38);
const MISNAMED = fixedSigner(NkeyKind.Account, 39);
const UNKNOWN = fixedSigner(NkeyKind.Account, 40);
const REVOKING = fixedSigner(NkeyKind.Account, 41);
const SIGNED_BY_KEY = fixedSigner(NkeyKind.Account, 42);
const ALL_REVOKED = fixedSigner(NkeyKind.Account, 43);
const PROXY = fixedSigner(NkeyKind.Server, 50);

function config(): string {
  const soon = nowSeconds() + 3_600;
  const accounts = {
    [ALPHA.publicKey]: accountToken(ALPHA, {
      tags: ["team:blue"],
      signingKeys: new Map([
        [ALPHA_KEY.publicKey, null],
        scope(ALPHA_SCOPED.publicKey, { publish: { allow: ["scoped.>"], deny: [] }, subscriptionsMax: 2, payloadBytesMax: 10 }),
        scope(TEMPLATED.publicKey, {
          publish: { allow: ["{{name()}}.{{subject()}}.x", "{{tag(region)}}.{{account-tag(team)}}.>", "{{account-name()}}.a"], deny: [] },
          subscribe: { allow: ["_INBOX.{{account-subject()}}.>"], deny: ["no.{{tag(region)}}"] },
        }),
        scope(PROXIED.publicKey, { proxyRequired: true }),
        scope(BROKEN.publicKey, { publish: { allow: ["{{nonsense()}}.x"], deny: [] } }),
        scope(MANY.publicKey, { publish: { allow: ["{{tag(a)}}.{{tag(a)}}.{{tag(a)}}.{{tag(a)}}"], deny: [] } }),
      ]),
    }),
    [BETA.publicKey]: accountToken(BETA, { by: OPERATOR_KEY, data: { expiresAtSeconds: soon } }),
    [NO_BEARER.publicKey]: accountToken(NO_BEARER, { limits: { disallowBearer: true } }),
    [FULL.publicKey]: accountToken(FULL, { limits: { connectionsMax: 0 } }),
    [UNTRUSTED.publicKey]: accountToken(UNTRUSTED, { by: STRANGER }),
    [EXPIRED.publicKey]: accountToken(EXPIRED, { data: { expiresAtSeconds: nowSeconds() - 50 } }),
    [FUTURE.publicKey]: accountToken(FUTURE, { data: { notBeforeSeconds: soon } }),
    [MISNAMED.publicKey]: accountToken(GAMMA),
    [REVOKING.publicKey]: accountToken(REVOKING, { revocations: new Map([[USER.publicKey, nowSeconds() - 5]]) }),
    [ALL_REVOKED.publicKey]: accountToken(ALL_REVOKED, { revocations: new Map([["*", nowSeconds() - 5]]) }),
    [SIGNED_BY_KEY.publicKey]: accountToken(SIGNED_BY_KEY, { by: SIGNED_BY_KEY }),
  };
  return memoryConfig(
    accounts,
    `proxies: { trusted: [ { key: ${PROXY.publicKey} } ] }`,
    operatorToken({ signingKeys: [OPERATOR_KEY.publicKey] }),
  );
}

const OF_ALPHA = { issuerAccount: ALPHA.publicKey } as const;
const SCOPED = { ...NO_LIMITS_SET, ...OF_ALPHA } as const;

function signed(facts: UserFacts, more: Partial<Credentials> = {}): () => Credentials {
  return () => ({ jwt: userToken(facts), signer: facts.subject ?? USER, ...more });
}

function rawUser(claims: object, by = ALPHA): string {
  const data = { iat: nowSeconds() - 5, iss: by.publicKey, sub: USER.publicKey, jti: "X" };
  return rawToken(JSON.stringify({ ...data, ...claims }), by);
}

const USER_BODY = { type: "user", version: 2, subs: -1, data: -1, payload: -1 };
const hour = (shift: number): string => new Date(Date.now() + shift * 3_600_000).toISOString().slice(11, 19);
const badChecksum = (key: string): string => `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`;
const proxySignature = (nonce: string): string => Buffer.from(PROXY.sign(Buffer.from(nonce))).toString("base64url");
const HOURS = (start: number, end: number) => ({ times: [{ start: hour(start), end: hour(end) }], timesLocation: "UTC" });
const types = (...allowedConnectionTypes: string[]) => ({ allowedConnectionTypes });
const lists = (publish: string[], subscribe: string[] = []) => ({
  publish: { allow: publish, deny: [] },
  subscribe: { allow: subscribe, deny: [] },
});

/** Title → credentials of the client, made from the nonce. */
const CASES: Record<string, (nonce: string) => Credentials> = {
  "a user of its account": signed({}),
  "a user of an account that a signing key of the operator signed": signed({ by: BETA }),
  "a user of a signing key": signed({ by: ALPHA_KEY, ...OF_ALPHA }),
  "a user of a scoped key": signed({ by: ALPHA_SCOPED, ...SCOPED }),
  "a user of a scoped key with templates": signed({ by: TEMPLATED, ...SCOPED, tags: ["region:eu", "region:us"] }),
  "a template without the tag that a deny list needs": signed({ by: TEMPLATED, ...SCOPED }),
  "a template with an operation that does not exist": signed({ by: BROKEN, ...SCOPED }),
  "a template that expands to too many subjects": signed({ by: MANY, ...SCOPED, tags: Array.from({ length: 9 }, (_, i) => `a:${i}`) }),
  "a scoped user with permissions of its own": signed({ by: ALPHA_SCOPED, ...SCOPED, ...lists(["x"]) }),
  "a scoped user with limits of its own": signed({ by: ALPHA_SCOPED, ...OF_ALPHA }),
  "a scoped user that is a bearer": signed({ by: ALPHA_SCOPED, ...SCOPED, bearerToken: true }, { signer: null }),
  "no JWT": () => ({}),
  "no JWT, with user and password": () => ({ connect: { user: "u", pass: "p" } }),
  "a token, without a JWT": () => ({ connect: { auth_token: "t" } }),
  "an nkey with its signature, without a JWT": () => ({ signer: USER, connect: { nkey: USER.publicKey } }),
  "an nkey beside a valid JWT": signed({}, { connect: { nkey: USER.publicKey } }),
  "a user name beside a valid JWT": signed({}, { connect: { user: "somebody" } }),
  "a user name without a JWT": () => ({ connect: { user: "somebody" } }),
  "garbage as JWT": () => ({ jwt: "garbage", signer: USER }),
  "three parts of garbage": () => ({ jwt: "a.b.c", signer: USER }),
  "a truncated JWT": () => ({ jwt: userToken().slice(0, -10), signer: USER }),
  "a JWT whose claims were changed": () => ({ jwt: userToken().replace(/\.(.{20})./, ".$1x"), signer: USER }),
  "a JWT of two parts": () => ({ jwt: userToken().split(".").slice(0, 2).join("."), signer: USER }),
  "a JWT with another header": () => ({
    jwt: rawToken(JSON.stringify({ nats: USER_BODY }), ALPHA, '{"typ":"JWT","alg":"none"}'),
    signer: USER,
  }),
  "an account's JWT": () => ({ jwt: accountToken(ALPHA), signer: USER }),
  "an operator's JWT": () => ({ jwt: operatorToken(), signer: USER }),
  "a user signed by an operator": () => ({ jwt: rawUser({ nats: USER_BODY }, STRANGER), signer: USER }),
  "a user signed by a user": () => ({ jwt: rawUser({ nats: USER_BODY }, OTHER_USER), signer: USER }),
  "an issuer with a bad checksum": () => ({ jwt: rawUser({ iss: badChecksum(ALPHA.publicKey), nats: USER_BODY }), signer: USER }),
  "a subject with a bad checksum": () => ({ jwt: rawUser({ sub: badChecksum(USER.publicKey), nats: USER_BODY }), signer: USER }),
  "a subject that is an account": () => ({ jwt: rawUser({ sub: ALPHA.publicKey, nats: USER_BODY }), signer: ALPHA }),
  "no subject": () => ({ jwt: rawUser({ sub: "", nats: USER_BODY }), signer: USER }),
  "a JWT of a newer version": () => ({ jwt: rawUser({ nats: { ...USER_BODY, version: 3 } }), signer: USER }),
  "a JWT of the first version": () => ({
    jwt: rawToken(
      JSON.stringify({ iat: 1, iss: ALPHA.publicKey, sub: USER.publicKey, type: "user", nats: {} }),
      ALPHA,
      '{"typ":"jwt","alg":"ed25519"}',
    ),
    signer: USER,
  }),
  "an oversized JWT": () => ({ jwt: userToken({ tags: ["x".repeat(5_000)] }), signer: USER }),
  expired: signed({ data: { expiresAtSeconds: nowSeconds() - 60 } }),
  "not yet valid": signed({ data: { notBeforeSeconds: nowSeconds() + 600 } }),
  "valid until later": signed({ data: { expiresAtSeconds: nowSeconds() + 600, notBeforeSeconds: nowSeconds() - 600 } }),
  "an unknown account": signed({ by: UNKNOWN }),
  "an unknown account by issuer_account": signed({ issuerAccount: UNKNOWN.publicKey }),
  "an issuer_account that is not an account key": () => ({
    jwt: rawUser({ nats: { ...USER_BODY, issuer_account: "ACCOUNT" } }),
    signer: USER,
  }),
  "an account that an unknown operator signed": signed({ by: UNTRUSTED }),
  "an account that signed itself": signed({ by: SIGNED_BY_KEY }),
  "an expired account": signed({ by: EXPIRED }),
  "an account that is not yet valid": signed({ by: FUTURE }),
  "an account whose JWT is about another one": signed({ by: MISNAMED }),
  "an issuer that the account does not know": signed({ by: BETA, ...OF_ALPHA }),
  "a signing key without an issuer_account": signed({ by: ALPHA_KEY }),
  "a bearer without a signature": signed({ bearerToken: true }, { signer: null }),
  "a bearer with the signature of another user": signed({ bearerToken: true }, { signer: OTHER_USER }),
  "a bearer in an account that disallows bearers": signed({ by: NO_BEARER, bearerToken: true }, { signer: null }),
  "a user with a signature in an account that disallows bearers": signed({ by: NO_BEARER }),
  "no signature": signed({}, { signer: null }),
  "the signature of another user": signed({}, { signer: OTHER_USER }),
  "a signature that is not base64": signed({}, { signer: null, connect: { sig: "!!!" } }),
  "a signature that is too short": signed({}, { signer: null, connect: { sig: "AAAA" } }),
  "a signature of another nonce": signed(
    {},
    { signer: null, connect: { sig: Buffer.from(USER.sign(Buffer.from("nonce"))).toString("base64url") } },
  ),
  "a signature as standard base64": nonce => ({
    jwt: userToken(),
    connect: { sig: Buffer.from(USER.sign(Buffer.from(nonce))).toString("base64") },
  }),
  "only websocket allowed": signed(types("WEBSOCKET")),
  "standard allowed, in lower case": signed(types("standard")),
  "an unknown type beside a known one": signed(types("STANDARD", "PIGEON")),
  "unknown types only": signed(types("PIGEON", "owl")),
  "revoked by key": signed({ by: REVOKING }),
  "issued after the revocation": signed({ by: REVOKING, issuedAgo: 2 }),
  "another user than the revoked one": signed({ by: REVOKING, subject: OTHER_USER }),
  "all users revoked": signed({ by: ALL_REVOKED, subject: OTHER_USER }),
  "from a network that is allowed": signed({ sources: ["10.0.0.0/8", "127.0.0.0/8"] }),
  "from a network that is not allowed": signed({ sources: ["10.0.0.0/8"] }),
  "an invalid network": signed({ sources: ["localhost"] }),
  "within its hours": signed(HOURS(-1, 1)),
  "outside its hours": signed(HOURS(-2, -1)),
  "hours over midnight": signed({ times: [{ start: hour(1), end: hour(0.5) }], timesLocation: "UTC" }),
  "hours in an unknown time zone": signed({ ...HOURS(-1, 1), timesLocation: "Atlantis/Capital" }),
  "invalid hours": signed({ times: [{ start: "9am", end: "5pm" }] }),
  "an account that is full": signed({ by: FULL }),
  "a proxy is required": signed({ proxyRequired: true }),
  "a proxy is required, and its signature is present": nonce => ({
    jwt: userToken({ proxyRequired: true }),
    signer: USER,
    connect: { proxy_sig: proxySignature(nonce) },
  }),
  "a proxy that is not trusted": nonce => ({
    jwt: userToken(),
    signer: USER,
    connect: { proxy_sig: Buffer.from(USER.sign(Buffer.from(nonce))).toString("base64url") },
  }),
  "a scope requires a proxy": signed({ by: PROXIED, ...SCOPED }),
  "a scope requires a proxy, and its signature is present": nonce => ({
    jwt: userToken({ by: PROXIED, ...SCOPED }),
    signer: USER,
    connect: { proxy_sig: proxySignature(nonce) },
  }),
  "proxy before validity": signed({ proxyRequired: true, data: { expiresAtSeconds: 1 } }),
  "validity before account": signed({ by: UNKNOWN, data: { expiresAtSeconds: 1 } }),
  "connection type before signature": signed(types("MQTT"), { signer: null }),
  "signature before revocation": signed({ by: ALL_REVOKED }, { signer: null }),
  "revocation before network": signed({ by: ALL_REVOKED, sources: ["10.0.0.0/8"] }),
  "network before hours": signed({ sources: ["10.0.0.0/8"], ...HOURS(-2, -1) }),
  "an account named beside the JWT": signed({}, { connect: { account: ALPHA.publicKey } }),
};

let ours: Side;
let reference: Side | null = null;
beforeAll(async () => {
  const text = config();
  ours = await startOurs(text);
  if (referenceIsLive()) reference = await startReference(text);
});
afterAll(async () => {
  await ours.stop();
  await reference?.stop();
});

interface Outcome {
  readonly received: readonly string[];
  readonly closed: boolean;
  readonly logged: readonly string[];
}

/** Removes what may differ: addresses in memory, a list of pointers, the text of a line that is too long. */
function comparable(line: string): string {
  return line
    .replace(/(maximum control line exceeded) .*/, "$1")
    .replace(/ accused 0x[0-9a-f]+/, "")
    .replace(/(User JWT no longer valid): .*/, "$1");
}

async function outcome(side: Side, credentialsFor: (nonce: string) => Credentials): Promise<Outcome> {
  const peer = await Peer.open(side.port);
  peer.connect(credentialsFor(peer.info.nonce));
  await peer.ping();
  const result = { received: peer.lines, closed: peer.closed };
  peer.close();
  const id = peer.info.client_id;
  const isClosed = () => linesOf(side, id).some(line => line.includes("connection closed"));
  await until(isClosed, () => `${side.name} has not closed connection ${id}`);
  return { ...result, logged: linesOf(side, id).map(comparable) };
}

for (const [title, credentialsFor] of Object.entries(CASES)) {
  it.compared(`${title}: the same answer and log as from nats-server`, async () => {
    const [actual, expected] = await askBoth(
      () => outcome(ours, credentialsFor),
      () => outcome(reference!, credentialsFor),
    );
    expect(actual).toEqual(expected);
  });
}

test("some of these logins are accepted and some are refused", async () => {
  const closed = async (title: string) => (await outcome(ours, CASES[title]!)).closed;
  expect([await closed("a user of its account"), await closed("no signature")]).toEqual([false, true]);
  expect(Object.keys(CASES).length).toBeGreaterThanOrEqual(60);
});
