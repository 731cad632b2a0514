/** Pushing, listing, looking up and deleting account JWTs, compared with nats-server. */
import { existsSync, readdirSync } from "node:fs";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { rawToken } from "../doubles/token-maker.ts";
import { directoryConfig } from "./directory-config.ts";
import { OperatorTests } from "./operator-tests.ts";
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
} from "./tokens.ts";

const it = new OperatorTests(import.meta.path);

const UPDATE = "$SYS.REQ.CLAIMS.UPDATE";
const updateOf = (account: Signer) => `$SYS.REQ.ACCOUNT.${account.publicKey}.CLAIMS.UPDATE`;

function deletion(accounts: unknown, by: Signer = OPERATOR, subject = by.publicKey): string {
  return encodeClaims(newClaims("generic", subject, { accounts } as never), by, nowSeconds());
}

const newest = (account: Signer, facts = {}) => accountToken(account, { issuedAgo: 1, ...facts });

it.both("a full resolver answers each push with a result or an error", directoryConfig(), async ({ ask, directory }) => [
  await ask(UPDATE, newest(BETA)),
  await ask(updateOf(GAMMA), newest(GAMMA)),
  await ask(`$SYS.ACCOUNT.${GAMMA.publicKey}.CLAIMS.UPDATE`, accountToken(GAMMA, { issuedAgo: 0 })),
  await ask(updateOf(GAMMA), newest(BETA)),
  await ask(UPDATE, "garbage"),
  await ask(updateOf(BETA), "garbage"),
  await ask(UPDATE, userToken()),
  await ask(UPDATE, newest(BETA, { by: STRANGER })), // stored: the signature's key is checked when the account is used
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
  "a strict operator refuses accounts that are not signed by a signing key",
  directory =>
    directoryConfig({ operator: strict })(directory).replace(
      /resolver_preload.*/,
      `resolver_preload: { ${SYSTEM.publicKey}: ${accountToken(SYSTEM, { by: OPERATOR_KEY, signingKeys: new Map([[GAMMA.publicKey, null]]) })} }`,
    ),
  async ({ side }) => {
    const credentials = { jwt: userToken({ by: GAMMA, issuerAccount: SYSTEM.publicKey }), signer: USER };
    const system = await Peer.login(side.port, credentials);
    const signedByAccount = await Peer.login(side.port, { jwt: userToken({ by: SYSTEM }), signer: USER });
    const answer = async (payload: string) => JSON.parse(await system.request(UPDATE, payload)) as Record<string, unknown>;
    const [refused, accepted] = [await answer(newest(BETA)), await answer(newest(BETA, { by: OPERATOR_KEY }))];
    return [signedByAccount.lines, refused.error, accepted.data];
  },
);

it.both("a full resolver lists and looks up the accounts it stores", directoryConfig(), async ({ ask, directory }) => {
  await ask(UPDATE, newest(BETA));
  const lookUp = (account: Signer) => ask(`$SYS.REQ.ACCOUNT.${account.publicKey}.CLAIMS.LOOKUP`);
  const found = (await lookUp(BETA)) as string;
  return [await ask("$SYS.REQ.CLAIMS.LIST"), found.length > 0, await lookUp(GAMMA), existsSync(`${directory}/${BETA.publicKey}.jwt`)];
});

it.both("a full resolver sends all its claims to a requester whose hash differs", directoryConfig(), async ({ ask, system }) => {
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

it.both("deletion is refused without allow_delete", directoryConfig(), async ({ ask }) => [
  await ask("$SYS.REQ.CLAIMS.DELETE", deletion([ALPHA.publicKey])),
  await ask("$SYS.REQ.CLAIMS.DELETE", "garbage"),
]);

it.both("texts that are no tokens of an account are refused with the text of the first mistake", directoryConfig(), async ({ ask }) => {
  const raw = (claims: unknown, header?: string) =>
    rawToken(typeof claims === "string" ? claims : JSON.stringify(claims), OPERATOR, header);
  const data = { iat: nowSeconds(), iss: OPERATOR.publicKey, sub: BETA.publicKey, jti: "x" };
  const texts = [
    "",
    "..",
    "a.b.c",
    "a.b.c.d",
    newest(BETA).slice(0, -5),
    newest(BETA).slice(0, 40),
    raw("{"),
    raw("[]"),
    raw('"x"'),
    raw({ iat: "x", iss: OPERATOR.publicKey }),
    raw({ ...data, nats: {} }),
    raw({ ...data, nats: { type: "cluster", version: 2 } }),
    raw({ ...data, nats: { type: 5 } }),
    raw({ ...data, type: 5 }),
    raw({ ...data, nats: { type: "account", version: 3 } }),
    raw({ ...data, type: "account", nats: {} }, '{"typ":"jwt","alg":"ed25519"}'),
    userToken(),
    operatorToken(),
    deletion([]),
  ];
  const answers: unknown[] = [];
  for (const text of texts)
    answers.push([await ask(UPDATE, text), await ask(updateOf(BETA), text), await ask("$SYS.REQ.CLAIMS.DELETE", text)]);
  return answers;
});

for (const hard of ["false", "true"]) {
  it.both(
    `a full resolver deletes accounts when an operator signed the request, hard_delete ${hard}`,
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
        await remove(deletion([BETA.publicKey])), // not stored
        await remove(deletion([ALPHA.publicKey])),
      ];
      const received = await user.untilClosed();
      const again = await Peer.login(side.port, { jwt: userToken(), signer: USER });
      return [answers, received, again.lines, readdirSync(directory).sort()];
    },
  );
}

it.both("a cache stores only claims of accounts in use", directoryConfig({ type: "cache" }), async ({ ask, directory, side }) => {
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
  "a push updates a loaded account of the memory resolver, which does not store it",
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
