/** Over TLS, WebSocket, through proxies, in the process, by real clients, across a reload: what a service is told and does. */
import { afterAll, expect, test } from "bun:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { NkeyKind } from "../../src/base/keys/nkey.ts";
import { fixedSigner } from "../doubles/token-maker.ts";
import { until } from "../faults/until.ts";
import { TextConnection } from "../library/text-connection.ts";
import { Peer } from "../operator/peer.ts";
import { Recording } from "../reference/recording.ts";
import { authority, CertificateDirectory } from "../tls/certificates.ts";
import { type PeerTls, SecurePeer } from "../tls/secure-peer.ts";
import { BINARY, frame, RawClient } from "../websocket/raw-client.ts";
import type { Decide, UserFacts } from "./callout-service.ts";
import { onBoth, onOurs, type ServiceFacts, type Stage } from "./stage.ts";

const it = new Recording(import.meta.path);

const ISSUER = fixedSigner(NkeyKind.Account, 40);
const PROXY = fixedSigner(NkeyKind.User, 44);
const SERVICE: ServiceFacts = { login: { user: "auth", pass: "secret" }, issuer: ISSUER };

function config(more = "", users = ""): string {
  return `
accounts { 
  AUTH { users [ { user: auth, password: secret }${users} ] }
  APP { }
}
authorization { timeout: 1, auth_callout { issuer: ${ISSUER.publicKey}, account: AUTH, auth_users: [auth] } }
${more}`;
}

const user =
  (facts: UserFacts = {}): Decide =>
  (_request, answers) =>
    answers.user({ ...facts, data: { name: "her", audience: "APP", ...facts.data } });

const refusing: Decide = (_request, answers) => answers.error("no");

const files = new CertificateDirectory();
afterAll(() => files[Symbol.dispose]());
const root = authority();
const between = root.issue({ subject: "CN=between", authority: true });
const serverFiles = files.store("server", root.issue({ subject: "CN=server", names: ["localhost", "127.0.0.1"] }));
const visitor = root.issue({ subject: "O=bunats,CN=visitor", usage: "client" });
const guest = between.issue({ subject: "O=bunats,CN=guest", usage: "client" });
const stranger = root.issue({ subject: "CN=stranger", usage: "client" });
const caFile = files.write("ca.pem", root.pem);
const certificates = `cert_file: "${serverFiles.certFile}", key_file: "${serverFiles.keyFile}", ca_file: "${caFile}"`;

/** With the names of certificates in place of their text. */
function named(tls: unknown): unknown {
  let text = JSON.stringify(tls);
  for (const [name, { pem }] of Object.entries({ root, between, visitor, guest, stranger })) {
    text = text.replaceAll(JSON.stringify(pem), JSON.stringify(name));
  }
  return JSON.parse(text);
}

/** Connects over TLS; what the service was told of that. */
async function overTls(stage: Stage, tls: PeerTls): Promise<unknown> {
  stage.decide = user();
  const peer = await SecurePeer.open(stage.server.port);
  const info = await peer.info();
  await peer.secure(tls);
  await peer.write(`CONNECT ${JSON.stringify({ verbose: false, protocol: 1, user: "x", pass: "y" })}\r\nPING\r\n`);
  await peer.take("PONG\r\n");
  const told = stage.service!.received.at(-1)!.claims.nats;
  const { account } = await stage.shown(Number(info.client_id));
  peer.terminate();
  return [named(told.tls), told.client.type, account];
}

const TLS_LOGIN = { tls: { ca: root.pem, cert: visitor.pem, key: visitor.keyPem } };

it.compared(
  `certificates of clients are handed on, with the chains that vouch for them`,
  async () => {
    const facts = { ...SERVICE, login: { ...SERVICE.login, ...TLS_LOGIN } };
    const [ours, theirs] = await onBoth(config(`tls { ${certificates}, verify: true, timeout: 5 }`), facts, async stage => [
      await overTls(stage, { ca: root.pem, cert: visitor.pem, key: visitor.keyPem }),
      await overTls(stage, { ca: root.pem, cert: guest.chainPem, key: guest.keyPem }),
      await overTls(stage, { ca: root.pem, cert: guest.chainPem, key: guest.keyPem, maxVersion: 0x0303 }),
    ]);
    expect(ours).toEqual(theirs);
    expect(JSON.stringify(theirs)).toContain(JSON.stringify([["guest", "between", "root"]]));
  },
  120_000,
);

