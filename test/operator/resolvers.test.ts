/** Resolvers that do not do what they should, beside nats-server: nobody gets in, and it is said why. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { live } from "../reference/recording.ts";
import { OperatorTests, type Stage } from "./both.ts";
import { directoryConfig } from "./directory-config.ts";
import { linesOf, type Side, startOurs, startReference } from "./pair.ts";
import { Peer } from "./peer.ts";
import { ALPHA, ALPHA_KEY, ALPHA_SCOPED, accountToken, BETA, GAMMA, nowSeconds, operatorToken, SYSTEM, USER, userToken } from "./world.ts";

const it = new OperatorTests(import.meta.path);

const login = ({ side }: Stage, by: Signer) => Peer.login(side.port, { jwt: userToken({ by }), signer: USER });

/** What it heard, and why, by its log and the server's. */
async function refusal(stage: Stage, by: Signer): Promise<unknown> {
  const peer = await login(stage, by);
  const lines = linesOf(stage.side, peer.info.client_id).filter(line => line.includes("JWT ") && !line.includes("Authenticated"));
  const fetched = stage.side.log().filter(line => line.startsWith("WRN Account fetch failed"));
  return { heard: peer.lines, lines, fetched: fetched.slice(-1) };
}

/** An account server: what it does depends on whom it is asked for. */
const accounts = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 30,
  async fetch(request) {
    const name = new URL(request.url).pathname.split("/").pop()!;
    if (name === "") return new Response("here");
    if (name === SYSTEM.publicKey) return new Response(accountToken(SYSTEM));
    if (name === ALPHA.publicKey) return new Response(accountToken(ALPHA));
    if (name === BETA.publicKey) return new Response("garbage");
    if (name === GAMMA.publicKey) return new Response(accountToken(ALPHA));
    if (name === ALPHA_KEY.publicKey) await new Promise(() => {});
    return new Response("no such account", { status: 404 });
  },
});
afterAll(() => accounts.stop(true));

const urlConfig =
  (path = "/jwt/v1/accounts/", port = accounts.port) =>
  () =>
    `operator: ${operatorToken()}\nresolver: URL("http://127.0.0.1:${port}${path}")`;

it.both("accounts come from an account server, or not", urlConfig(), async stage => [
  await refusal(stage, ALPHA),
  await refusal(stage, BETA),
  await refusal(stage, GAMMA),
  await refusal(stage, ALPHA_SCOPED),
]);

it.both("an account server that hangs keeps nobody but its users waiting", urlConfig(), async stage => {
  const hanging = Promise.all([login(stage, ALPHA_KEY), login(stage, ALPHA_KEY)]);
  const other = await login(stage, ALPHA);
  const isWaiting = (await Promise.race([hanging, "waiting"])) === "waiting";
  const heard = (await hanging).map(peer => peer.lines);
  const fetched = stage.side.log().filter(line => line.startsWith("WRN Account fetch failed"));
  return [other.closed, isWaiting, heard, fetched[0]];
});

it.both(
  "the operator's account server is asked where no resolver is named",
  () => `operator: ${operatorToken({ accountServerUrl: `http://127.0.0.1:${accounts.port}/jwt/v1` })}`,
  async stage => [await refusal(stage, ALPHA), await refusal(stage, BETA)],
);

test("an answer without an end is cut", async () => {
  const chunk = new Uint8Array(64 * 1024).fill(0x61);
  const cancelled = Promise.withResolvers<void>();
  const endless = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: request =>
      request.url.endsWith("/")
        ? new Response("")
        : new Response(new ReadableStream({ pull: controller => controller.enqueue(chunk), cancel: () => cancelled.resolve() })),
  });
  const { UrlResolver } = await import("../../src/auth/operator/url-resolver.ts");
  try {
    const resolver = new UrlResolver(`http://127.0.0.1:${endless.port}/`, null);
    await expect(resolver.fetch(ALPHA.publicKey)).rejects.toThrow("answer exceeds maximum of 1048576 bytes: token too large");
    await cancelled.promise;
  } finally {
    await endless.stop(true);
  }
});

async function startError(start: (config: string) => Promise<Side>, config: string): Promise<string> {
  try {
    await (await start(config)).stop();
    return "it started";
  } catch (error) {
    return (error as Error).message;
  }
}

