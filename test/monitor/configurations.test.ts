/** /varz and /healthz of differently configured servers, compared with the reference. */
import { afterAll, expect, test } from "bun:test";
import { WEBSOCKET_DEFAULTS } from "../../src/config/schema/websocket-options.ts";
import { NatsServer } from "../../src/index.ts";
import { Recording } from "../reference/recording.ts";
import { TestAuthority } from "../tls/secure-server.ts";
import { type NeutralAnswer, requestNeutral, text } from "./comparison.ts";
import { get, json, startOurs } from "./monitored-pair.ts";
import { lookAtBoth } from "./same-config.ts";

const it = new Recording(import.meta.path, [[/"[0-9a-f]{64}"/g, '"<sha256>"']]);

const authority = new TestAuthority();
afterAll(() => authority[Symbol.dispose]());
const { certFile, keyFile } = authority.serverFiles;
const files = `cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${authority.caFile}"`;
const pin = authority.server.pin;

const CONFIGURATIONS: readonly (readonly [title: string, config: string])[] = [
  ["without options", ""],
  [
    "with limits",
    "max_connections: 5, max_subscriptions: 6, max_payload: 1KB, max_pending: 2MB, max_control_line: 5KB, ping_interval: 3s, ping_max: 4",
  ],
  ["with a token", "authorization { token: secret, timeout: 0.5 }"],
  ["with write_timeout close", "write_timeout: close, write_deadline: 1500ms"],
  ["with a name, and an address for clients", "server_name: me, client_advertise: 'example.com:1234'"],
  ["with optional TLS", `tls { ${files}, timeout: 4 }, allow_non_tls: true`],
  ["with TLS, pins and a rate limit", `tls { ${files}, verify: true, pinned_certs: ["${pin}"], connection_rate_limit: 9 }`],
  ["with a WebSocket port", 'websocket { listen: "127.0.0.1:-1", no_tls: true, same_origin: true, advertise: "a.example:99" }'],
  [
    "with WebSocket over TLS",
    `websocket { listen: "127.0.0.1:-1", tls { ${files}, verify: true, pinned_certs: ["${pin}"] }, authorization { token: x, timeout: 7 } }`,
  ],
  ["with unknown feature flags", "feature_flags { nothing_known: true, js_ack_fc_v2: true }"],
];

for (const [title, config] of CONFIGURATIONS) {
  it.compared(`a server ${title} has the reference's /varz and /healthz`, async () => {
    const ask = async (server: Parameters<typeof requestNeutral>[0]): Promise<NeutralAnswer[]> => [
      await requestNeutral(server, "/varz"),
      await requestNeutral(server, "/healthz"),
    ];
    const [ours, theirs] = await lookAtBoth(config, ask);
    expect(ours.map(text)).toEqual(theirs.map(text));
  });
}

test("/healthz of a server in lame duck mode is an error", async () => {
  const server = await startOurs({ lameDuckGraceMs: 60_000, lameDuckDurationMs: 120_000 });
  const pipe = server.connect(); // lame duck mode waits for this connection
  void server.lameDuck();
  const error = "failed to be ready for connections after 1ms: server";
  expect(await get(server, "/healthz")).toEqual({
    status: 500,
    type: "application/json",
    body: JSON.stringify({ status: "error", error }),
  });
  expect(await json(server, "/healthz?js-server-only=1&details=1")).toEqual({ status: "error", errors: [{ type: "CONNECTION", error }] });
  const metrics = (await get(server, "/metrics")).body;
  expect(metrics).toMatch(/^gnatsd_healthz_status\{server_id="N\w+"\} 1$/m);
  expect(metrics).toMatch(/^gnatsd_healthz_status_value\{server_id="N\w+",value="error"\} 0$/m);
  await server.stop();
  expect(pipe).toBeDefined();
});

test("a reload changes /varz: its time, the digest, tags and metadata", async () => {
  const write = (more: string) => authority.directory.write("reloaded.conf", `listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\n${more}`);
  const configFile = write('server_tags: "a"');
  await using server = await NatsServer.start({ configFile });
  const before = await json(server, "/varz");
  expect(before.config_load_time).toBe(before.start);
  expect(before.config_digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect([before.tags, before.metadata]).toEqual([["a"], undefined]);
  write('server_tags: [b, c], server_metadata { z: "1", a: "2" }, max_payload: 500');
  while (Date.now() === Date.parse(before.start)); // times are in ms
  server.reload();
  const after = await json(server, "/varz");
  expect(Date.parse(after.config_load_time)).toBeGreaterThan(Date.parse(after.start));
  expect(after.config_digest).not.toBe(before.config_digest);
  expect([after.tags, Object.entries(after.metadata), after.max_payload]).toEqual([
    ["b", "c"],
    [
      ["a", "2"],
      ["z", "1"],
    ],
    500,
  ]);
});

test("a WebSocket client has the type websocket also where Bun.serve owns the listener", async () => {
  await using server = await startOurs({ websocket: { ...WEBSOCKET_DEFAULTS, host: "127.0.0.1", noTls: true } });
  const socket = new WebSocket(`ws://127.0.0.1:${server.websocketPort}`);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  socket.onmessage = resolve;
  await promise; // INFO
  const [{ kind, type, ip }] = (await json(server, "/connz")).connections;
  expect({ kind, type, ip }).toEqual({ kind: "Client", type: "websocket", ip: "127.0.0.1" });
  socket.close();
});
