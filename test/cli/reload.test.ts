/** Reload of a running process, compared with the reference: log lines, and effects on clients. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { askBoth, Recording } from "../reference/recording.ts";
import { findReference } from "../reference/reference-server.ts";
import { CertificateDirectory } from "../tls/certificates.ts";
import { SecurePeer } from "../tls/secure-peer.ts";
import { TestAuthority } from "../tls/secure-server.ts";
import { BINARY, frame, RawClient } from "../websocket/raw-client.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import { PROGRAM, RunningProgram, TemporaryDirectory } from "./program.ts";

const reference = findReference();
const it = new Recording(import.meta.path);

/** Calls `run` with both programs. */
const withBoth = <T>(run: (command: readonly string[]) => Promise<T>) =>
  askBoth(
    () => run(PROGRAM),
    () => run([reference.path!]),
  );

/** The reference cannot detect changes of these, and logs them at every reload. */
const ALWAYS = ["[INF] Reloaded: accounts", "[INF] Reloaded: authorization users"];

/** A server with a configuration file that tests rewrite. */
class Configured implements AsyncDisposable {
  private constructor(
    readonly program: RunningProgram,
    private readonly directory: TemporaryDirectory,
  ) {}

  static async start(command: readonly string[], config: string, flags: readonly string[] = []): Promise<Configured> {
    const directory = new TemporaryDirectory();
    writeFileSync(join(directory.path, "nats.conf"), config);
    const program = await RunningProgram.start([...command, "-c", join(directory.path, "nats.conf"), "-a", "127.0.0.1", ...flags]);
    return new Configured(program, directory);
  }

  path(name: string): string {
    return join(this.directory.path, name);
  }

