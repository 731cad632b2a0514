/** New claims of an account and those who are connected to it, beside nats-server. */

import type { AccountBody, Permissions } from "../../src/access/jwt/claims.ts";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { NO_LIMITS_SET } from "../../src/access/jwt/encode.ts";
import { logged, OperatorTests, type Stage } from "./both.ts";
import { directoryConfig } from "./directory-config.ts";
import { linesOf } from "./pair.ts";
import { Peer } from "./peer.ts";
import { scope } from "./scope.ts";
import {
  type AccountFacts,
  ALPHA,
  ALPHA_KEY,
  ALPHA_SCOPED,
  accountToken,
  BETA,
  memoryConfig,
  nowSeconds,
  OTHER_USER,
  USER,
  type UserFacts,
  userToken,
} from "./world.ts";

const it = new OperatorTests(import.meta.path);

/** Newer than what is there. */
const push = ({ ask }: Stage, account: Signer, facts: AccountFacts = {}) =>
  ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(account, { issuedAgo: 0, ...facts }));

const login = ({ side }: Stage, facts: UserFacts = {}) => Peer.login(side.port, { jwt: userToken(facts), signer: facts.subject ?? USER });

/** What it heard, and whether it is still there, once the server has handled everything. */
async function fate(peer: Peer): Promise<unknown> {
  if (!peer.closed) await peer.ping().catch(() => {});
  return { heard: peer.take(), closed: peer.closed };
}

const allow = (...subjects: string[]): Permissions => ({
  publish: { allow: subjects, deny: [] },
  subscribe: { allow: subjects, deny: [] },
  responses: null,
});

it.both("of too many connections the newest go", directoryConfig(), async stage => {
  const peers = [await login(stage), await login(stage), await login(stage)];
  await push(stage, ALPHA, { limits: { connectionsMax: 1 } });
  await peers[2]!.untilClosed();
  const another = await login(stage);
  return Promise.all([...peers, another].map(fate));
});

it.both("revoked users have to go, others stay", directoryConfig(), async stage => {
  const [revoked, other] = [await login(stage), await login(stage, { subject: OTHER_USER })];
  await push(stage, ALPHA, { revocations: new Map([[USER.publicKey, nowSeconds()]]) });
  await revoked.untilClosed();
  await push(stage, ALPHA, { revocations: new Map([["*", nowSeconds() - 5]]), data: { name: "more" } });
  await other.untilClosed();
  return Promise.all([revoked, other].map(fate));
});

it.both("bearers have to go where they are not allowed any more", directoryConfig(), async stage => {
  const bearer = await Peer.login(stage.side.port, { jwt: userToken({ bearerToken: true }) });
  const other = await login(stage);
  await push(stage, ALPHA, { limits: { disallowBearer: true } });
  await bearer.untilClosed();
  return [await Promise.all([bearer, other].map(fate)), linesOf(stage.side, bearer.info.client_id).slice(-3)];
});

const KEYED: Partial<AccountBody> = {
  signingKeys: new Map([[ALPHA_KEY.publicKey, null], scope(ALPHA_SCOPED.publicKey, allow("a.>")), scope(BETA.publicKey, allow("a.>"))]),
};
it.both("users of a signing key that is gone or has another scope are closed without a word", directoryConfig(), async stage => {
  await push(stage, ALPHA, { ...KEYED, issuedAgo: 20 });
  const of = { issuerAccount: ALPHA.publicKey };
  const plain = await login(stage, { by: ALPHA_KEY, ...of });
  const scoped = await login(stage, { by: ALPHA_SCOPED, ...of, ...NO_LIMITS_SET });
  const kept = await login(stage, { by: BETA, ...of, ...NO_LIMITS_SET });
  const own = await login(stage);
  const signingKeys = new Map([scope(ALPHA_SCOPED.publicKey, allow("b.>")), scope(BETA.publicKey, allow("a.>"))]);
  await push(stage, ALPHA, { signingKeys, data: { name: "keys" } });
  await Promise.all([plain, scoped].map(peer => peer.untilClosed()));
  return [
    await Promise.all([plain, scoped, kept, own].map(fate)),
    linesOf(stage.side, plain.info.client_id)
      .slice(-1)
      .map(line => line.replace(/.* - /, "")),
  ];
});

it.both("default permissions are followed by those who have none of their own", directoryConfig(), async stage => {
  const [follower, own] = [await login(stage), await login(stage, { ...allow("own.>"), subject: OTHER_USER })];
  follower.send("SUB a.b 1\r\nSUB c.> 2\r\n");
  own.send("SUB own.a 1\r\n");
  await Promise.all([follower.ping(), own.ping()]);
  await push(stage, ALPHA, { defaultPermissions: { ...allow("c.>"), subscribe: { allow: ["c.>"], deny: ["c.secret"] } } });
  await follower.untilLine("a.b");
  const publish = "PUB a.b 0\r\n\r\nPUB c.d 0\r\n\r\nPUB c.secret 0\r\n\r\n";
  follower.send(publish);
  const narrowed = await fate(follower);
  await push(stage, ALPHA, { data: { name: "free again" } });
  await logged(stage.side, "free again");
  follower.send(publish);
  return [narrowed, await fate(follower), await fate(own)];
});

