/** Every kind of credentials, without TLS, compared with nats-server: the same CONNECT gets the same answer and the same user. */
import { expect, test } from "bun:test";
import type { KeyPair } from "@nats-io/nkeys";
import { fixedUser } from "../doubles/token-maker.ts";
import { Recording } from "../reference/recording.ts";
import { type Attempt, type Credentials, type Outcome, outcomeOf, startOurs, withBoth } from "./servers.ts";

const it = new Recording(import.meta.path);

const key = fixedUser(60);
const NKEY = key.getPublicKey();
const limitedKey = fixedUser(61);
const LIMITED = limitedKey.getPublicKey();
const proxy = fixedUser(62);
const PROXY = proxy.getPublicKey();
const stranger = fixedUser(63);

const signature = (by: KeyPair, text: string) => Buffer.from(by.sign(Buffer.from(text)));
const withNkey =
  (by: KeyPair, more: Record<string, unknown> = {}, encoding: "base64" | "base64url" = "base64url"): Credentials =>
  nonce => ({ nkey: by.getPublicKey(), sig: signature(by, nonce).toString(encoding), ...more });
const through =
  (by: KeyPair, connect: Record<string, unknown> = {}): Credentials =>
  nonce => ({ ...connect, proxy_sig: signature(by, nonce).toString("base64url") });

const hash = (password: string) => Bun.password.hashSync(password, { algorithm: "bcrypt", cost: 4 });

interface Case {
  readonly title: string;
  readonly config: string;
  readonly attempts: readonly Attempt["connect"][];
}

const USER_ATTEMPTS: Attempt["connect"][] = [
  {},
  { user: "alice", pass: "wonder" },
  { user: "alice", pass: "Wonder" },
  { user: "alice" },
  { user: "ALICE", pass: "wonder" },
  { user: "nobody", pass: "wonder" },
  { user: "", pass: "wonder" },
  { auth_token: "wonder" },
  { user: "bob", pass: "builder" },
  { user: "bob", pass: "" },
  { user: "empty" },
  { user: "empty", pass: "x" },
  { user: "web", pass: "w" },
  { user: "alice", pass: "wonder", nkey: NKEY },
  { user: "alice", pass: "wonder", auth_token: "x", jwt: "eyJ" },
  { user: "alice", pass: "wonder", account: "A" },
  { user: "alice", pass: "wonder", new_account: true },
  withNkey(key),
  withNkey(key, {}, "base64"),
  withNkey(key, { user: "alice", pass: "wonder" }),
  withNkey(key, { sig: "" }),
  withNkey(key, { sig: "???" }),
  withNkey(key, { nkey: LIMITED }),
  withNkey(stranger),
  withNkey(limitedKey),
  () => ({ nkey: NKEY, sig: signature(key, "AAAAAAAAAAAAAAA").toString("base64url") }),
  through(proxy, { user: "alice", pass: "wonder" }),
  through(stranger, { user: "alice", pass: "wonder" }),
  through(proxy, { user: "proxied", pass: "x" }),
  { user: "proxied", pass: "x" },
  { user: "proxied", pass: "wrong" },
  { user: "alice", pass: "wonder", proxy_sig: "!" },
  through(stranger),
  through(proxy),
];

const USERS = `accounts {
  A { users [ { user: alice, password: wonder }, { user: empty, password: "" }, { user: proxied, password: x, proxy_required: true } ] }
  B { users [ { user: bob, password: "${hash("builder")}" }, { user: web, password: w, allowed_connection_types: [websocket] } ] }
}
`;
const NKEYS = `authorization { users [
  { nkey: ${NKEY} }
  { nkey: ${LIMITED}, allowed_connection_types: ["MQTT", "websocket"] }
] }
`;
const PROXIES = `proxies { trusted [ { key: ${fixedUser(64).getPublicKey()} }, { key: ${PROXY} } ] }
`;

const SINGLE_ATTEMPTS: Attempt["connect"][] = [
  {},
  { user: "derek", pass: "s3cret" },
  { user: "derek", pass: "s3cre" },
  { user: "dere", pass: "s3cret" },
  { user: "derek" },
  { auth_token: "s3cret" },
  { auth_token: "s3cret", user: "anyone" },
  { auth_token: "s3cret", nkey: NKEY },
  through(proxy, { user: "derek", pass: "s3cret" }),
  through(stranger, { user: "derek", pass: "s3cret" }),
  through(proxy, { auth_token: "s3cret" }),
];

