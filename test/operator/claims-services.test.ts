/** Pushing, listing, looking up and deleting account JWTs, beside nats-server. */
import { existsSync, readdirSync } from "node:fs";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { OperatorTests } from "./both.ts";
import { directoryConfig } from "./directory-config.ts";
import { Peer } from "./peer.ts";
import {
  ALPHA,
  accountToken,
  BETA,
  GAMMA,
  nowSeconds,
  OPERATOR,
  OPERATOR_KEY,
  operatorToken,
  STRANGER,
  SYSTEM,
  USER,
  userToken,
} from "./world.ts";

const it = new OperatorTests(import.meta.path);

const UPDATE = "$SYS.REQ.CLAIMS.UPDATE";
const updateOf = (account: Signer) => `$SYS.REQ.ACCOUNT.${account.publicKey}.CLAIMS.UPDATE`;

function deletion(accounts: unknown, by: Signer = OPERATOR, subject = by.publicKey): string {
  return encodeClaims(newClaims("generic", subject, { accounts } as never), by, nowSeconds());
}

const newest = (account: Signer, facts = {}) => accountToken(account, { issuedAgo: 1, ...facts });

it.both("a full resolver answers pushes, in its words", directoryConfig(), async ({ ask, directory }) => [
  await ask(UPDATE, newest(BETA)),
  await ask(updateOf(GAMMA), newest(GAMMA)),
  await ask(`$SYS.ACCOUNT.${GAMMA.publicKey}.CLAIMS.UPDATE`, accountToken(GAMMA, { issuedAgo: 0 })),
  await ask(updateOf(GAMMA), newest(BETA)),
  await ask(UPDATE, "garbage"),
  await ask(updateOf(BETA), "garbage"),
  await ask(UPDATE, userToken()),
  await ask(UPDATE, newest(BETA, { by: STRANGER })), // kept: whom to trust is asked when it is used
  await ask(UPDATE, newest(BETA, { exports: [null] })),
  await ask(updateOf(BETA), newest(BETA, { exports: [null] })),
  readdirSync(directory).sort(),
]);

const mapping = (source: string, ...destinations: [string, number][]) =>
  new Map([[source, destinations.map(([subject, weight]) => ({ subject, weight, cluster: "" }))]]);

it.both("claims with mappings that cannot be installed are refused", directoryConfig(), async ({ ask }) => [
  await ask(UPDATE, newest(BETA, { mappings: mapping("a..b", ["c", 100]) })),
  await ask(UPDATE, newest(BETA, { mappings: mapping("a", ["b", 50], ["b", 50]) })),
  await ask(UPDATE, newest(BETA, { mappings: mapping("a", ["b", 101]) })),
  await ask(UPDATE, newest(BETA, { mappings: mapping("a", ["b", 60], ["c", 60]) })),
  await ask(UPDATE, newest(BETA, { mappings: mapping("a.*", ["b.{{wildcard(2)}}", 100]) })),
  await ask(UPDATE, newest(BETA, { mappings: mapping("a.*", ["b.{{nonsense(2)}}", 100]) })),
  await ask(UPDATE, newest(BETA, { mappings: mapping("a.*", ["b.{{left(1,3)}}", 100]) })),
]);

const strict = operatorToken({ signingKeys: [OPERATOR_KEY.publicKey], strictSigningKeyUsage: true });
it.both(
  "a strict operator wants its signing keys to be used",
  directory =>
    directoryConfig({ operator: strict })(directory).replace(
      /resolver_preload.*/,
      `resolver_preload: { ${SYSTEM.publicKey}: ${accountToken(SYSTEM, { by: OPERATOR_KEY, signingKeys: new Map([[GAMMA.publicKey, null]]) })} }`,
    ),
  async ({ side }) => {
    const credentials = { jwt: userToken({ by: GAMMA, issuerAccount: SYSTEM.publicKey }), signer: USER };
    const system = await Peer.login(side.port, credentials);
    const own = await Peer.login(side.port, { jwt: userToken({ by: SYSTEM }), signer: USER });
    const answer = async (payload: string) => JSON.parse(await system.request(UPDATE, payload)) as Record<string, unknown>;
    const [refused, taken] = [await answer(newest(BETA)), await answer(newest(BETA, { by: OPERATOR_KEY }))];
    return [own.lines, refused.error, taken.data];
  },
);

