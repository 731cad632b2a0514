/** `auth_callout { }` beside the reference: the same service, the same clients, the same answers, right and wrong. */
import { expect, test } from "bun:test";
import { encodeSeed, NkeyKind } from "../../src/base/keys/nkey.ts";
import { publicXkeyOf, seal } from "../../src/base/keys/xkey.ts";
import { fixedSigner } from "../doubles/token-maker.ts";
import { type Credentials, Peer } from "../operator/peer.ts";
import { Recording } from "../reference/recording.ts";
import type { Answers, Decide, UserFacts } from "./callout-service.ts";
import { type Outcome, onBoth, onOurs, type ServiceFacts } from "./stage.ts";

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
const into = (audience: string, more: UserFacts = {}): Decide => user({ ...more, data: { audience, ...more.data } });
const seconds = () => Math.floor(Date.now() / 1000);
const ACCEPTED = { data: { name: "her", audience: "APP" } };
const PUB_AND_SUB = "SUB > 1\r\nSUB in.x 2\r\nPUB out.x 0\r\n\r\nPUB in.x 0\r\n\r\nPUB given.x 0\r\n\r\nPUB $SYS.REQ.USER.AUTH 0\r\n\r\n";

const LIMITS = { publish: { allow: ["in.>"], deny: [] }, subscribe: { allow: ["in.>"], deny: [] } };

