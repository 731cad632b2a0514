/** `auth_callout { }` compared with nats-server: the same service gives the same valid and invalid answers about the same clients. */
import { expect, test } from "bun:test";
import { encodeSeed, NkeyKind } from "../../src/base/keys/nkey.ts";
import { publicXkeyOf, seal } from "../../src/base/keys/xkey.ts";
import { fixedSigner } from "../doubles/token-maker.ts";
import { type Credentials, Peer } from "../operator/peer.ts";
import { Recording } from "../reference/recording.ts";
import { type Outcome, onBoth, onOurs, type ServiceFacts, userInfo } from "./callout-context.ts";
import type { Answers, Decide, UserFacts } from "./callout-service.ts";

const it = new Recording(import.meta.path);

const ISSUER = fixedSigner(NkeyKind.Account, 40);
const STRANGER = fixedSigner(NkeyKind.Account, 41);
const AUTH_KEY = fixedSigner(NkeyKind.User, 42);
const LOCAL_KEY = fixedSigner(NkeyKind.User, 43);
const SERVICE: ServiceFacts = { login: { user: "auth", pass: "secret" }, issuer: ISSUER };
const hash = Bun.password.hashSync("hashed", { algorithm: "bcrypt", cost: 4 });

const ACCOUNTS = `accounts {
  AUTH { users [ { user: auth, password: secret }, { nkey: ${AUTH_KEY.publicKey} }, { user: plain, password: plain } ] }
  APP { }
  GIVEN { default_permissions { publish: "given.>", subscribe: ">" }, users [ { user: given, password: given } ] }
  LOCAL { users [ { user: local, password: local }, { user: hashed, password: "${hash}" }, { nkey: ${LOCAL_KEY.publicKey} }
    { user: behind, password: behind, proxy_required: true } ] }
  FULL { limits { max_connections: 1 }, users [ { user: full, password: full } ] }
}
`;

function config(callout = "", more = ""): string {
  return `${ACCOUNTS}
server_tags: ["b:2", "a:1"]
authorization { timeout: 1, auth_callout { issuer: ${ISSUER.publicKey}, account: AUTH, auth_users: [auth, ${AUTH_KEY.publicKey}] ${callout} } }
${more}`;
}

interface Case {
  readonly title: string;
  readonly connect?: Record<string, unknown>;
  readonly signer?: Credentials["signer"];
  readonly decide?: Decide;
  readonly more?: string;
}

const user =
  (facts: UserFacts): Decide =>
  (_request, answers) =>
    answers.user({ ...facts, data: { name: "her", audience: "APP", ...facts.data } });
const answering =
  (answer: (answers: Answers) => string): Decide =>
  (_request, answers) =>
    answer(answers);
const intoAccount = (audience: string, more: UserFacts = {}): Decide => user({ ...more, data: { audience, ...more.data } });
const seconds = () => Math.floor(Date.now() / 1000);
const ACCEPTED = { data: { name: "her", audience: "APP" } };
const PUB_AND_SUB = "SUB > 1\r\nSUB in.x 2\r\nPUB out.x 0\r\n\r\nPUB in.x 0\r\n\r\nPUB given.x 0\r\n\r\nPUB $SYS.REQ.USER.AUTH 0\r\n\r\n";

const LIMITS = { publish: { allow: ["in.>"], deny: [] }, subscribe: { allow: ["in.>"], deny: [] } };

