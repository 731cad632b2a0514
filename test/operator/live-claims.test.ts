/** How new claims of an account change its connected clients, compared with nats-server. */

import type { AccountBody, Permissions } from "../../src/access/jwt/claims.ts";
import { NO_LIMITS_SET } from "../../src/access/jwt/encode.ts";
import { linesOf } from "./both-servers.ts";
import { directoryConfig } from "./directory-config.ts";
import { exportOf, importFrom } from "./exports-and-imports.ts";
import { logged, login, OperatorTests, push } from "./operator-tests.ts";
import { Peer } from "./peer.ts";
import { scope } from "./scope.ts";
import { ALPHA, ALPHA_KEY, ALPHA_SCOPED, accountToken, BETA, memoryConfig, nowSeconds, OTHER_USER, USER, userToken } from "./tokens.ts";

const it = new OperatorTests(import.meta.path);

const allow = (...subjects: string[]): Permissions => ({
  publish: { allow: subjects, deny: [] },
  subscribe: { allow: subjects, deny: [] },
  responses: null,
});

it.both("when the connection limit falls, the newest connections are closed", directoryConfig(), async context => {
  const peers = [await login(context), await login(context), await login(context)];
  await push(context, ALPHA, { limits: { connectionsMax: 1 } });
  await peers[2]!.untilClosed();
  const another = await login(context);
  return Promise.all([...peers, another].map(peer => peer.outcome()));
});

it.both("revoked users are disconnected, others stay", directoryConfig(), async context => {
  const [revoked, other] = [await login(context), await login(context, { subject: OTHER_USER })];
  await push(context, ALPHA, { revocations: new Map([[USER.publicKey, nowSeconds()]]) });
  await revoked.untilClosed();
  await push(context, ALPHA, { revocations: new Map([["*", nowSeconds() - 5]]), data: { name: "more" } });
  await other.untilClosed();
  return Promise.all([revoked, other].map(peer => peer.outcome()));
});

it.both("bearers are disconnected when the account stops allowing them", directoryConfig(), async context => {
  const bearer = await Peer.login(context.side.port, { jwt: userToken({ bearerToken: true }) });
  const other = await login(context);
  await push(context, ALPHA, { limits: { disallowBearer: true } });
  await bearer.untilClosed();
  return [await Promise.all([bearer, other].map(peer => peer.outcome())), linesOf(context.side, bearer.info.client_id).slice(-3)];
});

const KEYED: Partial<AccountBody> = {
  signingKeys: new Map([[ALPHA_KEY.publicKey, null], scope(ALPHA_SCOPED.publicKey, allow("a.>")), scope(BETA.publicKey, allow("a.>"))]),
};
it.both(
  "users of a signing key that was removed or has another scope are disconnected without an error",
  directoryConfig(),
  async context => {
    await push(context, ALPHA, { ...KEYED, issuedAgo: 20 });
    const ofAlpha = { issuerAccount: ALPHA.publicKey };
    const plain = await login(context, { by: ALPHA_KEY, ...ofAlpha });
    const scoped = await login(context, { by: ALPHA_SCOPED, ...ofAlpha, ...NO_LIMITS_SET });
    const kept = await login(context, { by: BETA, ...ofAlpha, ...NO_LIMITS_SET });
    const own = await login(context);
    const signingKeys = new Map([scope(ALPHA_SCOPED.publicKey, allow("b.>")), scope(BETA.publicKey, allow("a.>"))]);
    await push(context, ALPHA, { signingKeys, data: { name: "keys" } });
    await Promise.all([plain, scoped].map(peer => peer.untilClosed()));
    return [
      await Promise.all([plain, scoped, kept, own].map(peer => peer.outcome())),
      linesOf(context.side, plain.info.client_id)
        .slice(-1)
        .map(line => line.replace(/.* - /, "")),
    ];
  },
);

it.both("new default permissions apply to users without permissions of their own", directoryConfig(), async context => {
  const [follower, own] = [await login(context), await login(context, { ...allow("own.>"), subject: OTHER_USER })];
  follower.send("SUB a.b 1\r\nSUB c.> 2\r\n");
  own.send("SUB own.a 1\r\n");
  await Promise.all([follower.ping(), own.ping()]);
  await push(context, ALPHA, { defaultPermissions: { ...allow("c.>"), subscribe: { allow: ["c.>"], deny: ["c.secret"] } } });
  await follower.untilLine("a.b");
  const publish = "PUB a.b 0\r\n\r\nPUB c.d 0\r\n\r\nPUB c.secret 0\r\n\r\n";
  follower.send(publish);
  const narrowed = await follower.outcome();
  await push(context, ALPHA, { data: { name: "free again" } });
  await logged(context.side, "free again");
  follower.send(publish);
  return [narrowed, await follower.outcome(), await own.outcome()];
});