const CASES: readonly Case[] = [
  { title: "let in, with permissions", decide: user({ body: LIMITS }), more: PUB_AND_SUB },
  { title: "let in, without any", decide: user({}), more: PUB_AND_SUB },
  { title: "let in without a name: the one it gave stays", decide: user({ data: { name: "" } }) },
  { title: "let in by a token, without a name", connect: { auth_token: "t0ken" }, decide: user({ data: { name: "" } }) },
  { title: "let in by a token, with a name", connect: { auth_token: "t0ken" }, decide: user({}) },
  { title: "let in with an nkey that nobody knows", signer: AUTH_KEY, connect: { nkey: STRANGER.publicKey }, decide: user({}) },
  { title: "its JWT is not passed on", connect: { jwt: "eyJhbGciOiJub25lIn0.e30.", user: "x" }, decide: user({}) },
  { title: "nothing said at all", connect: {}, decide: user({}) },
  {
    title: "everything that it says is passed on",
    signer: AUTH_KEY,
    connect: { user: "u", pass: "p", auth_token: "t", name: "n", lang: "go", version: "1.2.3", nkey: "UX", protocol: 1 },
    decide: answering(answers => answers.error("seen")),
  },
  { title: "refused", decide: answering(answers => answers.error("no such user")) },
  { title: "refused with a text in another script", decide: answering(answers => answers.error('ärger "quoted"')) },
  { title: "an empty answer", decide: () => "" },
  { title: "no token", decide: () => "hello" },
  { title: "a token that is cut", decide: answering(answers => answers.user(ACCEPTED).slice(0, -3)) },
  { title: "a user's token as the answer", decide: answering(answers => answers.userToken(ACCEPTED)) },
  { title: "signed by another account", decide: answering(answers => answers.user(ACCEPTED, { by: STRANGER })) },
  { title: "a refusal that is signed by another account", decide: answering(answers => answers.error("no", { by: STRANGER })) },
  { title: "its user signed by another account", decide: user({ by: STRANGER }) },
  { title: "its user for an issuer account", decide: user({ body: { issuerAccount: ISSUER.publicKey } }) },
  { title: "its user for an issuer account, by a key of it", decide: user({ by: STRANGER, body: { issuerAccount: ISSUER.publicKey } }) },
  {
    title: "an issuer account in the answer is not looked at",
    decide: answering(answers => answers.user(ACCEPTED, { body: { issuerAccount: STRANGER.publicKey } })),
  },
  { title: "an issuer account that is none", decide: answering(answers => answers.user(ACCEPTED, { body: { issuerAccount: "x" } })) },
  {
    title: "for another server",
    decide: answering(answers => answers.user(ACCEPTED, { data: { audience: fixedSigner(NkeyKind.Server, 7).publicKey } })),
  },
  { title: "for no server", decide: answering(answers => answers.user(ACCEPTED, { data: { audience: "me" } })) },
  { title: "for another user", decide: answering(answers => answers.user(ACCEPTED, { subject: AUTH_KEY.publicKey })) },
  { title: "its user is another one", decide: user({ subject: AUTH_KEY.publicKey }) },
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
  { title: "a user with a subject that is none", decide: user({ body: { ...LIMITS, publish: { allow: ["a..b"], deny: [] } } }) },
  { title: "neither a user nor an error", decide: answering(answers => answers.response({})) },
  { title: "a user and an error", decide: answering(answers => answers.user(ACCEPTED, { body: { error: "both" } })) },
  { title: "a user that is no token", decide: answering(answers => answers.response({ body: { jwt: "x" } })) },
  { title: "an account that there is not", decide: into("NOWHERE") },
  { title: "no account", decide: into("") },
  { title: "the global account", decide: into("$G") },
  { title: "the system account", decide: into("$SYS") },
  { title: "the service's account: it may not ask there", decide: into("AUTH"), more: PUB_AND_SUB },
  { title: "the service's account, with permissions", decide: into("AUTH", { body: LIMITS }), more: PUB_AND_SUB },
  { title: "an account with default permissions", decide: into("GIVEN"), more: PUB_AND_SUB },
  { title: "response permissions", decide: user({ body: { responses: { messagesMax: 1, expiresNanoseconds: 1e9 } } }), more: PUB_AND_SUB },
  { title: "only over WebSocket", decide: user({ body: { allowedConnectionTypes: ["WEBSOCKET"] } }) },
  { title: "in this way among others", decide: user({ body: { allowedConnectionTypes: ["mqtt", "standard", "telex"] } }) },
  { title: "only in ways that nobody knows", decide: user({ body: { allowedConnectionTypes: ["telex"] } }) },
  { title: "networks are not looked at", decide: user({ body: { sources: ["192.0.2.0/24"] } }) },
  { title: "networks that are none", decide: user({ body: { sources: ["192.0.2.0"] } }) },
  {
    title: "limits are not looked at",
    decide: user({ body: { subscriptionsMax: 1, payloadBytesMax: 1 } }),
    more: "SUB a 1\r\nSUB b 2\r\nPUB a 2\r\nhi\r\n",
  },
  { title: "only behind a proxy", decide: user({ body: { proxyRequired: true } }) },
  { title: "a bearer", decide: user({ body: { bearerToken: true } }) },
  { title: "one of the auth_users, and what it may not", connect: { user: "auth", pass: "secret" }, more: PUB_AND_SUB },
  { title: "one of the auth_users with another password", connect: { user: "auth", pass: "wrong" } },
  { title: "one of the auth_users by nkey", signer: AUTH_KEY, connect: { nkey: AUTH_KEY.publicKey } },
  { title: "one of the auth_users by nkey, another signature", signer: LOCAL_KEY, connect: { nkey: AUTH_KEY.publicKey } },
  { title: "the name of one as a token", connect: { auth_token: "auth" }, decide: user({}) },
  { title: "the nkey of one beside a password", connect: { user: "local", pass: "local", nkey: AUTH_KEY.publicKey } },
  { title: "a user of the service's account that is not one of them", connect: { user: "plain", pass: "plain" }, decide: user({}) },
  { title: "a user who is configured is asked about too", connect: { user: "local", pass: "local" }, decide: user({}) },
  { title: "a user who is configured, with a wrong password", connect: { user: "local", pass: "wrong" }, decide: user({}) },
  { title: "a user with a hashed password", connect: { user: "hashed", pass: "hashed" }, decide: user({}) },
  { title: "an nkey that is configured", signer: LOCAL_KEY, connect: { nkey: LOCAL_KEY.publicKey }, decide: user({}) },
  { title: "a user behind no proxy, though it must be", connect: { user: "behind", pass: "behind" }, decide: user({}) },
  { title: "the same, refused anyway", connect: { user: "behind", pass: "behind" }, decide: answering(answers => answers.error("no")) },
  { title: "an account that is named in CONNECT", connect: { user: "x", account: "APP" }, decide: user({}) },
];

it.compared(
  `${CASES.length} answers and clients: what the service is told, the client hears, the log says`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async stage => {
      const seen: Record<string, Outcome> = {};
      for (const { title, connect = { user: "her", pass: "pass" }, decide, more, signer } of CASES) {
        seen[title] = await stage.attempt({ connect, ...(signer && { signer }) }, decide ?? (() => null), more);
      }
      return seen;
    });
    expect(ours).toEqual(theirs);
    const admitted = Object.values(theirs).filter(({ closed }) => !closed).length;
    expect([admitted > 20, CASES.length - admitted > 30]).toEqual([true, true]); // both kinds were tried
  },
  120_000,
);

const XKEY_SEED = encodeSeed(NkeyKind.Curve, new Uint8Array(32).fill(50));
const OTHER_XKEY_SEED = encodeSeed(NkeyKind.Curve, new Uint8Array(32).fill(51));
const SEALING: ServiceFacts = { ...SERVICE, xkeySeed: XKEY_SEED };
const sealedConfig = config(`, xkey: ${publicXkeyOf(XKEY_SEED)}`);

