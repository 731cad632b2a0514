/** Auth callout by the claims of an account, compared with nats-server: which users the service can accept, and in which accounts. */
import { expect, test } from "bun:test";
import { connect, jwtAuthenticator } from "@nats-io/transport-node";
import type { AccountBody, UserLimits, UserScope } from "../../src/access/jwt/claims.ts";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { NO_LIMITS_SET, newClaims } from "../../src/access/jwt/encode.ts";
import { encodeSeed, NkeyKind } from "../../src/base/keys/nkey.ts";
import { publicXkeyOf } from "../../src/base/keys/xkey.ts";
import { fixedSigner } from "../doubles/token-maker.ts";
import { type Credentials, Peer } from "../operator/peer.ts";
import {
  type AccountFacts,
  ALPHA,
  ALPHA_KEY,
  ALPHA_SCOPED,
  accountToken,
  BETA,
  GAMMA,
  memoryConfig,
  nowSeconds,
  OTHER_USER,
  systemUserToken,
  USER,
  userToken,
} from "../operator/tokens.ts";
import { Recording } from "../reference/recording.ts";
import { type CalloutContext, type Outcome, onBoth, onOurs, type ServiceFacts, userInfo } from "./callout-context.ts";
import type { Answers, Decide, UserFacts } from "./callout-service.ts";

const it = new Recording(import.meta.path);

const BETA_KEY = fixedSigner(NkeyKind.Account, 60);
const BETA_SCOPED = fixedSigner(NkeyKind.Account, 61);
const BETA_PROXIED = fixedSigner(NkeyKind.Account, 62);
const BETA_INVALID = fixedSigner(NkeyKind.Account, 63);
const STRANGER = fixedSigner(NkeyKind.Account, 64);
const XKEY_SEED = encodeSeed(NkeyKind.Curve, new Uint8Array(32).fill(65));

const SERVICE: ServiceFacts = {
  login: { authenticator: jwtAuthenticator(userToken(), new TextEncoder().encode(encodeSeed(NkeyKind.User, new Uint8Array(32).fill(20)))) },
  issuer: ALPHA,
};

function scope(key: string, template: Partial<UserLimits>): UserScope {
  const { issuerAccount, tags, type, version, ...limits } = newClaims("user", USER.publicKey).nats;
  return { kind: "user_scope", key, role: "r", description: "", template: { ...limits, ...template } };
}

const allow = (...subjects: string[]) => ({ allow: subjects, deny: [] });
const alphaBody = (more: Partial<AccountBody["authorization"]> = {}) => ({
  authorization: { users: [USER.publicKey], allowedAccounts: [BETA.publicKey], curveKey: "", ...more },
  signingKeys: new Map([
    [ALPHA_KEY.publicKey, null],
    [ALPHA_SCOPED.publicKey, scope(ALPHA_SCOPED.publicKey, { publish: allow("alpha.{{name()}}"), subscribe: allow(">") })],
  ]),
});
const BETA_BODY: Partial<AccountBody> = {
  signingKeys: new Map<string, UserScope | null>([
    [BETA_KEY.publicKey, null],
    [
      BETA_SCOPED.publicKey,
      scope(BETA_SCOPED.publicKey, {
        publish: allow("beta.{{name()}}.{{tag(team)}}"),
        subscribe: allow(">"),
        allowedConnectionTypes: ["STANDARD", "WEBSOCKET"],
      }),
    ],
    [BETA_PROXIED.publicKey, scope(BETA_PROXIED.publicKey, { proxyRequired: true })],
    [
      BETA_INVALID.publicKey,
      scope(BETA_INVALID.publicKey, { publish: { allow: [], deny: ["{{nothing()}}"] }, allowedConnectionTypes: ["MQTT"] }),
    ],
  ]),
  defaultPermissions: { publish: allow("default.>"), subscribe: allow(">"), responses: null },
};

function config(authorization: Partial<AccountBody["authorization"]> = {}, more = ""): string {
  return memoryConfig(
    {
      [ALPHA.publicKey]: accountToken(ALPHA, { ...alphaBody(authorization), data: { name: "alpha" } }),
      [BETA.publicKey]: accountToken(BETA, { ...BETA_BODY, data: { name: "beta" } }),
      [GAMMA.publicKey]: accountToken(GAMMA, { data: { name: "gamma" } }),
    },
    `authorization { timeout: 1 }\n${more}`,
  );
}

