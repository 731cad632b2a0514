/** Resolvers that fail, compared with nats-server: logins are refused and the reason is logged. */

import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { withProxyVariables } from "../doubles/proxy-variables.ts";
import { live } from "../reference/recording.ts";
import { linesOf, type Side, startOurs, startReference } from "./both-servers.ts";
import { directoryConfig } from "./directory-config.ts";
import { login, OperatorTests, type ScenarioContext } from "./operator-tests.ts";
import { Peer } from "./peer.ts";
import { ALPHA, ALPHA_KEY, ALPHA_SCOPED, accountToken, BETA, GAMMA, nowSeconds, operatorToken, SYSTEM, USER, userToken } from "./tokens.ts";

const it = new OperatorTests(import.meta.path);

/** Logs in. @returns what the client received, and the reasons that the server logged */
async function refusal(context: ScenarioContext, by: Signer): Promise<unknown> {
  const peer = await login(context, { by: by });
  const lines = linesOf(context.side, peer.info.client_id).filter(line => line.includes("JWT ") && !line.includes("Authenticated"));
  const fetched = context.side.log().filter(line => line.startsWith("WRN Account fetch failed"));
  return { received: peer.lines, lines, fetched: fetched.slice(-1) };
}

/** An account server: its answer depends on the account that is requested. */
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

it.both("accounts are fetched from an account server, and invalid answers are refused", urlConfig(), async context => [
  await refusal(context, ALPHA),
  await refusal(context, BETA),
  await refusal(context, GAMMA),
  await refusal(context, ALPHA_SCOPED),
]);

it.both("an account server that hangs delays only logins to the requested account", urlConfig(), async context => {
  const hanging = Promise.all([login(context, { by: ALPHA_KEY }), login(context, { by: ALPHA_KEY })]);
  const other = await login(context, { by: ALPHA });
  const isWaiting = (await Promise.race([hanging, "waiting"])) === "waiting";
  const received = (await hanging).map(peer => peer.lines);
  const fetched = context.side.log().filter(line => line.startsWith("WRN Account fetch failed"));
  return [other.closed, isWaiting, received, fetched[0]];
});

it.both(
  "without a resolver, the account server of the operator's JWT is used",
  () => `operator: ${operatorToken({ accountServerUrl: `http://127.0.0.1:${accounts.port}/jwt/v1` })}`,
  async context => [await refusal(context, ALPHA), await refusal(context, BETA)],
);

test("an endless answer of an account server is cut off", async () => {
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
    return "no error";
  } catch (error) {
    return (error as Error).message;
  }
}

const PRELOAD = `resolver_preload: { ${ALPHA.publicKey}: ${accountToken(ALPHA)} }`;
const STARTS: Record<string, [config: string, error: string]> = {
  "an unreachable account server": [
    `operator: ${operatorToken()}\nresolver: URL("http://127.0.0.1:1/")`,
    'could not fetch <"http://127.0.0.1:1/">: Get "http://127.0.0.1:1/": ',
  ],
  "preloads with an account server": [
    `${urlConfig()()}\n${PRELOAD}`,
    "resolver preloads only available for writeable resolver types MEM/DIR/CACHE_DIR",
  ],
  "a system account that is not in memory": [
    `operator: ${operatorToken()}\nresolver: MEMORY\n${PRELOAD}`,
    "error resolving system account: account missing",
  ],
  "a directory that cannot be created": [
    `operator: ${operatorToken()}\nresolver: { type: full, dir: "/proc/none/jwt" }\n${PRELOAD}`,
    "mkdir /proc/none: no such file or directory",
  ],
};
for (const [title, [config, error]] of Object.entries(STARTS)) {
  test(`${title} stops the start, as in nats-server`, async () => expect(await startError(startOurs, config)).toContain(error));
  live.test(`reference: ${title} stops the start`, async () => expect(await startError(startReference, config)).toContain(error));
}

test("a proxy in the environment is not used for requests to the account server", async () => {
  await withProxyVariables(async () => {
    const side = await startOurs(urlConfig()());
    const peer = await login({ side });
    expect([peer.lines, peer.closed]).toEqual([[], false]);
    peer.close();
    await side.stop();
  });
});

