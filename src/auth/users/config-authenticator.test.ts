import { expect, test } from "bun:test";
import { createUser } from "@nats-io/nkeys";
import { AuthParts, NONCE, tlsWith } from "../../../test/doubles/auth-parts.ts";
import { authority } from "../../../test/tls/certificates.ts";
import { emptyServerAccount } from "../../config/schema/server-account.ts";
import { WEBSOCKET_DEFAULTS } from "../../config/schema/websocket-options.ts";
import { readCertificate } from "../../wire/transport/tls/certificate.ts";
import { TLS_DEFAULTS } from "../../wire/transport/tls/tls-options.ts";
import { NO_USER, type UserOptions } from "./authorization.ts";

const key = createUser();
const NKEY = key.getPublicKey();
const sign = (text: string) => Buffer.from(key.sign(Buffer.from(text)));
const sig = sign(NONCE).toString("base64url");

const ACCOUNTS = `
  accounts {
    A { users [ { user: alice, password: wonder } ] }
    B { users [ { nkey: ${NKEY} }, { user: web, password: w, connection_types: [websocket] } ] }
  }`;

test("users log in to their accounts, with the right password only", async () => {
  const parts = new AuthParts(ACCOUNTS);
  expect(await parts.who({ user: "alice", pass: "wonder" })).toBe("alice@A");
  const refused = [
    {},
    { user: "alice" },
    { user: "alice", pass: "wonde" },
    { user: "Alice", pass: "wonder" },
    { user: "", pass: "wonder" },
    { auth_token: "wonder" },
    { jwt: "x" },
  ];
  for (const connect of refused) expect(await parts.who(connect), JSON.stringify(connect)).toBe("AuthorizationViolation");
});

test("users of the authorization block are in the global account", async () => {
  const parts = new AuthParts(`authorization { users [ { user: a, password: b } ] } ${ACCOUNTS}`);
  expect([await parts.who({ user: "a", pass: "b" }), await parts.who({ user: "alice", pass: "wonder" })]).toEqual(["a@$G", "alice@A"]);
});

test("an nkey client must sign the nonce; both base64 alphabets are accepted", async () => {
  const parts = new AuthParts(ACCOUNTS);
  const standard = sign(NONCE).toString("base64");
  expect([await parts.who({ nkey: NKEY, sig }), await parts.who({ nkey: NKEY, sig: standard })]).toEqual([`${NKEY}@B`, `${NKEY}@B`]);
  const other = createUser();
  const refused = [
    { nkey: NKEY },
    { nkey: NKEY, sig: "" },
    { nkey: NKEY, sig: "!" },
    { nkey: NKEY, sig: "AAAA" },
    { nkey: NKEY, sig: sign("another nonce").toString("base64url") },
    { nkey: NKEY, sig: Buffer.from(other.sign(Buffer.from(NONCE))).toString("base64url") },
    { nkey: other.getPublicKey(), sig: Buffer.from(other.sign(Buffer.from(NONCE))).toString("base64url") },
    { nkey: NKEY.toLowerCase(), sig },
  ];
  for (const connect of refused) expect(await parts.who(connect), JSON.stringify(connect)).toBe("AuthorizationViolation");
  expect(parts.debug).toEqual([
    "Signature missing",
    "Signature missing",
    "Signature not valid base64",
    "Signature not verified",
    "Signature not verified",
    "Signature not verified",
  ]);
});

test("a signature is valid for one nonce", async () => {
  expect(await new AuthParts(ACCOUNTS).who({ nkey: NKEY, sig }, { nonce: "OOOOOOOOOOOOOOO" })).toBe("AuthorizationViolation");
});

test("a client that gives an nkey logs in by that nkey or not at all", async () => {
  const wrong = { nkey: createUser().getPublicKey(), user: "alice", pass: "wonder" };
  expect(await new AuthParts(ACCOUNTS).who(wrong)).toBe("AuthorizationViolation");
  // Without configured nkeys a given nkey is not evaluated, but monitoring shows it.
  expect(await new AuthParts("accounts { A { users [ { user: alice, password: wonder } ] } }").who(wrong)).toBe(`${wrong.nkey}@A`);
});

