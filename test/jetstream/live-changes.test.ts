/** Changes of JetStream while the server runs: reloads and new claims. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { NatsServer } from "../../src/index.ts";
import { waitFor } from "../system/system-client.ts";

const ANSWER_MS = 60_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

interface Running {
  readonly server: NatsServer;
  readonly lines: string[];
  /** Writes other JetStream blocks and reloads. */
  reload(jetStream: string, account?: string): void;
  readonly client: NatsConnection;
}

/** @param jetStream fields of the server's block; null: no block @param account block of the account A */
function configuration(directory: string, jetStream: string | null, account: string): string {
  const block = jetStream === null ? "" : `jetstream { store_dir: "${directory}", ${jetStream} }`;
  return `listen: "127.0.0.1:-1"\nserver_name: one\n${block}
accounts {
  A { ${account}, users: [{ user: a, password: p }] }
  B { exports: [{ stream: "out.>" }], users: [{ user: b, password: p }] }
  SYS { users: [{ user: s, password: p }] }
}
system_account: SYS`;
}

async function start(jetStream: string, account = "jetstream: enabled"): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-live-"));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const configFile = join(directory, "server.conf");
  const write = (block: string | null, of: string) => writeFileSync(configFile, configuration(directory, block, of));
  write(jetStream, account);
  const lines: string[] = [];
  const keep = (text: string) => void lines.push(text);
  const log = { debug: keep, trace: keep, notice: keep, warn: keep, error: keep, fatal: keep, debugEnabled: true, traceEnabled: false };
  const server = await NatsServer.start({ configFile, log: { ...log, warnRateLimited: keep } });
  cleanups.push(() => server.stop());
  const client = await connect({ servers: `127.0.0.1:${server.port}`, user: "a", pass: "p", timeout: ANSWER_MS, reconnect: false });
  cleanups.push(() => client.close());
  return {
    server,
    lines,
    client,
    reload(block, of = account) {
      write(block === "" ? null : block, of);
      server.reload();
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: tests check the fields of an answer
async function ask({ client }: Running, subject: string, body: object | string = ""): Promise<any> {
  const payload = typeof body === "string" ? body : JSON.stringify(body);
  return (await client.request(subject, payload, { timeout: ANSWER_MS })).json();
}

/** Asks until JetStream answers, or no longer does. */
async function untilAnswers(running: Running, answers: boolean): Promise<void> {
  const isAnswered = () =>
    ask(running, "$JS.API.INFO").then(
      ({ error }) => error === undefined,
      () => false,
    );
  await waitFor(
    async () => (await isAnswered()) === answers,
    () => `JetStream ${answers ? "on" : "off"}`,
  );
}

const STREAM = { name: "S", subjects: ["s.>"], storage: "file" };
const STORES = "max_mem: 10M, max_file: 20M";

test("a reload turns JetStream off and on again, and its streams are there", async () => {
  const running = await start(STORES);
  await ask(running, "$JS.API.STREAM.CREATE.S", STREAM);
  expect(await ask(running, "s.1", "hello")).toEqual({ stream: "S", domain: undefined, seq: 1 });
  running.reload("");
  await untilAnswers(running, false);
  await waitFor(
    () => running.lines.includes("JetStream Shutdown"),
    () => running.lines.join("\n"),
  );
  expect(running.lines).toContain("Reloaded: JetStream");
  running.reload(STORES);
  await untilAnswers(running, true);
  expect(await ask(running, "s.1", "again")).toEqual({ stream: "S", seq: 2 });
  expect((await ask(running, "$JS.API.STREAM.LIST")).streams[0].state.messages).toBe(2);
});

test("a reload raises the limits of the server", async () => {
  const running = await start(STORES);
  const large = { ...STREAM, max_bytes: 40_000_000 };
  expect((await ask(running, "$JS.API.STREAM.CREATE.S", large)).error.err_code).toBe(10047);
  running.reload("max_mem: 10M, max_file: 60M");
  expect(running.lines).toContain("Reloaded: JetStream max_file_store = 57.22 MB");
  await waitFor(
    async () => (await ask(running, "$JS.API.STREAM.CREATE.S", large)).error === undefined,
    () => "more room",
  );
});

test("an account gets other limits, loses JetStream and gets it back; its streams stay", async () => {
  const running = await start(STORES);
  await ask(running, "$JS.API.STREAM.CREATE.S", STREAM);
  await ask(running, "s.1", "hello");
  running.reload(STORES, "jetstream { max_file: 10, max_streams: 1 }");
  await waitFor(
    async () => (await ask(running, "$JS.API.INFO")).limits.max_streams === 1,
    () => "other limits",
  );
  expect((await ask(running, "s.1", "hello")).error.err_code).toBe(10002);
  expect((await ask(running, "$JS.API.STREAM.CREATE.T", { ...STREAM, name: "T", subjects: ["t"] })).error).toBeDefined();
  running.reload(STORES, "jetstream: disabled");
  await untilAnswers(running, false);
  expect((await ask(running, "$JS.API.INFO")).error.err_code).toBe(10039);
  running.reload(STORES, "jetstream: enabled");
  const isBack = async () => (await ask(running, "$JS.API.STREAM.INFO.S")).error === undefined;
  await waitFor(isBack, () => "the stream");
  expect(await ask(running, "s.1", "hello")).toEqual({ stream: "S", seq: 2 });
});

test("an account that reserves more than the server has keeps its limits, and a start is refused", async () => {
  const running = await start(STORES, "jetstream { max_file: 10M }");
  running.reload(STORES, "jetstream { max_file: 30M }");
  await waitFor(
    () => running.lines.includes("insufficient storage resources available (10047)"),
    () => running.lines.join("\n"),
  );
  expect((await ask(running, "$JS.API.INFO")).limits.max_storage).toBe(10_000_000);
  const error = await start(STORES, "jetstream { max_file: 30M }").catch(String);
  expect(error).toContain("Can't start JetStream: insufficient storage resources available (10047)");
});

test("a reload that adds and removes an import of a stream is followed by the streams of the account", async () => {
  const running = await start(STORES);
  await ask(running, "$JS.API.STREAM.CREATE.S", { ...STREAM, subjects: ["in.>"] });
  const other = await connect({ servers: `127.0.0.1:${running.server.port}`, user: "b", pass: "p", reconnect: false });
  cleanups.push(() => other.close());
  const publishAndCount = async () => {
    other.publish("out.1");
    await other.flush();
    return (await ask(running, "$JS.API.STREAM.INFO.S")).state.messages;
  };
  expect(await publishAndCount()).toBe(0);
  running.reload(STORES, 'jetstream: enabled, imports: [{ stream: { account: B, subject: "out.>" }, prefix: "in" }]');
  expect(await publishAndCount()).toBe(1);
  running.reload(STORES, "jetstream: enabled");
  expect(await publishAndCount()).toBe(1);
});