/** A bearer token of ALPHA that clients without credentials of their own use. */
const SENTINEL = userToken({
  subject: OTHER_USER,
  bearerToken: true,
  data: { name: "sentinel" },
  tags: ["t:1"],
  publish: { allow: [], deny: [">"] },
});

interface Case {
  readonly title: string;
  readonly credentials?: Credentials;
  readonly decide?: Decide;
}

const user =
  (facts: UserFacts): Decide =>
  (_request, answers) =>
    answers.user({ ...facts, data: { name: "her", ...facts.data } });
const answering =
  (answer: (answers: Answers) => string): Decide =>
  (_request, answers) =>
    answer(answers);
const HER = { data: { name: "her" } };
const ofBeta = { issuerAccount: BETA.publicKey };
const PUB = ["alpha.her", "beta.her.red", "beta.her.blue", "default.x", "$SYS.REQ.USER.AUTH"]
  .map(subject => `PUB ${subject} 0\r\n\r\n`)
  .join("");
const MORE = `SUB > 1\r\n${PUB}`;

const CASES: readonly Case[] = [
  { title: "a user in the service's account", decide: user({}) },
  {
    title: "a user in the service's account, signed by a signing key",
    decide: user({ by: ALPHA_KEY, body: { issuerAccount: ALPHA.publicKey } }),
  },
  { title: "signed by a signing key, without an issuer account", decide: user({ by: ALPHA_KEY }) },
  { title: "signed by a scoped key", decide: user({ by: ALPHA_SCOPED, body: { issuerAccount: ALPHA.publicKey, ...NO_LIMITS_SET } }) },
  { title: "signed by a scoped key, with limits of its own", decide: user({ by: ALPHA_SCOPED, body: { issuerAccount: ALPHA.publicKey } }) },
  { title: "a user in an allowed account", decide: user({ by: BETA }) },
  { title: "a user in an allowed account, signed by a signing key", decide: user({ by: BETA_KEY, body: ofBeta }) },
  { title: "a user in an allowed account, signed by an unknown key", decide: user({ by: STRANGER, body: ofBeta }) },
  { title: "a user in an allowed account, signed by the service's account", decide: user({ body: ofBeta }) },
  { title: "a user with permissions", decide: user({ by: BETA, body: { publish: allow("beta.>") } }) },
  {
    title: "signed by a scoped key of an allowed account",
    decide: user({ by: BETA_SCOPED, body: { ...ofBeta, ...NO_LIMITS_SET, tags: ["team:red", "team:blue"] } }),
  },
  { title: "signed by a scoped key that requires a proxy", decide: user({ by: BETA_PROXIED, body: { ...ofBeta, ...NO_LIMITS_SET } }) },
  { title: "signed by a scoped key with an invalid template", decide: user({ by: BETA_INVALID, body: { ...ofBeta, ...NO_LIMITS_SET } }) },
  { title: "a user in an account that is not allowed", decide: user({ by: GAMMA }) },
  {
    title: "a user in an account that is not allowed, signed by an unknown key",
    decide: user({ by: STRANGER, body: { issuerAccount: GAMMA.publicKey } }),
  },
  { title: "signed by an unknown account", decide: user({ by: STRANGER }) },
  { title: "the audience does not choose the account", decide: user({ data: { audience: BETA.publicKey } }) },
  { title: "refused with an error", decide: answering(answers => answers.error("no")) },
  {
    title: "an answer signed by a signing key",
    decide: answering(answers => answers.user(HER, { by: ALPHA_KEY, body: { issuerAccount: ALPHA.publicKey } })),
  },
  { title: "an answer signed by a scoped key", decide: answering(answers => answers.user(HER, { by: ALPHA_SCOPED })) },
  { title: "an answer signed by an unknown account", decide: answering(answers => answers.user(HER, { by: STRANGER })) },
  { title: "a refusal signed by an unknown account", decide: answering(answers => answers.error("no", { by: STRANGER })) },
  { title: "an answer for another account", decide: answering(answers => answers.user(HER, { body: { issuerAccount: BETA.publicKey } })) },
  {
    title: "an answer signed by an unknown account, with the right issuer account",
    decide: answering(answers => answers.user(HER, { by: STRANGER, body: { issuerAccount: ALPHA.publicKey } })),
  },
  { title: "a user allowed only over WebSocket", decide: user({ body: { allowedConnectionTypes: ["WEBSOCKET"] } }) },
  { title: "a user that requires a proxy", decide: user({ body: { proxyRequired: true } }) },
  { title: "an expired user", decide: user({ data: { expiresAtSeconds: nowSeconds() - 10 } }) },
  { title: "a user without a name", decide: user({ data: { name: "" } }) },
  {
    title: "fields of CONNECT other than the JWT are passed on",
    credentials: { jwt: SENTINEL, connect: { user: "u", pass: "p", auth_token: "t" } },
    decide: answering(answers => answers.error("seen")),
  },
  { title: "one of the auth_users", credentials: { jwt: userToken(), signer: USER } },
  { title: "a user that signs the nonce", credentials: { jwt: userToken({ subject: OTHER_USER }), signer: OTHER_USER }, decide: user({}) },
  { title: "a user of an account without a service", credentials: { jwt: userToken({ by: GAMMA }), signer: USER } },
  { title: "no JWT", credentials: { connect: { user: "x" } } },
  {
    title: "an expired bearer token",
    credentials: { jwt: userToken({ bearerToken: true, data: { expiresAtSeconds: nowSeconds() - 10 } }) },
  },
];