test("users can be limited to connection types", async () => {
  const parts = new AuthParts({
    websocket: { ...WEBSOCKET_DEFAULTS, noTls: true },
    authorization: {
      users: [
        { ...NO_USER, user: "web", password: "w", connectionTypes: ["WEBSOCKET"] },
        { ...NO_USER, user: "in", password: "w", connectionTypes: ["IN_PROCESS", "STANDARD"] },
        { ...NO_USER, nkey: NKEY, connectionTypes: ["MQTT", "WEBSOCKET"] },
      ],
    },
  });
  const seen: Record<string, string[]> = {};
  for (const connect of [
    { user: "web", pass: "w" },
    { user: "in", pass: "w" },
    { nkey: NKEY, sig },
  ]) {
    seen[connect.user ?? "nkey"] = await Promise.all(
      (["STANDARD", "WEBSOCKET", "IN_PROCESS"] as const).map(connectionType => parts.who(connect, { connectionType })),
    );
  }
  const no = "AuthorizationViolation";
  expect(seen).toEqual({ web: [no, "web@$G", no], in: ["in@$G", no, "in@$G"], nkey: [no, `${NKEY}@$G`, no] });
});

test("a single user or a single token; the token is checked first", async () => {
  const single = new AuthParts("authorization { user: derek, password: s3cret }");
  expect(await single.who({ user: "derek", pass: "s3cret" })).toBe("derek@$G");
  for (const connect of [{ user: "derek" }, { user: "dere", pass: "s3cret" }, { auth_token: "s3cret" }, {}])
    expect(await single.who(connect), JSON.stringify(connect)).toBe("AuthorizationViolation");
  const token = new AuthParts("authorization { token: t0ken }");
  expect([await token.who({ auth_token: "t0ken" }), await token.who({ auth_token: "t0ken", user: "anyone" })]).toEqual([
    "[REDACTED]@$G",
    "anyone@$G",
  ]);
  for (const connect of [{}, { auth_token: "t0ken " }, { user: "t0ken", pass: "t0ken" }])
    expect(await token.who(connect), JSON.stringify(connect)).toBe("AuthorizationViolation");
});

test("a client without credentials becomes the no_auth_user; a client with any credential does not", async () => {
  const parts = new AuthParts(`no_auth_user: alice ${ACCOUNTS}`);
  expect(await parts.who()).toBe("alice@A");
  for (const connect of [{ user: "x" }, { pass: "x" }, { auth_token: "x" }])
    expect(await parts.who(connect), JSON.stringify(connect)).toBe("AuthorizationViolation");
  const request = parts.request();
  await parts.authenticators.client.authenticate(request);
  expect(request.connect).toMatchObject({ user: "alice", pass: "wonder" });
});

test("an nkey can be the no_auth_user, and then needs no signature", async () => {
  const parts = new AuthParts(`no_auth_user: ${NKEY} ${ACCOUNTS}`);
  expect([await parts.who(), await parts.who({ nkey: NKEY }), await parts.who({ user: "alice", pass: "wonder" })]).toEqual([
    `${NKEY}@B`,
    `${NKEY}@B`,
    "alice@A",
  ]);
});

test("clients may begin without CONNECT only when there is a no_auth_user for their connection type", () => {
  const admits = (config: string) => {
    const { client } = new AuthParts(config).authenticators;
    return (["STANDARD", "WEBSOCKET", "IN_PROCESS"] as const).map(type => client.admitsAnonymous(type));
  };
  expect(admits(ACCOUNTS)).toEqual([false, false, false]);
  expect(admits(`no_auth_user: alice ${ACCOUNTS}`)).toEqual([true, true, true]);
  expect(admits(`no_auth_user: web ${ACCOUNTS}`)).toEqual([false, true, false]);
  expect(admits(`no_auth_user: ${NKEY} ${ACCOUNTS}`)).toEqual([false, false, false]);
  expect(admits("no_auth_user: p, authorization { users [ { user: p, password: p, proxy_required: true } ] }")).toEqual([
    false,
    false,
    false,
  ]);
});

