/** Exports and imports in claims: accounts loaded on demand, import cycles and activations, compared with nats-server. */
import { afterAll, expect, test } from "bun:test";
import { basename } from "node:path";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { startOurs } from "./both-servers.ts";
import { directoryConfig } from "./directory-config.ts";
import { exportOf, importFrom } from "./exports-and-imports.ts";
import { logged, login, OperatorTests, push, type ScenarioContext, startScenario } from "./operator-tests.ts";
import type { Peer } from "./peer.ts";
import {
  type AccountFacts,
  ALPHA,
  ALPHA_KEY,
  accountToken,
  BETA,
  GAMMA,
  memoryConfig,
  nowSeconds,
  OTHER_USER,
  operatorToken,
  SYSTEM,
} from "./tokens.ts";

const it = new OperatorTests(import.meta.path);

const memoryAccounts = (all: readonly [Signer, AccountFacts][]) => () =>
  memoryConfig(Object.fromEntries(all.map(([account, facts]) => [account.publicKey, accountToken(account, facts)])));

/** Publishes one message. @returns the lines that the reader receives */
async function messagesReceived(reader: Peer, writer: Peer, subject: string): Promise<string[]> {
  writer.send(`PUB ${subject} 2\r\nhi\r\n`);
  await writer.ping();
  await reader.ping();
  return reader.take();
}

async function openSubscriber(context: ScenarioContext, by: Signer, subject: string): Promise<Peer> {
  const peer = await login(context, { by: by });
  peer.send(`SUB ${subject} 1\r\n`);
  await peer.ping();
  return peer;
}

it.both(
  "loading an account loads the accounts it imports from, recursively",
  memoryAccounts([
    [ALPHA, { imports: [importFrom(BETA, "b.>", { localSubject: "from.b.>" })] }],
    [BETA, { imports: [importFrom(GAMMA, "g.>")], exports: [exportOf("b.>")] }],
    [GAMMA, { exports: [exportOf("g.>")] }],
  ]),
  async context => {
    const reader = await openSubscriber(context, ALPHA, "from.>");
    const updated = context.side.log().filter(line => line.includes("Updating account claims") && !line.includes(SYSTEM.publicKey)).length;
    return [updated, await messagesReceived(reader, await login(context, { by: BETA, subject: OTHER_USER }), "b.1")];
  },
);

it.both(
  "two accounts that import from each other are both loaded",
  memoryAccounts([
    [ALPHA, { imports: [importFrom(BETA, "b.>", { localSubject: "from.b.>" })], exports: [exportOf("a.>")] }],
    [BETA, { imports: [importFrom(ALPHA, "a.>", { localSubject: "from.a.>" })], exports: [exportOf("b.>")] }],
  ]),
  async context => {
    const [a, b] = [await openSubscriber(context, ALPHA, "from.>"), await openSubscriber(context, BETA, "from.>")];
    return [await messagesReceived(a, b, "b.1"), await messagesReceived(b, a, "a.1")];
  },
);

it.both(
  "service imports work across accounts, also with the older `to` field",
  memoryAccounts([
    [
      ALPHA,
      {
        imports: [
          importFrom(BETA, "svc.new", { type: "service", localSubject: "ask.new" }),
          importFrom(BETA, "ask.old", { type: "service", to: "svc.old" }),
        ],
      },
    ],
    [BETA, { exports: [exportOf("svc.>", { type: "service" })] }],
  ]),
  async context => {
    const service = await openSubscriber(context, BETA, "svc.>");
    const client = await login(context, { by: ALPHA, subject: OTHER_USER });
    client.send("PUB ask.new 1\r\n1\r\nPUB ask.old 1\r\n2\r\n");
    await client.ping();
    await service.ping();
    return service
      .take()
      .filter(line => line.startsWith("MSG") || line.startsWith("HMSG"))
      .map(line => line.split(" ")[1]);
  },
);

it.both("an import whose exporter is unknown works once the exporter is pushed", directoryConfig(), async context => {
  await push(context, ALPHA, { imports: [importFrom(BETA, "b.>")], issuedAgo: 50 });
  const reader = await openSubscriber(context, ALPHA, "b.>");
  const located = context.side.log().filter(line => line.includes("Can't locate account"));
  await push(context, BETA, { exports: [exportOf("b.>")] });
  const writer = await login(context, { by: BETA, subject: OTHER_USER });
  return [located, await messagesReceived(reader, writer, "b.1")];
});

/** New claims of ALPHA and BETA, for a server that does not know the claims yet or has loaded older ones. */
type Replace = (context: ScenarioContext, account: Signer, facts: AccountFacts) => Promise<void>;