const CASES: readonly Case[] = [
  { title: "accepted, with permissions", decide: user({ body: LIMITS }), more: PUB_AND_SUB },
  { title: "accepted, without permissions", decide: user({}), more: PUB_AND_SUB },
  { title: "accepted without a name: the name from CONNECT is used", decide: user({ data: { name: "" } }) },
  { title: "a token, accepted without a name", connect: { auth_token: "t0ken" }, decide: user({ data: { name: "" } }) },
  { title: "a token, accepted with a name", connect: { auth_token: "t0ken" }, decide: user({}) },
  { title: "accepted with an unknown nkey", signer: AUTH_KEY, connect: { nkey: STRANGER.publicKey }, decide: user({}) },
  { title: "a JWT of the client is not passed on", connect: { jwt: "eyJhbGciOiJub25lIn0.e30.", user: "x" }, decide: user({}) },
  { title: "no credentials", connect: {}, decide: user({}) },
  {
    title: "all other fields of CONNECT are passed on",
    signer: AUTH_KEY,
    connect: { user: "u", pass: "p", auth_token: "t", name: "n", lang: "go", version: "1.2.3", nkey: "UX", protocol: 1 },
    decide: answering(answers => answers.error("seen")),
  },
  { title: "refused with an error", decide: answering(answers => answers.error("no such user")) },
  { title: "refused with a text in another script", decide: answering(answers => answers.error('ärger "quoted"')) },
  { title: "an empty answer", decide: () => "" },
  { title: "an answer that is not a token", decide: () => "hello" },
  { title: "a truncated token", decide: answering(answers => answers.user(ACCEPTED).slice(0, -3)) },
  { title: "a user's token as the answer", decide: answering(answers => answers.userToken(ACCEPTED)) },
  { title: "an answer signed by another account", decide: answering(answers => answers.user(ACCEPTED, { by: STRANGER })) },
  { title: "a refusal signed by another account", decide: answering(answers => answers.error("no", { by: STRANGER })) },
  { title: "a user signed by another account", decide: user({ by: STRANGER }) },
  { title: "a user with an issuer account", decide: user({ body: { issuerAccount: ISSUER.publicKey } }) },
  {
    title: "a user with an issuer account, signed by another key",
    decide: user({ by: STRANGER, body: { issuerAccount: ISSUER.publicKey } }),
  },
  {
    title: "an issuer account in the answer is ignored",
    decide: answering(answers => answers.user(ACCEPTED, { body: { issuerAccount: STRANGER.publicKey } })),
  },
  { title: "an invalid issuer account", decide: answering(answers => answers.user(ACCEPTED, { body: { issuerAccount: "x" } })) },
  {
    title: "an answer for another server",
    decide: answering(answers => answers.user(ACCEPTED, { data: { audience: fixedSigner(NkeyKind.Server, 7).publicKey } })),
  },
  { title: "an answer whose audience is not a server", decide: answering(answers => answers.user(ACCEPTED, { data: { audience: "me" } })) },
  { title: "an answer for another user", decide: answering(answers => answers.user(ACCEPTED, { subject: AUTH_KEY.publicKey })) },
  { title: "a user token for another user", decide: user({ subject: AUTH_KEY.publicKey }) },
  {
    title: "an answer that has expired",
    decide: answering(answers => answers.user(ACCEPTED, { data: { expiresAtSeconds: seconds() - 10 } })),
  },
  {
    title: "an answer that is not valid yet",
    decide: answering(answers => answers.user(ACCEPTED, { data: { notBeforeSeconds: seconds() + 60 } })),
  },
  { title: "a user that has expired", decide: user({ data: { expiresAtSeconds: seconds() - 10 } }) },
  { title: "a user that is not valid yet", decide: user({ data: { notBeforeSeconds: seconds() + 60 } }) },
  {
    title: "a user with an invalid subject in its permissions",
    decide: user({ body: { ...LIMITS, publish: { allow: ["a..b"], deny: [] } } }),
  },
  { title: "neither a user nor an error", decide: answering(answers => answers.response({})) },
  { title: "a user and an error", decide: answering(answers => answers.user(ACCEPTED, { body: { error: "both" } })) },
  { title: "a user that is not a token", decide: answering(answers => answers.response({ body: { jwt: "x" } })) },
  { title: "an unknown account", decide: intoAccount("NOWHERE") },
  { title: "no account", decide: intoAccount("") },
  { title: "the global account", decide: intoAccount("$G") },
  { title: "the system account", decide: intoAccount("$SYS") },
  { title: "the service's account: publishing requests is forbidden", decide: intoAccount("AUTH"), more: PUB_AND_SUB },
  { title: "the service's account, with permissions", decide: intoAccount("AUTH", { body: LIMITS }), more: PUB_AND_SUB },
  { title: "an account with default permissions", decide: intoAccount("GIVEN"), more: PUB_AND_SUB },
  { title: "response permissions", decide: user({ body: { responses: { messagesMax: 1, expiresNanoseconds: 1e9 } } }), more: PUB_AND_SUB },
  { title: "a user allowed only over WebSocket", decide: user({ body: { allowedConnectionTypes: ["WEBSOCKET"] } }) },
  {
    title: "a user allowed over several connection types, including this one",
    decide: user({ body: { allowedConnectionTypes: ["mqtt", "standard", "telex"] } }),
  },
  { title: "a user allowed only over unknown connection types", decide: user({ body: { allowedConnectionTypes: ["telex"] } }) },
  { title: "a user from a network that is allowed", decide: user({ body: { sources: ["192.0.2.0/24", "127.0.0.0/8"] } }) },
  { title: "a user from a network that is not allowed", decide: user({ body: { sources: ["192.0.2.0/24"] } }) },
  {
    title: "from a network that is not allowed, outside its hours",
    decide: user({ body: { sources: ["192.0.2.0/24"], timesLocation: "UTC", times: [{ start: "00:00:00", end: "00:00:00" }] } }),
  },
  { title: "a user with tags", decide: user({ body: { tags: ["team:red", "a"] } }) },
  { title: "a user with tags, without a name", decide: user({ body: { tags: ["team:red"] }, data: { name: "" } }) },
  { title: "invalid source networks", decide: user({ body: { sources: ["192.0.2.0"] } }) },
  {
    title: "more subscriptions than the user's limit",
    decide: user({ body: { subscriptionsMax: 1 } }),
    more: "SUB a 1\r\nPUB a 2\r\nhi\r\nSUB b 2\r\nPUB a 2\r\nho\r\n",
  },
  {
    title: "a message longer than the user's limit",
    decide: user({ body: { payloadBytesMax: 2 } }),
    more: "SUB a 1\r\nPUB a 2\r\nhi\r\nPUB a 3\r\nhey\r\n",
  },
  { title: "a user that requires a proxy", decide: user({ body: { proxyRequired: true } }) },
  { title: "a bearer token", decide: user({ body: { bearerToken: true } }) },
  { title: "one of the auth_users, with its permissions", connect: { user: "auth", pass: "secret" }, more: PUB_AND_SUB },
  { title: "one of the auth_users with a wrong password", connect: { user: "auth", pass: "wrong" } },
  { title: "one of the auth_users by nkey", signer: AUTH_KEY, connect: { nkey: AUTH_KEY.publicKey } },
  { title: "one of the auth_users by nkey with a wrong signature", signer: LOCAL_KEY, connect: { nkey: AUTH_KEY.publicKey } },
  { title: "the name of one of the auth_users as a token", connect: { auth_token: "auth" }, decide: user({}) },
  { title: "the nkey of one of the auth_users and a password", connect: { user: "local", pass: "local", nkey: AUTH_KEY.publicKey } },
  {
    title: "a user of the service's account that is not one of the auth_users",
    connect: { user: "plain", pass: "plain" },
    decide: user({}),
  },
  { title: "a configured user", connect: { user: "local", pass: "local" }, decide: user({}) },
  { title: "a configured user with a wrong password", connect: { user: "local", pass: "wrong" }, decide: user({}) },
  { title: "a configured user with a hashed password", connect: { user: "hashed", pass: "hashed" }, decide: user({}) },
  { title: "a configured nkey", signer: LOCAL_KEY, connect: { nkey: LOCAL_KEY.publicKey }, decide: user({}) },
  { title: "a configured user that requires a proxy, without one", connect: { user: "behind", pass: "behind" }, decide: user({}) },
  {
    title: "a configured user that requires a proxy, without one, refused by the service",
    connect: { user: "behind", pass: "behind" },
    decide: answering(answers => answers.error("no")),
  },
  { title: "an account named in CONNECT", connect: { user: "x", account: "APP" }, decide: user({}) },
];