test("permissions are the user's own or the defaults of its block, and are compiled once", async () => {
  const parts = new AuthParts(`
    authorization {
      default_permissions { publish: "d.>" }
      users [ { user: a, password: x }, { user: b, password: x }, { user: c, password: x, permissions { publish: "c.>" } } ]
    }
    accounts { A { users [ { user: d, password: x } ] } }`);
  const lists = async (user: string) => {
    const verdict = await parts.authenticators.client.authenticate(parts.request({ user, pass: "x" }));
    return typeof verdict === "number" ? verdict : verdict.permissions;
  };
  const [a, b, c, d] = await Promise.all(["a", "b", "c", "d"].map(lists));
  expect([a, c].map(one => typeof one !== "number" && one?.lists.publishAllow)).toEqual([["d.>"], ["c.>"]]);
  expect(a).toBe(b);
  expect(d).toBeNull();
});

test("a bcrypt password is checked outside the event loop, and an unknown user costs the same work", async () => {
  const hash = await Bun.password.hash("right", { algorithm: "bcrypt", cost: 4 });
  const other = await Bun.password.hash("other", { algorithm: "bcrypt", cost: 4 });
  const parts = new AuthParts({
    authorization: {
      users: [
        { ...NO_USER, user: "hashed", password: hash },
        { ...NO_USER, user: "web", password: other, connectionTypes: ["WEBSOCKET"] },
        { ...NO_USER, user: "plain", password: "plain" },
      ],
    },
  });
  const { client } = parts.authenticators;
  expect(client.authenticate(parts.request({ user: "hashed", pass: "right" }))).toBeInstanceOf(Promise);
  expect(await parts.who({ user: "hashed", pass: "right" })).toBe("hashed@$G");
  const hashesFor = async (connect: { user?: string; pass?: string }) => {
    parts.checks.stored.length = 0;
    const who = await parts.who(connect);
    return [who, parts.checks.stored.filter(stored => stored.startsWith("$2")).length];
  };
  const refused = ["AuthorizationViolation", 1];
  expect(await hashesFor({ user: "hashed", pass: "wrong" })).toEqual(refused);
  expect(await hashesFor({ user: "unknown", pass: "right" })).toEqual(refused);
  expect(await hashesFor({ user: "web", pass: "other" })).toEqual(refused); // not allowed for this connection type
  expect(await hashesFor({ user: "plain", pass: "wrong" })).toEqual(refused);
  expect(await hashesFor({ user: "hashed" })).toEqual(refused);
  expect(await hashesFor({})).toEqual(refused);
  expect(await hashesFor({ user: "plain", pass: "plain" })).toEqual(["plain@$G", 0]);
});

test("the name of a single user is checked with the same work as its password", async () => {
  const hash = await Bun.password.hash("right", { algorithm: "bcrypt", cost: 4 });
  const parts = new AuthParts({ authorization: { user: "derek", password: hash } });
  expect([await parts.who({ user: "derek", pass: "right" }), await parts.who({ user: "anna", pass: "right" })]).toEqual([
    "derek@$G",
    "AuthorizationViolation",
  ]);
  expect(parts.checks.stored.filter(stored => stored === hash).length).toBe(2);
});

test("ten thousand users need one lookup", async () => {
  const users: UserOptions[] = Array.from({ length: 10_000 }, (_, n) => ({ ...NO_USER, user: `user${n}`, password: `p${n}` }));
  const parts = new AuthParts({ accounts: [{ ...emptyServerAccount("A"), users }] });
  expect(await parts.who({ user: "user9999", pass: "p9999" })).toBe("user9999@A");
  expect(parts.checks.stored).toEqual(["p9999"]);
  expect(await parts.who({ user: "user10000", pass: "p" })).toBe("AuthorizationViolation");
  expect(parts.checks.stored.length).toBe(2);
});

