/** Auth callout for clients over TLS, WebSocket, proxies and pipes in the process, for nats.js, and across reloads. */
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
import { type CalloutContext, onBoth, onOurs, type ServiceFacts } from "./callout-context.ts";
import type { Decide, UserFacts } from "./callout-service.ts";

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
const intermediate = root.issue({ subject: "CN=between", authority: true });
const serverFiles = files.store("server", root.issue({ subject: "CN=server", names: ["localhost", "127.0.0.1"] }));
const visitor = root.issue({ subject: "O=bunats,CN=visitor", usage: "client" });
const guest = intermediate.issue({ subject: "O=bunats,CN=guest", usage: "client" });
const stranger = root.issue({ subject: "CN=stranger", usage: "client" });
const caFile = files.write("ca.pem", root.pem);
const certificates = `cert_file: "${serverFiles.certFile}", key_file: "${serverFiles.keyFile}", ca_file: "${caFile}"`;

/** Replaces the PEM of each certificate by its name. */
function withCertificateNames(tls: unknown): unknown {
  let text = JSON.stringify(tls);
  for (const [name, { pem }] of Object.entries({ root, intermediate, visitor, guest, stranger })) {
    text = text.replaceAll(JSON.stringify(pem), JSON.stringify(name));
  }
  return JSON.parse(text);
}

/** Connects over TLS. @returns the TLS state and connection type in the request, and the account */
async function overTls(context: CalloutContext, tls: PeerTls): Promise<unknown> {
  context.decide = user();
  const peer = await SecurePeer.open(context.server.port);
  const info = await peer.info();
  await peer.secure(tls);
  await peer.write(`CONNECT ${JSON.stringify({ verbose: false, protocol: 1, user: "x", pass: "y" })}\r\nPING\r\n`);
  await peer.take("PONG\r\n");
  const request = context.service!.received.at(-1)!.claims.nats;
  const { account } = await context.connzOf(Number(info.client_id));
  peer.terminate();
  return [withCertificateNames(request.tls), request.client.type, account];
}

const TLS_LOGIN = { tls: { ca: root.pem, cert: visitor.pem, key: visitor.keyPem } };

it.compared(
  `requests hold the client's certificate and its verified chains`,
  async () => {
    const facts = { ...SERVICE, login: { ...SERVICE.login, ...TLS_LOGIN } };
    const [ours, theirs] = await onBoth(config(`tls { ${certificates}, verify: true, timeout: 5 }`), facts, async context => [
      await overTls(context, { ca: root.pem, cert: visitor.pem, key: visitor.keyPem }),
      await overTls(context, { ca: root.pem, cert: guest.chainPem, key: guest.keyPem }),
      await overTls(context, { ca: root.pem, cert: guest.chainPem, key: guest.keyPem, maxVersion: 0x0303 }),
    ]);
    expect(ours).toEqual(theirs);
    expect(JSON.stringify(theirs)).toContain(JSON.stringify([["guest", "intermediate", "root"]]));
  },
  120_000,
);

