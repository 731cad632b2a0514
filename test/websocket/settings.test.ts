/** What the `websocket` block says beyond the handshake: who may connect, how they are told apart, what INFO says. */
import { expect, test } from "bun:test";
import { WEBSOCKET_DEFAULTS } from "../../src/config/schema/websocket-options.ts";
import { ownerFor } from "../../src/server/shard/websocket-listener.ts";
import { TLS_DEFAULTS } from "../../src/wire/transport/tls/tls-options.ts";
import { until } from "../faults/until.ts";
import { REPLY_TIMEOUT_MS } from "../wire/wire-connection.ts";
import { BINARY, frame, RawClient } from "./raw-client.ts";
import { ALL, OURS, ourServer, type Subject, Subjects, startSubject } from "./subject.ts";

type Headers = Readonly<Record<string, string>>;

interface Info {
  readonly host: string;
  readonly port: number;
  readonly client_id: number;
  readonly client_ip: string;
  readonly auth_required?: boolean;
  readonly tls_required?: boolean;
  readonly connect_urls?: readonly string[];
  readonly ws_connect_urls?: readonly string[];
}

async function arrive(subject: Subject, headers: Headers = {}): Promise<{ client: RawClient; info: Info }> {
  const client = await RawClient.upgrade(subject.port, { headers });
  const line = await client.textUntil("\r\n");
  return { client, info: JSON.parse(line.slice("INFO ".length)) as Info };
}

async function openConnections(subject: Subject, query = ""): Promise<{ kind: string; type: string; ip: string }[]> {
  const response = await fetch(`http://127.0.0.1:${subject.monitorPort}/connz${query}`);
  return ((await response.json()) as { connections: { kind: string; type: string; ip: string }[] }).connections;
}

/** Somebody who is among the connections for sure: the reference sends INFO before it counts. */
async function counted(subject: Subject): Promise<RawClient> {
  const { client } = await arrive(subject);
  await client.write(frame(BINARY, "PING\r\n"));
  await client.textUntil("PONG\r\n");
  return client;
}

/** Those of the test before have left. */
async function emptied(subject: Subject): Promise<void> {
  const deadline = performance.now() + REPLY_TIMEOUT_MS;
  while ((await openConnections(subject)).length > 0) expect(performance.now()).toBeLessThan(deadline);
}

/** What CONNECT with these fields, then PING, is answered with. */
async function connect(subject: Subject, fields: object, headers: Headers = {}): Promise<string> {
  const { client } = await arrive(subject, headers);
  using _ = client;
  await client.write(frame(BINARY, `CONNECT ${JSON.stringify({ verbose: false, ...fields })}\r\nPING\r\n`));
  return await client.textUntil("\r\n");
}

const REFUSED = "-ERR 'Authorization Violation'\r\n";
const LET_IN = "PONG\r\n";

const open = new Subjects({ server: { connectionsMax: 2 }, serverConfig: "max_connections: 2" });

open.test("INFO names the WebSocket listener, and no other addresses", async subject => {
  const { client, info } = await arrive(subject);
  using _ = client;
  const { host, port, client_ip, auth_required, tls_required, connect_urls, ws_connect_urls } = info;
  expect({ host, port, client_ip, auth_required, tls_required, connect_urls, ws_connect_urls }).toEqual({
    host: "127.0.0.1",
    port: subject.port,
    client_ip: "127.0.0.1",
    auth_required: undefined,
    tls_required: undefined,
    connect_urls: undefined,
    ws_connect_urls: undefined,
  });
});

open.test("WebSockets count among the connections, and one too many is told in a line and in the close frame", async subject => {
  await emptied(subject);
  using first = await counted(subject);
  using second = await counted(subject);
  expect([first.ended, second.ended]).toEqual([false, false]);
  using third = await RawClient.upgrade(subject.port);
  let text = "";
  let next = await third.nextFrame();
  for (; next !== null && next.opcode === BINARY; next = await third.nextFrame()) text += next.payload.toString();
  expect(text).toEndWith("-ERR 'maximum connections exceeded'\r\n");
  expect(next!.payload.toString("utf8", 2)).toBe("Maximum Connections Exceeded");
});

open.test("a connection is a WebSocket in monitoring, with what the log calls it", async subject => {
  await emptied(subject);
  const { client, info } = await arrive(subject, { "X-Forwarded-For": "203.0.113.7" });
  using _ = client;
  const connections = await openConnections(subject, `?cid=${info.client_id}`);
  expect(connections.map(({ kind, type, ip }) => ({ kind, type, ip }))).toEqual([{ kind: "Client", type: "websocket", ip: "127.0.0.1" }]);
  const lines = () => subject.lines().filter(line => line.includes(`wid:${info.client_id} - Client connection created`));
  await until(
    () => lines().length > 0,
    () => "nothing was logged",
  );
  const created = lines();
  expect(created[0]).toMatch(/^\[DBG\] 203\.0\.113\.7\/127\.0\.0\.1:\d+ - wid:\d+ - Client connection created$/);
});

const withUser = new Subjects({
  websocket: { authorization: { user: "web", password: "socket" }, userCookie: "who", passwordCookie: "word" },
  websocketConfig: `authorization { user: web, password: socket }, user_cookie: who, pass_cookie: word`,
});

withUser.test("a user of the listener's own is asked for here, and nowhere else", async subject => {
  const { client, info } = await arrive(subject);
  client.terminate();
  expect(info.auth_required).toBe(true);
  expect(await connect(subject, { user: "web", pass: "socket" })).toBe(LET_IN);
  expect(await connect(subject, { user: "web", pass: "wrong" })).toBe(REFUSED);
  expect(await connect(subject, {})).toBe(REFUSED);
});

