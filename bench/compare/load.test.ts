/**
 * Runs the load generator against servers with one fault each; it must report the fault, otherwise its figures prove nothing.
 * Each server here is correct except for what its `alter` does to the deliveries of one read from a publisher.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Socket } from "bun";
import { decodeSignature, encodeSeed, NkeyKind, newNonce, publicNkeyOf, verifySignature } from "../../src/base/keys/nkey.ts";
import { needs } from "../../test/reference/programs.ts";
import { findReference } from "../../test/reference/reference-server.ts";
import { compileLoad, type Failure, type LoadOptions, measure, OUT_DIRECTORY, type Sample } from "./load.ts";
import { WORKLOADS } from "./rows.ts";
import { startServer } from "./servers.ts";
import type { Workload } from "./workload.ts";

/** Compiling takes a while on a busy machine. */
const SLOW_MS = 60_000;

interface Peer {
  text: string;
  subscribes: boolean;
}
type Alter = (deliveries: string[], subscriber: Socket<Peer>) => void;

/** Delivers to every subscriber, or with a queue group to the next member in turn. */
function startFaulty(alter: Alter) {
  const subscribers: Socket<Peer>[] = [];
  let turn = 0;
  let queue = false;
  return Bun.listen<Peer>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { text: "", subscribes: false };
        socket.write("INFO {} \r\n");
      },
      data(socket, bytes) {
        socket.data.text += bytes.toString("latin1");
        const deliveries: string[] = [];
        while (socket.data.text.includes("\r\n")) {
          const [line, verb, rest] = socket.data.text.match(/^([A-Z]+)([^\r]*)\r\n/)!;
          let size = line.length;
          if (verb === "PUB") {
            const [, subject, payloadSize] = rest.split(" ");
            size += Number(payloadSize) + 2;
            if (socket.data.text.length < size) break;
            deliveries.push(`MSG ${subject} 1 ${socket.data.text.slice(line.length - payloadSize.length - 2, size)}`);
          } else if (verb === "PING") {
            socket.write("PONG\r\n");
          } else if (verb === "SUB") {
            queue = rest.split(" ").length === 4;
            subscribers.push(socket);
          }
          socket.data.text = socket.data.text.slice(size);
        }
        if (deliveries.length === 0 || subscribers.length === 0) return;
        for (const target of queue ? [subscribers[turn++ % subscribers.length]] : subscribers) {
          const altered = [...deliveries];
          alter(altered, target);
          target.write(altered.join(""));
        }
      },
    },
  });
}

const workload = (options: LoadOptions, role: Workload["role"] = "run"): Workload => ({ id: "test", role, options, figures: [] });

async function measureFaulty(alter: Alter, options: LoadOptions): Promise<Sample | Failure> {
  const server = startFaulty(alter);
  const result = await measure(workload({ size: 16, ...options }), { port: server.port, pid: process.pid }, 1, 1_500);
  server.stop(true);
  return result;
}

/** Applies a fault to one read only, once some messages are through. */
function once(fault: Alter): Alter {
  let reads = 0;
  return (deliveries, subscriber) => {
    if (++reads === 2) fault(deliveries, subscriber);
  };
}

/** The CONNECT of every connection, in order. */
type Connects = Record<string, string>[];

/** Sends each connection its own nonce; `answer` gives the answer to CONNECT and PING. */
function startLoginServer(
  answer: (connect: Record<string, string>, nonce: string) => string,
  greeting = (nonce: string) => `{"nonce":"${nonce}"}`,
) {
  return Bun.listen<{ nonce: string; text: string }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { nonce: newNonce(), text: "" };
        socket.write(`INFO ${greeting(socket.data.nonce)}\r\n`);
      },
      data(socket, bytes) {
        socket.data.text += bytes.toString("latin1");
        const [, connect] = socket.data.text.match(/^CONNECT (.*)\r\nPING\r\n$/) ?? [];
        if (connect !== undefined) socket.write(answer(JSON.parse(connect), socket.data.nonce));
      },
    },
  });
}

async function measureLogins(
  users: string,
  loginServer: ReturnType<typeof startLoginServer>,
  options: LoadOptions = {},
): Promise<Sample | Failure> {
  const path = join(OUT_DIRECTORY, "test-logins.txt");
  writeFileSync(path, users);
  const logins = workload({ inFlight: 3, messages: 60, users: path, ...options }, "login");
  const result = await measure(logins, { port: loginServer.port, pid: process.pid }, 1, 1_500);
  loginServer.stop(true);
  return result;
}