test("an account server that answers under another path does not stop the start", async () =>
  expect(await startError(startOurs, urlConfig("/elsewhere/x")())).toBe("no error"));

it.both(
  "invalid files in the directory are not accounts",
  directory => {
    writeFileSync(join(directory, `${BETA.publicKey}.jwt`), "garbage");
    writeFileSync(join(directory, "notes.jwt"), "garbage");
    writeFileSync(join(directory, "notes.txt"), "garbage");
    writeFileSync(join(directory, `${ALPHA_KEY.publicKey}.jwt`), "");
    mkdirSync(join(directory, `${GAMMA.publicKey}.jwt`));
    return directoryConfig()(directory);
  },
  async context => [
    await refusal(context, BETA),
    await refusal(context, ALPHA),
    ((await context.ask("$SYS.REQ.CLAIMS.LIST")) as { data: unknown }).data,
    await context.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(BETA)),
    await refusal(context, BETA),
  ],
);

it.both("a full store refuses new accounts", directoryConfig({ more: ", limit: 2" }), async context => [
  await context.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(BETA)),
  await context.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(ALPHA, { issuedAgo: 0 })),
  readdirSync(context.directory).sort(),
]);

it.both("a push fails when the directory was replaced by a file", directoryConfig(), async context => {
  rmSync(context.directory, { recursive: true });
  writeFileSync(context.directory, "");
  const answer = JSON.stringify(await context.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(BETA)));
  return answer.replaceAll(context.directory, "DIRECTORY");
});

it.both("a directory that was removed is created again", directoryConfig(), async context => {
  rmSync(context.directory, { recursive: true });
  return [await context.ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(BETA)), readdirSync(context.directory)];
});

it.both("a login to an unknown account is refused after the resolver's timeout", directoryConfig(), context => refusal(context, BETA));

it.both("a client of the system account can answer a lookup of an account", directoryConfig({ timeout: "10s" }), async context => {
  const responder = await context.system();
  const jwt = accountToken(BETA);
  responder.send(`SUB $SYS.REQ.ACCOUNT.${BETA.publicKey}.CLAIMS.LOOKUP 1\r\n`);
  await responder.ping();
  const waiting = login(context, { by: BETA });
  const line = await responder.untilLine("CLAIMS.LOOKUP");
  responder.send(`PUB ${line.split(" ")[3]} ${jwt.length}\r\n${jwt}\r\n`);
  return [(await waiting).lines, existsSync(join(context.directory, `${BETA.publicKey}.jwt`))];
});

live.test("our server and nats-server can use the directory of the other", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bunats-shared-"));
  try {
    let issuedAgo = 50;
    for (const start of [startOurs, startReference, startOurs]) {
      const side = await start(directoryConfig()(directory));
      const system = await Peer.login(side.port, { jwt: userToken({ by: SYSTEM }), signer: USER });
      const answer = await system.request(
        "$SYS.REQ.CLAIMS.UPDATE",
        accountToken(BETA, { issuedAgo: --issuedAgo, data: { name: side.name } }),
      );
      expect(answer).toContain('"jwt updated"');
      expect((await login({ side }, { by: BETA })).closed).toBe(false);
      await side.stop();
    }
    const names = readdirSync(directory).sort();
    expect(names).toEqual([ALPHA, BETA, SYSTEM].map(({ publicKey }) => `${publicKey}.jwt`).sort());
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it.both(
  "a system account without claims is bootstrapped, and fetched later",
  directory => directoryConfig()(directory).replace(/resolver_preload.*/, ""),
  async context => {
    const system = await Peer.login(context.side.port, { jwt: userToken({ by: SYSTEM }), signer: USER });
    const ask = async (payload: string) => (JSON.parse(await system.request("$SYS.REQ.CLAIMS.UPDATE", payload)) as { data?: unknown }).data;
    const answers = [await ask(accountToken(ALPHA)), await ask(accountToken(SYSTEM, { data: { expiresAtSeconds: nowSeconds() + 1_000 } }))];
    const bootstrapLines = () => context.side.log().filter(line => /bootstrapping|fetched and updated/.test(line));
    return [answers, (await login(context, { by: ALPHA })).lines, bootstrapLines().slice(0, 1)];
  },
);
