/** The program as a running server: its log, its files, its signals and its exit. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { NATS_VERSION, OWN_VERSION } from "../../src/wire/protocol/version.ts";
import { askBoth, live, Recording, referenceIsLive } from "../reference/recording.ts";
import { findReference } from "../reference/reference-server.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import { outcomeOf, PROGRAM, RunningProgram, TemporaryDirectory } from "./program.ts";

const reference = findReference();
const it = new Recording(import.meta.path);

/** Lines that only one server has: the reference's system account is an internal client; ours logs its own version. */
const OF_ONE_SERVER = ["[DBG] SYSTEM - System connection closed: Client Closed", `[INF]   bunats:   ${OWN_VERSION}`];

/** Replaces what may differ between two runs. */
function neutral(line: string): string {
  return line
    .replace(/N[A-Z2-7]{55}/, "<id>")
    .replace(/:\d{4,5}$/, ":<port>")
    .replace(/Go build: .*/, "Go build: <build>");
}

async function logOfRun(command: readonly string[], end: NodeJS.Signals): Promise<{ lines: string[]; status: number | null }> {
  const program = await RunningProgram.start([...command, "-a", "127.0.0.1", "-m", "-1", "-DV", "--user", "a", "--pass", "b"]);
  try {
    program.signal("SIGHUP");
    await program.line("Failed to reload");
    program.signal("SIGUSR1");
    await program.line("File log re-open");
    program.signal(end);
    const status = await program.status();
    return { lines: program.lines.map(neutral).filter(line => !OF_ONE_SERVER.includes(line)), status };
  } finally {
    await program.stop();
  }
}

for (const [end, name] of [
  ["SIGINT", "interrupt"],
  ["SIGTERM", "terminated"],
] as const) {
  const expected = {
    lines: [
      "[INF] Starting nats-server",
      `[INF]   Version:  ${NATS_VERSION}`,
      "[INF]   Git:      [not set]",
      "[DBG]   Go build: <build>",
      "[INF]   Name:     <id>",
      "[INF]   ID:       <id>",
      "[WRN] Plaintext passwords detected, use nkeys or bcrypt",
      '[DBG] Created system account: "$SYS"',
      "[INF] Starting http monitor on 127.0.0.1:<port>",
      "[INF] Listening for client connections on 127.0.0.1:<port>",
      "[INF] Server is ready",
      '[INF] Trapped "hangup" signal',
      "[ERR] Failed to reload server configuration: can only reload config when a file is provided using -c or --config",
      '[INF] Trapped "user defined signal 1" signal',
      "[INF] File log re-open ignored, not a file logger",
      `[INF] Trapped "${name}" signal`,
      "[INF] Initiating Shutdown...",
      "[DBG] Client accept loop exiting..",
      "[INF] Server Exiting..",
    ],
    status: 0,
  };
  test(`ours: a run that ends with ${end} has this log and status 0`, async () => {
    expect(await logOfRun(PROGRAM, end)).toEqual(expected);
  });
  live.test(`reference: a run that ends with ${end} has this log and status 0`, async () => {
    expect(await logOfRun([reference.path!], end)).toEqual(expected);
  });
}

/** Configurations, and a text that the log or INFO must contain. */
const SHOWN: readonly (readonly [what: string, config: string, shown: string])[] = [
  ["the name of the cluster", "cluster { name: orchard }", '"cluster":"orchard"'],
  ["known and unknown feature flags", "feature_flags { js_ack_fc_v2: true, nope: true }", "Unsupported:   nope"],
  ["JetStream domains of accounts", "default_js_domain { $G: hub }".replace("$G", '"$G"'), "[WRN] The option `default_js_domain`"],
  ["large payloads", "max_payload: 9MB", "[WRN] Maximum payloads over 8.00 MB"],
  ["PROXY headers", "proxy_protocol: true", "[INF] PROXY protocol enabled for client connections"],
  ["a WebSocket without TLS", 'websocket { listen: "127.0.0.1:-1", no_tls: true }', "[WRN] Websocket not configured with TLS"],
  ["an address to advertise", 'client_advertise: "nats.example"', '"host":"nats.example"'],
  ["headers turned off", "no_header_support: true", '"headers":false'],
];

for (const [what, config, shown] of SHOWN) {
  const shownBy = async (command: readonly string[]) => {
    using directory = new TemporaryDirectory();
    const file = directory.join("nats.conf");
    writeFileSync(file, config);
    const program = await RunningProgram.start([...command, "-c", file, "-a", "127.0.0.1"]);
    try {
      const client = await WireConnection.open(program.port, "client");
      const info = Buffer.from(await client.takeLine()).toString();
      client.terminate();
      const { host, headers, max_payload, cluster, auth_required } = JSON.parse(info.slice("INFO ".length));
      const shared = program.lines.filter(line => !OF_ONE_SERVER.includes(line));
      const lines = shared.map(line =>
        neutral(line)
          .replaceAll(directory.path, "<dir>")
          .replace(/sha256:\w+/, "<digest>"),
      );
      return [...lines, JSON.stringify({ host, headers, max_payload, cluster, auth_required })];
    } finally {
      await program.stop();
    }
  };
  it.compared(`the log and INFO show ${what} as the reference's do`, async () => {
    const [ours, theirs] = await askBoth(
      () => shownBy(PROGRAM),
      () => shownBy([reference.path!]),
    );
    expect(ours).toEqual(theirs);
    expect(ours.join("\n")).toContain(shown);
  });
}