/** ALPHA imports from BETA, whose first claims export nothing and whose second claims do. */
async function healedImports(context: ScenarioContext, replace: Replace, loadedFirst: Signer): Promise<unknown> {
  const service = { type: "service" } as const;
  await replace(context, BETA, { issuedAgo: 50, data: { name: "first" } });
  await replace(context, ALPHA, { imports: [importFrom(BETA, "b.>"), importFrom(BETA, "svc", service)], issuedAgo: 40 });
  await login(context, { by: loadedFirst, subject: OTHER_USER });
  const writer = await login(context, { by: BETA, subject: OTHER_USER });
  writer.send("SUB svc 9\r\n");
  await writer.ping();
  const [old, before] = [await openSubscriber(context, ALPHA, "b.>"), await openSubscriber(context, ALPHA, "b.*")];
  const without = await messagesReceived(old, writer, "b.0");
  await replace(context, BETA, { exports: [exportOf("b.>"), exportOf("svc", service)], issuedAgo: 0, data: { name: "second" } });
  await logged(context.side, "/second");
  const fresh = await openSubscriber(context, ALPHA, "b.>");
  const received = [];
  for (const reader of [old, before, fresh]) received.push(await messagesReceived(reader, writer, "b.1"));
  old.send("PUB svc 0\r\n\r\n");
  await old.ping();
  await writer.ping();
  const asked = writer.take().filter(line => line.startsWith("HMSG svc"));
  return [without, received, asked.length];
}

const pushed: Replace = async (context, account, facts) => {
  await push(context, account, facts);
};
/** Claims that an account server gives, by the name of the run (both servers run at the same time) and account: `<run>/<public key>`. */
const served = new Map<string, string>();
const accountServer = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: request => new Response(served.get(new URL(request.url).pathname.slice(1)) ?? accountToken(SYSTEM)),
});
afterAll(() => accountServer.stop(true));

for (const [who, account] of [
  ["exporter", BETA],
  ["importer", ALPHA],
] as const) {
  it.both(
    `full resolver, ${who} loaded first: an import heals when its exporter's claims are pushed with the export`,
    directoryConfig(),
    context => healedImports(context, pushed, account),
  );

  it.both(
    `URL resolver, ${who} loaded first: an import heals when its exporter's claims are pushed with the export`,
    directory => `operator: ${operatorToken()}\nresolver: URL("http://127.0.0.1:${accountServer.port}/${basename(directory)}/")`,
    context =>
      healedImports(
        context,
        async ({ directory, side, system }, account, facts) => {
          const token = accountToken(account, facts);
          served.set(`${basename(directory)}/${account.publicKey}`, token);
          const name = facts.data?.name;
          if (name !== "second") return;
          const client = await system();
          client.send(`PUB $SYS.REQ.ACCOUNT.${account.publicKey}.CLAIMS.UPDATE ${token.length}\r\n${token}\r\n`);
          await client.ping();
          await logged(side, "/second");
        },
        account,
      ),
  );
}

/** nats-server does not try the import again after it has failed for the second time. */
test("an import heals although its exporter's claims were pushed before without the export", async () => {
  const context = await startScenario(startOurs, directoryConfig());
  try {
    await push(context, BETA, { issuedAgo: 50 });
    await push(context, ALPHA, { imports: [importFrom(BETA, "b.>")], issuedAgo: 40 });
    const writer = await login(context, { by: BETA, subject: OTHER_USER });
    const reader = await openSubscriber(context, ALPHA, "b.>");
    await push(context, BETA, { issuedAgo: 30, data: { name: "second" } });
    await logged(context.side, "/second");
    await push(context, BETA, { exports: [exportOf("b.>")], data: { name: "third" } });
    await logged(context.side, "/third");
    expect(await messagesReceived(reader, writer, "b.1")).toEqual(["MSG b.1 1 2", "hi"]);
  } finally {
    await context.end();
  }
});

function activation(
  by: Signer,
  to: Signer,
  subject: string,
  more: { expiresAtSeconds?: number; issuerAccount?: string; issuedAgo?: number } = {},
): string {
  const { expiresAtSeconds = 0, issuedAgo = 5, issuerAccount = "" } = more;
  const body = { importSubject: subject, importKind: "stream", issuerAccount } as const;
  return encodeClaims(newClaims("activation", to.publicKey, body, { expiresAtSeconds }), by, nowSeconds() - issuedAgo);
}