/** Seals by another key than the server knows, or for another reader. */
const sealing =
  (seed: string, reader: (serverXkey: string) => string = key => key): Decide =>
  async (request, answers) =>
    (await seal(Buffer.from(answers.user(ACCEPTED)), reader(request.nats.server.curveKey), seed))!;

const SEALED_CASES: readonly Case[] = [
  { title: "sealed both ways", decide: user({}) },
  { title: "a sealed refusal", decide: answering(answers => answers.error("no")) },
  { title: "sealed, and signed by anybody", decide: answering(answers => answers.user(ACCEPTED, { by: STRANGER })) },
  { title: "sealed, its user signed by anybody", decide: user({ by: STRANGER }) },
  { title: "an answer in the clear", decide: async (_request, answers) => Buffer.from(answers.user(ACCEPTED)) },
  {
    title: "an answer in the clear, signed by anybody",
    decide: async (_request, answers) => Buffer.from(answers.user(ACCEPTED, { by: STRANGER })),
  },
  { title: "sealed by another key", decide: sealing(OTHER_XKEY_SEED) },
  { title: "sealed for another reader", decide: sealing(XKEY_SEED, () => publicXkeyOf(OTHER_XKEY_SEED)!) },
  { title: "an answer too short to be sealed", decide: () => Buffer.from("xkv1") },
  { title: "an answer of a few bytes", decide: () => Buffer.from("no") },
  { title: "sealed in another way", decide: () => Buffer.alloc(200, "xkv2") },
  { title: "nothing", decide: () => Buffer.alloc(0) },
  { title: "sealed, but no token", decide: () => "hello" },
];

it.compared(
  `sealed: ${SEALED_CASES.length} answers of a service with a curve key`,
  async () => {
    const [ours, theirs] = await onBoth(sealedConfig, SEALING, async stage => {
      const seen: Record<string, Outcome> = {};
      for (const { title, decide } of SEALED_CASES) seen[title] = await stage.attempt({ connect: { user: "her", pass: "pass" } }, decide);
      return seen;
    });
    expect(ours).toEqual(theirs);
    expect(theirs["sealed both ways"]!.closed).toBe(false);
  },
  120_000,
);

it.compared(
  `only users of the accounts that are allowed are asked about, and those whom nobody knows`,
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
    const [ours, theirs] = await onBoth(config(", allowed_accounts: [GIVEN]"), SERVICE, async stage => {
      const seen: Outcome[] = [];
      for (const connect of attempts) seen.push(await stage.attempt({ connect }, user({}), PUB_AND_SUB));
      return seen;
    });
    expect(ours).toEqual(theirs);
    expect(theirs.map(({ told }) => told.length)).toEqual([0, 1, 1, 1, 0, 0, 1, 1, 1]);
  },
  120_000,
);

it.compared(
  `an account at its limit: a user of it is not asked about, and one that is put there does not get in`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async stage => {
      const seen: Outcome[] = [await stage.attempt({ connect: { user: "her" } }, into("FULL"))];
      seen.push(await stage.attempt({ connect: { user: "full", pass: "full" } }, user({})));
      seen.push(await stage.attempt({ connect: { user: "full", pass: "wrong" } }, user({})));
      seen.push(await stage.attempt({ connect: { user: "him" } }, into("FULL")));
      return seen.map(({ log, ...rest }) => ({ ...rest, log: log.filter(line => !line.includes("authentication error")) }));
    });
    expect(ours).toEqual(theirs);
    expect(theirs.map(({ told, closed }) => [told.length, closed])).toEqual([
      [1, false],
      [0, true],
      [1, false],
      [1, true],
    ]);
  },
  120_000,
);

it.compared(
  `a service that says nothing: refused when the auth timeout is over, as is everybody while there is none`,
  async () => {
    for (const service of [SERVICE, null]) {
      const [ours, theirs] = await onBoth(config(), service, async stage => {
        const startedAt = performance.now();
        const outcome = await stage.attempt({ connect: { user: "her", pass: "pass" } }, () => null);
        const elapsed = performance.now() - startedAt;
        return { ...outcome, elapsed: elapsed > 900 && elapsed < 2_500 };
      });
      expect(ours).toEqual(theirs);
      expect([theirs.elapsed, theirs.closed]).toEqual([true, true]);
    }
  },
  120_000,
);

test("the first answer counts; what comes behind it hurts nobody", async () => {
  await onOurs(config(), SERVICE, async stage => {
    const { service } = stage;
    const thrice: Decide = (_request, answers) => {
      const { reply } = service!.received.at(-1)!;
      service!.connection.publish(reply, answers.error("first"));
      service!.connection.publish(reply, answers.user(ACCEPTED));
      return answers.user(ACCEPTED);
    };
    const refused = await stage.attempt({ connect: { user: "her" } }, thrice);
    expect([refused.closed, refused.log.at(-1)]).toEqual([true, "WRN Auth callout service returned an error: first"]);
    const later = await stage.attempt({ connect: { user: "her" } }, user({}));
    expect([later.closed, later.log]).toEqual([false, []]);
  });
});