test("lines have pid, time and label; options select UTC and lines without time", async () => {
  const program = await RunningProgram.start([...PROGRAM, "--logtime_utc"]);
  await program.stop();
  const pattern = new RegExp(`^\\[${program.pid}\\] (\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d)\\.\\d{6} \\[[A-Z]{3}\\] .+$`);
  for (const line of program.text.trimEnd().split("\n")) expect(line).toMatch(pattern);
  const logged = Date.parse(`${pattern.exec(program.text.split("\n")[0])![1].replaceAll("/", "-").replace(" ", "T")}Z`);
  expect(Math.abs(Date.now() - logged)).toBeLessThan(60_000);

  const timeless = await RunningProgram.start([...PROGRAM, "-T=false"]);
  await timeless.stop();
  expect(timeless.text).toStartWith(`[${timeless.pid}] [INF] Starting nats-server\n`);
});

test("-DV traces the protocol of a client", async () => {
  const program = await RunningProgram.start([...PROGRAM, "-DV"]);
  try {
    const client = await WireConnection.open(program.port, "client");
    await client.write(Buffer.from('CONNECT {"verbose":false,"pass":"secret"}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n'));
    await client.waitFor(Buffer.from("PONG"));
    client.close();
    await program.line("DELSUB");
    const lines = program.lines.filter(line => line.includes("cid:")).map(line => line.replace(/127\.0\.0\.1:\d+/, "<client>"));
    expect(lines).toContain("[TRC] <client> - cid:1 - <<- [SUB a 1]");
    expect(lines).toContain('[TRC] <client> - cid:1 - <<- MSG_PAYLOAD: ["hi"]');
    expect(lines).toContain("[TRC] <client> - cid:1 - ->> [MSG a 1 2]");
    expect(lines.slice(-2)).toEqual([
      "[DBG] <client> - cid:1 - Client connection closed: Client Closed",
      "[TRC] <client> - cid:1 - <-> [DELSUB 1]",
    ]);
    expect(program.text).not.toContain("secret");
  } finally {
    await program.stop();
  }
});

test("the pid file and the ports file are written, and the ports file is removed at exit", async () => {
  using directory = new TemporaryDirectory();
  const pidFile = directory.join("pid");
  const program = await RunningProgram.start([
    ...PROGRAM,
    "-P",
    pidFile,
    "--ports_file_dir",
    directory.path,
    "-a",
    "127.0.0.1",
    "-m",
    "-1",
    "--profile",
    "-1",
  ]);
  try {
    expect(readFileSync(pidFile, "utf8")).toBe(String(program.pid));
    expect(statSync(pidFile).mode & 0o777).toBe(0o600);
    const portsFile = directory.join(`nats-server_${program.pid}.ports`);
    const ports = JSON.parse(readFileSync(portsFile, "utf8"));
    expect(Object.keys(ports)).toEqual(["nats", "monitoring", "profile"]);
    expect(ports.profile).toEqual([/profiling port: (\d+)/.exec(program.text)![1]].map(port => `http://127.0.0.1:${port}`));
    expect(ports.nats).toEqual([`nats://127.0.0.1:${program.port}`]);
    expect((await fetch(`${ports.monitoring[0]}/healthz`)).status).toBe(200);
    program.signal("SIGTERM");
    expect(await program.status()).toBe(0);
    expect(existsSync(portsFile)).toBe(false);
    expect(existsSync(pidFile)).toBe(true);
  } finally {
    await program.stop();
  }
});

test("a pid file may be a pipe, which cannot be written by position", async () => {
  using directory = new TemporaryDirectory();
  const pipe = directory.join("pid");
  expect((await outcomeOf(["mkfifo", pipe])).status).toBe(0);
  const reader = outcomeOf(["cat", pipe]);
  const program = await RunningProgram.start([...PROGRAM, "-a", "127.0.0.1", "-P", pipe]);
  try {
    expect((await reader).out).toBe(String(program.pid));
  } finally {
    await program.stop();
  }
});

test("a server on all addresses lists them in the ports file, and each one answers", async () => {
  using directory = new TemporaryDirectory();
  const program = await RunningProgram.start([...PROGRAM, "--ports_file_dir", directory.path]);
  try {
    const [file] = readdirSync(directory.path);
    const { nats } = JSON.parse(readFileSync(directory.join(file), "utf8")) as { nats: string[] };
    expect(nats).toContain(`nats://127.0.0.1:${program.port}`);
    for (const url of nats) {
      const { hostname, port } = new URL(url.replace("nats:", "http:"));
      const address = hostname.replace(/[[\]]/g, "");
      if (address.startsWith("fe80")) continue; // a link-local address needs an interface
      const { promise: greeted, resolve } = Promise.withResolvers<string>();
      const socket = await Bun.connect({
        hostname: address,
        port: Number(port),
        socket: { data: (_, chunk) => resolve(chunk.toString()) },
      });
      expect(await greeted, url).toStartWith("INFO {");
      socket.end();
    }
  } finally {
    await program.stop();
  }
});