const KEYS = { signingKeys: new Map([[ALPHA_KEY.publicKey, null]]) };
const TOKENS: Record<string, () => string> = {
  "no activation": () => "",
  "an activation": () => activation(BETA, ALPHA, "b.>"),
  "an activation by a signing key": () => activation(ALPHA_KEY, ALPHA, "b.>", { issuerAccount: BETA.publicKey }),
  "an activation by a signing key of another account": () => activation(GAMMA, ALPHA, "b.>", { issuerAccount: BETA.publicKey }),
  "an activation by another account": () => activation(GAMMA, ALPHA, "b.>"),
  "an activation for another account": () => activation(BETA, GAMMA, "b.>"),
  "an activation for another subject": () => activation(BETA, ALPHA, "c.>"),
  "an activation that has expired": () => activation(BETA, ALPHA, "b.>", { expiresAtSeconds: nowSeconds() - 5 }),
};
for (const [title, token] of Object.entries(TOKENS)) {
  it.both(`${title}: messages of an export that requires an activation`, directoryConfig(), async context => {
    await push(context, BETA, { ...KEYS, exports: [exportOf("b.>", { tokenRequired: true })], issuedAgo: 50 });
    const answer = await push(context, ALPHA, { imports: [importFrom(BETA, "b.>", { token: token() })], issuedAgo: 20 });
    const reader = await openSubscriber(context, ALPHA, "b.>");
    const writer = await login(context, { by: BETA, subject: OTHER_USER });
    return [answer, await messagesReceived(reader, writer, "b.1")];
  });
}

it.both("a revoked activation ends the import", directoryConfig(), async context => {
  await push(context, BETA, { exports: [exportOf("b.>", { tokenRequired: true })], issuedAgo: 50 });
  await push(context, ALPHA, { imports: [importFrom(BETA, "b.>", { token: activation(BETA, ALPHA, "b.>") })], issuedAgo: 20 });
  const reader = await openSubscriber(context, ALPHA, "b.>");
  const writer = await login(context, { by: BETA, subject: OTHER_USER });
  const before = await messagesReceived(reader, writer, "b.1");
  const revocations = new Map([[ALPHA.publicKey, nowSeconds()]]);
  await push(context, BETA, { exports: [exportOf("b.>", { tokenRequired: true, revocations })], data: { name: "revoking" } });
  await logged(context.side, "revoking");
  return [before, await messagesReceived(reader, writer, "b.2")];
});

it.both("an import ends when its activation expires", directoryConfig(), async context => {
  await push(context, BETA, { exports: [exportOf("b.>", { tokenRequired: true })], issuedAgo: 50 });
  const token = activation(BETA, ALPHA, "b.>", { expiresAtSeconds: nowSeconds() + 2 });
  await push(context, ALPHA, { imports: [importFrom(BETA, "b.>", { token })], issuedAgo: 20 });
  const reader = await openSubscriber(context, ALPHA, "b.>");
  const writer = await login(context, { by: BETA, subject: OTHER_USER });
  const before = await messagesReceived(reader, writer, "b.1");
  for (let waits = 0; waits < 1_000; waits++) {
    if ((await messagesReceived(reader, writer, "b.2")).length === 0) return [before, "the import ended"];
    await Bun.sleep(50); // the poll interval of a condition
  }
  return [before, "the import did not end"];
});

/** An account server whose claims expire two seconds after the request. */
const shortLived = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request) {
    const name = new URL(request.url).pathname.slice(1);
    const data = { expiresAtSeconds: nowSeconds() + 2 };
    const imports = (from: Signer, subject: string) => [importFrom(from, subject, { localSubject: `from.${subject}` })];
    if (name === SYSTEM.publicKey) return new Response(accountToken(SYSTEM));
    if (name === ALPHA.publicKey)
      return new Response(accountToken(ALPHA, { data, imports: imports(BETA, "b.>"), exports: [exportOf("a.>")], issuedAgo: 0 }));
    if (name === BETA.publicKey)
      return new Response(accountToken(BETA, { data, imports: imports(ALPHA, "a.>"), exports: [exportOf("b.>")], issuedAgo: 0 }));
    return new Response("");
  },
});
afterAll(() => shortLived.stop(true));

it.both(
  "accounts that import from each other expire and are renewed together",
  () => `operator: ${operatorToken()}\nresolver: URL("http://127.0.0.1:${shortLived.port}/")`,
  async context => {
    const first = await openSubscriber(context, ALPHA, "from.>");
    const received = await first.untilClosed();
    for (let waits = 0; waits < 1_000 && (await login(context, { by: BETA })).closed; waits++) await Bun.sleep(50); // until the accounts are fetched again
    const [a, b] = [await openSubscriber(context, ALPHA, "from.>"), await openSubscriber(context, BETA, "from.>")];
    return [received, await messagesReceived(a, b, "b.1"), await messagesReceived(b, a, "a.1")];
  },
);