it.compared(
  `${CASES.length} combinations of client and answer: the request, the result and the log`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      const seen: Record<string, Outcome> = {};
      for (const { title, connect = { user: "her", pass: "pass" }, decide, more, signer } of CASES) {
        seen[title] = await context.attempt({ connect, ...(signer && { signer }) }, decide ?? (() => null), more);
      }
      return seen;
    });
    expect(ours).toEqual(theirs);
    const admitted = Object.values(theirs).filter(({ closed }) => !closed).length;
    expect([admitted > 20, CASES.length - admitted > 30]).toEqual([true, true]); // enough clients are accepted and enough are refused
  },
  120_000,
);

const XKEY_SEED = encodeSeed(NkeyKind.Curve, new Uint8Array(32).fill(50));
const OTHER_XKEY_SEED = encodeSeed(NkeyKind.Curve, new Uint8Array(32).fill(51));
const SEALING: ServiceFacts = { ...SERVICE, xkeySeed: XKEY_SEED };
const sealedConfig = config(`, xkey: ${publicXkeyOf(XKEY_SEED)}`);

/** Seals with this key, which the server may not expect, or for another receiver. */
const sealing =
  (seed: string, receiver: (serverXkey: string) => string = key => key): Decide =>
  async (request, answers) =>
    (await seal(Buffer.from(answers.user(ACCEPTED)), receiver(request.nats.server.curveKey), seed))!;