const PROXY = createUser();
const PROXY_KEY = PROXY.getPublicKey();
const proxy_sig = Buffer.from(PROXY.sign(Buffer.from(NONCE))).toString("base64url");
const PROXIES = `proxies { trusted [ { key: ${createUser().getPublicKey()} }, { key: ${PROXY_KEY} } ] }\n`;

test("a signature over an empty nonce is refused, for users and for proxies", async () => {
  const parts = new AuthParts(`${PROXIES} accounts { A { users [ { user: direct, password: x }, { nkey: ${NKEY} } ] } }`);
  const ofNothing = Buffer.from(PROXY.sign(Buffer.alloc(0))).toString("base64url");
  expect(await parts.who({ nkey: NKEY, sig: sign("").toString("base64url") }, { nonce: "" })).toBe("AuthorizationViolation");
  expect(await parts.who({ user: "direct", pass: "x", proxy_sig: ofNothing }, { nonce: "" })).toBe("ProxyNotTrusted");
});

test("a trusted proxy admits its client, an untrusted one is refused", async () => {
  const parts = new AuthParts(`${PROXIES} accounts { A { users [
    { user: direct, password: x }, { user: proxied, password: x, proxy_required: true }, { nkey: ${NKEY}, proxy_required: true } ] } }`);
  const by = ` by ${PROXY_KEY}`;
  expect(await parts.who({ user: "direct", pass: "x" })).toBe("direct@A");
  expect(await parts.who({ user: "direct", pass: "x", proxy_sig })).toBe(`direct@A${by}`);
  expect(await parts.who({ user: "proxied", pass: "x" })).toBe("ProxyRequired");
  expect(await parts.who({ user: "proxied", pass: "x", proxy_sig })).toBe(`proxied@A${by}`);
  expect(await parts.who({ nkey: NKEY, sig })).toBe("ProxyRequired");
  expect(await parts.who({ nkey: NKEY, sig, proxy_sig })).toBe(`${NKEY}@A${by}`);
  const standard = Buffer.from(PROXY.sign(Buffer.from(NONCE))).toString("base64");
  for (const wrong of ["AAAA", "!", sig, standard, "A"])
    expect(await parts.who({ user: "direct", pass: "x", proxy_sig: wrong }), wrong).toBe("ProxyNotTrusted");
  expect(await parts.who({ user: "proxied", pass: "x" }, { nonce: "" })).toBe("ProxyRequired");
});

test("without trusted proxies a signature is ignored, and proxy_required fails", async () => {
  const parts = new AuthParts("authorization { users [ { user: a, password: x }, { user: b, password: x, proxy_required: true } ] }");
  expect([await parts.who({ user: "a", pass: "x", proxy_sig }), await parts.who({ user: "b", pass: "x", proxy_sig })]).toEqual([
    "a@$G",
    "ProxyRequired",
  ]);
});

test("proxy_required of the block applies to its single user and token", async () => {
  const single = new AuthParts(`${PROXIES} authorization { user: a, password: x, proxy_required: true }`);
  expect([await single.who({ user: "a", pass: "x" }), await single.who({ user: "a", pass: "x", proxy_sig })]).toEqual([
    "ProxyRequired",
    `a@$G by ${PROXY_KEY}`,
  ]);
  const users = new AuthParts(`${PROXIES} authorization { users [ { user: a, password: x } ], proxy_required: true }`);
  expect([await users.who({ user: "a", pass: "x" }), await users.who()]).toEqual(["a@$G", "ProxyRequired"]);
});

test("without required credentials the signature of an untrusted proxy is still refused", async () => {
  const parts = new AuthParts(PROXIES);
  expect([await parts.who(), await parts.who({ proxy_sig }), await parts.who({ proxy_sig: "AAAA" })]).toEqual([
    "@$G",
    `@$G by ${PROXY_KEY}`,
    "ProxyNotTrusted",
  ]);
  expect(parts.authenticators.client).toMatchObject({ required: false, usesNonce: true });
});

const ROOT = authority();
const shown = (subject: string, more: object = {}) => tlsWith(readCertificate(ROOT.issue({ subject, ...more }).der));
const MAPPED = { tls: { ...TLS_DEFAULTS, verify: true, mapsCertificate: true } };

