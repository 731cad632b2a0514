/** Pinned accounts, default sentinels and reloads in operator mode, beside nats-server. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { NO_LIMITS_SET } from "../../src/access/jwt/encode.ts";
import { OperatorTests, type Stage } from "./both.ts";
import { directoryConfig } from "./directory-config.ts";
import { linesOf, startOurs } from "./pair.ts";
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
} from "./world.ts";

const it = new OperatorTests(import.meta.path);

const login = ({ side }: Pick<Stage, "side">, by: Signer = ALPHA, subject = USER) =>
  Peer.login(side.port, { jwt: userToken({ by, subject }), signer: subject });
const both = { [ALPHA.publicKey]: accountToken(ALPHA), [BETA.publicKey]: accountToken(BETA) };

async function varz({ side }: Stage): Promise<Record<string, unknown>> {
  return (await (await fetch(`http://127.0.0.1:${side.monitorPort}/varz`)).json()) as Record<string, unknown>;
}

const fate = async (peer: Peer) => {
  if (!peer.closed) await peer.ping().catch(() => {});
  return { heard: peer.take(), closed: peer.closed };
};

it.both(
  "only users of pinned accounts get in, and those of the system account; the others are counted",
  () => memoryConfig(both, `resolver_pinned_accounts: [${ALPHA.publicKey}]`),
  async stage => {
    const peers = [await login(stage), await login(stage, BETA), await login(stage, GAMMA)];
    const system = await Peer.login(stage.side.port, { jwt: systemUserToken(), signer: SYSTEM_USER });
    const said = peers.flatMap(peer => linesOf(stage.side, peer.info.client_id)).filter(line => line.includes("pinned"));
    return [await Promise.all([...peers, system].map(fate)), said, (await varz(stage)).pinned_account_fails];
  },
);

const SCOPED_BEARER = {
  signingKeys: new Map([scope(ALPHA_SCOPED.publicKey, { bearerToken: true, subscribe: { allow: ["open.>"], deny: [] } })]),
};
const SENTINELS: Record<string, string> = {
  "a bearer": userToken({ bearerToken: true }),
  "a user of a scoped key that makes bearers": userToken({ by: ALPHA_SCOPED, issuerAccount: ALPHA.publicKey, ...NO_LIMITS_SET }),
  "a user of an account that is not there": userToken({ by: GAMMA, bearerToken: true }),
};
for (const [title, sentinel] of Object.entries(SENTINELS)) {
  it.both(
    `the default sentinel is ${title}: it stands in for whoever shows no JWT that can be read`,
    () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, SCOPED_BEARER) }, `default_sentinel: ${sentinel}`),
    async stage => {
      const { port } = stage.side;
      const peers = [
        await Peer.login(port, {}),
        await Peer.login(port, { jwt: "garbage" }),
        await Peer.login(port, { connect: { user: "u", pass: "p" } }),
        await Peer.login(port, { jwt: userToken() }),
        await Peer.login(port, { jwt: userToken(), signer: USER }),
      ];
      for (const peer of peers) peer.send("SUB closed.x 1\r\nSUB open.x 2\r\n");
      return Promise.all(peers.map(fate));
    },
  );
}

it.both(
  "a reload reads the accounts in memory again: some are gone, some changed",
  () => memoryConfig(both),
  async stage => {
    const peers = [await login(stage), await login(stage), await login(stage, BETA)];
    const after = memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, { limits: { connectionsMax: 1 }, issuedAgo: 1 }) });
    const refused = await stage.side.reloadWith!(after);
    await Promise.all(peers.slice(1).map(peer => peer.untilClosed()));
    const said = stage.side.log().filter(line => line.startsWith("INF Reloaded: deleting"));
    const again = await login(stage, BETA);
    return [refused, await Promise.all([...peers, again].map(fate)), said];
  },
);

it.both(
  "a reload brings accounts, pins and a sentinel",
  () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA) }),
  async stage => {
    const before = [await login(stage), await login(stage, BETA), await Peer.login(stage.side.port, {})];
    const sentinel = userToken({ bearerToken: true, by: BETA, subject: OTHER_USER });
    const more = `resolver_pinned_accounts: [${BETA.publicKey}]\ndefault_sentinel: ${sentinel}`;
    await stage.side.reloadWith!(memoryConfig({ ...both }, more));
    await before[0]!.untilClosed();
    const after = [await login(stage), await login(stage, BETA), await Peer.login(stage.side.port, {})];
    return Promise.all([...before, ...after].map(fate));
  },
);

test("a directory is looked at again by a reload, and connected users follow (nats-server takes up what changed at the next push)", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bunats-accounts-"));
  const side = await startOurs(directoryConfig()(directory));
  try {
    const peers = [await login({ side }), await login({ side })];
    await Bun.write(join(directory, `${ALPHA.publicKey}.jwt`), accountToken(ALPHA, { limits: { connectionsMax: 1 }, issuedAgo: 1 }));
    expect(await side.reloadWith!(directoryConfig()(directory))).toBe("");
    await peers[1]!.untilClosed();
    expect(await Promise.all(peers.map(fate))).toEqual([
      { heard: [], closed: false },
      { heard: ["-ERR 'maximum account active connections exceeded'"], closed: true },
    ]);
    expect(await side.reloadWith!(memoryConfig(both))).toBe(""); // another kind of resolver
    expect((await login({ side }, BETA)).closed).toBe(false);
  } finally {
    await side.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});

const LIMITS = { memoryBytesMax: 1_000, diskBytesMax: -1, streamsMax: 5, consumersMax: -1, ackPendingMax: 7, streamBytesRequired: true };
it.both("JetStream limits of an account are validated and shown", directoryConfig(), async stage => {
  const push = (limits: object) => stage.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(BETA, { issuedAgo: 0, limits: limits as never }));
  const tier = { ...LIMITS, memoryStreamBytesMax: 0, diskStreamBytesMax: 0 };
  const refused = [await push({ ...LIMITS, tiers: new Map([["", tier]]) })];
  const taken = await push(LIMITS);
  await login(stage, BETA);
  const url = `http://127.0.0.1:${stage.side.monitorPort}/accountz?acc=${BETA.publicKey}`;
  const shown = (await (await fetch(url)).json()) as { account_detail: { decoded_jwt: { nats: { limits: unknown } }; name_tag: string } };
  return [refused, taken, shown.account_detail.decoded_jwt.nats.limits, shown.account_detail.name_tag];
});

it.both(
  "monitoring tells whose user a client is",
  () => memoryConfig({ [ALPHA.publicKey]: accountToken(ALPHA, { tags: ["a:b"] }) }),
  async stage => {
    await Peer.login(stage.side.port, { jwt: userToken({ tags: ["team:red"] }), signer: USER });
    const connz = await (await fetch(`http://127.0.0.1:${stage.side.monitorPort}/connz?auth=1`)).json();
    const [{ account, authorized_user, issuer_key, name_tag, tags, jwt }] = (connz as { connections: Record<string, unknown>[] })
      .connections as [Record<string, unknown>];
    return [account, authorized_user, issuer_key, name_tag, tags, typeof jwt];
  },
);