const SEALED_CASES: readonly Case[] = [
  { title: "a sealed request and answer", decide: user({}) },
  { title: "a sealed refusal", decide: answering(answers => answers.error("no")) },
  { title: "a sealed answer, signed by another account", decide: answering(answers => answers.user(ACCEPTED, { by: STRANGER })) },
  { title: "a sealed answer with a user signed by another account", decide: user({ by: STRANGER }) },
  { title: "an unsealed answer", decide: async (_request, answers) => Buffer.from(answers.user(ACCEPTED)) },
  {
    title: "an unsealed answer, signed by another account",
    decide: async (_request, answers) => Buffer.from(answers.user(ACCEPTED, { by: STRANGER })),
  },
  { title: "an answer sealed by another key", decide: sealing(OTHER_XKEY_SEED) },
  { title: "an answer sealed for another receiver", decide: sealing(XKEY_SEED, () => publicXkeyOf(OTHER_XKEY_SEED)!) },
  { title: "an answer too short to be sealed", decide: () => Buffer.from("xkv1") },
  { title: "an answer of a few bytes", decide: () => Buffer.from("no") },
  { title: "an answer with another version of the sealing format", decide: () => Buffer.alloc(200, "xkv2") },
  { title: "an empty sealed answer", decide: () => Buffer.alloc(0) },
  { title: "a sealed answer that is not a token", decide: () => "hello" },
];

it.compared(
  `${SEALED_CASES.length} answers of a service with a curve key`,
  async () => {
    const [ours, theirs] = await onBoth(sealedConfig, SEALING, async context => {
      const seen: Record<string, Outcome> = {};
      for (const { title, decide } of SEALED_CASES) seen[title] = await context.attempt({ connect: { user: "her", pass: "pass" } }, decide);
      return seen;
    });
    expect(ours).toEqual(theirs);
    expect(theirs["a sealed request and answer"]!.closed).toBe(false);
  },
  120_000,
);

it.compared(
  `with allowed_accounts, the service decides about users of these accounts and unknown clients only`,
  async () => {
    const attempts: Record<string, unknown>[] = [
      { user: "local", pass: "local" },
      { user: "local", pass: "wrong" },
      { user: "given", pass: "given" },
      { user: "given", pass: "wrong" },
      { user: "plain", pass: "plain" },
      { user: "auth", pass: "secret" },
      { user: "behind", pass: "behind" },
      { user: "nobody", pass: "x" },
      {},
    ];
    const [ours, theirs] = await onBoth(config(", allowed_accounts: [GIVEN]"), SERVICE, async context => {
      const seen: Outcome[] = [];
      for (const connect of attempts) seen.push(await context.attempt({ connect }, user({}), PUB_AND_SUB));
      return seen;
    });
    expect(ours).toEqual(theirs);
    expect(theirs.map(({ requests }) => requests.length)).toEqual([0, 1, 1, 1, 0, 0, 1, 1, 1]);
  },
  120_000,
);

it.compared(
  `an account at its connection limit: its own users are refused without a request, users assigned by the service after it`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      const seen: Outcome[] = [await context.attempt({ connect: { user: "her" } }, intoAccount("FULL"))];
      seen.push(await context.attempt({ connect: { user: "full", pass: "full" } }, user({})));
      seen.push(await context.attempt({ connect: { user: "full", pass: "wrong" } }, user({})));
      seen.push(await context.attempt({ connect: { user: "him" } }, intoAccount("FULL")));
      // The line about the limit is written once per second at most.
      const isComparable = (line: string) => !line.includes("authentication error") && !line.startsWith("ERR maximum account");
      return seen.map(({ log, ...rest }) => ({ ...rest, log: log.filter(isComparable) }));
    });
    expect(ours).toEqual(theirs);
    expect(theirs.map(({ requests, closed }) => [requests.length, closed])).toEqual([
      [1, false],
      [0, true],
      [1, false],
      [1, true],
    ]);
  },
  120_000,
);