it.both("new limits of the account apply at once", directoryConfig(), async context => {
  const [peer, full] = [await login(context), await login(context)];
  full.send("SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n");
  await full.ping();
  await push(context, ALPHA, { limits: { subscriptionsMax: 2, payloadBytesMax: 5 } });
  await full.untilClosed();
  peer.send("SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n");
  const limited = await peer.outcome();
  peer.send("PUB x 6\r\n123456\r\n");
  await peer.untilClosed();
  return [await full.outcome(), limited, await peer.outcome()];
});

it.both(
  "clients of an expired account are disconnected and logins refused, until newer claims arrive",
  directoryConfig(),
  async context => {
    await push(context, ALPHA, { issuedAgo: 5, data: { expiresAtSeconds: nowSeconds() + 2 } });
    const peer = await login(context);
    await peer.untilClosed();
    const meanwhile = await login(context);
    await push(context, ALPHA, { data: { name: "later", expiresAtSeconds: nowSeconds() + 1_000 } });
    return [await peer.outcome(), await meanwhile.outcome(), await (await login(context)).outcome()];
  },
);

it.both("a user is disconnected when its claims expire or its hours end", directoryConfig(), async context => {
  const peer = await login(context, { data: { expiresAtSeconds: nowSeconds() + 1 } });
  const hours = await login(context, {
    times: [{ start: "00:00:00", end: new Date(Date.now() + 2_000).toISOString().slice(11, 19) }],
    timesLocation: "UTC",
  });
  await Promise.all([peer.untilClosed(), hours.untilClosed()]);
  return Promise.all([peer, hours].map(peer => peer.outcome()));
});

it.both("new subject mappings apply to connected clients", directoryConfig(), async context => {
  const peer = await login(context);
  const to = (subject: string) => new Map([["a", [{ subject, weight: 100, cluster: "" }]]]);
  const publishAndTake = async () => {
    peer.send("PUB a 1\r\nx\r\n");
    await peer.ping();
    return peer.take();
  };
  peer.send("SUB > 1\r\n");
  const before = await publishAndTake();
  await push(context, ALPHA, { mappings: to("b"), issuedAgo: 9 });
  await logged(context.side, "Updating account claims");
  const mapped = await publishAndTake();
  await push(context, ALPHA, { mappings: new Map(), data: { name: "none" }, issuedAgo: 3 });
  return [before, mapped, await publishAndTake()];
});

it.both("stream imports follow new claims of the importer and of the exporter", directoryConfig(), async context => {
  await push(context, BETA, { exports: [exportOf("news.>")], issuedAgo: 20 });
  const [reader, writer] = [await login(context), await login(context, { by: BETA, subject: OTHER_USER })];
  reader.send("SUB in.> 1\r\n");
  await reader.ping();
  const publishAndTake = async () => {
    writer.send("PUB news.today 2\r\nhi\r\n");
    await writer.ping();
    await reader.ping();
    return reader.take();
  };
  const before = await publishAndTake();
  await push(context, ALPHA, { imports: [importFrom(BETA, "news.>", { localSubject: "in.news.>" })], issuedAgo: 10 });
  const imported = await publishAndTake();
  await push(context, BETA, { data: { name: "closed" } });
  await logged(context.side, "closed");
  return [before, imported, await publishAndTake()];
});

it.both(
  "when one new mapping is invalid, the old mappings stay and none of the new ones applies",
  () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, { mappings: new Map([mappedTo("a.*", "b.$1"), mappedTo("x", "y")]) }) }),
  async context => {
    const peer = await login(context);
    peer.send("SUB > 1\r\n");
    const broken = accountToken(ALPHA, {
      issuedAgo: 0,
      mappings: new Map([mappedTo("a.*", "b.{{wildcard(2)}}"), mappedTo("new", "newer")]),
    });
    const answer = await context.ask(`$SYS.REQ.ACCOUNT.${ALPHA.publicKey}.CLAIMS.UPDATE`, broken);
    for (const subject of ["a.1", "x", "new"]) peer.send(`PUB ${subject} 1\r\nx\r\n`);
    await peer.ping();
    return [answer, peer.take(), context.side.log().filter(line => line.includes("Error adding subject mapping"))];
  },
);

function mappedTo(source: string, subject: string): [string, { subject: string; weight: number; cluster: string }[]] {
  return [source, [{ subject, weight: 0, cluster: "" }]];
}

it.both("JetStream limits and the cluster traffic setting of the claims change nothing for clients", directoryConfig(), async context => {
  const peer = await login(context);
  const answer = await push(context, ALPHA, { clusterTraffic: "owner", limits: { memoryBytesMax: 1_000, streamsMax: 2 } });
  return [answer, await peer.outcome()];
});