it.compared(
  `operators: ${CASES.length} combinations of client and answer: the request, the result and the log`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      const seen: [string, Outcome][] = [];
      for (const { credentials = { jwt: SENTINEL }, decide, title } of CASES) {
        seen.push([title, await context.attempt(credentials, decide ?? (() => null), MORE)]);
      }
      return seen;
    });
    expect(ours).toEqual(theirs);
    const admitted = theirs.filter(([, { closed }]) => !closed).length;
    expect([admitted > 10, CASES.length - admitted > 15]).toEqual([true, true]); // enough clients are accepted and enough are refused
  },
  120_000,
);

it.compared(
  `operators: sealed answers for any account, for clients with the default sentinel`,
  async () => {
    const wide = config({ curveKey: publicXkeyOf(XKEY_SEED)!, allowedAccounts: ["*"] }, `default_sentinel: ${SENTINEL}`);
    const [ours, theirs] = await onBoth(wide, { ...SERVICE, xkeySeed: XKEY_SEED }, async context => {
      const seen: Outcome[] = [];
      const decisions: Decide[] = [
        user({ by: GAMMA }),
        user({ by: BETA_KEY, body: ofBeta }),
        user({ by: STRANGER }),
        user({}),
        answering(answers => answers.user(HER, { by: STRANGER })),
        answering(answers => answers.error("no", { by: STRANGER })),
        async (_request, answers) => Buffer.from(answers.user(HER)),
        async (_request, answers) => Buffer.from(answers.user(HER, { by: STRANGER })),
      ];
      for (const decide of decisions) seen.push(await context.attempt({ connect: { user: "u", pass: "p" } }, decide, MORE));
      return seen;
    });
    expect(ours).toEqual(theirs);
    expect(theirs.map(({ closed }) => closed)).toEqual([false, false, true, false, false, true, false, true]);
  },
  120_000,
);

test("operators: a wrong signature is refused without a request", async () => {
  await onOurs(config(), SERVICE, async context => {
    for (const subject of [USER, OTHER_USER]) {
      const { closed, lines, requests } = await context.attempt({ jwt: userToken({ subject }), signer: ALPHA }, user({}));
      expect({ closed, lines, requests }).toEqual({ closed: true, lines: ["-ERR 'Authorization Violation'"], requests: [] });
    }
  });
});

/** Pushes new claims of an account. */
async function push(context: CalloutContext, account: Signer, facts: AccountFacts): Promise<void> {
  const seed = new TextEncoder().encode(encodeSeed(NkeyKind.User, new Uint8Array(32).fill(22)));
  const system = await connect({ servers: `127.0.0.1:${context.server.port}`, authenticator: jwtAuthenticator(systemUserToken(), seed) });
  await system.request(`$SYS.REQ.ACCOUNT.${account.publicKey}.CLAIMS.UPDATE`, accountToken(account, { issuedAgo: 0, ...facts }));
  await system.close();
}

