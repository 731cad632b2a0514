/** Synchronising the directories of several servers: a client of the system account acts as the other server. */
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { startOurs } from "./both-servers.ts";
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
  operatorToken,
  SYSTEM,
  SYSTEM_USER,
  systemUserToken,
  USER,
  userToken,
} from "./tokens.ts";

const it = new OperatorTests(import.meta.path);

it.both(
  "claims from another server are merged, the newer ones win, and they apply to connected users",
  directoryConfig({ more: ', interval: "200ms"' }),
  async stage => {
    const user = await Peer.login(stage.side.port, { jwt: userToken(), signer: USER });
    const other = await stage.system();
    other.send("SUB $SYS.REQ.CLAIMS.PACK 1 responder\r\n");
    const line = await other.untilLine("$SYS.REQ.CLAIMS.PACK");
    const reply = line.split(" ")[3]!;
    const answer = (text: string) => other.send(`PUB ${reply} ${text.length}\r\n${text}\r\n`);
    const newer = accountToken(ALPHA, { issuedAgo: 1, limits: { connectionsMax: 0 } });
    const older = accountToken(SYSTEM, { issuedAgo: 1_000 });
    answer("no pack at all");
    answer(`../../x|${newer}`);
    answer(`${BETA.publicKey}|${accountToken(BETA)}`);
    answer(`${ALPHA.publicKey}|${newer}\n${SYSTEM.publicKey}|${older}`);
    answer("");
    const received = await user.untilClosed();
    const file = (name: string) => readFileSync(join(stage.directory, `${name}.jwt`), "utf8");
    const merging = () => stage.side.log().filter(text => text.startsWith("ERR DirResolver - Merging"));
    return [
      received,
      line.split(" ").slice(4),
      readdirSync(stage.directory).sort(),
      file(ALPHA.publicKey) === newer,
      file(SYSTEM.publicKey) === older,
      merging(),
    ];
  },
);

test("two of our servers, started one after the other, compute the same hash of a directory", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bunats-accounts-"));
  try {
    const hashes: string[] = [];
    const config = directoryConfig({ more: ', interval: "50ms"' })(directory); // tokens of one second
    for (let round = 0; round < 2; round++) {
      const side = await startOurs(config);
      const system = await Peer.login(side.port, { jwt: systemUserToken(), signer: SYSTEM_USER });
      system.send("SUB $SYS.REQ.CLAIMS.PACK 1\r\n");
      await system.untilLine("$SYS.REQ.CLAIMS.PACK");
      hashes.push(side.log().find(line => line.includes("Checking store state"))!);
      await side.stop();
    }
    expect(hashes[0]).toMatch(/[0-9a-f]{64}$/);
    expect(hashes[1]).toBe(hashes[0]!);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("a deleted account can be pushed again with the same claims", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bunats-accounts-"));
  const side = await startOurs(directoryConfig({ more: ", allow_delete: true" })(directory));
  try {
    const login = () => Peer.login(side.port, { jwt: userToken(), signer: USER });
    const system = await Peer.login(side.port, { jwt: systemUserToken(), signer: SYSTEM_USER });
    const user = await login();
    const deletion = encodeClaims(
      newClaims("generic", OPERATOR.publicKey, { accounts: [ALPHA.publicKey] } as never),
      OPERATOR,
      nowSeconds(),
    );
    expect(await system.request("$SYS.REQ.CLAIMS.DELETE", deletion)).toContain("deleted 1 accounts");
    expect(await user.untilClosed()).toEqual(["-ERR 'Account Authentication Expired'"]);
    expect((await login()).lines).toEqual(["-ERR 'Authorization Violation'"]);
    expect(await system.request("$SYS.REQ.CLAIMS.UPDATE", accountToken(ALPHA))).toContain("jwt updated");
    expect((await login()).closed).toBe(false);
  } finally {
    await side.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});

test("simultaneous logins to one account cause one request to the account server", async () => {
  let requests = 0;
  const gate = Promise.withResolvers<void>();
  const accounts = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const name = new URL(request.url).pathname.slice(1);
      if (name === "") return new Response("here");
      if (name === SYSTEM.publicKey) return new Response(accountToken(SYSTEM));
      requests++;
      await gate.promise;
      return name === ALPHA.publicKey ? new Response(accountToken(ALPHA)) : new Response("", { status: 404 });
    },
  });
  const side = await startOurs(`operator: ${operatorToken()}\nresolver: URL("http://127.0.0.1:${accounts.port}/")`);
  try {
    const peers = await Promise.all(Array.from({ length: 20 }, () => Peer.open(side.port)));
    for (const [index, peer] of peers.entries()) {
      const by = index < 15 ? ALPHA : GAMMA;
      peer.connect({ jwt: userToken({ by }), signer: USER });
    }
    const settled = Promise.all(peers.map(peer => peer.ping()));
    gate.resolve();
    await settled;
    expect(peers.map(({ closed }) => closed)).toEqual([...Array<boolean>(15).fill(false), ...Array<boolean>(5).fill(true)]);
    expect(requests).toBe(2);
    // A failure is not cached.
    await Peer.login(side.port, { jwt: userToken({ by: GAMMA }), signer: USER });
    expect(requests).toBe(3);
  } finally {
    await side.stop();
    await accounts.stop(true);
  }
});

test("trusted keys without an operator's JWT accept users of accounts that they signed", async () => {
  const config = `trusted_keys: [${OPERATOR.publicKey}]
resolver: MEMORY
resolver_preload: { ${ALPHA.publicKey}: ${accountToken(ALPHA)}, ${BETA.publicKey}: ${accountToken(BETA, { by: BETA })} }`;
  const side = await startOurs(config);
  try {
    const closed = async (by: typeof ALPHA) => (await Peer.login(side.port, { jwt: userToken({ by }), signer: USER })).closed;
    expect([await closed(ALPHA), await closed(BETA)]).toEqual([false, true]);
  } finally {
    await side.stop();
  }
});
