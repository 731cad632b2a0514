/**
 * The configurations of the documentation on our server and on nats-server: both accept and refuse the same logins with the same texts,
 * through the official library under Bun and under Node, and through the `nats` tool.
 *
 *   mechanism ─▶ ours and the reference ─▶ each login by each client ─▶ "accepted", or the refusal
 * One process of Node makes all logins of a mechanism. The expected outcomes are written here, so ours is tested without the reference too.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createInbox, type NatsConnection } from "@nats-io/transport-node";
import { CalloutService } from "../callout/callout-service.ts";
import { until } from "../faults/until.ts";
import { type Side, startOurs, startReference } from "../operator/both-servers.ts";
import { findProgram } from "../reference/programs.ts";
import { referenceIsLive } from "../reference/recording.ts";
import { referenceIsRequired } from "../reference/reference-server.ts";
import { CALLOUT_ISSUER, type Login, MECHANISMS, type Mechanism, trust } from "./documented-configurations.ts";
import { type Attempt, type Credentials, outcomeOf, refusalIn, repeatUntilOutcome } from "./documented-login.ts";
import { NatsCli } from "./nats-cli.ts";

const root = join(import.meta.dir, "../..");
const node = findProgram("node").path;
const hasTool = findProgram("nats").path !== null || referenceIsRequired();
const TIMEOUT_MS = 120_000;

afterAll(() => trust[Symbol.dispose]());

const attemptAt = (side: Side, { as, publishes = "hello" }: Login): Attempt => ({ url: `nats://127.0.0.1:${side.port}`, as, publishes });

async function byLibrary(attempts: readonly Attempt[]): Promise<string[]> {
  const outcomes = [];
  for (const attempt of attempts) outcomes.push(await outcomeOf(attempt));
  return outcomes;
}

let script: Promise<string> | null = null;

async function buildForNode(): Promise<string> {
  const entrypoints = [join(import.meta.dir, "documented-login-node.ts")];
  const { outputs } = await Bun.build({ entrypoints, target: "node", packages: "external" });
  return outputs[0]!.text();
}

async function byNode(attempts: readonly Attempt[]): Promise<string[]> {
  script ??= buildForNode();
  const args = ["--input-type=module", "--eval", await script, JSON.stringify(attempts)];
  const child = Bun.spawn([node!, ...args], { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  return JSON.parse(await child.stdout.text());
}

async function byTool(attempts: readonly Attempt[], directory: string): Promise<string[]> {
  const outcomes = [];
  for (const { url, as, publishes } of attempts) {
    using tool = new NatsCli(url);
    const args = [...flagsOf(as, directory), "pub", publishes, "hello"];
    const outcome = await repeatUntilOutcome(async () => {
      const { output, errors, status } = await tool.run(...args);
      return status === 0 ? "accepted" : refusalIn(output + errors);
    });
    outcomes.push(outcome);
  }
  return outcomes;
}

function flagsOf({ user, password, token, nkey, creds, jwt, seed, tls }: Credentials, directory: string): string[] {
  const file = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  if (creds !== undefined) return ["--creds", file("it.creds", creds)];
  if (jwt !== undefined) return ["--jwt", jwt, ...(seed === undefined ? [] : ["--seed", seed])];
  if (nkey !== undefined) return ["--nkey", file("it.nk", nkey)];
  if (token !== undefined) return ["--token", token];
  if (tls !== undefined) {
    const own = tls.certFile === undefined ? [] : ["--tlscert", tls.certFile, "--tlskey", tls.keyFile!];
    return ["--tlsca", tls.caFile, ...own];
  }
  return user === undefined ? [] : ["--user", user, "--password", password ?? ""];
}

/** The service of auth callout: it accepts users whose password equals their name, and lets them publish to one subject. */
function service(port: number): Promise<CalloutService> {
  return CalloutService.start({
    port,
    login: { user: "auth", pass: "auth" },
    issuer: CALLOUT_ISSUER,
    decide(request, answers) {
      const { user, password } = request.nats.connect;
      if (user === "" || user !== password) return answers.error("wrong password");
      return answers.user({ data: { name: user, audience: "APP" }, body: { publish: { allow: ["hello"], deny: [] } } });
    },
  });
}

