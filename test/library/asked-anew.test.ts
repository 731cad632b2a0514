/** Reloads that come while the server finds out who a client is. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GivenAnswer, NatsServer, type StartOptions } from "../../src/index.ts";
import { until } from "../faults/until.ts";
import { TextConnection } from "./text-connection.ts";

/** A check of it takes 50 ms and more. */
const COST = 10;
/** What was sent is read by then. */
const isRead = () => new Promise<void>(resolve => setImmediate(resolve));

/** A server whose configuration changes. */
class Changing {
  private constructor(
    readonly server: NatsServer,
    private readonly directory: string,
  ) {}

  static async start(config: string, options: StartOptions = {}): Promise<Changing> {
    const directory = mkdtempSync(join(tmpdir(), "bunats-anew-"));
    const configFile = join(directory, "nats.conf");
    writeFileSync(configFile, config);
    return new Changing(await NatsServer.start({ host: "127.0.0.1", port: 0, configFile, ...options }), directory);
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

/** An authenticate() whose answers come when the test says so. */
class Slow {
  readonly waiting: ((answer: GivenAnswer) => void)[] = [];

  readonly authenticate = (): Promise<GivenAnswer> => new Promise(resolve => this.waiting.push(resolve));

  async asked(times: number): Promise<void> {
    await until(
      () => this.waiting.length === times,
      () => `asked ${this.waiting.length} times`,
    );
  }
}

test("a user who is gone when its password turns out to be right does not get in", async () => {
  const hash = await Bun.password.hash("pw", { algorithm: "bcrypt", cost: COST });
  const others = "{ user: z, password: z }";
  await using changing = await Changing.start(`authorization { users [ { user: a, password: "${hash}" }, ${others} ] }`);
  const client = new TextConnection(changing.server.connect());
  client.send(`${connectLine({ user: "a", pass: "pw" })}PING\r\n`);
  await isRead();
  changing.change(`authorization { users [ ${others} ] }`);
  expect(await client.ended()).toEndWith("-ERR 'Authorization Violation'\r\n");
});

test("permissions that changed while a password was checked are those of the client", async () => {
  const hash = await Bun.password.hash("pw", { algorithm: "bcrypt", cost: COST });
  const config = (subject: string) => `authorization { users [ { user: a, password: "${hash}", permissions { publish: ${subject} } } ] }`;
  await using changing = await Changing.start(config("old"));
  const client = new TextConnection(changing.server.connect());
  client.send(connectLine({ user: "a", pass: "pw" }));
  await isRead();
  changing.change(config("new"));
  const told = await client.exchange("PUB old 0\r\n\r\nPUB new 0\r\n\r\n");
  expect(told.slice(told.indexOf("-ERR"))).toBe("-ERR 'Permissions Violation for Publish to \"old\"'\r\n");
});

test("authenticate() is asked again about whoever waited for its answer when the accounts changed", async () => {
  const slow = new Slow();
  await using changing = await Changing.start("accounts { A { }, B { } }", { authenticate: slow.authenticate });
  const client = new TextConnection(changing.server.connect());
  client.send(`${connectLine({ user: "a" })}PING\r\n`);
  await slow.asked(1);
  changing.change("accounts { A { }, B { }, C { } }");
  slow.waiting[0]!({ account: "A" });
  await slow.asked(2);
  expect(client.received).not.toContain("PONG");
  slow.waiting[1]!(false);
  expect(await client.ended()).toEndWith("-ERR 'Authorization Violation'\r\n");
});

test("of two reloads the later one counts, whichever answer comes last", async () => {
  const slow = new Slow();
  await using changing = await Changing.start("accounts { A { } }", { authenticate: slow.authenticate });
  const client = new TextConnection(changing.server.connect());
  client.send(connectLine({ user: "a" }));
  await slow.asked(1);
  slow.waiting[0]!({ account: "A" });
  await client.exchange();
  changing.change("accounts { A { }, B { } }");
  changing.change("accounts { A { }, C { } }");
  await slow.asked(3);
  slow.waiting[2]!({ account: "A", permissions: { publish: { deny: ["secret"] } } });
  await Promise.resolve();
  slow.waiting[1]!({ account: "A" });
  await Promise.resolve();
  expect(await client.exchange("PUB secret 0\r\n\r\n")).toBe("-ERR 'Permissions Violation for Publish to \"secret\"'\r\n");
});

test("an answer about whoever a client was does not count for who it is now", async () => {
  const slow = new Slow();
  await using changing = await Changing.start("accounts { A { } }", { authenticate: slow.authenticate });
  const client = new TextConnection(changing.server.connect());
  client.send(connectLine({ user: "a" }));
  await slow.asked(1);
  slow.waiting[0]!({ account: "A" });
  await client.exchange();
  changing.change("accounts { A { }, B { } }");
  client.send(connectLine({ user: "b" }));
  await slow.asked(3);
  slow.waiting[2]!({ account: "A", permissions: { publish: { deny: ["secret"] } } });
  await client.exchange();
  slow.waiting[1]!({ account: "A" });
  await Promise.resolve();
  expect(await client.exchange("PUB secret 0\r\n\r\n")).toBe("-ERR 'Permissions Violation for Publish to \"secret\"'\r\n");
});

test("a reload takes streams away at once, even from clients that are still looked at", async () => {
  const slow = new Slow();
  const config = (imports: string) => `accounts { A { imports [ ${imports} ] }, B { exports [ { stream: s } ] } }`;
  await using changing = await Changing.start(config("{ stream: { account: B, subject: s } }"), { authenticate: slow.authenticate });
  const [reader, writer] = [new TextConnection(changing.server.connect()), new TextConnection(changing.server.connect())];
  for (const [index, client] of [reader, writer].entries()) {
    client.send(connectLine({}));
    await slow.asked(index + 1);
    slow.waiting[index]!({ account: "AB"[index]! });
    await client.exchange();
  }
  await reader.exchange("SUB s 1\r\n");
  await writer.exchange("PUB s 1\r\n1\r\n");
  expect(await reader.exchange()).toBe("MSG s 1 1\r\n1\r\n");
  changing.change(config(""));
  await slow.asked(4);
  await writer.exchange("PUB s 1\r\n2\r\n");
  expect(await reader.exchange()).toBe("");
});