it.both("limits of the account apply at once", directoryConfig(), async stage => {
  const [peer, full] = [await login(stage), await login(stage)];
  full.send("SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n");
  await full.ping();
  await push(stage, ALPHA, { limits: { subscriptionsMax: 2, payloadBytesMax: 5 } });
  await full.untilClosed();
  peer.send("SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n");
  const limited = await fate(peer);
  peer.send("PUB x 6\r\n123456\r\n");
  await peer.untilClosed();
  return [await fate(full), limited, await fate(peer)];
});

it.both("an account that expires lets nobody stay, and comes back with newer claims", directoryConfig(), async stage => {
  await push(stage, ALPHA, { issuedAgo: 5, data: { expiresAtSeconds: nowSeconds() + 2 } });
  const peer = await login(stage);
  await peer.untilClosed();
  const meanwhile = await login(stage);
  await push(stage, ALPHA, { data: { name: "later", expiresAtSeconds: nowSeconds() + 1_000 } });
  return [await fate(peer), await fate(meanwhile), await fate(await login(stage))];
});

it.both("a user is cut off when its claims expire", directoryConfig(), async stage => {
  const peer = await login(stage, { data: { expiresAtSeconds: nowSeconds() + 1 } });
  const hours = await login(stage, {
    times: [{ start: "00:00:00", end: new Date(Date.now() + 2_000).toISOString().slice(11, 19) }],
    timesLocation: "UTC",
  });
  await Promise.all([peer.untilClosed(), hours.untilClosed()]);
  return Promise.all([peer, hours].map(fate));
});

it.both("mappings are followed", directoryConfig(), async stage => {
  const peer = await login(stage);
  const to = (subject: string) => new Map([["a", [{ subject, weight: 100, cluster: "" }]]]);
  const heard = async () => {
    peer.send("PUB a 1\r\nx\r\n");
    await peer.ping();
    return peer.take();
  };
  peer.send("SUB > 1\r\n");
  const before = await heard();
  await push(stage, ALPHA, { mappings: to("b"), issuedAgo: 9 });
  await logged(stage.side, "Updating account claims");
  const mapped = await heard();
  await push(stage, ALPHA, { mappings: new Map(), data: { name: "none" }, issuedAgo: 3 });
  return [before, mapped, await heard()];
});

it.both("stream imports follow the claims of both sides", directoryConfig(), async stage => {
  const EXPORT = { name: "s", subject: "news.>", type: "stream" } as const;
  const IMPORT = { name: "s", subject: "news.>", account: BETA.publicKey, type: "stream", localSubject: "in.news.>" } as const;
  const whole = <T extends object>(part: T): never => part as never;
  await push(stage, BETA, { exports: [whole({ ...EMPTY_EXPORT, ...EXPORT })], issuedAgo: 20 });
  const [reader, writer] = [await login(stage), await login(stage, { by: BETA, subject: OTHER_USER })];
  reader.send("SUB in.> 1\r\n");
  await reader.ping();
  const told = async () => {
    writer.send("PUB news.today 2\r\nhi\r\n");
    await writer.ping();
    await reader.ping();
    return reader.take();
  };
  const before = await told();
  await push(stage, ALPHA, { imports: [whole({ ...EMPTY_IMPORT, ...IMPORT })], issuedAgo: 10 });
  const imported = await told();
  await push(stage, BETA, { data: { name: "closed" } });
  await logged(stage.side, "closed");
  return [before, imported, await told()];
});

const EMPTY_EXPORT = {
  name: "",
  subject: "",
  type: "",
  tokenRequired: false,
  revocations: new Map(),
  responseType: "",
  responseThresholdNanoseconds: 0,
  latency: null,
  accountTokenPosition: 0,
  advertise: false,
  allowTrace: false,
  description: "",
  infoUrl: "",
};
const EMPTY_IMPORT = { name: "", subject: "", account: "", token: "", to: "", localSubject: "", type: "", share: false, allowTrace: false };

it.both(
  "mappings stay when newer ones cannot be installed, those that are missing there too",
  () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, { mappings: new Map([mappedTo("a.*", "b.$1"), mappedTo("x", "y")]) }) }),
  async stage => {
    const peer = await login(stage);
    peer.send("SUB > 1\r\n");
    const broken = accountToken(ALPHA, {
      issuedAgo: 0,
      mappings: new Map([mappedTo("a.*", "b.{{wildcard(2)}}"), mappedTo("new", "newer")]),
    });
    const answer = await stage.ask(`$SYS.REQ.ACCOUNT.${ALPHA.publicKey}.CLAIMS.UPDATE`, broken);
    for (const subject of ["a.1", "x", "new"]) peer.send(`PUB ${subject} 1\r\nx\r\n`);
    await peer.ping();
    return [answer, peer.take(), stage.side.log().filter(line => line.includes("Error adding subject mapping"))];
  },
);

function mappedTo(source: string, subject: string): [string, { subject: string; weight: number; cluster: string }[]] {
  return [source, [{ subject, weight: 0, cluster: "" }]];
}

it.both(
  "claims that say how many JetStream may have, or who carries its traffic, change nothing for clients",
  directoryConfig(),
  async stage => {
    const peer = await login(stage);
    const answer = await push(stage, ALPHA, { clusterTraffic: "owner", limits: { memoryBytesMax: 1_000, streamsMax: 2 } });
    return [answer, await fate(peer)];
  },
);