test("a certificate determines the user; a name in CONNECT is ignored with a warning", async () => {
  const parts = new AuthParts({
    ...MAPPED,
    authorization: {
      users: [
        { ...NO_USER, user: "alice@example.com" },
        { ...NO_USER, user: "CN=bob,O=x" },
        { ...NO_USER, user: "CN=secret", password: "too" },
        { ...NO_USER, user: "CN=web", connectionTypes: ["WEBSOCKET"] },
      ],
    },
  });
  const tls = shown("O=x,CN=bob");
  expect(await parts.who({}, { tls })).toBe("CN=bob,O=x@$G");
  expect(await parts.who({ user: "alice@example.com" }, { tls })).toBe("CN=bob,O=x@$G");
  expect(parts.host.lines).toEqual(['User "alice@example.com" found in connect proto, but user required from cert']);
  expect(await parts.who({}, { tls: shown("O=x,CN=bob", { emails: ["x@y", "alice@example.com"] }) })).toBe("alice@example.com@$G");
  expect(await parts.who({}, { tls: shown("CN=carol") })).toBe("AuthorizationViolation");
  expect(await parts.who({}, { tls: shown("CN=web") })).toBe("AuthorizationViolation");
  expect(await parts.who({}, { tls: null })).toBe("AuthorizationViolation");
  expect(await parts.who({}, { tls: tlsWith() })).toBe("AuthorizationViolation");
  // A user with a password must also give that password.
  expect(await parts.who({}, { tls: shown("CN=secret") })).toBe("AuthorizationViolation");
  expect(await parts.who({ pass: "too" }, { tls: shown("CN=secret") })).toBe("CN=secret@$G");
  expect(parts.debug.slice(0, 3)).toEqual([
    'Using DistinguishedNameMatch for auth ["CN=bob,O=x"]',
    'Using DistinguishedNameMatch for auth ["CN=bob,O=x"]',
    'Using email found in cert for auth ["alice@example.com"]',
  ]);
});

test("a user without a password that a certificate can identify cannot log in without that certificate", async () => {
  const users = [
    { ...NO_USER, user: "CN=bob" },
    { ...NO_USER, user: "std", connectionTypes: ["STANDARD" as const] },
    { ...NO_USER, user: "guest" },
  ];
  const websocket = { ...WEBSOCKET_DEFAULTS, noTls: true, noAuthUser: "guest" };
  const parts = new AuthParts({ ...MAPPED, websocket, authorization: { users } });
  const web = { connectionType: "WEBSOCKET" as const };
  expect([await parts.who({ user: "CN=bob" }, web), await parts.who({}, web)]).toEqual(["AuthorizationViolation", "guest@$G"]);
  expect(parts.debug).toEqual(['User "CN=bob" requires a client certificate']);
  // Without certificate mapping, two empty passwords are equal.
  expect(await new AuthParts({ authorization: { users } }).who({ user: "CN=bob" })).toBe("CN=bob@$G");
});

test("a WebSocket listener with any login rule of its own uses only its own rules", async () => {
  const web = { connectionType: "WEBSOCKET" as const };
  const websocket = { ...WEBSOCKET_DEFAULTS, noTls: true };
  const server = { authorization: { user: "tcp", password: "x" } };
  const same = new AuthParts({ ...server, websocket });
  expect([await same.who({ user: "tcp", pass: "x" }, web), await same.who({}, web)]).toEqual(["tcp@$G", "AuthorizationViolation"]);
  const user = new AuthParts({ ...server, websocket: { ...websocket, authorization: { user: "web", password: "y" } } });
  expect([await user.who({ user: "tcp", pass: "x" }, web), await user.who({ user: "web", pass: "y" }, web)]).toEqual([
    "AuthorizationViolation",
    "web@$G",
  ]);
  expect([await user.who({ user: "tcp", pass: "x" }), await user.who({ user: "web", pass: "y" })]).toEqual([
    "tcp@$G",
    "AuthorizationViolation",
  ]);
  const token = new AuthParts({ websocket: { ...websocket, authorization: { token: "t" } } });
  expect([await token.who(), await token.who({}, web), await token.who({ auth_token: "t" }, web)]).toEqual([
    "@$G",
    "AuthorizationViolation",
    "[REDACTED]@$G",
  ]);
  expect([token.authenticators.client.required, token.authenticators.websocket.required]).toEqual([false, true]);
});