const PRELOAD = `resolver_preload: { ${ALPHA.publicKey}: ${accountToken(ALPHA)} }`;
const STARTS: Record<string, [config: string, error: string]> = {
  "an account server that is not there": [
    `operator: ${operatorToken()}\nresolver: URL("http://127.0.0.1:1/")`,
    'could not fetch <"http://127.0.0.1:1/">: Get "http://127.0.0.1:1/": ',
  ],
  "an account server that does not know its own address": [
    urlConfig("/elsewhere/x")(),
    `could not fetch <"http://127.0.0.1:${accounts.port}/elsewhere/x/">: `,
  ],
  "preloads for an account server": [
    `${urlConfig()()}\n${PRELOAD}`,
    "resolver preloads only available for writeable resolver types MEM/DIR/CACHE_DIR",
  ],
  "a system account that is not in memory": [
    `operator: ${operatorToken()}\nresolver: MEMORY\n${PRELOAD}`,
    "error resolving system account: account missing",
  ],
  "a directory that cannot be made": [
    `operator: ${operatorToken()}\nresolver: { type: full, dir: "/proc/none/jwt" }\n${PRELOAD}`,
    "mkdir /proc/none: no such file or directory",
  ],
};
for (const [title, [config, error]] of Object.entries(STARTS)) {
  const expected = title === "an account server that does not know its own address" ? "it started" : error; // it answers there
  test(`${title} ends the start, as of nats-server`, async () => expect(await startError(startOurs, config)).toContain(expected));
  live.test(`reference: ${title} ends the start`, async () => expect(await startError(startReference, config)).toContain(expected));
}

it.both(
  "garbage in a directory is nobody's account",
  directory => {
    writeFileSync(join(directory, `${BETA.publicKey}.jwt`), "garbage");
    writeFileSync(join(directory, "notes.jwt"), "garbage");
    writeFileSync(join(directory, "notes.txt"), "garbage");
    writeFileSync(join(directory, `${ALPHA_KEY.publicKey}.jwt`), "");
    mkdirSync(join(directory, `${GAMMA.publicKey}.jwt`));
    return directoryConfig()(directory);
  },
  async stage => [
    await refusal(stage, BETA),
    await refusal(stage, ALPHA),
    ((await stage.ask("$SYS.REQ.CLAIMS.LIST")) as { data: unknown }).data,
    await stage.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(BETA)),
    await refusal(stage, BETA),
  ],
);

it.both("a full store takes no more", directoryConfig({ more: ", limit: 2" }), async stage => [
  await stage.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(BETA)),
  await stage.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(ALPHA, { issuedAgo: 0 })),
  readdirSync(stage.directory).sort(),
]);

it.both("a directory that was replaced by a file is said to be none", directoryConfig(), async stage => {
  rmSync(stage.directory, { recursive: true });
  writeFileSync(stage.directory, "");
  const answer = JSON.stringify(await stage.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(BETA)));
  return answer.replaceAll(stage.directory, "DIRECTORY");
});

it.both("a directory that went away is made again", directoryConfig(), async stage => {
  rmSync(stage.directory, { recursive: true });
  return [await stage.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(BETA)), readdirSync(stage.directory)];
});

it.both("an account that nobody has is waited for, no longer than the time for it", directoryConfig(), stage => refusal(stage, BETA));

it.both("another member of the system account may know an account", directoryConfig({ timeout: "10s" }), async stage => {
  const helper = await stage.system();
  const jwt = accountToken(BETA);
  helper.send(`SUB $SYS.REQ.ACCOUNT.${BETA.publicKey}.CLAIMS.LOOKUP 1\r\n`);
  await helper.ping();
  const waiting = login(stage, BETA);
  const line = await helper.untilLine("CLAIMS.LOOKUP");
  helper.send(`PUB ${line.split(" ")[3]} ${jwt.length}\r\n${jwt}\r\n`);
  return [(await waiting).lines, existsSync(join(stage.directory, `${BETA.publicKey}.jwt`))];
});

live.test("either server goes on with the directory of the other", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bunats-shared-"));
  try {
    let issuedAgo = 50;
    for (const start of [startOurs, startReference, startOurs]) {
      const side = await start(directoryConfig()(directory));
      const stage = { side } as Stage;
      const system = await Peer.login(side.port, { jwt: userToken({ by: SYSTEM }), signer: USER });
      const answer = await system.request(
        "$SYS.REQ.CLAIMS.UPDATE",
        accountToken(BETA, { issuedAgo: --issuedAgo, data: { name: side.name } }),
      );
      expect(answer).toContain('"jwt updated"');
      expect((await login(stage, BETA)).closed).toBe(false);
      await side.stop();
    }
    const names = readdirSync(directory).sort();
    expect(names).toEqual([ALPHA, BETA, SYSTEM].map(({ publicKey }) => `${publicKey}.jwt`).sort());
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it.both(
  "a system account that cannot be had yet is bootstrapped, and fetched later",
  directory => directoryConfig()(directory).replace(/resolver_preload.*/, ""),
  async stage => {
    const system = await Peer.login(stage.side.port, { jwt: userToken({ by: SYSTEM }), signer: USER });
    const ask = async (payload: string) => (JSON.parse(await system.request("$SYS.REQ.CLAIMS.UPDATE", payload)) as { data?: unknown }).data;
    const answers = [await ask(accountToken(ALPHA)), await ask(accountToken(SYSTEM, { data: { expiresAtSeconds: nowSeconds() + 1_000 } }))];
    const said = () => stage.side.log().filter(line => /bootstrapping|fetched and updated/.test(line));
    return [answers, (await login(stage, ALPHA)).lines, said().slice(0, 1)];
  },
);
