/**
 * Runs the generator's roles for streams against servers with one fault each, which it must report; and every row of JetStream, shortened,
 * against ours and nats-server.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import type { Socket } from "bun";
import { needs } from "../../test/reference/programs.ts";
import { findReference } from "../../test/reference/reference-server.ts";
import { JETSTREAM_WORKLOADS } from "./jetstream-rows.ts";
import { compileLoad, type Failure, type LoadOptions, measure, type Sample } from "./load.ts";
import { startServer } from "./servers.ts";
import type { Workload } from "./workload.ts";

/** What the server sends for the `count`th acknowledgement or stored message; null sends nothing. */
type Alter = (message: string, count: number) => string | null;

interface Stored {
  readonly subject: string;
  readonly payload: string;
}

/** A server with one stream in memory that answers creation, information, publishes and direct gets. */
class FakeServer {
  readonly #alter: Alter;
  readonly #stored: Stored[] = [];
  #answers = 0;
  /** Messages that stream information states beyond those stored. */
  invented = 0;

  constructor(alter: Alter) {
    this.#alter = alter;
  }

  listen() {
    return Bun.listen<{ text: string }>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open(socket) {
          socket.data = { text: "" };
          socket.write("INFO {} \r\n");
        },
        data: (socket, bytes) => this.#onBytes(socket, bytes.toString("latin1")),
      },
    });
  }

  #onBytes(socket: Socket<{ text: string }>, bytes: string): void {
    let text = socket.data.text + bytes;
    let out = "";
    for (let end = text.indexOf("\r\n"); end !== -1; end = text.indexOf("\r\n")) {
      const line = text.slice(0, end);
      let size = end + 2;
      if (line === "PING") out += "PONG\r\n";
      const [, subject, reply, payloadText] = line.match(/^PUB (\S+) (?:(\S+) )?(\d+)$/) ?? [];
      if (subject !== undefined) {
        const payloadSize = Number(payloadText);
        if (text.length < size + payloadSize + 2) break;
        if (reply !== undefined) out += this.#onMessage(subject, reply, text.slice(size, size + payloadSize));
        size += payloadSize + 2;
      }
      text = text.slice(size);
    }
    socket.data.text = text;
    if (out !== "") socket.write(out);
  }

  #onMessage(subject: string, reply: string, payload: string): string {
    if (subject.startsWith("$JS.API.STREAM.")) {
      const [messages, last] = [new Set(this.#stored.map(one => one.subject)).size, this.#stored.length];
      const isKeyValue = subject.endsWith("KV_bench");
      const state = { messages: (isKeyValue ? messages : last) + this.invented, last_seq: last };
      return msg(reply, JSON.stringify({ state }));
    }
    if (subject.startsWith("$JS.API.DIRECT.GET.KV_bench.")) {
      const key = subject.slice("$JS.API.DIRECT.GET.KV_bench.".length);
      return this.#altered(hmsg(reply, `Nats-Subject: ${key}`, this.#stored.findLast(one => one.subject === key)!.payload));
    }
    if (subject.startsWith("$JS.API.DIRECT.GET.")) {
      const { seq, batch } = JSON.parse(payload) as { seq: number; batch: number };
      const messages = Array.from({ length: batch }, (_, at) =>
        this.#altered(hmsg(reply, `Nats-Sequence: ${seq + at}`, this.#stored[seq + at - 1].payload)),
      );
      return `${messages.join("")}HMSG ${reply} 1 20 20\r\nNATS/1.0 204 EOB\r\n\r\n\r\n`;
    }
    const isKeyValue = subject.startsWith("$KV.");
    this.#stored.push({ subject, payload });
    const ack = msg(reply, `{"stream":"${isKeyValue ? "KV_bench" : "S0000"}", "seq":${this.#stored.length}}`);
    return isKeyValue ? ack : this.#altered(ack);
  }

  #altered(message: string): string {
    return this.#alter(message, ++this.#answers) ?? "";
  }
}

const msg = (subject: string, payload: string) => `MSG ${subject} 1 ${payload.length}\r\n${payload}\r\n`;

function hmsg(subject: string, line: string, payload: string): string {
  const headers = `NATS/1.0\r\n${line}\r\n\r\n`;
  return `HMSG ${subject} 1 ${headers.length} ${headers.length + payload.length}\r\n${headers}${payload}\r\n`;
}

async function measureFake(role: "stream" | "get", options: LoadOptions, alter: Alter = message => message, invented = 0) {
  const fake = new FakeServer(alter);
  fake.invented = invented;
  const server = fake.listen();
  const result = await measure(
    { role, options: { size: 64, messages: 900, ...options } },
    { port: server.port, pid: process.pid },
    1,
    1_500,
  );
  server.stop(true);
  return result as Sample & Failure;
}

/** Alters only one answer. */
const third =
  (change: (message: string) => string | null): Alter =>
  (message, count) =>
    count === 3 ? change(message) : message;

/** Creating 1,000 streams takes a while when other tests use the disk. */
const SLOW_MS = 60_000;
const KEYS: LoadOptions = { inFlight: 5, subjects: 20 };
const BATCHES: LoadOptions = { batch: 10, stored: 100 };