/** Calls `run` with our server, and with the reference where it is installed. @returns the results by the name of the server */
async function onEach<T>(config: Mechanism["config"], run: (side: Side, directory: string) => Promise<T>): Promise<Record<string, T>> {
  const results: Record<string, T> = {};
  for (const start of referenceIsLive() ? [startOurs, startReference] : [startOurs]) {
    const directory = mkdtempSync(join(tmpdir(), "bunats-documented-"));
    const side: Side = await start(typeof config === "string" ? config : config(join(directory, "jwt")));
    try {
      results[side.name] = await run(side, directory);
    } finally {
      await side.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return results;
}

for (const { title, config, logins, usesCallout = false } of MECHANISMS)
  test(
    `as documented, ${title}: logins by the library under Bun and Node, and by the tool`,
    async () => {
      const outcomes = await onEach(config, async (side, directory) => {
        const callout = usesCallout ? await service(side.port) : null;
        try {
          const attempts = logins.map(login => attemptAt(side, login));
          const [bun, ofNode, tool] = await Promise.all([
            byLibrary(attempts),
            node === null ? null : byNode(attempts),
            hasTool ? byTool(attempts, directory) : null,
          ]);
          return { bun, node: ofNode, tool };
        } finally {
          await callout?.stop();
        }
      });
      const expected = logins.map(({ outcome }) => outcome.toLowerCase());
      const wanted = { bun: expected, node: node === null ? null : expected, tool: hasTool ? expected : null };
      expect(outcomes).toEqual(Object.fromEntries(Object.keys(outcomes).map(name => [name, wanted])));
      expect(outcomes).toHaveProperty("ours");
    },
    TIMEOUT_MS,
  );

/** Clients of one example, by users whose passwords equal their names; closed at its end. */
class ExampleClients {
  private readonly connections: NatsConnection[] = [];
  constructor(private readonly port: number) {}

  async client(user: string): Promise<NatsConnection> {
    const client = await connect({ servers: `127.0.0.1:${this.port}`, reconnect: false, ...(user !== "" && { user, pass: user }) });
    this.connections.push(client);
    return client;
  }

  /** A client that keeps the messages that it receives. */
  async listener(user: string, subject: string, queue?: string): Promise<{ received: string[]; flush(): Promise<void> }> {
    const received: string[] = [];
    const client = await this.client(user);
    client.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      callback: (error, message) => void received.push(error === null ? `${message.subject}: ${message.string()}` : error.message),
    });
    await client.flush();
    return { received, flush: () => client.flush() };
  }

  async service(user: string, subject: string, answers: number): Promise<void> {
    const client = await this.client(user);
    client.subscribe(subject, {
      callback: (_error, message) => {
        for (let n = 1; n <= answers; n++) message.respond(`${user} ${n}`);
      },
    });
    await client.flush();
  }

  /** Sends a request. @returns every answer, after all clients have handled what the request caused */
  async answersTo(client: NatsConnection, subject: string): Promise<string[]> {
    const answers: string[] = [];
    const reply = createInbox();
    const subscription = client.subscribe(reply, {
      callback: (_error, message) => void answers.push(message.headers?.code === 503 ? "no responders" : message.string()),
    });
    client.publish(subject, "?", { reply });
    // The request reaches the services in the first round; they publish answers in the second, which arrive in the third.
    for (let round = 0; round < 3; round++) for (const one of this.connections) await one.flush();
    subscription.unsubscribe();
    return answers;
  }

  async close(): Promise<void> {
    await Promise.all(this.connections.map(client => client.close()));
  }
}

interface Example {
  readonly title: string;
  readonly config: string;
  readonly run: (clients: ExampleClients) => Promise<unknown>;
  /** The result of `run`. */
  readonly expected: unknown;
}