test("the WebSocket listener can have its own no_auth_user", async () => {
  const users = [
    { ...NO_USER, user: "a", password: "x" },
    { ...NO_USER, user: "b", password: "x" },
  ];
  const web = { connectionType: "WEBSOCKET" as const };
  const websocket = { ...WEBSOCKET_DEFAULTS, noTls: true };
  const both = new AuthParts({ noAuthUser: "a", websocket: { ...websocket, noAuthUser: "b" }, authorization: { users } });
  expect([await both.who(), await both.who({}, web)]).toEqual(["a@$G", "b@$G"]);
  const inherited = new AuthParts({ noAuthUser: "a", websocket, authorization: { users } });
  expect(await inherited.who({}, web)).toBe("a@$G");
  const own = new AuthParts({ websocket: { ...websocket, noAuthUser: "b" }, authorization: { users } });
  expect([own.authenticators.client.admitsAnonymous("STANDARD"), own.authenticators.websocket.admitsAnonymous("WEBSOCKET")]).toEqual([
    false,
    true,
  ]);
});

test("a wrapping authenticator learns which user was named, even after a failed check", async () => {
  const parts = new AuthParts(`${PROXIES} ${ACCOUNTS}`);
  const resolve = (connect: object) => {
    const { identity, proxyKey, proxyRequired } = parts.authenticators.client.resolve(parts.request(connect));
    return { identity, proxyKey, proxyRequired };
  };
  const plain = { proxyKey: "", proxyRequired: false };
  expect(resolve({ user: "alice", pass: "no" })).toEqual({ identity: "alice", ...plain });
  expect(resolve({ nkey: NKEY })).toEqual({ identity: NKEY, ...plain });
  expect(resolve({ user: "web", pass: "w" })).toEqual({ identity: "web", ...plain });
  expect(resolve({ user: "unknown" })).toEqual({ identity: "", ...plain });
  expect(resolve({ user: "alice", proxy_sig })).toEqual({ identity: "alice", proxyKey: PROXY_KEY, proxyRequired: false });
  const single = new AuthParts("authorization { user: derek, password: x }").authenticators.client;
  expect(single.resolve(parts.request({ user: "derek" })).identity).toBe("derek");
  const token = new AuthParts("authorization { token: t }").authenticators.client;
  expect(token.resolve(parts.request({ auth_token: "t", user: "derek" })).identity).toBe("");
});

test("a hash that a client's password has matched is not checked again, and another one is, without a time limit", async () => {
  const hash = (password: string) => Bun.password.hashSync(password, { algorithm: "bcrypt", cost: 4 });
  const [first, second] = [hash("wonder"), hash("wonder")];
  const config = (stored: string) => `authorization { users [ { user: alice, password: "${stored}" } ] }`;
  const connect = { user: "alice", pass: "wonder" };
  const parts = new AuthParts(config(first));
  const login = await parts.authenticators.client.authenticate(parts.request(connect));
  if (typeof login === "number") throw new Error("refused");
  expect([login.provedHash, parts.checks.stored]).toEqual([first, [first]]);
  const again = { provedHash: login.provedHash, timeoutMs: Number.POSITIVE_INFINITY };
  const kept = parts.authenticators.client.authenticate(parts.request(connect, again));
  expect([kept, parts.checks.stored]).toEqual([login, [first]]);
  const changed = new AuthParts(config(second));
  expect([await changed.who(connect, again), changed.checks.stored]).toEqual(["alice@$G", [second]]);
  expect(await changed.who({ user: "alice", pass: "wrong" }, again)).toBe("AuthorizationViolation");
});