it.compared(
  `without a client certificate, requests hold only the TLS version and cipher`,
  async () => {
    const facts = { ...SERVICE, login: { ...SERVICE.login, tls: { ca: root.pem } } };
    const [ours, theirs] = await onBoth(config(`tls { ${certificates}, timeout: 5 }`), facts, context =>
      overTls(context, { ca: root.pem }),
    );
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  `certificates map to one of the auth_users, to another user, or to no user`,
  async () => {
    const users = `, { user: "CN=guest,O=bunats" }, { user: "CN=visitor,O=bunats" }`;
    const mapConfig = config(`tls { ${certificates}, verify_and_map: true, timeout: 5 }`, users);
    const facts = { ...SERVICE, login: TLS_LOGIN };
    const [ours, theirs] = await onBoth(
      mapConfig.replace("auth_users: [auth]", `auth_users: ["CN=visitor,O=bunats"]`),
      facts,
      async context => {
        const mapped = await overTls(context, { ca: root.pem, cert: guest.chainPem, key: guest.keyPem });
        const unknown = await overTls(context, { ca: root.pem, cert: stranger.pem, key: stranger.keyPem });
        const { received } = context.service!;
        return [mapped, received.at(-2)!.claims.nats.client.user, unknown, received.at(-1)!.claims.nats.client.user, received.length];
      },
    );
    expect(ours).toEqual(theirs);
  },
  120_000,
);

/** Connects by WebSocket. @returns the lines until PONG or the close, the clients in the requests, and the connection in /connz */
async function overWebSocket(context: CalloutContext, decide: Decide, connectOptions: Record<string, unknown>): Promise<unknown> {
  context.decide = decide;
  const requestsBefore = context.service!.received.length;
  const client = await RawClient.upgrade(context.server.websocketPort);
  const info = JSON.parse((await client.textUntil("\r\n")).slice("INFO ".length));
  await client.write(frame(BINARY, `CONNECT ${JSON.stringify({ verbose: false, protocol: 1, ...connectOptions })}\r\nPING\r\n`));
  let text = "";
  let closed = false;
  try {
    while (!text.includes("PONG\r\n")) text += (await client.nextMessage()).toString("latin1");
  } catch {
    closed = true; // the lines before show the reason
  }
  const connz = await context.connzOf(info.client_id, closed);
  client[Symbol.dispose]();
  const lines = text.split("\r\n").filter(line => !line.startsWith("INFO "));
  const requests = context.service!.received.slice(requestsBefore).map(({ claims }) => ({ ...claims.nats.client, id: 0 }));
  return { lines, requests, connz };
}

const SINGLE = `
accounts {
  APP { }
}
authorization { user: auth, password: secret, timeout: 1, auth_callout { issuer: ${ISSUER.publicKey}, auth_users: [auth, web] } }
`;

it.compared(
  `over WebSocket: connection types, and single users and tokens of the server and of the websocket block`,
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
    for (const block of ["", "authorization { username: web, password: web }", "authorization { token: web }"]) {
      const websocket = `websocket { listen: "127.0.0.1:-1", no_tls: true, ${block} }`;
      const [ours, theirs] = await onBoth(SINGLE + websocket, SERVICE, async context => {
        const seen: unknown[] = [];
        for (const [decide, connectOptions] of attempts) seen.push(await overWebSocket(context, decide, connectOptions));
        return seen;
      });
      expect([block, ours]).toEqual([block, theirs]);
    }
  },
  120_000,
);