const CASES: readonly Case[] = [
  { title: "no authentication configured", config: "", attempts: USER_ATTEMPTS },
  { title: "no authentication configured, trusted proxies only", config: PROXIES, attempts: USER_ATTEMPTS },
  { title: "users of accounts", config: USERS, attempts: USER_ATTEMPTS },
  { title: "users, nkeys and proxies", config: USERS + NKEYS + PROXIES, attempts: USER_ATTEMPTS },
  { title: "users and a no_auth_user", config: `${USERS}no_auth_user: alice`, attempts: USER_ATTEMPTS },
  { title: "users and a no_auth_user with a hashed password", config: `${USERS}no_auth_user: bob`, attempts: USER_ATTEMPTS },
  { title: "users and a no_auth_user without a password", config: `${USERS}no_auth_user: empty`, attempts: USER_ATTEMPTS },
  { title: "users and a no_auth_user of another connection type", config: `${USERS}no_auth_user: web`, attempts: USER_ATTEMPTS },
  { title: "users and a no_auth_user that requires a proxy", config: `${USERS}${PROXIES}no_auth_user: proxied`, attempts: USER_ATTEMPTS },
  { title: "an nkey as the no_auth_user", config: `${USERS}${NKEYS}no_auth_user: ${NKEY}`, attempts: USER_ATTEMPTS },
  { title: "nkeys only", config: NKEYS, attempts: USER_ATTEMPTS },
  { title: "accounts without users", config: "accounts { A { } }", attempts: [{}, { user: "a" }] },
  { title: "an empty list of users", config: "authorization { users: [] }", attempts: [{}, { user: "a" }] },
  { title: "an authorization block without users", config: "authorization { timeout: 1 }", attempts: [{}, { user: "a" }] },
  { title: "a single user", config: "authorization { user: derek, password: s3cret }", attempts: SINGLE_ATTEMPTS },
  { title: "a single user without a password", config: "authorization { user: derek }", attempts: SINGLE_ATTEMPTS },
  { title: "a single hashed user", config: `authorization { user: derek, password: "${hash("s3cret")}" }`, attempts: SINGLE_ATTEMPTS },
  { title: "a token", config: "authorization { token: s3cret }", attempts: SINGLE_ATTEMPTS },
  { title: "a hashed token", config: `authorization { token: "${hash("s3cret")}" }`, attempts: SINGLE_ATTEMPTS },
  {
    title: "a single user that requires a proxy",
    config: `${PROXIES}authorization { user: derek, password: s3cret, proxy_required: true }`,
    attempts: SINGLE_ATTEMPTS,
  },
  {
    title: "a token that requires a proxy, without trusted proxies",
    config: "authorization { token: s3cret, proxy_required: true }",
    attempts: SINGLE_ATTEMPTS,
  },
  {
    title: "users in an authorization block that requires a proxy",
    config: `${PROXIES}authorization { users [ { user: alice, password: wonder } ], proxy_required: true }`,
    attempts: USER_ATTEMPTS,
  },
];

for (const { title, config, attempts } of CASES) {
  it.compared(
    `${title}: the same as nats-server`,
    async () => {
      const [ours, theirs] = await withBoth(config, async server => {
        const outcomes: [string, Outcome][] = [];
        for (const connect of attempts) outcomes.push([attemptText(connect), await outcomeOf(server, { connect })]);
        return outcomes;
      });
      expect(ours).toEqual(theirs);
    },
    120_000,
  );
}

function attemptText(connect: Attempt["connect"]): string {
  return JSON.stringify(typeof connect === "function" ? connect("nonce") : connect);
}

it.compared(`when only the system account has users, clients without credentials are accepted`, async () => {
  const config = "accounts { $SYS { users [ { user: admin, password: x } ] } }";
  const [ours, theirs] = await withBoth(config, async server => {
    const connects = [{}, { user: "admin", pass: "x" }, { user: "admin", pass: "y" }, { user: "z" }];
    const outcomes: Outcome[] = [];
    for (const connect of connects) outcomes.push(await outcomeOf(server, { connect }));
    return outcomes.map(outcome => ({ ...outcome, user: outcome.user.replace(/^nats-\w{8}$/, "nats-<8>") }));
  });
  expect(ours).toEqual(theirs);
  expect(ours.map(({ user, account }) => `${user}@${account}`)).toEqual(["nats-<8>@$G", "admin@$SYS", "@$G", "@$G"]);
});

test("ten thousand users load, and the last one logs in", async () => {
  const users = Array.from({ length: 10_000 }, (_, n) => `{ user: user${n}, password: p${n} }`);
  const server = startOurs(`accounts { A { users [\n${users.join("\n")}\n] } }`);
  try {
    const outcome = await outcomeOf(server, { connect: { user: "user9999", pass: "p9999" } });
    expect([outcome.user, outcome.account, outcome.closed]).toEqual(["user9999", "A", ""]);
  } finally {
    await server.stop();
  }
});
