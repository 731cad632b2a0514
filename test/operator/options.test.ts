/** Pinned accounts, default sentinels and reloads in operator mode, compared with nats-server. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NO_LIMITS_SET } from "../../src/access/jwt/encode.ts";
import { linesOf, startOurs } from "./both-servers.ts";
import { directoryConfig } from "./directory-config.ts";
import { login, OperatorTests, push, type ScenarioContext } from "./operator-tests.ts";
import { Peer } from "./peer.ts";
import { scope } from "./scope.ts";
import {
  ALPHA,
  ALPHA_SCOPED,
  accountToken,
  BETA,
  GAMMA,
  memoryConfig,
  OTHER_USER,
  SYSTEM_USER,
  systemUserToken,
  USER,
  userToken,
} from "./tokens.ts";

const it = new OperatorTests(import.meta.path);

const both = { [ALPHA.publicKey]: accountToken(ALPHA), [BETA.publicKey]: accountToken(BETA) };

async function varz({ side }: ScenarioContext): Promise<Record<string, unknown>> {
  return (await (await fetch(`http://127.0.0.1:${side.monitorPort}/varz`)).json()) as Record<string, unknown>;
}

it.both(
  "only users of pinned accounts and of the system account are accepted; the refusals are counted",
  () => memoryConfig(both, `resolver_pinned_accounts: [${ALPHA.publicKey}]`),
  async context => {
    const peers = [await login(context), await login(context, { by: BETA }), await login(context, { by: GAMMA })];
    const system = await Peer.login(context.side.port, { jwt: systemUserToken(), signer: SYSTEM_USER });
    const refusals = peers.flatMap(peer => linesOf(context.side, peer.info.client_id)).filter(line => line.includes("pinned"));
    return [await Promise.all([...peers, system].map(peer => peer.outcome())), refusals, (await varz(context)).pinned_account_fails];
  },
);

const SCOPED_BEARER = {
  signingKeys: new Map([scope(ALPHA_SCOPED.publicKey, { bearerToken: true, subscribe: { allow: ["open.>"], deny: [] } })]),
};
const SENTINELS: Record<string, string> = {
  "a bearer": userToken({ bearerToken: true }),
  "a user of a scoped key that makes bearers": userToken({ by: ALPHA_SCOPED, issuerAccount: ALPHA.publicKey, ...NO_LIMITS_SET }),
  "a user of an unknown account": userToken({ by: GAMMA, bearerToken: true }),
};
for (const [title, sentinel] of Object.entries(SENTINELS)) {
  it.both(
    `the default sentinel is ${title}: it applies to clients without a readable JWT`,
    () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, SCOPED_BEARER) }, `default_sentinel: ${sentinel}`),
    async context => {
      const { port } = context.side;
      const peers = [
        await Peer.login(port, {}),
        await Peer.login(port, { jwt: "garbage" }),
        await Peer.login(port, { connect: { user: "u", pass: "p" } }),
        await Peer.login(port, { jwt: userToken() }),
        await Peer.login(port, { jwt: userToken(), signer: USER }),
      ];
      for (const peer of peers) peer.send("SUB closed.x 1\r\nSUB open.x 2\r\n");
      return Promise.all(peers.map(peer => peer.outcome()));
    },
  );
}

it.both(
  "a reload reads the accounts of the memory resolver again: one is removed, one changed",
  () => memoryConfig(both),
  async context => {
    const peers = [await login(context), await login(context), await login(context, { by: BETA })];
    const after = memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, { limits: { connectionsMax: 1 }, issuedAgo: 1 }) });
    const refused = await context.side.reloadWith(after);
    await Promise.all(peers.slice(1).map(peer => peer.untilClosed()));
    const deletions = context.side.log().filter(line => line.startsWith("INF Reloaded: deleting"));
    const again = await login(context, { by: BETA });
    return [refused, await Promise.all([...peers, again].map(peer => peer.outcome())), deletions];
  },
);

it.both(
  "a reload adds accounts, pinned accounts and a sentinel",
  () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA) }),
  async context => {
    const before = [await login(context), await login(context, { by: BETA }), await Peer.login(context.side.port, {})];
    const sentinel = userToken({ bearerToken: true, by: BETA, subject: OTHER_USER });
    const more = `resolver_pinned_accounts: [${BETA.publicKey}]\ndefault_sentinel: ${sentinel}`;
    await context.side.reloadWith(memoryConfig({ ...both }, more));
    await before[0]!.untilClosed();
    const after = [await login(context), await login(context, { by: BETA }), await Peer.login(context.side.port, {})];
    return Promise.all([...before, ...after].map(peer => peer.outcome()));
  },
);

test("a reload reads the directory again and applies it to connected users (nats-server applies the change at the next push)", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bunats-accounts-"));
  const side = await startOurs(directoryConfig()(directory));
  try {
    const peers = [await login({ side }), await login({ side })];
    await Bun.write(join(directory, `${ALPHA.publicKey}.jwt`), accountToken(ALPHA, { limits: { connectionsMax: 1 }, issuedAgo: 1 }));
    expect(await side.reloadWith(directoryConfig()(directory))).toBe("");
    await peers[1]!.untilClosed();
    expect(await Promise.all(peers.map(peer => peer.outcome()))).toEqual([
      { received: [], closed: false },
      { received: ["-ERR 'maximum account active connections exceeded'"], closed: true },
    ]);
    expect(await side.reloadWith(memoryConfig(both))).toBe(""); // another kind of resolver
    expect((await login({ side }, { by: BETA })).closed).toBe(false);
  } finally {
    await side.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});

const LIMITS = { memoryBytesMax: 1_000, diskBytesMax: -1, streamsMax: 5, consumersMax: -1, ackPendingMax: 7, streamBytesRequired: true };
it.both("JetStream limits of an account are validated and shown", directoryConfig(), async context => {
  const pushLimits = (limits: object) => push(context, BETA, { limits: limits as never });
  const tier = { ...LIMITS, memoryStreamBytesMax: 0, diskStreamBytesMax: 0 };
  const refused = [await pushLimits({ ...LIMITS, tiers: new Map([["", tier]]) })];
  const accepted = await pushLimits(LIMITS);
  await login(context, { by: BETA });
  const url = `http://127.0.0.1:${context.side.monitorPort}/accountz?acc=${BETA.publicKey}`;
  const shown = (await (await fetch(url)).json()) as { account_detail: { decoded_jwt: { nats: { limits: unknown } }; name_tag: string } };
  return [refused, accepted, shown.account_detail.decoded_jwt.nats.limits, shown.account_detail.name_tag];
});

it.both(
  "/connz shows the account, user, issuer key and tags of a client",
  () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, { tags: ["a:b"] }) }),
  async context => {
    await Peer.login(context.side.port, { jwt: userToken({ tags: ["team:red"] }), signer: USER });
    const connz = await (await fetch(`http://127.0.0.1:${context.side.monitorPort}/connz?auth=1`)).json();
    const [{ account, authorized_user, issuer_key, name_tag, tags, jwt }] = (connz as { connections: Record<string, unknown>[] })
      .connections as [Record<string, unknown>];
    return [account, authorized_user, issuer_key, name_tag, tags, typeof jwt];
  },
);