const EXAMPLES: readonly Example[] = [
  {
    title: "allow_responses bounds the number of answers",
    config: `authorization: { users: [ { user: a, password: a },
  { user: b, password: b, permissions: {subscribe: "q.b", allow_responses: true } },
  { user: c, password: c, permissions: {subscribe: "q.c", allow_responses: { max: 5, expires: "1m" } } } ] }`,
    async run(clients) {
      await clients.service("b", "q.b", 3);
      await clients.service("c", "q.c", 7);
      const client = await clients.client("a");
      return [await clients.answersTo(client, "q.b"), await clients.answersTo(client, "q.c")];
    },
    expected: [["b 1"], ["c 1", "c 2", "c 3", "c 4", "c 5"]],
  },
  {
    title: "queue groups are permitted by name",
    config: `authorization: { users = [
  { user: "a", password: "a", permissions: { sub: { allow: ["foo team"] } } }
  { user: "b", password: "b", permissions: { sub: { allow: ["foo", "foo v1", "foo v1.>", "foo *.dev"], deny: ["> *.prod"] } } } ] }`,
    async run(clients) {
      const tried = [];
      for (const [user, queue] of [["a"], ["a", "team"], ["a", "x"], ["b"], ["b", "v1"], ["b", "v1.x"], ["b", "x.dev"], ["b", "v1.prod"]])
        tried.push((await clients.listener(user!, "foo", queue)).received.length === 0);
      return tried;
    },
    expected: [false, true, false, true, true, true, true, false],
  },
  {
    title: "accounts exchange streams and services",
    config: `accounts: {
  A: { users: [ {user: a, password: a} ], exports: [ {stream: pub.>}, {service: ask.>}, {stream: b.>, accounts: [B]}, {service: own.b, accounts: [B]} ] },
  B: { users: [ {user: b, password: b} ], imports: [ {stream: {account: A, subject: b.>}}, {service: {account: A, subject: own.b}} ] }
  C: { users: [ {user: c, password: c} ], imports: [ {stream: {account: A, subject: pub.>}, prefix: of_a}, {service: {account: A, subject: ask.C}, to: Q} ] }
}`,
    async run(clients) {
      const listeners = [await clients.listener("b", ">"), await clients.listener("c", ">")];
      await clients.service("a", "own.b", 1);
      await clients.service("a", "ask.C", 1);
      const [a, b, c] = [await clients.client("a"), await clients.client("b"), await clients.client("c")];
      a.publish("pub.x.y", "one");
      a.publish("b.z", "two");
      await a.flush();
      for (const listener of listeners) await listener.flush();
      const streams = listeners.map(listener => [...listener.received]);
      return [...streams, await clients.answersTo(b, "own.b"), await clients.answersTo(c, "Q"), await clients.answersTo(c, "own.b")];
    },
    expected: [["b.z: two"], ["of_a.pub.x.y: one"], ["a 1"], ["a 1"], []],
  },
  {
    title: "subjects are mapped in order, by weight and by cluster",
    config: `server_name: hub, cluster: { name: hub }, mappings = {
  foo: bar
  bar.*.*: baz.$2.$1
  part.*: "part.{{wildcard(1)}}.{{partition(3,1)}}"
  scoped: [ { destination: scoped.hub, weight: 100%, cluster: hub }, { destination: scoped.west, weight: 100%, cluster: west } ]
  lost.>: [ { destination: lost.>, weight: 0% } ]
  split: [ { destination: split.v1, weight: 90% }, { destination: split.v2, weight: 10% } ]
}`,
    async run(clients) {
      const { received, flush } = await clients.listener("", ">");
      const client = await clients.client("");
      for (const subject of ["foo", "bar.one.two", "part.c1", "part.c2", "scoped", "lost.x", "other"]) client.publish(subject, "m");
      await client.flush();
      await flush();
      const mapped = [...received];
      for (let n = 0; n < 400; n++) client.publish("split", "m");
      await client.flush();
      await flush();
      const first = received.filter(line => line.startsWith("split.v1")).length;
      return [mapped, received.length - mapped.length, first > 320 && first < 396];
    },
    expected: [["bar: m", "baz.two.one: m", "part.c1.2: m", "part.c2.2: m", "scoped.hub: m", "other: m"], 400, true],
  },
  {
    title: "the system account receives events about clients, and answers requests",
    config:
      "accounts: { USERS: { users: [ {user: a, password: a} ] }, SYS: { users: [ {user: admin, password: admin} ] } }\nsystem_account: SYS",
    async run(clients) {
      const events = await clients.listener("admin", "$SYS.ACCOUNT.USERS.CONNECT");
      const client = await clients.client("a");
      const [info, admin] = [(await client.request("$SYS.REQ.USER.INFO")).json(), await clients.client("admin")];
      const ping = (await admin.request("$SYS.REQ.SERVER.PING.IDZ")).json<{ data?: object }>();
      const unanswered = await clients.answersTo(client, "$SYS.REQ.SERVER.PING.IDZ");
      const eventCame = () => events.received.length > 0; // nats-server sends it some time after the connect
      await until(eventCame, () => "no event");
      const { user, account } = (info as { data: { user: string; account: string } }).data;
      return [user, account, Object.keys(ping), unanswered, events.received.map(line => line.includes('"user":"a"'))];
    },
    expected: ["a", "USERS", ["name", "host", "id"], ["no responders"], [true]],
  },
];

for (const { title, config, run, expected } of EXAMPLES)
  test(
    `as documented, ${title}`,
    async () => {
      const results = await onEach(config, async side => {
        const clients = new ExampleClients(side.port);
        try {
          return await run(clients);
        } finally {
          await clients.close();
        }
      });
      expect(results).toEqual(Object.fromEntries(Object.keys(results).map(name => [name, expected])));
      expect(results).toHaveProperty("ours");
    },
    TIMEOUT_MS,
  );