it.both("a full resolver lists and looks up what it has", directoryConfig(), async ({ ask, directory }) => {
  await ask(UPDATE, newest(BETA));
  const lookUp = (account: Signer) => ask(`$SYS.REQ.ACCOUNT.${account.publicKey}.CLAIMS.LOOKUP`);
  const found = (await lookUp(BETA)) as string;
  return [await ask("$SYS.REQ.CLAIMS.LIST"), found.length > 0, await lookUp(GAMMA), existsSync(`${directory}/${BETA.publicKey}.jwt`)];
});

it.both("a full resolver packs what it has, for whoever has something else", directoryConfig(), async ({ ask, system }) => {
  await ask(UPDATE, newest(BETA));
  const peer = await system();
  const pack = async (hash: string) => {
    peer.send(`SUB pack 1\r\nPUB $SYS.REQ.CLAIMS.PACK pack ${hash.length}\r\n${hash}\r\n`);
    await peer.untilLine("MSG pack 1 0");
    await peer.ping();
    peer.send("UNSUB 1\r\n");
    return peer.take().filter(line => !line.startsWith("MSG") && line !== "");
  };
  const all = await pack("x".repeat(32));
  return all.map(line => line.split("|")[0]).sort();
});

it.both("deletion is refused unless it is allowed", directoryConfig(), async ({ ask }) => [
  await ask("$SYS.REQ.CLAIMS.DELETE", deletion([ALPHA.publicKey])),
  await ask("$SYS.REQ.CLAIMS.DELETE", "garbage"),
]);

for (const hard of ["false", "true"]) {
  it.both(
    `a full resolver deletes what an operator wants deleted, hard_delete ${hard}`,
    directoryConfig({ more: `, allow_delete: true, hard_delete: ${hard}` }),
    async ({ ask, directory, side }) => {
      const user = await Peer.login(side.port, { jwt: userToken(), signer: USER });
      const remove = (payload: string) => ask("$SYS.REQ.CLAIMS.DELETE", payload);
      const answers = [
        await remove(deletion([ALPHA.publicKey], STRANGER)),
        await remove(deletion([ALPHA.publicKey], OPERATOR, ALPHA.publicKey)),
        await remove(deletion("all")),
        await remove(deletion([ALPHA.publicKey, "B"])),
        await remove(deletion([SYSTEM.publicKey])),
        await remove(deletion(undefined)),
        await remove(deletion([BETA.publicKey])), // it is not there
        await remove(deletion([ALPHA.publicKey])),
      ];
      const heard = await user.untilClosed();
      const again = await Peer.login(side.port, { jwt: userToken(), signer: USER });
      return [answers, heard, again.lines, readdirSync(directory).sort()];
    },
  );
}

it.both("a cache takes what it has use for", directoryConfig({ type: "cache" }), async ({ ask, directory, side }) => {
  const answers = [await ask(UPDATE, newest(BETA)), await ask(updateOf(ALPHA), newest(ALPHA))];
  const user = await Peer.login(side.port, { jwt: userToken(), signer: USER });
  return [
    answers,
    user.lines,
    await ask(UPDATE, accountToken(ALPHA, { issuedAgo: 0, data: { name: "other" } })),
    await ask(updateOf(ALPHA), newest(BETA)),
    await ask(updateOf(ALPHA), "garbage"),
    await ask(UPDATE, "garbage"),
    await ask(UPDATE, newest(ALPHA, { exports: [null] })),
    await ask("$SYS.REQ.CLAIMS.LIST"),
    readdirSync(directory).sort(),
  ];
});

it.both(
  "accounts in memory are updated as they are, and not kept",
  () => `operator: ${operatorToken()}
resolver: MEMORY
resolver_preload: { ${SYSTEM.publicKey}: ${accountToken(SYSTEM)}, ${ALPHA.publicKey}: ${accountToken(ALPHA)} }`,
  async ({ ask, side }) => {
    const before = await ask(updateOf(ALPHA), newest(ALPHA));
    const user = await Peer.login(side.port, { jwt: userToken(), signer: USER });
    return [
      before,
      user.lines,
      await ask(updateOf(ALPHA), newest(ALPHA)),
      await ask(updateOf(ALPHA), ""),
      await ask(updateOf(ALPHA), "garbage"),
      await ask(updateOf(ALPHA), newest(BETA)),
      await ask(updateOf(ALPHA), newest(ALPHA, { by: STRANGER })),
      await ask(updateOf(ALPHA), newest(ALPHA, { data: { expiresAtSeconds: 1 } })),
    ];
  },
);
