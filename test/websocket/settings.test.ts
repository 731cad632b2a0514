/** The `websocket` block beyond the handshake: INFO, limits, monitoring, credentials, timeouts and the choice of the listener's owner. */
import { expect, test } from "bun:test";
import { WEBSOCKET_DEFAULTS } from "../../src/config/schema/websocket-options.ts";
import { ownerFor } from "../../src/server/shard/websocket-listener.ts";
import { TLS_DEFAULTS } from "../../src/wire/transport/tls/tls-options.ts";
import { until } from "../faults/until.ts";
import { REPLY_TIMEOUT_MS } from "../wire/wire-connection.ts";
import { BINARY, frame, RawClient } from "./raw-client.ts";
import { ALL, OURS, ourServer, startTestedServer, type TestedServer, TestedServers } from "./tested-server.ts";

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

async function upgradedClient(tested: TestedServer, headers: Headers = {}): Promise<{ client: RawClient; info: Info }> {
  const client = await RawClient.upgrade(tested.port, { headers });
  const line = await client.textUntil("\r\n");
  return { client, info: JSON.parse(line.slice("INFO ".length)) as Info };
}

async function openConnections(tested: TestedServer, query = ""): Promise<{ kind: string; type: string; ip: string }[]> {
  const response = await fetch(`http://127.0.0.1:${tested.monitorPort}/connz${query}`);
  return ((await response.json()) as { connections: { kind: string; type: string; ip: string }[] }).connections;
}

/** A client that the server has countedClient: the reference sends INFO before it counts a connection, PONG after. */
async function countedClient(tested: TestedServer): Promise<RawClient> {
  const { client } = await upgradedClient(tested);
  await client.write(frame(BINARY, "PING\r\n"));
  await client.textUntil("PONG\r\n");
  return client;
}

/** Waits until the connections of earlier tests are closed. */
async function waitForNoConnections(tested: TestedServer): Promise<void> {
  const deadline = performance.now() + REPLY_TIMEOUT_MS;
  while ((await openConnections(tested)).length > 0) expect(performance.now()).toBeLessThan(deadline);
}

/** Sends CONNECT with these fields, then PING. @returns the first line of the answer */
async function connect(tested: TestedServer, fields: object, headers: Headers = {}): Promise<string> {
  const { client } = await upgradedClient(tested, headers);
  using _ = client;
  await client.write(frame(BINARY, `CONNECT ${JSON.stringify({ verbose: false, ...fields })}\r\nPING\r\n`));
  return await client.textUntil("\r\n");
}

const REFUSED = "-ERR 'Authorization Violation'\r\n";
const ACCEPTED = "PONG\r\n";

const open = new TestedServers({ server: { connectionsMax: 2 }, serverConfig: "max_connections: 2" });

open.test("INFO names the WebSocket listener, and no other addresses", async tested => {
  const { client, info } = await upgradedClient(tested);
  using _ = client;
  const { host, port, client_ip, auth_required, tls_required, connect_urls, ws_connect_urls } = info;
  expect({ host, port, client_ip, auth_required, tls_required, connect_urls, ws_connect_urls }).toEqual({
    host: "127.0.0.1",
    port: tested.port,
    client_ip: "127.0.0.1",
    auth_required: undefined,
    tls_required: undefined,
    connect_urls: undefined,
    ws_connect_urls: undefined,
  });
});

open.test("WebSockets count as connections; one above the limit gets an -ERR line and a close frame", async tested => {
  await waitForNoConnections(tested);
  using first = await countedClient(tested);
  using second = await countedClient(tested);
  expect([first.ended, second.ended]).toEqual([false, false]);
  using third = await RawClient.upgrade(tested.port);
  let text = "";
  let next = await third.nextFrame();
  for (; next !== null && next.opcode === BINARY; next = await third.nextFrame()) text += next.payload.toString();
  expect(text).toEndWith("-ERR 'maximum connections exceeded'\r\n");
  expect(next!.payload.toString("utf8", 2)).toBe("Maximum Connections Exceeded");
});

open.test("monitoring shows the type websocket, and the log also shows the forwarded address", async tested => {
  await waitForNoConnections(tested);
  const { client, info } = await upgradedClient(tested, { "X-Forwarded-For": "203.0.113.7" });
  using _ = client;
  await client.write(frame(BINARY, "PING\r\n"));
  await client.textUntil("PONG\r\n"); // the reference sends INFO before it counts a connection, PONG after
  const connections = await openConnections(tested, `?cid=${info.client_id}`);
  expect(connections.map(({ kind, type, ip }) => ({ kind, type, ip }))).toEqual([{ kind: "Client", type: "websocket", ip: "127.0.0.1" }]);
  const lines = () => tested.lines().filter(line => line.includes(`wid:${info.client_id} - Client connection created`));
  await until(
    () => lines().length > 0,
    () => "nothing was logged",
  );
  const created = lines();
  expect(created[0]).toMatch(/^\[DBG\] 203\.0\.113\.7\/127\.0\.0\.1:\d+ - wid:\d+ - Client connection created$/);
});

const withUser = new TestedServers({
  websocket: { authorization: { user: "web", password: "socket" }, userCookie: "who", passwordCookie: "word" },
  websocketConfig: `authorization { user: web, password: socket }, user_cookie: who, pass_cookie: word`,
});