withUser.test("cookies stand in for what CONNECT leaves empty", async subject => {
  expect(await connect(subject, {}, { Cookie: "a=b; who=web; word=socket" })).toBe(LET_IN);
  expect(await connect(subject, { user: "web" }, { Cookie: 'word="socket"' })).toBe(LET_IN);
  expect(await connect(subject, { user: "web", pass: "wrong" }, { Cookie: "word=socket" })).toBe(REFUSED);
  expect(await connect(subject, {}, { Cookie: "who=web; word=wrong" })).toBe(REFUSED);
});

withUser.test("whoever is refused is told in the close frame, too", async subject => {
  const { client } = await arrive(subject);
  using _ = client;
  await client.write(frame(BINARY, "PING\r\n"));
  expect(await client.textUntil("\r\n")).toBe(REFUSED);
  expect(await client.closed()).toBe("1008 Authentication Failure");
});

withUser.test(
  "the ordinary port asks nobody",
  async subject => {
    const server = ourServer(subject);
    const pipe = server.connect();
    let text = "";
    pipe.onData = bytes => {
      text += Buffer.from(bytes).toString();
    };
    pipe.write("CONNECT {}\r\nPING\r\n");
    await until(
      () => text.endsWith("PONG\r\n"),
      () => text,
    );
    pipe.close();
  },
  OURS,
);

const withToken = new Subjects({
  websocket: { authorization: { token: "open sesame" }, tokenCookie: "token" },
  websocketConfig: `authorization { token: "open sesame" }, token_cookie: token`,
  server: { authorization: { user: "server", password: "pass" } },
  serverConfig: "authorization { user: server, password: pass }",
});

withToken.test("a token of the listener's own replaces the server's user", async subject => {
  expect(await connect(subject, { auth_token: "open sesame" })).toBe(LET_IN);
  expect(await connect(subject, {}, { Cookie: "token=open sesame" })).toBe(LET_IN);
  expect(await connect(subject, { user: "server", pass: "pass" })).toBe(REFUSED);
});

const inherited = new Subjects({
  server: { authorization: { user: "server", password: "pass" } },
  serverConfig: "authorization { user: server, password: pass }",
});

inherited.test("without one of its own the listener asks for the server's", async subject => {
  expect(await connect(subject, { user: "server", pass: "pass" })).toBe(LET_IN);
  expect(await connect(subject, {})).toBe(REFUSED);
});

const impatient = new Subjects({
  websocket: { authorization: { token: "t" }, authTimeoutMs: 100, pingIntervalMs: 100 },
  websocketConfig: `authorization { token: t, timeout: 0.1 }, ping_interval: "100ms"`,
});

impatient.test("whoever does not introduce itself within the listener's time is closed", async subject => {
  const { client } = await arrive(subject);
  using _ = client;
  let text = "";
  let next = await client.nextFrame();
  for (; next !== null && next.opcode === BINARY; next = await client.nextFrame()) text += next.payload.toString();
  expect(text).toContain("-ERR 'Authentication Timeout'\r\n"); // the first PING is due at the same time
  expect(next!.payload.toString("utf8", 2)).toBe("Authentication Timeout");
});

impatient.test("PINGs come in the listener's interval, and whoever answers none is stale", async subject => {
  const { client } = await arrive(subject);
  using _ = client;
  await client.write(frame(BINARY, 'CONNECT {"verbose":false,"auth_token":"t"}\r\n'));
  expect(await client.textUntil("-ERR 'Stale Connection'\r\n")).toBe("PING\r\nPING\r\n-ERR 'Stale Connection'\r\n");
  expect(await client.closed()).toBe("1001 Stale Connection");
});

test("a port that is taken: one clear message", async () => {
  for (const owner of OURS) {
    const first = await startSubject(owner);
    for (const name of OURS) {
      await expect(startSubject(name, { websocket: { port: first.port } })).rejects.toThrow(
        `Unable to listen for websocket connections: listen tcp 127.0.0.1:${first.port}: bind: address already in use`,
      );
    }
    await first.stop();
  }
});

test("Bun.serve is the owner where it can be, the codec where certificates of peers or compression are wanted", () => {
  const tls = { ...TLS_DEFAULTS, certificates: [{ certFile: "c", keyFile: "k" }] };
  const owner = (options: Partial<typeof WEBSOCKET_DEFAULTS>) => ownerFor({ ...WEBSOCKET_DEFAULTS, ...options });
  expect([owner({}), owner({ tls }), owner({ sameOrigin: true, headers: { a: "b" } })]).toEqual(["Bun.serve", "Bun.serve", "Bun.serve"]);
  const ocspPeer = {
    caTimeoutMs: 1,
    allowedClockSkewMs: 1,
    warnOnly: false,
    unknownIsGood: false,
    allowWhenCaUnreachable: false,
    cacheTtlWhenNextUpdateUnsetMs: 1,
  };
  expect([
    owner({ compression: true }),
    owner({ handshakeTimeoutMs: 5_000 }),
    owner({ tls: { ...tls, verify: true } }),
    owner({ tls: { ...tls, pinnedCerts: ["00"] } }),
    owner({ tls: { ...tls, ocspPeer } }),
    owner({ tls: { ...tls, connectionRateLimit: 5 } }),
    owner({ tls: { ...tls, certificates: [...tls.certificates, ...tls.certificates] } }),
  ]).toEqual(new Array(7).fill("codec"));
});

test("the three subjects are who they say", () => {
  expect(ALL).toEqual(["codec", "Bun.serve", "nats-server"]);
});
