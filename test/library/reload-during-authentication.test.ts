/** Reloads during the authentication of a client. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GivenAnswer, NatsServer, type StartOptions } from "../../src/index.ts";
import { until } from "../faults/until.ts";
import { TextConnection } from "./text-connection.ts";

/** Cost of bcrypt: a check takes 50 ms and more. */
const COST = 10;
/** Resolves when the server has read what was sent. */
const isRead = () => new Promise<void>(resolve => setImmediate(resolve));

/** A server whose configuration file tests change. */
class ReloadedServer {
  private constructor(
    readonly server: NatsServer,
    private readonly directory: string,
  ) {}

  static async start(config: string, options: StartOptions = {}): Promise<ReloadedServer> {
    const directory = mkdtempSync(join(tmpdir(), "bunats-reload-"));
    const configFile = join(directory, "nats.conf");
    writeFileSync(configFile, config);
    return new ReloadedServer(await NatsServer.start({ host: "127.0.0.1", port: 0, configFile, ...options }), directory);
  }

  change(config: string): void {
    writeFileSync(join(this.directory, "nats.conf"), config);
    this.server.reload();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    rmSync(this.directory, { recursive: true });
  }
}

const connectLine = (options: object) => `CONNECT ${JSON.stringify({ verbose: false, pedantic: false, ...options })}\r\n`;

/** An authenticate() that a test answers later. */
class LateAnswers {
  readonly waiting: ((answer: GivenAnswer) => void)[] = [];

  readonly authenticate = (): Promise<GivenAnswer> => new Promise(resolve => this.waiting.push(resolve));

  async waitForCalls(times: number): Promise<void> {
    await until(
      () => this.waiting.length === times,
      () => `called ${this.waiting.length} times`,
    );
  }
}

test("a user that a reload removes during the password check is refused", async () => {
  const hash = await Bun.password.hash("pw", { algorithm: "bcrypt", cost: COST });
  const others = "{ user: z, password: z }";
  await using reloaded = await ReloadedServer.start(`authorization { users [ { user: a, password: "${hash}" }, ${others} ] }`);
  const client = new TextConnection(reloaded.server.connect());
  client.send(`${connectLine({ user: "a", pass: "pw" })}PING\r\n`);
  await isRead();
  reloaded.change(`authorization { users [ ${others} ] }`);
  expect(await client.ended()).toEndWith("-ERR 'Authorization Violation'\r\n");
});

test("permissions that a reload changes during the password check apply to the client", async () => {
  const hash = await Bun.password.hash("pw", { algorithm: "bcrypt", cost: COST });
  const config = (subject: string) => `authorization { users [ { user: a, password: "${hash}", permissions { publish: ${subject} } } ] }`;
  await using reloaded = await ReloadedServer.start(config("old"));
  const client = new TextConnection(reloaded.server.connect());
  client.send(connectLine({ user: "a", pass: "pw" }));
  await isRead();
  reloaded.change(config("new"));
  const answer = await client.exchange("PUB old 0\r\n\r\nPUB new 0\r\n\r\n");
  expect(answer.slice(answer.indexOf("-ERR"))).toBe("-ERR 'Permissions Violation for Publish to \"old\"'\r\n");
});

test("a reload that changes accounts calls authenticate() again for clients that wait for its answer", async () => {
  const late = new LateAnswers();
  await using reloaded = await ReloadedServer.start("accounts { A { }, B { } }", { authenticate: late.authenticate });
  const client = new TextConnection(reloaded.server.connect());
  client.send(`${connectLine({ user: "a" })}PING\r\n`);
  await late.waitForCalls(1);
  reloaded.change("accounts { A { }, B { }, C { } }");
  late.waiting[0]!({ account: "A" });
  await late.waitForCalls(2);
  expect(client.received).not.toContain("PONG");
  late.waiting[1]!(false);
  expect(await client.ended()).toEndWith("-ERR 'Authorization Violation'\r\n");
});

test("after two reloads the answer for the later one counts, even if it comes first", async () => {
  const late = new LateAnswers();
  await using reloaded = await ReloadedServer.start("accounts { A { } }", { authenticate: late.authenticate });
  const client = new TextConnection(reloaded.server.connect());
  client.send(connectLine({ user: "a" }));
  await late.waitForCalls(1);
  late.waiting[0]!({ account: "A" });
  await client.exchange();
  reloaded.change("accounts { A { }, B { } }");
  reloaded.change("accounts { A { }, C { } }");
  await late.waitForCalls(3);
  late.waiting[2]!({ account: "A", permissions: { publish: { deny: ["secret"] } } });
  await Promise.resolve();
  late.waiting[1]!({ account: "A" });
  await Promise.resolve();
  expect(await client.exchange("PUB secret 0\r\n\r\n")).toBe("-ERR 'Permissions Violation for Publish to \"secret\"'\r\n");
});

test("an answer about an earlier CONNECT does not count after a second CONNECT", async () => {
  const late = new LateAnswers();
  await using reloaded = await ReloadedServer.start("accounts { A { } }", { authenticate: late.authenticate });
  const client = new TextConnection(reloaded.server.connect());
  client.send(connectLine({ user: "a" }));
  await late.waitForCalls(1);
  late.waiting[0]!({ account: "A" });
  await client.exchange();
  reloaded.change("accounts { A { }, B { } }");
  client.send(connectLine({ user: "b" }));
  await late.waitForCalls(3);
  late.waiting[2]!({ account: "A", permissions: { publish: { deny: ["secret"] } } });
  await client.exchange();
  late.waiting[1]!({ account: "A" });
  await Promise.resolve();
  expect(await client.exchange("PUB secret 0\r\n\r\n")).toBe("-ERR 'Permissions Violation for Publish to \"secret\"'\r\n");
});

test("a reload removes stream imports at once, also for clients whose authentication is not finished", async () => {
  const late = new LateAnswers();
  const config = (imports: string) => `accounts { A { imports [ ${imports} ] }, B { exports [ { stream: s } ] } }`;
  await using reloaded = await ReloadedServer.start(config("{ stream: { account: B, subject: s } }"), { authenticate: late.authenticate });
  const [reader, writer] = [new TextConnection(reloaded.server.connect()), new TextConnection(reloaded.server.connect())];
  for (const [index, client] of [reader, writer].entries()) {
    client.send(connectLine({}));
    await late.waitForCalls(index + 1);
    late.waiting[index]!({ account: "AB"[index]! });
    await client.exchange();
  }
  await reader.exchange("SUB s 1\r\n");
  await writer.exchange("PUB s 1\r\n1\r\n");
  expect(await reader.exchange()).toBe("MSG s 1 1\r\n1\r\n");
  reloaded.change(config(""));
  await late.waitForCalls(4);
  await writer.exchange("PUB s 1\r\n2\r\n");
  expect(await reader.exchange()).toBe("");
});

test("subscriptions made before a reload that requires logins end with the login", async () => {
  await using reloaded = await ReloadedServer.start("");
  const connection = new TextConnection(reloaded.server.connect());
  connection.send("SUB x 1\r\n");
  await connection.exchange();
  reloaded.change("accounts { A { users = [{ user: a, password: p }] } }");
  connection.send(connectLine({ user: "a", pass: "p" }));
  await connection.exchange();
  expect(await connection.exchange("PUB x 1\r\n1\r\nUNSUB 1\r\nSUB y 1\r\nPUB y 1\r\n2\r\n")).toBe("MSG y 1 1\r\n2\r\n");
});