for (const [name, command] of [
  ["ours", PROGRAM] as const,
  ...(referenceIsLive() ? [["reference", [reference.path ?? ""]] as const] : []),
]) {
  test(`${name}: lame duck mode by USR2 ends at once without clients, with status 0`, async () => {
    const program = await RunningProgram.start([...command, "-a", "127.0.0.1"]);
    try {
      program.signal("SIGUSR2");
      expect(await program.status()).toBe(0);
      const lines = program.lines;
      expect(lines.slice(lines.indexOf("[INF] Server is ready") + 1)).toEqual([
        '[INF] Trapped "user defined signal 2" signal',
        "[INF] Entering lame duck mode, stop accepting new clients",
        "[INF] Initiating Shutdown...",
        "[INF] Server Exiting..",
      ]);
    } finally {
      await program.stop();
    }
  });
}

test("without the engine's compiler the log warns at the start, and not otherwise", async () => {
  for (const [use, warns] of [
    ["0", true],
    ["1", false],
  ] as const) {
    const program = await RunningProgram.start(["env", `BUN_JSC_useJIT=${use}`, ...PROGRAM, "-a", "127.0.0.1"]);
    try {
      if (warns) await program.line("The JavaScript engine runs without its compiler");
      program.signal("SIGINT");
      expect(await program.status()).toBe(0);
      expect(program.text.includes("without its compiler")).toBe(warns);
    } finally {
      await program.stop();
    }
  }
});

test("connections of clients end when the server stops", async () => {
  const program = await RunningProgram.start(PROGRAM);
  try {
    const client = await WireConnection.open(program.port, "client");
    await client.takeLine();
    program.signal("SIGINT");
    await client.takeAll();
    expect(await program.status()).toBe(0);
  } finally {
    await program.stop();
  }
});

const occupied = createServer();
await new Promise<void>(resolve => occupied.listen(0, "127.0.0.1", resolve));
occupied.unref();
const taken = (occupied.address() as { port: number }).port;

const FATAL: readonly (readonly [title: string, args: string[], line: string])[] = [
  [
    "a client port in use",
    ["-a", "127.0.0.1", "-p", `${taken}`],
    `[FTL] Error listening on port: 127.0.0.1:${taken}, "listen tcp 127.0.0.1:${taken}: bind: address already in use"`,
  ],
  [
    "a port in use at the address of a name",
    ["-a", "localhost", "-p", `${taken}`],
    `[FTL] Error listening on port: localhost:${taken}, "listen tcp 127.0.0.1:${taken}: bind: address already in use"`,
  ],
  [
    "a monitoring port in use",
    ["-a", "127.0.0.1", "-p", "-1", "-m", `${taken}`],
    `[FTL] Can't start monitoring: can't listen to the monitor port: listen tcp 127.0.0.1:${taken}: bind: address already in use`,
  ],
  [
    "an address that is not of this machine",
    ["-a", "203.0.113.77", "-p", "-1"],
    '[FTL] Error listening on port: 203.0.113.77:0, "listen tcp 203.0.113.77:0: bind: cannot assign requested address"',
  ],
  [
    "a pid file that cannot be written",
    ["-p", "-1", "-P", "/no/such/directory/pid"],
    "[FTL] Could not write pidfile: open /no/such/directory/pid: no such file or directory",
  ],
  [
    "an invalid port to advertise",
    ["-p", "-1", "--client_advertise", "a:b"],
    '[FTL] Error setting server INFO with ClientAdvertise value of a:b, err=strconv.Atoi: parsing "b": invalid syntax',
  ],
  [
    "a log file that cannot be opened",
    ["-p", "-1", "-l", "/no/such/directory/log"],
    "<time> error opening file: open /no/such/directory/log: no such file or directory",
  ],
  ["a syslog of an unknown network type", ["-p", "-1", "-r", "smoke://signals"], '<time> error invalid network type: "smoke"'],
];

for (const [title, args, line] of FATAL) {
  const end = async (program: readonly string[]) => {
    const { status, err } = await outcomeOf([...program, ...args]);
    return {
      status,
      line: err
        .trimEnd()
        .split("\n")
        .at(-1)!
        .replace(/^\[\d+\] [\d/]+ [\d:.]+ /, "")
        .replace(/^\d{4}\/\d\d\/\d\d [\d:]+ /, "<time> "),
    };
  };
  test(`ours: ${title} is fatal, with status 1`, async () => {
    expect(await end(PROGRAM)).toEqual({ status: 1, line });
  });
  live.test(`reference: ${title} is fatal, with status 1`, async () => {
    expect(await end([reference.path!])).toEqual({ status: 1, line });
  });
}