it.compared(
  `without an answer, or without a service, clients are refused after the auth timeout`,
  async () => {
    for (const service of [SERVICE, null]) {
      const [ours, theirs] = await onBoth(config(), service, async context => {
        const startedAt = performance.now();
        const outcome = await context.attempt({ connect: { user: "her", pass: "pass" } }, () => null);
        const elapsed = performance.now() - startedAt;
        return { ...outcome, elapsed: elapsed > 900 && elapsed < 2_500 };
      });
      expect(ours).toEqual(theirs);
      expect([theirs.elapsed, theirs.closed]).toEqual([true, true]);
    }
  },
  120_000,
);

it.compared(
  "the first answer counts; later answers are ignored",
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      const { service } = context;
      const after =
        (first: (answers: Answers) => string): Decide =>
        (_request, answers) => {
          const { reply } = service!.received.at(-1)!;
          service!.connection.publish(reply, first(answers));
          service!.connection.publish(reply, answers.user(ACCEPTED));
          return answers.error("last");
        };
      return [
        await context.attempt(
          { connect: { user: "her" } },
          after(answers => answers.error("first")),
        ),
        await context.attempt(
          { connect: { user: "her" } },
          after(() => "no token"),
        ),
        await context.attempt(
          { connect: { user: "her" } },
          after(answers => answers.user(ACCEPTED)),
        ),
        await context.attempt({ connect: { user: "her" } }, user({})),
      ];
    });
    expect(ours).toEqual(theirs);
    expect(theirs.map(({ closed }) => closed)).toEqual([true, true, false, false]);
  },
  120_000,
);

