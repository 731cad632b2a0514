/**
 * The configurations of the documentation on our server and on nats-server: whoever is let in or refused there is let in or refused here,
 * in the same words, by the project's library under Bun and under Node, and by its command line tool.
 *
 *   mechanism ─▶ ours and the reference ─▶ each login by each client ─▶ "in", or why not
 * One process of Node makes all logins of a mechanism. What comes is written here, so ours is tested without the reference too.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { CalloutService } from "../callout/callout-service.ts";
import { until } from "../faults/until.ts";
import { type Side, startOurs, startReference } from "../operator/pair.ts";
import { findProgram } from "../reference/programs.ts";
import { referenceIsLive } from "../reference/recording.ts";
import { referenceIsRequired } from "../reference/reference-server.ts";
import { CALLOUT_ISSUER, type Login, MECHANISMS, type Mechanism, trust } from "./documented-configurations.ts";
import { type Attempt, type Credentials, firstWords, outcomeOf, refusalIn } from "./documented-login.ts";
import { NatsCli } from "./nats-cli.ts";

const root = join(import.meta.dir, "../..");
const node = findProgram("node").path;
const hasTool = findProgram("nats").path !== null || referenceIsRequired();
const TIMEOUT_MS = 120_000;
/** A request that nobody will answer. */
const UNANSWERED_MS = 200;

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
  const words = ["--input-type=module", "--eval", await script, JSON.stringify(attempts)];
  const child = Bun.spawn([node!, ...words], { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  return JSON.parse(await child.stdout.text());
}

async function byTool(attempts: readonly Attempt[], directory: string): Promise<string[]> {
  const outcomes = [];
  for (const { url, as, publishes } of attempts) {
    using tool = new NatsCli(url);
    const words = [...flagsOf(as, directory), "pub", publishes, "hello"];
    const outcome = await firstWords(async () => {
      const { output, errors, status } = await tool.run(...words);
      return status === 0 ? "in" : refusalIn(output + errors);
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

/** The service of auth callout: whoever has a password like its name comes in, and may publish one subject. */
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

/** @returns what came of it by the name of the server: ours, and the reference where it is installed */
async function onEach<T>(config: Mechanism["config"], play: (side: Side, directory: string) => Promise<T>): Promise<Record<string, T>> {
  const results: Record<string, T> = {};
  for (const start of referenceIsLive() ? [startOurs, startReference] : [startOurs]) {
    const directory = mkdtempSync(join(tmpdir(), "bunats-documented-"));
    const side: Side = await start(typeof config === "string" ? config : config(join(directory, "jwt")));
    try {
      results[side.name] = await play(side, directory);
    } finally {
      await side.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return results;
}

for (const { title, config, logins, calledOut = false } of MECHANISMS)
  test(
    `as documented, ${title}: who comes in, by the library under Bun and Node, and by the tool`,
    async () => {
      const outcomes = await onEach(config, async (side, directory) => {
        const asked = calledOut ? await service(side.port) : null;
        try {
          const attempts = logins.map(login => attemptAt(side, login));
          const [bun, ofNode, tool] = await Promise.all([
            byLibrary(attempts),
            node === null ? null : byNode(attempts),
            hasTool ? byTool(attempts, directory) : null,
          ]);
          return { bun, node: ofNode, tool };
        } finally {
          await asked?.stop();
        }
      });
      const expected = logins.map(({ outcome }) => outcome.toLowerCase());
      const wanted = { bun: expected, node: node === null ? null : expected, tool: hasTool ? expected : null };
      expect(outcomes).toEqual(Object.fromEntries(Object.keys(outcomes).map(name => [name, wanted])));
      expect(outcomes).toHaveProperty("ours");
    },
    TIMEOUT_MS,
  );

/** Clients of one play by their users, whose passwords are their names; closed when it ends. */
class Cast {
  private readonly connections: NatsConnection[] = [];
  constructor(private readonly port: number) {}

  async client(user: string): Promise<NatsConnection> {
    const client = await connect({ servers: `127.0.0.1:${this.port}`, reconnect: false, ...(user !== "" && { user, pass: user }) });
    this.connections.push(client);
    return client;
  }

  /** A client that keeps what it hears. */
  async listener(user: string, subject: string, queue?: string): Promise<{ heard: string[]; flush(): Promise<void> }> {
    const heard: string[] = [];
    const client = await this.client(user);
    client.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      callback: (error, message) => void heard.push(error === null ? `${message.subject}: ${message.string()}` : error.message),
    });
    await client.flush();
    return { heard, flush: () => client.flush() };
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

  async close(): Promise<void> {
    await Promise.all(this.connections.map(client => client.close()));
  }
}

/** @returns every answer to a request */
async function answersTo(client: NatsConnection, subject: string): Promise<string[]> {
  const answers: string[] = [];
  try {
    const replies = await client.requestMany(subject, "?", { maxWait: UNANSWERED_MS });
    for await (const reply of replies) answers.push(reply.string());
  } catch (error) {
    answers.push((error as Error).message);
  }
  return answers;
}

interface Play {
  readonly title: string;
  readonly config: string;
  readonly play: (cast: Cast) => Promise<unknown>;
  readonly comes: unknown;
}

const PLAYS: readonly Play[] = [
  {
    title: "answers are allowed as often as said",
    config: `authorization: { users: [ { user: a, password: a },
  { user: b, password: b, permissions: {subscribe: "q.b", allow_responses: true } },
  { user: c, password: c, permissions: {subscribe: "q.c", allow_responses: { max: 5, expires: "1m" } } } ] }`,
    async play(cast) {
      await cast.service("b", "q.b", 3);
      await cast.service("c", "q.c", 7);
      const client = await cast.client("a");
      return [await answersTo(client, "q.b"), await answersTo(client, "q.c")];
    },
    comes: [["b 1"], ["c 1", "c 2", "c 3", "c 4", "c 5"]],
  },
  {
    title: "queue groups are permitted by name",
    config: `authorization: { users = [
  { user: "a", password: "a", permissions: { sub: { allow: ["foo team"] } } }
  { user: "b", password: "b", permissions: { sub: { allow: ["foo", "foo v1", "foo v1.>", "foo *.dev"], deny: ["> *.prod"] } } } ] }`,
    async play(cast) {
      const tried = [];
      for (const [user, queue] of [["a"], ["a", "team"], ["a", "x"], ["b"], ["b", "v1"], ["b", "v1.x"], ["b", "x.dev"], ["b", "v1.prod"]])
        tried.push((await cast.listener(user!, "foo", queue)).heard.length === 0);
      return tried;
    },
    comes: [false, true, false, true, true, true, true, false],
  },
  {
    title: "accounts give each other streams and services",
    config: `accounts: {
  A: { users: [ {user: a, password: a} ], exports: [ {stream: pub.>}, {service: ask.>}, {stream: b.>, accounts: [B]}, {service: own.b, accounts: [B]} ] },
  B: { users: [ {user: b, password: b} ], imports: [ {stream: {account: A, subject: b.>}}, {service: {account: A, subject: own.b}} ] }
  C: { users: [ {user: c, password: c} ], imports: [ {stream: {account: A, subject: pub.>}, prefix: of_a}, {service: {account: A, subject: ask.C}, to: Q} ] }
}`,
    async play(cast) {
      const listeners = [await cast.listener("b", ">"), await cast.listener("c", ">")];
      await cast.service("a", "own.b", 1);
      await cast.service("a", "ask.C", 1);
      const [a, b, c] = [await cast.client("a"), await cast.client("b"), await cast.client("c")];
      a.publish("pub.x.y", "one");
      a.publish("b.z", "two");
      await a.flush();
      for (const listener of listeners) await listener.flush();
      const heard = listeners.map(listener => [...listener.heard]);
      return [...heard, await answersTo(b, "own.b"), await answersTo(c, "Q"), await answersTo(c, "own.b")];
    },
    comes: [["b.z: two"], ["of_a.pub.x.y: one"], ["a 1"], ["a 1"], []],
  },
  {
    title: "subjects are mapped, in turn, by weight and by cluster",
    config: `server_name: hub, cluster: { name: hub }, mappings = {
  foo: bar
  bar.*.*: baz.$2.$1
  part.*: "part.{{wildcard(1)}}.{{partition(3,1)}}"
  scoped: [ { destination: scoped.hub, weight: 100%, cluster: hub }, { destination: scoped.west, weight: 100%, cluster: west } ]
  lost.>: [ { destination: lost.>, weight: 0% } ]
  split: [ { destination: split.v1, weight: 90% }, { destination: split.v2, weight: 10% } ]
}`,
    async play(cast) {
      const { heard, flush } = await cast.listener("", ">");
      const client = await cast.client("");
      for (const subject of ["foo", "bar.one.two", "part.c1", "part.c2", "scoped", "lost.x", "other"]) client.publish(subject, "m");
      await client.flush();
      await flush();
      const mapped = [...heard];
      for (let n = 0; n < 400; n++) client.publish("split", "m");
      await client.flush();
      await flush();
      const first = heard.filter(line => line.startsWith("split.v1")).length;
      return [mapped, heard.length - mapped.length, first > 320 && first < 396];
    },
    comes: [["bar: m", "baz.two.one: m", "part.c1.2: m", "part.c2.2: m", "scoped.hub: m", "other: m"], 400, true],
  },
  {
    title: "the system account hears of clients, and answers",
    config:
      "accounts: { USERS: { users: [ {user: a, password: a} ] }, SYS: { users: [ {user: admin, password: admin} ] } }\nsystem_account: SYS",
    async play(cast) {
      const events = await cast.listener("admin", "$SYS.ACCOUNT.USERS.CONNECT");
      const client = await cast.client("a");
      const [info, admin] = [(await client.request("$SYS.REQ.USER.INFO")).json(), await cast.client("admin")];
      const ping = (await admin.request("$SYS.REQ.SERVER.PING.IDZ")).json<{ data?: object }>();
      const unheard = await answersTo(client, "$SYS.REQ.SERVER.PING.IDZ");
      const toldLater = () => events.heard.length > 0; // by the reference
      await until(toldLater, () => "no event");
      const { user, account } = (info as { data: { user: string; account: string } }).data;
      return [user, account, Object.keys(ping), unheard, events.heard.map(line => line.includes('"user":"a"'))];
    },
    comes: ["a", "USERS", ["name", "host", "id"], ["no responders: '$SYS.REQ.SERVER.PING.IDZ'"], [true]],
  },
];

for (const { title, config, play, comes } of PLAYS)
  test(
    `as documented, ${title}`,
    async () => {
      const results = await onEach(config, async side => {
        const cast = new Cast(side.port);
        try {
          return await play(cast);
        } finally {
          await cast.close();
        }
      });
      expect(results).toEqual(Object.fromEntries(Object.keys(results).map(name => [name, comes])));
      expect(results).toHaveProperty("ours");
    },
    TIMEOUT_MS,
  );