it.compared(
  `operators: revocations, signing keys and default permissions in new claims apply to users that the service accepted`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      const login = async (decide: Decide) => {
        context.decide = decide;
        return Peer.login(context.server.port, { jwt: SENTINEL });
      };
      const plain = await login(user({ by: BETA }));
      const byKey = await login(user({ by: BETA_KEY, body: ofBeta }));
      const revoked = await login(user({ by: BETA, body: { publish: allow("x") } }));
      const nkey = context.service!.received.at(-1)!.claims.nats.userNkey;
      await push(context, BETA, { ...BETA_BODY, revocations: new Map([[nkey, nowSeconds() + 10]]) });
      const seen: unknown[] = [await revoked.untilClosed()];
      await push(context, BETA, {
        ...BETA_BODY,
        signingKeys: new Map(),
        defaultPermissions: { publish: allow("other.>"), subscribe: allow(">"), responses: null },
      });
      seen.push(await byKey.untilClosed());
      plain.send("PUB default.x 0\r\n\r\nPUB other.x 0\r\n\r\n");
      seen.push(await plain.untilLine("Violation"), plain.closed);
      await push(context, BETA, { ...BETA_BODY, revocations: new Map([["*", nowSeconds() + 10]]) });
      seen.push(await plain.untilClosed());
      for (const peer of [plain, byKey, revoked]) seen.push((await context.connzOf(peer.info.client_id, true)).reason);
      return seen;
    });
    expect(ours).toEqual(theirs);
    expect(theirs.slice(-3)).toEqual(["Credentials Revoked", "Authentication Failure", "Credentials Revoked"]);
  },
  120_000,
);

test("operators: clients in the service's account can never publish requests, also after new permissions of the account", async () => {
  await onOurs(config(), SERVICE, async context => {
    context.decide = user({});
    const peer = await Peer.login(context.server.port, { jwt: SENTINEL });
    const ask = async () => {
      peer.take();
      peer.send("PUB $SYS.REQ.USER.AUTH 0\r\n\r\nPUB free 0\r\n\r\n");
      await peer.ping();
      return peer.take();
    };
    const denied = [`-ERR 'Permissions Violation for Publish to "$SYS.REQ.USER.AUTH"'`];
    expect(await ask()).toEqual(denied);
    for (const subjects of [allow(">"), { allow: [], deny: [] }]) {
      await push(context, ALPHA, { ...alphaBody(), defaultPermissions: { publish: subjects, subscribe: allow(">"), responses: null } });
      expect(await ask()).toEqual(denied);
    }
    peer.close();
  });
});

it.compared(
  "operators: the service places users in an account with a service of its own: they see no callouts there",
  async () => {
    const delta = fixedSigner(NkeyKind.Account, 66);
    const limited = fixedSigner(NkeyKind.Account, 67);
    const text = memoryConfig(
      {
        [ALPHA.publicKey]: accountToken(ALPHA, alphaBody({ allowedAccounts: [delta.publicKey] })),
        [delta.publicKey]: accountToken(delta, {
          authorization: { users: [OTHER_USER.publicKey], allowedAccounts: [], curveKey: "" },
          signingKeys: new Map([
            [limited.publicKey, scope(limited.publicKey, { subscriptionsMax: 1, payloadBytesMax: 2, sources: ["127.0.0.0/8"] })],
          ]),
        }),
      },
      "authorization { timeout: 1 }",
    );
    const [ours, theirs] = await onBoth(text, SERVICE, async context => {
      context.decide = user({ by: delta });
      const placed = await Peer.login(context.server.port, { jwt: SENTINEL });
      const info = await userInfo(placed);
      placed.close();
      const more = "SUB a 1\r\nPUB a 2\r\nhi\r\nSUB b 2\r\nPUB a 3\r\nhey\r\n";
      const scoped = user({ by: limited, body: { issuerAccount: delta.publicKey, ...NO_LIMITS_SET } });
      return [info, await context.attempt({ jwt: SENTINEL }, scoped, more)];
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);