const passwordUsers = (count: number) => Array.from({ length: count }, (_, index) => `- "user":"u${index}","pass":"p${index}"\n`).join("");

/** The same condition as that of `compileLoad`. */
const signs = existsSync("/usr/include/openssl/ssl.h");

needs(["cc"], () =>
  describe("the load generator", () => {
    beforeAll(compileLoad, SLOW_MS);

    test("counts every delivery of one publisher to each of two subscribers", async () => {
      expect(await measureFaulty(() => {}, { subscribers: 2, messages: 3_000 })).toMatchObject({ messages: 3_000, deliveries: 6_000 });
    });

    test("counts a queue group's deliveries once for any distribution over the members", async () => {
      expect(await measureFaulty(() => {}, { subscribers: 2, queue: 1, messages: 3_000 })).toMatchObject({ deliveries: 3_000 });
    });

    test("counts messages on many subjects", async () => {
      expect(await measureFaulty(() => {}, { subscribers: 1, subjects: 100, messages: 3_000 })).toMatchObject({ deliveries: 3_000 });
    });

    test("a PING between two messages is answered and not counted", async () => {
      const ping = once(deliveries => deliveries.splice(deliveries.length >> 1, 0, "PING\r\n"));
      expect(await measureFaulty(ping, { subscribers: 1, messages: 3_000 })).toMatchObject({ deliveries: 3_000 });
    });

    test("a lost message causes a timeout", async () => {
      const result = await measureFaulty(
        once(deliveries => deliveries.pop()),
        { subscribers: 1, messages: 3_000 },
      );
      expect((result as Failure).error).toStartWith("timed out while");
    });

    test("a message delivered twice is a failure", async () => {
      const result = await measureFaulty(
        once(deliveries => deliveries.push(deliveries[0])),
        { subscribers: 1, messages: 3_000 },
      );
      expect((result as Failure).error).toMatch(/more than the \d+ messages published|messages beyond those published/);
    });

    test("one wrong byte in the first message is a failure", async () => {
      const flip: Alter = deliveries => {
        deliveries[0] = deliveries[0].replace("abc", "aBc");
      };
      const result = await measureFaulty(flip, { subscribers: 1, messages: 3_000 });
      expect((result as Failure).error).toStartWith("the first message differs");
    });

    test("a slow consumer that the server closes is a failure that quotes the server", async () => {
      const close = once((deliveries, subscriber) => {
        deliveries.push("-ERR 'Slow Consumer'\r\n");
        queueMicrotask(() => subscriber.end());
      });
      const result = await measureFaulty(close, { subscribers: 1, messages: 3_000 });
      expect(result).toEqual({ error: "the server says -ERR 'Slow Consumer'" });
    });

    test("a connection closed without an error message is a failure", async () => {
      const close = once((_, subscriber) => void subscriber.terminate());
      const result = await measureFaulty(close, { subscribers: 1, messages: 3_000 });
      expect((result as Failure).error).toMatch(/closed the connection|reset by peer/);
    });

    test("publishers and subscribers log in as the given users, or without a user", async () => {
      const users: (string | undefined)[] = [];
      const loginServer = () => startLoginServer(connect => `${users.push(`${connect.user} ${connect.pass}`) && ""}PONG\r\n`);
      const publish = async (options: LoadOptions) => {
        const server = loginServer();
        await measure(workload({ size: 16, messages: 3, ...options }), { port: server.port, pid: process.pid }, 1, 300);
        server.stop(true);
      };
      await publish({ publisherUser: "alice", publisherPassword: "a", subscriberUser: "bob", subscriberPassword: "b" });
      await publish({});
      expect(users).toEqual(["alice a", "undefined undefined"]);
    });

    test("logins use the users of the file in turn, and stop at the requested number", async () => {
      const connects: Connects = [];
      const loginServer = startLoginServer(connect => {
        connects.push(connect);
        return "PONG\r\n";
      });
      expect(await measureLogins(passwordUsers(5), loginServer)).toMatchObject({ messages: 60, deliveries: 60 });
      const counts = Map.groupBy(connects, ({ user, pass }) => `${user} ${pass}`);
      // A third more are sent as a warm-up.
      expect([...counts].map(([user, { length }]) => `${user}: ${length}`).sort()).toEqual([0, 1, 2, 3, 4].map(at => `u${at} p${at}: 16`));
    });

    test.skipIf(!signs)("logins: each nonce is signed by the key of its user", async () => {
      const seeds = [1, 2, 3].map(byte => new Uint8Array(32).fill(byte));
      const users = seeds.map((seed, index) => `${Buffer.from(seed).toString("hex")} "jwt":"token-${index}"\n`);
      const keys = new Map(seeds.map((seed, index) => [`token-${index}`, publicNkeyOf(encodeSeed(NkeyKind.User, seed))!]));
      const verified = new Set<string>();
      const loginServer = startLoginServer(({ jwt, sig }, nonce) => {
        if (!verifySignature(keys.get(jwt)!, nonce, decodeSignature(sig)!)) return "-ERR 'Authorization Violation'\r\n";
        verified.add(jwt);
        return 'INFO {"connect_info":true}\r\n+OK\r\nPONG\r\n';
      });
      expect(await measureLogins(users.join(""), loginServer)).toMatchObject({ messages: 60 });
      expect([...verified].sort()).toEqual([...keys.keys()]);
    });

    test("a refused login is a failure that quotes the server", async () => {
      const loginServer = startLoginServer(({ user }) => (user === "u3" ? "-ERR 'Authorization Violation'\r\n" : "PONG\r\n"));
      expect(await measureLogins(passwordUsers(5), loginServer)).toEqual({ error: "the server says -ERR 'Authorization Violation'" });
    });

    test("a login without an answer is a timeout", async () => {
      let logins = 0;
      const loginServer = startLoginServer(() => (++logins === 10 ? "" : "PONG\r\n"));
      expect(((await measureLogins(passwordUsers(5), loginServer)) as Failure).error).toStartWith("timed out while");
    });

    test.skipIf(!signs)("a greeting without a nonce is a failure for a user that must sign", async () => {
      const loginServer = startLoginServer(
        () => "PONG\r\n",
        () => "{}",
      );
      const result = (await measureLogins(`${"07".repeat(32)} "jwt":"x"\n`.repeat(3), loginServer)) as Failure;
      expect(result.error).toBe("a greeting without a nonce: INFO {}");
    });

    test.each([
      ["no users", "", "no users in"],
      ["fewer users than logins at once", passwordUsers(2), "1 to 256 logins at once"],
      ["an invalid seed", '12345 "jwt":"x"\n'.repeat(3), "not a seed"],
      ["a user without credentials", "-\n".repeat(3), "a user without credentials"],
      ["a line cut short", passwordUsers(3).slice(0, -1), "a user's line is longer than"],
    ])("%s: a failure, not a figure", async (_, users, error) => {
      expect(
        (
          (await measureLogins(
            users,
            startLoginServer(() => "PONG\r\n"),
          )) as Failure
        ).error,
      ).toStartWith(error);
    });

    // Rows of JetStream have a test of their own.
    const configured = WORKLOADS.filter(
      ({ id, configuration }) => !id.startsWith("js-") && configuration !== undefined && (signs || configuration.load.tls !== 1),
    );
    const reference = findReference();
    const servers = [["ours", "bun run src/main.ts"], ...(reference.path === null ? [] : [["the reference", reference.path]])];
    const cases = configured.flatMap(row => servers.map(([name, command]) => [row.id, name, command, row] as const));

    test.each(cases)("%s: %s serves the generator, and only the users of the file if it has any", async (id, _, command, row) => {
      const server = await startServer("test", `${command} -p {port} ${row.configuration!.prepare()}`);
      try {
        expect(await measure(row, server, Math.min(1, 1_000 / row.options.messages!))).not.toHaveProperty("error");
        const { publisherUser, users } = row.configuration!.load;
        if (publisherUser === undefined && users === undefined) return;
        const withoutUser: Workload = { id, role: "run", options: { size: 16, messages: 10 }, figures: [] };
        expect(await measure(withoutUser, server, 1, 2_000)).toEqual({ error: "the server says -ERR 'Authorization Violation'" });
      } finally {
        await server.stop();
      }
    });
  }),
);