it.compared(
  `for a client that sends no CONNECT, the request names the no_auth_user`,
  async () => {
    const [ours, theirs] = await onBoth(config("", "no_auth_user: local"), SERVICE, async context => {
      const seen: unknown[] = [];
      for (const decide of [user({ body: LIMITS }), answering(answers => answers.error("no"))]) {
        context.decide = decide;
        const mark = context.server.log().length;
        const requestsBefore = context.service!.received.length;
        const peer = await Peer.open(context.server.port);
        peer.send(PUB_AND_SUB);
        await peer.ping();
        const { log, ...rest } = await context.outcome(peer, mark, requestsBefore);
        seen.push({ ...rest, log: [...new Set(log)] }); // nats-server logs the refusal twice
        peer.close();
      }
      seen.push(await context.attempt({ connect: {} }, user({})));
      return seen;
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  `a user is disconnected when it expires or its hours end; outside its hours it is refused`,
  async () => {
    const timeOfDay = (at: number) => new Date(at).toISOString().slice(11, 19);
    const hours = (from: number, to: number) =>
      user({ body: { timesLocation: "UTC", times: [{ start: timeOfDay(Date.now() + from), end: timeOfDay(Date.now() + to) }] } });
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      const seen: unknown[] = [];
      const ends = [user({ data: { expiresAtSeconds: seconds() + 2 } }), hours(-60_000, 2_000)];
      for (const decide of ends) {
        context.decide = decide;
        const peer = await Peer.login(context.server.port, { connect: { user: "her" } });
        seen.push([peer.closed, await peer.untilClosed(), (await context.outcome(peer)).connz]);
      }
      seen.push(await context.attempt({ connect: { user: "her" } }, hours(60_000, 120_000)));
      return seen;
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  "a user without limits in its claims may publish empty messages only, and is closed shortly after the login",
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      context.decide = user({ body: { subscriptionsMax: 0, payloadBytesMax: 0 } });
      const peer = await Peer.login(context.server.port, { connect: { user: "her" } });
      await peer.untilClosed();
      const closing = [[...peer.lines], (await context.outcome(peer)).connz];
      context.decide = user({ body: { payloadBytesMax: 0 } });
      const publishing = await context.attempt({ connect: { user: "her" } }, context.decide, "PUB a 0\r\n\r\nPUB a 1\r\nx\r\n");
      return [closing, publishing];
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  "USER.INFO of a user: its name, its permissions and the denied subjects of callouts",
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      const seen: unknown[] = [];
      const own = { publish: { allow: ["$SYS.REQ.>"], deny: ["a"] }, subscribe: { allow: ["_INBOX.>"], deny: [] } };
      for (const decide of [user({}), intoAccount("AUTH"), intoAccount("AUTH", { body: { ...own, tags: ["x"] } })]) {
        context.decide = decide;
        const peer = await Peer.login(context.server.port, { connect: { user: "her" } });
        seen.push(await userInfo(peer));
        peer.close();
      }
      const service = await Peer.login(context.server.port, { connect: { user: "auth", pass: "secret" } });
      seen.push(await userInfo(service));
      service.close();
      return seen;
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  "another client in the service's account sees neither requests nor answers, and cannot answer",
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      context.decide = intoAccount("AUTH");
      const other = await Peer.login(context.server.port, { connect: { user: "other" } });
      other.send("SUB > 1\r\nSUB $SYS.REQ.USER.AUTH 2\r\nSUB $SYS._INBOX.> 3\r\nSUB $SYS._INBOX.* 4\r\nPUB $SYS._INBOX.x.y 0\r\n\r\n");
      await other.ping();
      context.decide = user({});
      const peer = await Peer.login(context.server.port, { connect: { user: "her" } });
      await other.ping();
      peer.close();
      other.close();
      return other.lines.map(line => line.replace(/_INBOX\.\w+\.\S+/, "_INBOX.<random>"));
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  `a second CONNECT on the same connection causes a second request`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      context.decide = user({ body: { tags: ["first"] } });
      const peer = await Peer.login(context.server.port, { connect: { user: "her", pass: "pass" } });
      context.decide = intoAccount("LOCAL", { data: { name: "him" } });
      peer.connect({ connect: { user: "him", pass: "other" } });
      await peer.ping();
      const outcome = await context.outcome(peer);
      peer.close();
      return outcome;
    });
    expect(ours).toEqual(theirs);
    expect(theirs.requests.length).toBe(2);
  },
  120_000,
);

it.compared(
  `when the service's account does not exist, this is logged and only auth_users are accepted`,
  async () => {
    const broken = config().replace("account: AUTH", "account: NOWHERE").replace("auth_users: [", "auth_users: [missing, ");
    const [ours, theirs] = await onBoth(broken, null, async context => [
      await context.attempt({ connect: { user: "her" } }),
      await context.attempt({ connect: { user: "auth", pass: "secret" } }),
    ]);
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  `a reload logs which account and auth_users do not exist; ours logs it at the start, too`,
  async () => {
    const brokenConfigs = [
      config().replace("auth_users: [", 'auth_users: ["", missing, LOCAL, local, '),
      config().replace("account: AUTH", "account: NOWHERE").replace("auth_users: [", "auth_users: [missing, "),
    ];
    const calloutErrors = (lines: readonly string[]) => lines.filter(line => line.startsWith("ERR Authorization callout"));
    for (const text of brokenConfigs) {
      const [ours, theirs] = await onBoth(text, null, async context => {
        const atStart = calloutErrors(context.server.log());
        const mark = context.server.log().length;
        await context.reload(text.replace("APP { }", "APP { users [ { user: new, password: new } ] }"));
        return { name: context.server.name, atStart, afterReload: calloutErrors(context.server.log().slice(mark)) };
      });
      expect(ours.afterReload).toEqual(theirs.afterReload);
      expect([ours.atStart, theirs.atStart]).toEqual([theirs.afterReload, []]);
      expect(theirs.afterReload.length).toBeGreaterThan(1);
    }
  },
  120_000,
);

test("without a system account no request can be sent, so clients are refused at once and the server keeps running", async () => {
  // nats-server stops with a nil pointer here.
  await onOurs(config("", "no_system_account: true"), SERVICE, async context => {
    const refused = await context.attempt({ connect: { user: "her" } });
    expect([refused.closed, refused.requests, refused.log]).toEqual([
      true,
      [],
      [`ERR authentication error - User "her"`, "DBG Error sending authorization request: system account not setup"],
    ]);
    expect((await context.attempt({ connect: { user: "auth", pass: "secret" } })).closed).toBe(false);
  });
});
