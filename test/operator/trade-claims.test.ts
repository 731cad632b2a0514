/** Exports and imports by claims: accounts on demand, circles, activations, beside nats-server. */
import { afterAll } from "bun:test";
import type { Export, Import } from "../../src/access/jwt/claims.ts";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { logged, OperatorTests, type Stage } from "./both.ts";
import { directoryConfig } from "./directory-config.ts";
import { Peer } from "./peer.ts";
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
  USER,
  userToken,
} from "./world.ts";

const it = new OperatorTests(import.meta.path);

const EXPORT: Export = {
  name: "e",
  subject: "",
  type: "stream",
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
const IMPORT: Import = {
  name: "i",
  subject: "",
  account: "",
  token: "",
  to: "",
  localSubject: "",
  type: "stream",
  share: false,
  allowTrace: false,
};

const gives = (subject: string, more: Partial<Export> = {}): Export => ({ ...EXPORT, subject, ...more });
const takes = (from: Signer, subject: string, more: Partial<Import> = {}): Import => ({
  ...IMPORT,
  account: from.publicKey,
  subject,
  ...more,
});

const login = ({ side }: Stage, by: Signer, subject = USER) => Peer.login(side.port, { jwt: userToken({ by, subject }), signer: subject });
const push = ({ ask }: Stage, account: Signer, facts: AccountFacts) =>
  ask("$SYS.REQ.CLAIMS.UPDATE", accountToken(account, { issuedAgo: 0, ...facts }));

const accounts = (all: readonly [Signer, AccountFacts][]) => () =>
  memoryConfig(Object.fromEntries(all.map(([account, facts]) => [account.publicKey, accountToken(account, facts)])));

/** What the reader hears of one message. */
async function told(reader: Peer, writer: Peer, subject: string): Promise<string[]> {
  writer.send(`PUB ${subject} 2\r\nhi\r\n`);
  await writer.ping();
  await reader.ping();
  return reader.take();
}

async function subscribed(stage: Stage, by: Signer, subject: string): Promise<Peer> {
  const peer = await login(stage, by);
  peer.send(`SUB ${subject} 1\r\n`);
  await peer.ping();
  return peer;
}

it.both(
  "an account brings those that it imports from, and those bring theirs",
  accounts([
    [ALPHA, { imports: [takes(BETA, "b.>", { localSubject: "from.b.>" })] }],
    [BETA, { imports: [takes(GAMMA, "g.>")], exports: [gives("b.>")] }],
    [GAMMA, { exports: [gives("g.>")] }],
  ]),
  async stage => {
    const reader = await subscribed(stage, ALPHA, "from.>");
    const updated = stage.side.log().filter(line => line.includes("Updating account claims") && !line.includes(SYSTEM.publicKey)).length;
    return [updated, await told(reader, await login(stage, BETA, OTHER_USER), "b.1")];
  },
);

it.both(
  "accounts that import from each other are both there",
  accounts([
    [ALPHA, { imports: [takes(BETA, "b.>", { localSubject: "from.b.>" })], exports: [gives("a.>")] }],
    [BETA, { imports: [takes(ALPHA, "a.>", { localSubject: "from.a.>" })], exports: [gives("b.>")] }],
  ]),
  async stage => {
    const [a, b] = [await subscribed(stage, ALPHA, "from.>"), await subscribed(stage, BETA, "from.>")];
    return [await told(a, b, "b.1"), await told(b, a, "a.1")];
  },
);

it.both(
  "a service answers over accounts, the old way of naming it too",
  accounts([
    [
      ALPHA,
      {
        imports: [
          takes(BETA, "svc.new", { type: "service", localSubject: "ask.new" }),
          takes(BETA, "ask.old", { type: "service", to: "svc.old" }),
        ],
      },
    ],
    [BETA, { exports: [gives("svc.>", { type: "service" })] }],
  ]),
  async stage => {
    const service = await subscribed(stage, BETA, "svc.>");
    const client = await login(stage, ALPHA, OTHER_USER);
    client.send("PUB ask.new 1\r\n1\r\nPUB ask.old 1\r\n2\r\n");
    await client.ping();
    await service.ping();
    return service
      .take()
      .filter(line => line.startsWith("MSG") || line.startsWith("HMSG"))
      .map(line => line.split(" ")[1]);
  },
);

it.both("an import that could not be had is there when its exporter appears", directoryConfig(), async stage => {
  await push(stage, ALPHA, { imports: [takes(BETA, "b.>")], issuedAgo: 50 });
  const reader = await subscribed(stage, ALPHA, "b.>");
  const located = stage.side.log().filter(line => line.includes("Can't locate account"));
  await push(stage, BETA, { exports: [gives("b.>")] });
  const writer = await login(stage, BETA, OTHER_USER);
  return [located, await told(reader, writer, "b.1")];
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
  "an activation by a signing key of somebody else": () => activation(GAMMA, ALPHA, "b.>", { issuerAccount: BETA.publicKey }),
  "an activation by somebody else": () => activation(GAMMA, ALPHA, "b.>"),
  "an activation for somebody else": () => activation(BETA, GAMMA, "b.>"),
  "an activation for another subject": () => activation(BETA, ALPHA, "c.>"),
  "an activation that has expired": () => activation(BETA, ALPHA, "b.>", { expiresAtSeconds: nowSeconds() - 5 }),
};
for (const [title, token] of Object.entries(TOKENS)) {
  it.both(`${title}: an export that asks for one gives, or not`, directoryConfig(), async stage => {
    await push(stage, BETA, { ...KEYS, exports: [gives("b.>", { tokenRequired: true })], issuedAgo: 50 });
    const answer = await push(stage, ALPHA, { imports: [takes(BETA, "b.>", { token: token() })], issuedAgo: 20 });
    const reader = await subscribed(stage, ALPHA, "b.>");
    const writer = await login(stage, BETA, OTHER_USER);
    return [answer, await told(reader, writer, "b.1")];
  });
}

it.both("a revoked activation gives nothing any more", directoryConfig(), async stage => {
  await push(stage, BETA, { exports: [gives("b.>", { tokenRequired: true })], issuedAgo: 50 });
  await push(stage, ALPHA, { imports: [takes(BETA, "b.>", { token: activation(BETA, ALPHA, "b.>") })], issuedAgo: 20 });
  const reader = await subscribed(stage, ALPHA, "b.>");
  const writer = await login(stage, BETA, OTHER_USER);
  const before = await told(reader, writer, "b.1");
  const revocations = new Map([[ALPHA.publicKey, nowSeconds()]]);
  await push(stage, BETA, { exports: [gives("b.>", { tokenRequired: true, revocations })], data: { name: "revoking" } });
  await logged(stage.side, "revoking");
  return [before, await told(reader, writer, "b.2")];
});

it.both("an activation that ends takes its import along", directoryConfig(), async stage => {
  await push(stage, BETA, { exports: [gives("b.>", { tokenRequired: true })], issuedAgo: 50 });
  const token = activation(BETA, ALPHA, "b.>", { expiresAtSeconds: nowSeconds() + 2 });
  await push(stage, ALPHA, { imports: [takes(BETA, "b.>", { token })], issuedAgo: 20 });
  const reader = await subscribed(stage, ALPHA, "b.>");
  const writer = await login(stage, BETA, OTHER_USER);
  const before = await told(reader, writer, "b.1");
  for (let waits = 0; waits < 1_000; waits++) {
    if ((await told(reader, writer, "b.2")).length === 0) return [before, "it ended"];
    await Bun.sleep(50); // the poll interval of a condition
  }
  return [before, "it never ended"];
});

/** Claims that last two seconds from when they are asked for. */
const shortLived = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request) {
    const name = new URL(request.url).pathname.slice(1);
    const data = { expiresAtSeconds: nowSeconds() + 2 };
    const imports = (from: Signer, subject: string) => [takes(from, subject, { localSubject: `from.${subject}` })];
    if (name === SYSTEM.publicKey) return new Response(accountToken(SYSTEM));
    if (name === ALPHA.publicKey)
      return new Response(accountToken(ALPHA, { data, imports: imports(BETA, "b.>"), exports: [gives("a.>")], issuedAgo: 0 }));
    if (name === BETA.publicKey)
      return new Response(accountToken(BETA, { data, imports: imports(ALPHA, "a.>"), exports: [gives("b.>")], issuedAgo: 0 }));
    return new Response("");
  },
});
afterAll(() => shortLived.stop(true));

it.both(
  "accounts that import from each other expire together, and are renewed together",
  () => `operator: ${operatorToken()}\nresolver: URL("http://127.0.0.1:${shortLived.port}/")`,
  async stage => {
    const first = await subscribed(stage, ALPHA, "from.>");
    const heard = await first.untilClosed();
    for (let waits = 0; waits < 1_000 && (await login(stage, BETA)).closed; waits++) await Bun.sleep(50); // until it is not too soon
    const [a, b] = [await subscribed(stage, ALPHA, "from.>"), await subscribed(stage, BETA, "from.>")];
    return [heard, await told(a, b, "b.1"), await told(b, a, "a.1")];
  },
);