it.compared(
  `the server's single user is one of the auth_users; with a wrong password it is refused without a request`,
  async () => {
    const [ours, theirs] = await onBoth(SINGLE, SERVICE, async context => {
      const seen: unknown[] = [];
      for (const credentials of [
        { user: "auth", pass: "secret" },
        { user: "auth", pass: "wrong" },
        { user: "web" },
        { auth_token: "auth" },
      ]) {
        seen.push(await context.attempt({ connect: credentials }, user(), "SUB > 1\r\nPUB $SYS.REQ.USER.AUTH 0\r\n\r\n"));
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
  `users that require a proxy, configured or from the service, with and without a trusted proxy`,
  async () => {
    const proxies = `proxies { trusted [ { key: ${PROXY.publicKey} } ] }`;
    const behind = ", { user: behind, password: behind, proxy_required: true }";
    const [ours, theirs] = await onBoth(config(proxies, behind), SERVICE, async context => {
      const seen: unknown[] = [];
      for (const proxied of [true, false]) {
        for (const decide of [user(), user({ body: { proxyRequired: true } }), refusing]) {
          for (const credentials of [{ user: "x" }, { user: "behind", pass: "behind" }]) {
            context.decide = decide;
            const mark = context.server.log().length;
            const requestsBefore = context.service!.received.length;
            const peer = await Peer.open(context.server.port);
            peer.connect({ connect: proxied ? through(credentials, peer.info.nonce) : credentials });
            await peer.ping();
            seen.push(await context.outcome(peer, mark, requestsBefore));
            peer.close();
          }
        }
      }
      const stranger = await Peer.open(context.server.port);
      stranger.connect({ connect: through({ user: "x" }, "another nonce..") });
      await stranger.ping();
      seen.push(await context.outcome(stranger));
      return seen;
    });
    expect(ours).toEqual(theirs);
  },
  120_000,
);

it.compared(
  `refusals are published in the service's account, with the reason`,
  async () => {
    const [ours, theirs] = await onBoth(config(), SERVICE, async context => {
      const events: unknown[] = [];
      context.service!.connection.subscribe("$SYS.ACCOUNT.CLIENT.AUTH.ERR", {
        callback: (_error, message) => {
          const { client, reason: why, type } = message.json() as Record<string, Record<string, unknown>>;
          events.push([type, client!.acc, client!.user, why]);
        },
      });
      await context.service!.connection.flush();
      await context.attempt({ connect: { user: "x" } }, (_request, answers) => answers.error("who?"));
      await context.attempt({ connect: { user: "y" } }, user({ data: { audience: "NOWHERE" } }));
      await context.attempt({ connect: { user: "auth", pass: "wrong" } });
      await context.attempt({ connect: { user: "z" } }, () => null);
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

test("nats.js is accepted by the service, and learns no reason when it is refused", async () => {
  await onOurs(config(), SERVICE, async context => {
    context.decide = ({ nats: { connect: credentials } }, answers) =>
      credentials.password === "open sesame"
        ? answers.user({ data: { name: credentials.user, audience: "APP" }, body: { publish: { allow: ["orders.>"], deny: [] } } })
        : answers.error("wrong password");
    const logins: NatsConnection[] = [];
    const login = async (pass: string) => {
      const client = await connect({ servers: `127.0.0.1:${context.server.port}`, user: "ali", pass, reconnect: false });
      logins.push(client);
      return client;
    };
    const client = await login("open sesame");
    const orders = client.subscribe("orders.*", { max: 1 });
    client.publish("orders.1", "one");
    for await (const message of orders) expect(message.string()).toBe("one");
    await expect(login("guess")).rejects.toThrow("Authorization Violation");
    expect(context.service!.received.length).toBe(2);
    for (const connection of logins) await connection.close();
  });
});

test("requests for a client in the process have an empty host, and it may use the connection type IN_PROCESS", async () => {
  await onOurs(config(), SERVICE, async context => {
    const { server } = context.server;
    const seen: unknown[] = [];
    for (const type of ["IN_PROCESS", "STANDARD"]) {
      context.decide = user({ body: { allowedConnectionTypes: [type] } });
      const client = new TextConnection(server.connect());
      client.send(`CONNECT {"verbose":false,"user":"x"}\r\nPING\r\n`);
      await until(
        () => client.closed || client.received.endsWith("PONG\r\n"),
        () => client.received,
      );
      seen.push(client.received.split("\r\n").filter(line => /^(PONG|-ERR)/.test(line)));
      const { host, kind, type: transport } = context.service!.received.at(-1)!.claims.nats.client;
      seen.push([host, kind, transport]);
    }
    expect(seen).toEqual([["PONG"], ["", "Client", "nats"], ["-ERR 'Authorization Violation'"], ["", "Client", "nats"]]);
  });
});

test("when a client closes its connection before the answer, the answer is discarded", async () => {
  await onOurs(config(), SERVICE, async context => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const requested = Promise.withResolvers<void>();
    context.decide = async (_request, answers) => {
      requested.resolve();
      await promise;
      return answers.user({ data: { name: "her", audience: "APP" } });
    };
    const peer = await Peer.open(context.server.port);
    peer.connect({ connect: { user: "x" } });
    await requested.promise;
    peer.close();
    await context.logged("Client connection closed: Client Closed");
    const mark = context.server.log().length;
    resolve();
    const later = await context.attempt({ connect: { user: "y" } }, user());
    expect([
      later.closed,
      context.server
        .log()
        .slice(mark)
        .filter(line => /^(WRN|ERR)/.test(line)),
    ]).toEqual([false, []]);
    expect((await context.connzOf(peer.info.client_id, true)).reason).toBe("Client Closed");
  });
});

test("commands after CONNECT wait for the answer of the service", async () => {
  await onOurs(config(), SERVICE, async context => {
    const { promise, resolve } = Promise.withResolvers<void>();
    context.decide = async (request, answers) => {
      if (request.nats.connect.user === "slow") await promise;
      return user()(request, answers);
    };
    const slow = await Peer.open(context.server.port);
    slow.connect({ connect: { user: "slow" } });
    slow.send("SUB a 1\r\n");
    const quick = await Peer.login(context.server.port, { connect: { user: "quick" } });
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

test("no secret is logged, whether the client is accepted or refused", async () => {
  const secrets = { pass: "s3cret-pass", auth_token: "s3cret-token", sig: "s3cret-sig", jwt: "s3cret-jwt", proxy_sig: "s3cret-proxy" };
  await onOurs(config(), SERVICE, async context => {
    const decisions: Decide[] = [
      user(),
      user({ by: fixedSigner(NkeyKind.Account, 9) }),
      () => "no token",
      (_request, answers) => answers.error("no"),
    ];
    for (const decide of decisions) await context.attempt({ connect: { user: "x", ...secrets } }, decide);
    const { token } = context.service!.received[0]!;
    const log = context.server.log().join("\n");
    expect([...Object.values(secrets), token.slice(0, 60), "secret"].filter(secret => log.includes(secret))).toEqual([]);
  });
});