withUser.test("a user of the WebSocket listener is required by this listener", async tested => {
  const { client, info } = await upgradedClient(tested);
  client.terminate();
  expect(info.auth_required).toBe(true);
  expect(await connect(tested, { user: "web", pass: "socket" })).toBe(ACCEPTED);
  expect(await connect(tested, { user: "web", pass: "wrong" })).toBe(REFUSED);
  expect(await connect(tested, {})).toBe(REFUSED);
});

withUser.test("cookies fill in the credentials that CONNECT leaves empty", async tested => {
  expect(await connect(tested, {}, { Cookie: "a=b; who=web; word=socket" })).toBe(ACCEPTED);
  expect(await connect(tested, { user: "web" }, { Cookie: 'word="socket"' })).toBe(ACCEPTED);
  expect(await connect(tested, { user: "web", pass: "wrong" }, { Cookie: "word=socket" })).toBe(REFUSED);
  expect(await connect(tested, {}, { Cookie: "who=web; word=wrong" })).toBe(REFUSED);
});

withUser.test("a refused client gets the reason in the close frame too", async tested => {
  const { client } = await upgradedClient(tested);
  using _ = client;
  await client.write(frame(BINARY, "PING\r\n"));
  expect(await client.textUntil("\r\n")).toBe(REFUSED);
  expect(await client.closed()).toBe("1008 Authentication Failure");
});

withUser.test(
  "the client port requires no credentials",
  async tested => {
    const server = ourServer(tested);
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

const withToken = new TestedServers({
  websocket: { authorization: { token: "open sesame" }, tokenCookie: "token" },
  websocketConfig: `authorization { token: "open sesame" }, token_cookie: token`,
  server: { authorization: { user: "server", password: "pass" } },
  serverConfig: "authorization { user: server, password: pass }",
});

withToken.test("a token of the WebSocket listener replaces the server's user", async tested => {
  expect(await connect(tested, { auth_token: "open sesame" })).toBe(ACCEPTED);
  expect(await connect(tested, {}, { Cookie: "token=open sesame" })).toBe(ACCEPTED);
  expect(await connect(tested, { user: "server", pass: "pass" })).toBe(REFUSED);
});

const inherited = new TestedServers({
  server: { authorization: { user: "server", password: "pass" } },
  serverConfig: "authorization { user: server, password: pass }",
});

inherited.test("without credentials of its own the WebSocket listener requires the server's", async tested => {
  expect(await connect(tested, { user: "server", pass: "pass" })).toBe(ACCEPTED);
  expect(await connect(tested, {})).toBe(REFUSED);
});

const impatient = new TestedServers({
  websocket: { authorization: { token: "t" }, authTimeoutMs: 100 },
  websocketConfig: `authorization { token: t, timeout: 0.1 }`,
});

impatient.test("a client that does not authenticate within the listener's timeout is closed", async tested => {
  const { client } = await upgradedClient(tested);
  using _ = client;
  let text = "";
  let next = await client.nextFrame();
  for (; next !== null && next.opcode === BINARY; next = await client.nextFrame()) text += next.payload.toString();
  expect(text).toEndWith("-ERR 'Authentication Timeout'\r\n");
  expect(next!.payload.toString("utf8", 2)).toBe("Authentication Timeout");
});

const pinging = new TestedServers({
  websocket: { pingIntervalMs: 100 },
  websocketConfig: `ping_interval: "100ms"`,
});

pinging.test("PINGs come in the listener's interval, and a client that answers none is stale", async tested => {
  const { client } = await upgradedClient(tested);
  using _ = client;
  await client.write(frame(BINARY, 'CONNECT {"verbose":false}\r\n'));
  const text = await client.textUntil("-ERR 'Stale Connection'\r\n", { keepsPings: true });
  expect(text).toBe("PING\r\nPING\r\n-ERR 'Stale Connection'\r\n");
  expect(await client.closed()).toBe("1001 Stale Connection");
});

test("a port in use gives one clear message", async () => {
  for (const owner of OURS) {
    const first = await startTestedServer(owner);
    for (const name of OURS) {
      await expect(startTestedServer(name, { websocket: { port: first.port } })).rejects.toThrow(
        `Unable to listen for websocket connections: listen tcp 127.0.0.1:${first.port}: bind: address already in use`,
      );
    }
    await first.stop();
  }
});

test("Bun.serve owns the listener; the codec does where TLS, PROXY headers, compression or a handshake timeout are configured", () => {
  const tls = { ...TLS_DEFAULTS, certificates: [{ certFile: "c", keyFile: "k" }] };
  const owner = (options: Partial<typeof WEBSOCKET_DEFAULTS>, proxies = false) => ownerFor({ ...WEBSOCKET_DEFAULTS, ...options }, proxies);
  expect([owner({}), owner({ sameOrigin: true, headers: { a: "b" } })]).toEqual(["Bun.serve", "Bun.serve"]);
  expect([owner({ compression: true }), owner({ handshakeTimeoutMs: 5_000 }), owner({ tls }), owner({}, true)]).toEqual(
    Array(4).fill("codec"),
  );
});

test("the tests run against three servers", () => {
  expect(ALL).toEqual(["codec", "Bun.serve", "nats-server"]);
});