it.compared(
  `whoever begins without CONNECT is asked about as the no_auth_user`,
  async () => {
    const [ours, theirs] = await onBoth(config("", "no_auth_user: local"), SERVICE, async stage => {
      const seen: unknown[] = [];
      for (const decide of [user({ body: LIMITS }), answering(answers => answers.error("no"))]) {
        stage.decide = decide;
        const mark = stage.server.log().length;
        const told = stage.service!.received.length;
        const peer = await Peer.open(stage.server.port);
        peer.send(PUB_AND_SUB);
        await peer.ping();
        const { log, ...rest } = await stage.outcome(peer, mark, told);
        seen.push({ ...rest, log: [...new Set(log)] }); // the reference refuses it twice
        peer.close();
      }
      seen.push(await stage.attempt({ connect: {} }, user({})));
      return seen;
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  `a user that expires is cut off then, and one whose hours end; outside of them nobody gets in`,
  async () => {
    const clock = (at: number) => new Date(at).toISOString().slice(11, 19);
    const hours = (from: number, to: number) =>
      user({ body: { timesLocation: "UTC", times: [{ start: clock(Date.now() + from), end: clock(Date.now() + to) }] } });
    const [ours, theirs] = await onBoth(config(), SERVICE, async stage => {
      const seen: unknown[] = [];
      const ends = [user({ data: { expiresAtSeconds: seconds() + 2 } }), hours(-60_000, 2_000)];
      for (const decide of ends) {
        stage.decide = decide;
        const peer = await Peer.login(stage.server.port, { connect: { user: "her" } });
        seen.push([peer.closed, await peer.untilClosed(), (await stage.outcome(peer)).shown]);
      }
      seen.push(await stage.attempt({ connect: { user: "her" } }, hours(60_000, 120_000)));
      return seen;
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  `another CONNECT on the same connection is asked about again`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async stage => {
      stage.decide = user({});
      const peer = await Peer.login(stage.server.port, { connect: { user: "her", pass: "pass" } });
      stage.decide = into("LOCAL", { data: { name: "him" } });
      peer.connect({ connect: { user: "him", pass: "other" } });
      await peer.ping();
      const outcome = await stage.outcome(peer);
      peer.close();
      return outcome;
    });
    expect(ours).toEqual(theirs);
    expect(theirs.told.length).toBe(2);
  },
  120_000,
);

it.compared(
  `an account that is not there for the service is told of, and nobody gets in who would have to be asked about`,
  async () => {
    const lost = config().replace("account: AUTH", "account: NOWHERE").replace("auth_users: [", "auth_users: [missing, ");
    const [ours, theirs] = await onBoth(lost, null, async stage => [
      await stage.attempt({ connect: { user: "her" } }),
      await stage.attempt({ connect: { user: "auth", pass: "secret" } }),
    ]);
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  `a reload tells which account and users of the service are not there; ours tells it when it starts, too`,
  async () => {
    const lost = [
      config().replace("auth_users: [", 'auth_users: ["", missing, LOCAL, local, '),
      config().replace("account: AUTH", "account: NOWHERE").replace("auth_users: [", "auth_users: [missing, "),
    ];
    const told = (lines: readonly string[]) => lines.filter(line => line.startsWith("ERR Authorization callout"));
    for (const text of lost) {
      const [ours, theirs] = await onBoth(text, null, async stage => {
        const atStart = told(stage.server.log());
        const mark = stage.server.log().length;
        await stage.reload(text.replace("APP { }", "APP { users [ { user: new, password: new } ] }"));
        return { name: stage.server.name, atStart, told: told(stage.server.log().slice(mark)) };
      });
      expect(ours.told).toEqual(theirs.told);
      expect([ours.atStart, theirs.atStart]).toEqual([theirs.told, []]);
      expect(theirs.told.length).toBeGreaterThan(1);
    }
  },
  120_000,
);

test("without a system account nobody can be asked, so nobody waits, and the server lives", async () => {
  // The reference does not: it ends with a nil pointer.
  await onOurs(config("", "no_system_account: true"), SERVICE, async stage => {
    const refused = await stage.attempt({ connect: { user: "her" } });
    expect([refused.closed, refused.told, refused.log]).toEqual([
      true,
      [],
      [`ERR authentication error - User "her"`, "DBG Error sending authorization request: system account not setup"],
    ]);
    expect((await stage.attempt({ connect: { user: "auth", pass: "secret" } })).closed).toBe(false);
  });
});