it.compared(
  `over TLS without certificates of clients the service hears of its version and cipher alone`,
  async () => {
    const facts = { ...SERVICE, login: { ...SERVICE.login, tls: { ca: root.pem } } };
    const [ours, theirs] = await onBoth(config(`tls { ${certificates}, timeout: 5 }`), facts, stage => overTls(stage, { ca: root.pem }));
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  `a certificate names one of the auth_users, and others who are asked about`,
  async () => {
    const users = `, { user: "CN=guest,O=bunats" }, { user: "CN=visitor,O=bunats" }`;
    const mapped = config(`tls { ${certificates}, verify_and_map: true, timeout: 5 }`, users);
    const facts = { ...SERVICE, login: TLS_LOGIN };
    const [ours, theirs] = await onBoth(mapped.replace("auth_users: [auth]", `auth_users: ["CN=visitor,O=bunats"]`), facts, async stage => {
      const asked = await overTls(stage, { ca: root.pem, cert: guest.chainPem, key: guest.keyPem });
      const unknown = await overTls(stage, { ca: root.pem, cert: stranger.pem, key: stranger.keyPem });
      const { received } = stage.service!;
      return [asked, received.at(-2)!.claims.nats.client.user, unknown, received.at(-1)!.claims.nats.client.user, received.length];
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

/** Connects by WebSocket; what it hears until PONG or the end, and what the service was told. */
async function overWebSocket(stage: Stage, decide: Decide, connectOptions: Record<string, unknown>): Promise<unknown> {
  stage.decide = decide;
  const told = stage.service!.received.length;
  const client = await RawClient.upgrade(stage.server.websocketPort);
  const info = JSON.parse((await client.textUntil("\r\n")).slice("INFO ".length));
  await client.write(frame(BINARY, `CONNECT ${JSON.stringify({ verbose: false, protocol: 1, ...connectOptions })}\r\nPING\r\n`));
  let text = "";
  try {
    while (!text.includes("PONG\r\n")) text += (await client.nextMessage()).toString("latin1");
  } catch {
    // It was closed: what came before says why.
  }
  const shown = await stage.shown(info.client_id);
  client[Symbol.dispose]();
  const lines = text.split("\r\n").filter(line => !line.startsWith("INFO "));
  const received = stage.service!.received.slice(told).map(({ claims }) => ({ ...claims.nats.client, id: 0 }));
  return { lines, received, shown };
}

const SINGLE = `
accounts {
  APP { }
}
authorization { user: auth, password: secret, timeout: 1, auth_callout { issuer: ${ISSUER.publicKey}, auth_users: [auth, web] } }
`;

it.compared(
  `over WebSocket: connection types, and what the server and its block have of single users and tokens`,
  async () => {
    const attempts: [Decide, Record<string, unknown>][] = [
      [user({ body: { allowedConnectionTypes: ["websocket"] } }), { user: "x" }],
      [user({ body: { allowedConnectionTypes: ["STANDARD"] } }), { user: "x" }],
      [user(), { user: "auth", pass: "secret" }],
      [user(), { user: "auth", pass: "wrong" }],
      [user(), { user: "web", pass: "web" }],
      [user(), { user: "web", pass: "wrong" }],
      [user(), { auth_token: "web" }],
      [user(), { auth_token: "auth" }],
    ];
    for (const own of ["", "authorization { username: web, password: web }", "authorization { token: web }"]) {
      const websocket = `websocket { listen: "127.0.0.1:-1", no_tls: true, ${own} }`;
      const [ours, theirs] = await onBoth(SINGLE + websocket, SERVICE, async stage => {
        const seen: unknown[] = [];
        for (const [decide, connectOptions] of attempts) seen.push(await overWebSocket(stage, decide, connectOptions));
        return seen;
      });
      expect([own, ours]).toEqual([own, theirs]);
    }
  },
  120_000,
);

it.compared(
  `the single user of the server is one of the auth_users; with a wrong password it is not asked about`,
  async () => {
    const [ours, theirs] = await onBoth(SINGLE, SERVICE, async stage => {
      const seen: unknown[] = [];
      for (const said of [{ user: "auth", pass: "secret" }, { user: "auth", pass: "wrong" }, { user: "web" }, { auth_token: "auth" }]) {
        seen.push(await stage.attempt({ connect: said }, user(), "SUB > 1\r\nPUB $SYS.REQ.USER.AUTH 0\r\n\r\n"));
      }
      return seen;
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

const through = (connectOptions: Record<string, unknown>, nonce: string) => ({
  ...connectOptions,
  proxy_sig: Buffer.from(PROXY.sign(Buffer.from(nonce))).toString("base64url"),
});

it.compared(
  `through a trusted proxy: users who must come so, configured or made by the service`,
  async () => {
    const proxies = `proxies { trusted [ { key: ${PROXY.publicKey} } ] }`;
    const behind = ", { user: behind, password: behind, proxy_required: true }";
    const [ours, theirs] = await onBoth(config(proxies, behind), SERVICE, async stage => {
      const seen: unknown[] = [];
      for (const proxied of [true, false]) {
        for (const decide of [user(), user({ body: { proxyRequired: true } }), refusing]) {
          for (const credentials of [{ user: "x" }, { user: "behind", pass: "behind" }]) {
            stage.decide = decide;
            const mark = stage.server.log().length;
            const told = stage.service!.received.length;
            const peer = await Peer.open(stage.server.port);
            peer.connect({ connect: proxied ? through(credentials, peer.info.nonce) : credentials });
            await peer.ping();
            seen.push(await stage.outcome(peer, mark, told));
            peer.close();
          }
        }
      }
      const stranger = await Peer.open(stage.server.port);
      stranger.connect({ connect: through({ user: "x" }, "another nonce..") });
      await stranger.ping();
      seen.push(await stage.outcome(stranger));
      return seen;
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  `refusals are told in the service's account, with the reason`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async stage => {
      const events: unknown[] = [];
      stage.service!.connection.subscribe("$SYS.ACCOUNT.CLIENT.AUTH.ERR", {
        callback: (_error, message) => {
          const { client, reason: why, type } = message.json() as Record<string, Record<string, unknown>>;
          events.push([type, client!.acc, client!.user, why]);
        },
      });
      await stage.service!.connection.flush();
      await stage.attempt({ connect: { user: "x" } }, (_request, answers) => answers.error("who?"));
      await stage.attempt({ connect: { user: "y" } }, user({ data: { audience: "NOWHERE" } }));
      await stage.attempt({ connect: { user: "auth", pass: "wrong" } });
      await stage.attempt({ connect: { user: "z" } }, () => null);
      await until(
        () => events.length === 4,
        () => JSON.stringify(events),
      );
      return events;
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

test("nats.js is let in where the service wants it, and told nothing but that it is refused", async () => {
  await onOurs(config(), SERVICE, async stage => {
    stage.decide = ({ nats: { connect: said } }, answers) =>
      said.password === "open sesame"
        ? answers.user({ data: { name: said.user, audience: "APP" }, body: { publish: { allow: ["orders.>"], deny: [] } } })
        : answers.error("wrong password");
    const logins: NatsConnection[] = [];
    const login = async (pass: string) => {
      const client = await connect({ servers: `127.0.0.1:${stage.server.port}`, user: "ali", pass, reconnect: false });
      logins.push(client);
      return client;
    };
    const client = await login("open sesame");
    const orders = client.subscribe("orders.*", { max: 1 });
    client.publish("orders.1", "one");
    for await (const message of orders) expect(message.string()).toBe("one");
    await expect(login("guess")).rejects.toThrow("Authorization Violation");
    expect(stage.service!.received.length).toBe(2);
    for (const one of logins) await one.close();
  });
});

test("a client in the process is asked about as such", async () => {
  await onOurs(config(), SERVICE, async stage => {
    const { server } = stage.server.own!;
    const seen: unknown[] = [];
    for (const type of ["IN_PROCESS", "STANDARD"]) {
      stage.decide = user({ body: { allowedConnectionTypes: [type] } });
      const client = new TextConnection(server.connect());
      client.send(`CONNECT {"verbose":false,"user":"x"}\r\nPING\r\n`);
      await until(
        () => client.closed || client.received.endsWith("PONG\r\n"),
        () => client.received,
      );
      seen.push(client.received.split("\r\n").filter(line => /^(PONG|-ERR)/.test(line)));
      const { host, kind, type: shown } = stage.service!.received.at(-1)!.claims.nats.client;
      seen.push([host, kind, shown]);
    }
    expect(seen).toEqual([["PONG"], ["", "Client", "nats"], ["-ERR 'Authorization Violation'"], ["", "Client", "nats"]]);
  });
});

test("whoever leaves before the answer comes is forgotten, and the answer with it", async () => {
  await onOurs(config(), SERVICE, async stage => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    stage.decide = async (_request, answers) => {
      asked.resolve();
      await promise;
      return answers.user({ data: { name: "her", audience: "APP" } });
    };
    const peer = await Peer.open(stage.server.port);
    peer.connect({ connect: { user: "x" } });
    await asked.promise;
    peer.close();
    await stage.logged("Client connection closed: Client Closed");
    const mark = stage.server.log().length;
    resolve();
    const later = await stage.attempt({ connect: { user: "y" } }, user());
    expect([
      later.closed,
      stage.server
        .log()
        .slice(mark)
        .filter(line => /^(WRN|ERR)/.test(line)),
    ]).toEqual([false, []]);
    expect((await stage.shown(peer.info.client_id)).reason).toBe("Client Closed");
  });
});

test("what comes behind a CONNECT that is asked about waits for the answer", async () => {
  await onOurs(config(), SERVICE, async stage => {
    const { promise, resolve } = Promise.withResolvers<void>();
    stage.decide = async (request, answers) => {
      if (request.nats.connect.user === "slow") await promise;
      return user()(request, answers);
    };
    const slow = await Peer.open(stage.server.port);
    slow.connect({ connect: { user: "slow" } });
    slow.send("SUB a 1\r\n");
    const quick = await Peer.login(stage.server.port, { connect: { user: "quick" } });
    quick.send("PUB a 3\r\none\r\n");
    await quick.ping();
    expect(slow.lines).toEqual([]);
    resolve();
    await slow.ping();
    quick.send("PUB a 3\r\ntwo\r\n");
    expect(await slow.untilLine("two")).toBe("two");
    expect(slow.lines).toEqual(["MSG a 1 3", "two"]);
    slow.close();
    quick.close();
  });
});

it.compared(
  `a reload that changes who may connect: whom a service named has to come back, a token is asked about again`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async stage => {
      stage.decide = user({ data: { name: "" } });
      const named = await Peer.login(stage.server.port, { connect: { user: "x" } });
      const token = await Peer.login(stage.server.port, { connect: { auth_token: "t" } });
      await stage.reload(config("", ", { user: another, password: one }"));
      await named.untilClosed();
      await token.ping();
      const told = stage.service!.received.map(({ claims }) => claims.nats.client.user);
      const seen = [named.lines, token.lines, told, (await stage.shown(named.info.client_id)).reason];
      token.close();
      return seen;
    });
    expect(ours).toEqual(theirs);
    expect(theirs).toEqual([[], [], ["x", "[REDACTED]", "[REDACTED]"], "Client Closed"]);
  },
  120_000,
);

test("no secret is logged, however it ends", async () => {
  const secrets = { pass: "s3cret-pass", auth_token: "s3cret-token", sig: "s3cret-sig", jwt: "s3cret-jwt", proxy_sig: "s3cret-proxy" };
  await onOurs(config(), SERVICE, async stage => {
    const decisions: Decide[] = [
      user(),
      user({ by: fixedSigner(NkeyKind.Account, 9) }),
      () => "no token",
      (_request, answers) => answers.error("no"),
    ];
    for (const decide of decisions) await stage.attempt({ connect: { user: "x", ...secrets } }, decide);
    const { token } = stage.service!.received[0]!;
    const log = stage.server.log().join("\n");
    expect([...Object.values(secrets), token.slice(0, 60), "secret"].filter(secret => log.includes(secret))).toEqual([]);
  });
});