needs(["cc"], () =>
  describe("the load generator with streams", () => {
    beforeAll(compileLoad, SLOW_MS);

    test("counts acknowledged messages of one publisher, and of several that share a stream", async () => {
      expect(await measureFake("stream", { inFlight: 10 })).toMatchObject({ messages: 900, deliveries: 900 });
      expect(await measureFake("stream", { inFlight: 2, publishers: 10 })).toMatchObject({ messages: 900 });
    });

    test("gets keys and batches", async () => {
      expect(await measureFake("get", KEYS)).toMatchObject({ messages: 900 });
      expect(await measureFake("get", BATCHES)).toMatchObject({ messages: 900 });
    });

    test("a missing acknowledgement is a failure", async () => {
      const last: Alter = (message, count) => (count === 1_200 ? null : message);
      expect((await measureFake("stream", { inFlight: 10 }, last)).error).toStartWith("timed out while measuring");
      expect(
        (
          await measureFake(
            "stream",
            { inFlight: 10 },
            third(() => null),
          )
        ).error,
      ).toStartWith("not the PubAck of message 2");
    });

    test.each<[string, string, (message: string) => string]>([
      ["an error", "not a PubAck of S0000", message => message.replace(/\{.*\}/, text => `{"error":${"x".repeat(text.length - 10)}}`)],
      ["another stream", "not a PubAck of S0000", message => message.replace("S0000", "S0001")],
      ["a duplicate", "not a PubAck of S0000", message => msg(message.split(" ")[1], '{"stream":"S0000", "seq":3,"duplicate": true}')],
      ["a sequence too high", "a PubAck of sequence 4 after 2", message => message.replace('"seq":3', '"seq":4')],
      ["a sequence again", "a PubAck of sequence 2 after 2", message => message.replace('"seq":3', '"seq":2')],
      ["another message's reply", "not the PubAck of message 2", message => message.replace(/\.0000000002 /, ".0000000003 ")],
    ])("a PubAck with %s is a failure", async (_, error, change) => {
      expect((await measureFake("stream", { inFlight: 10 }, third(change))).error).toStartWith(error);
    });

    test("the same sequence for two publishers of one stream is a failure", async () => {
      const twice: Alter = message => message.replace('"seq":7}', '"seq":6}');
      expect((await measureFake("stream", { inFlight: 1, publishers: 10 }, twice)).error).toBe("two PubAcks of sequence 6");
    });

    test("a stream that holds fewer or more messages than were acknowledged is a failure", async () => {
      for (const invented of [-1, 1]) {
        const { error } = await measureFake("stream", { inFlight: 10 }, undefined, invented);
        expect(error).toStartWith("the stream holds something else than 1200 messages up to 1200");
      }
    });

    test.each<[string, LoadOptions, (message: string) => string | null]>([
      ["a key's value", KEYS, message => message.replace(/.(?=\r\n$)/, "~")],
      ["a key", KEYS, message => message.replace(/Nats-Subject: \$KV.bench.000/, "Nats-Subject: $KV.bench.001")],
      ["a value's number", KEYS, message => message.replace(/(?<=\r\n)0{8}/, "00000001")],
      ["a message of a batch", BATCHES, message => message.replace(/.(?=\r\n$)/, "~")],
      ["a sequence of a batch", BATCHES, message => message.replace(/(?<=Nats-Sequence: )\d/, "9")],
      ["the number of messages of a batch", BATCHES, () => null],
    ])("%s that is wrong is a failure", async (_, options, change) => {
      let answers = 0;
      const wrong: Alter = message => {
        if (!message.startsWith("HMSG") || ++answers !== 3) return message;
        const changed = change(message);
        expect(changed).not.toBe(message);
        return changed;
      };
      expect((await measureFake("get", options, wrong)).error).toMatch(/^not Nats-|^a batch ended before/);
    });

    test("a message of the busy stream without an acknowledgement is a failure", async () => {
      const run = { role: "run", options: { size: 16, messages: 30, busy: 5_000 } };
      const server = new FakeServer((message, count) => (count > 10 ? null : message)).listen();
      const result = (await measure(run, { port: server.port, pid: process.pid }, 1, 4_000)) as Failure;
      server.stop(true);
      expect(result.error).toStartWith("timed out while measuring");
    });

    const reference = findReference();
    const servers = [["ours", "bun run src/main.ts"], ...(reference.path === null ? [] : [["nats-server", reference.path]])];
    const rows = JETSTREAM_WORKLOADS.filter(({ role }) => role !== "start");
    const cases = rows.flatMap(row => servers.map(([name, command]) => [row.id, name, command, row] as const));
    const serves = async (command: string, row: Workload) => {
      const server = await startServer("test", `${command} -p {port} ${row.configuration!.prepare()}`);
      try {
        const { publishers = 1, batch = 1, messages = 0 } = row.options;
        expect(await measure(row, server, Math.max(1_000, publishers, batch) / messages)).not.toHaveProperty("error");
      } finally {
        await server.stop();
      }
    };
    for (const [id, name, command, row] of cases) test(`${id}: ${name} serves the generator`, () => serves(command, row), SLOW_MS);
  }),
);