  /** Reloads with another configuration. @returns the lines that the reload logged */
  async reload(config: string): Promise<string[]> {
    writeFileSync(this.path("nats.conf"), config);
    const before = this.program.lines.length;
    this.program.signal("SIGHUP");
    const lines = await this.program.linesUntil(/Reloaded server configuration|Failed to reload/, before);
    return lines.filter(line => !ALWAYS.includes(line)).map(line => line.replaceAll(this.directory.path, "<dir>"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.stop();
    this.directory[Symbol.dispose]();
  }
}

/** Lines without their order: in the reference it follows the fields of a Go struct. */
const sorted = (lines: readonly string[]) => [...lines].sort();

const FIRST = `max_connections: 10, ping_interval: "1m", authorization { user: a, password: b }`;
const SECOND = `
  max_connections: 100
  ping_interval: "30s"
  ping_max: 3
  write_deadline: "5s"
  max_control_line: 2048
  max_payload: 2048
  max_traced_msg_len: 10
  no_fast_producer_stall: true
  server_tags: [one, two]
  server_metadata { a: b }
  client_advertise: "nats.example:4222"
  connect_error_reports: 1
  reconnect_error_reports: 2
  prof_block_rate: 1
  logtime: false
  debug: true
  trace: true
  authorization { user: a, password: c, timeout: 3 }
`;

it.compared(`a reload logs the changes as the reference does`, async () => {
  const outcomes = await withBoth(async command => {
    await using server = await Configured.start(command, FIRST);
    const lines = await server.reload(SECOND);
    return sorted(lines.filter(line => !line.includes("[DBG]") && !line.includes("Block profiling")));
  });
  expect(outcomes[0]).toEqual(outcomes[1]);
  expect(outcomes[0].length).toBeGreaterThan(18);
});

const REFUSED = [
  "max_pending: 100000000",
  "max_subscriptions: 5",
  'lame_duck_duration: "1m"',
  'lame_duck_grace_period: "5s"',
  "no_header_support: true",
  "max_closed_clients: 5",
  "log_size_limit: 1000",
  "server_name: other",
  "http_base_path: /x",
  "disable_sublist_cache: true",
  "max_sub_tokens: 8",
  "write_timeout: retry",
];

for (const line of REFUSED) {
  it.compared(`a change of "${line}" needs a restart, and is refused with the reference's text`, async () => {
    const [ours, theirs] = await withBoth(async command => {
      await using server = await Configured.start(command, "ping_max: 2");
      // The other change is not applied either.
      return [await server.reload(`ping_max: 5\n${line}`), await server.reload("ping_max: 2")];
    });
    expect(ours).toEqual(theirs);
    expect(ours[0][1]).toContain("config reload not supported for");
    expect(ours[1].length).toBe(2); // nothing had changed
  });
}

it.compared("of several changes the reference's first is refused, and its order is logged", async () => {
  const [ours, theirs] = await withBoth(async command => {
    await using server = await Configured.start(command, "ping_max: 2");
    const refused = await server.reload("max_pending: 100000000\nmax_subscriptions: 5\nno_header_support: true\nping_max: 5");
    const changed = await server.reload(
      "write_deadline: 3s\nmax_payload: 5000\nmax_connections: 60\nping_max: 6\nclient_advertise: a\ntrace_headers: true",
    );
    return [refused, changed.filter(line => line.includes("Reloaded:"))];
  });
  expect(ours).toEqual(theirs);
});

/** Configurations before and after a reload, and a text that the log must contain. */
const CHANGES: readonly (readonly [what: string, before: string, after: string, expected: string])[] = [
  ["TLS turned on", "", "tls { $TLS }", "[INF] Reloaded: tls = enabled"],
  ["TLS turned off", "tls { $TLS }", "", "[INF] Reloaded: tls = disabled"],
  ["another handshake timeout", "tls { $TLS }", "tls { $TLS, timeout: 5 }", "[INF] Reloaded: tls timeout = 5"],
  ["handshake_first", "tls { $TLS }", "tls { $TLS, handshake_first: auto }", "[INF] Reloaded: Client TLS handshake first: true"],
  ["another cluster name", "cluster { name: a }", "cluster { name: b }", "[INF] Cluster name updated to b"],
  ["monitoring turned on", "", 'http: "127.0.0.1:1"', "config reload not supported for HTTPPort: old=0, new=1"],
  ["another monitoring address", 'http: "127.0.0.1:-1"', 'http: "127.0.0.2:-1"', "HTTPHost: old=127.0.0.1, new=127.0.0.2"],
  ["a WebSocket listener", "", 'websocket { listen: "127.0.0.1:1", no_tls: true }', "config reload not supported for Websocket"],
  // Only one unknown field: the reference reports several in any order.
  ["an unknown field", "", "colour: blue", "[ERR] Failed to reload server configuration: <dir>/nats.conf:2:1"],
];

const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());

for (const [what, before, after, expected] of CHANGES) {
  it.compared(`a reload with ${what} is logged as the reference logs it`, async () => {
    const { certFile, keyFile } = trust.serverFiles;
    const config = (text: string) => `ping_max: 2\n${text.replace("$TLS", `cert_file: "${certFile}", key_file: "${keyFile}"`)}`;
    const outcomes = await withBoth(async command => {
      await using server = await Configured.start(command, config(before));
      return sorted(await server.reload(config(after)));
    });
    expect(outcomes[0]).toEqual(outcomes[1]);
    expect(outcomes[0].join("\n")).toContain(expected);
  });
}

test("HUP loads new certificates for TLS and WebSockets, and closes no connection", async () => {
  using files = new CertificateDirectory();
  const install = (name: string) => files.store("current", trust.root.issue({ subject: `CN=${name}`, names: ["localhost", "127.0.0.1"] }));
  const { certFile, keyFile } = install("before");
  const tls = `tls { cert_file: "${certFile}", key_file: "${keyFile}" }`;
  const config = `ping_max: 2\n${tls}\nwebsocket { listen: "127.0.0.1:-1", ${tls} }`;
  await using server = await Configured.start(PROGRAM, config);
  const websocketPort = Number(/wss:\/\/127\.0\.0\.1:(\d+)/.exec(server.program.text)![1]);

  using old = await SecurePeer.open(server.program.port);
  await old.info();
  await old.secure();
  await old.connect("SUB a 1\r\n");
  using oldBrowser = await RawClient.upgrade(websocketPort, {}, { ca: trust.root.pem });
  await oldBrowser.textUntil("\r\n");
  await oldBrowser.write(frame(BINARY, 'CONNECT {"verbose":false}\r\nSUB a 1\r\nPING\r\n'));
  await oldBrowser.textUntil("PONG\r\n");

  install("after"); // with the same file names, as certbot and Kubernetes do it
  expect(await server.reload(config)).toContain("[INF] Reloaded: tls = enabled");
  using fresh = await SecurePeer.open(server.program.port);
  await fresh.info();
  await fresh.secure();
  expect([old.serverName, fresh.serverName]).toEqual(["before", "after"]);
  const shown = Promise.withResolvers<string>();
  const browser = connectTls({ host: "127.0.0.1", port: websocketPort, ca: trust.root.pem }, () =>
    shown.resolve(String(browser.getPeerCertificate().subject.CN)),
  );
  browser.on("error", shown.reject);
  expect(await shown.promise).toBe("after");
  browser.destroy();

  await fresh.connect("PUB a 2\r\nhi\r\n");
  await old.take("MSG a 1 2\r\nhi\r\n");
  expect(await oldBrowser.textUntil("hi\r\n")).toBe("MSG a 1 2\r\nhi\r\n");
});

test("an unreadable or invalid file does not change the running server", async () => {
  await using server = await Configured.start(PROGRAM, "max_payload: 1000");
  for (const bad of [
    "max_payload: yes",
    "max_payload: {",
    "max_paylod: 5",
    "include missing.conf",
    'tls { cert_file: "no.pem", key_file: "no.key" }',
  ]) {
    const lines = await server.reload(bad);
    expect(lines.join("\n"), bad).toContain("[ERR] Failed to reload server configuration: ");
  }
  const client = await WireConnection.open(server.program.port, "client");
  expect(Buffer.from(await client.takeLine()).toString()).toContain('"max_payload":1000,');
  client.terminate();
});

test("flags override the file at every reload", async () => {
  await using server = await Configured.start(PROGRAM, "debug: true, max_payload: 1000", ["-D=false", "--client_advertise", "flag:1"]);
  const lines = await server.reload('debug: true, max_payload: 2000, client_advertise: "file:1"');
  expect(lines.slice(1, -1)).toEqual(["[INF] Reloaded: max_payload = 2000"]);
  const client = await WireConnection.open(server.program.port, "client");
  const info = Buffer.from(await client.takeLine()).toString();
  expect(info).toContain('"host":"flag","port":1,');
  expect(info).toContain('"max_payload":2000,');
  client.terminate();
});

async function connected(server: Configured, connect: string): Promise<WireConnection> {
  const client = await WireConnection.open(server.program.port, "client");
  await client.takeLine();
  await client.write(Buffer.from(`CONNECT ${connect}\r\nPING\r\n`));
  return client;
}

/** The next line of the server, except the PING by which it measures the round trip two seconds after CONNECT. */
async function lineOf(client: WireConnection): Promise<string> {
  for (;;) {
    const line = Buffer.from(await client.takeLine())
      .toString()
      .trim();
    if (line !== "PING") return line;
  }
}

test("clients that a reload no longer accepts get an error and are closed, others stay", async () => {
  const file = (user: string) => `authorization { user: ${user}, password: secret }`;
  await using server = await Configured.start(PROGRAM, file("old"));
  const old = await connected(server, '{"verbose":false,"user":"old","pass":"secret"}');
  expect(await lineOf(old)).toBe("PONG");
  await server.reload(file("new"));
  expect(await lineOf(old)).toBe("-ERR 'Authorization Violation'");
  const fresh = await connected(server, '{"verbose":false,"user":"new","pass":"secret"}');
  expect(await lineOf(fresh)).toBe("PONG");
  await server.reload(`${file("new")}\nping_max: 7`);
  await fresh.write(Buffer.from("PING\r\n"));
  expect(await lineOf(fresh)).toBe("PONG");
  old.terminate();
  fresh.terminate();
});

test("new limits apply to connected clients: the newest are closed, large payloads are refused", async () => {
  await using server = await Configured.start(PROGRAM, "max_connections: 3");
  const clients = [];
  for (let i = 0; i < 3; i++) {
    const client = await connected(server, '{"verbose":false}');
    expect(await lineOf(client)).toBe("PONG");
    clients.push(client);
  }
  const lines = await server.reload("max_connections: 2, max_payload: 100");
  expect(lines).toContain("[INF] Closed 1 connections to fall within max_connections");
  expect(await lineOf(clients[2])).toBe("-ERR 'maximum connections exceeded'");
  await clients[0].write(Buffer.from("PUB foo 101\r\n"));
  expect(await lineOf(clients[0])).toBe("-ERR 'Maximum Payload Violation'");
  for (const client of clients) client.terminate();
});

test("a changed max_payload is announced to connected clients that take INFO", async () => {
  await using server = await Configured.start(PROGRAM, "max_payload: 1000");
  const client = await connected(server, '{"verbose":false,"protocol":1}');
  expect(await lineOf(client)).toBe("PONG");
  expect(await lineOf(client)).toContain('"max_payload":1000,');
  const older = await connected(server, '{"verbose":false}');
  expect(await lineOf(older)).toBe("PONG");
  await server.reload("max_payload: 2000");
  expect(await lineOf(client)).toMatch(/^INFO .*"max_payload":2000,/);
  await server.reload("max_payload: 2000, debug: true"); // nothing to announce
  for (const one of [client, older]) {
    await one.write(Buffer.from("PING\r\n"));
    expect(await lineOf(one)).toBe("PONG");
    one.terminate();
  }
});

test("trace can be turned on and off for connected clients", async () => {
  await using server = await Configured.start(PROGRAM, "");
  const client = await connected(server, '{"verbose":false}');
  expect(await lineOf(client)).toBe("PONG");
  await server.reload("trace: true");
  await client.write(Buffer.from("PUB foo 2\r\nhi\r\n"));
  await server.program.line('<<- MSG_PAYLOAD: ["hi"]');
  await server.reload("trace: false");
  const before = server.program.lines.length;
  await client.write(Buffer.from("PUB foo 2\r\nhi\r\nPING\r\n"));
  expect(await lineOf(client)).toBe("PONG");
  expect(server.program.lines.slice(before)).toEqual([]);
  client.terminate();
});

test("a reload moves the log to another file, and USR1 opens the file again after it was renamed", async () => {
  await using server = await Configured.start(PROGRAM, "");
  const log = server.path("nats.log");
  const waitForText = async (text: string) => {
    while (!existsSync(log) || !readFileSync(log, "utf8").includes(text)) await new Promise(resolve => setImmediate(resolve));
  };
  writeFileSync(server.path("nats.conf"), `log_file: "${log}"`);
  server.program.signal("SIGHUP");
  await waitForText("Reloaded server configuration");
  renameSync(log, `${log}.1`);
  server.program.signal("SIGUSR1");
  await waitForText("File log re-opened");
  const renamed = readFileSync(`${log}.1`, "utf8");
  expect(renamed).toContain('[INF] Trapped "user defined signal 1" signal');
  expect(readFileSync(log, "utf8")).not.toContain("Reloaded");
  server.program.signal("SIGINT");
  expect(await server.program.status()).toBe(0);
  expect(readFileSync(log, "utf8")).toEndWith("[INF] Server Exiting..\n");
});

test("lame duck mode with clients: INFO says so, TERM is ignored, and clients are closed after the grace period", async () => {
  await using server = await Configured.start(PROGRAM, 'lame_duck_duration: "30s", lame_duck_grace_period: "3s"');
  const client = await connected(server, '{"verbose":false,"protocol":1}');
  expect(await lineOf(client)).toBe("PONG");
  expect(await lineOf(client)).toStartWith("INFO {");
  server.program.signal("SIGUSR2");
  expect(await lineOf(client)).toContain('"ldm":true');
  server.program.signal("SIGTERM");
  await server.program.line('[INF] Trapped "terminated" signal');
  await client.write(Buffer.from("PING\r\n"));
  expect(await lineOf(client)).toBe("PONG");
  await server.program.line("[INF] Closing existing clients");
  expect(await server.program.status()).toBe(0);
  client.terminate();
});
