/**
 * An operator replaces nats-server by this server, and goes back: the same configuration file and the same store directory, with streams of
 * all kinds in two accounts. What clients and monitoring see is what the other server shows after a restart on a copy of the directory.
 */
import { expect, test } from "bun:test";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { type JetStreamManager, jetstream, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { headers, nanos } from "@nats-io/nats-core";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { PROGRAM, RunningProgram, TemporaryDirectory } from "../cli/program.ts";
import { needs } from "../reference/programs.ts";
import { findReference } from "../reference/reference-server.ts";
import type { ServerKind } from "./sequences/tested-server.ts";

const TIMEOUT_MS = 120_000;
const ANSWER_MS = 60_000;
const ACCOUNTS = ["A", "B"] as const;

const configuration = (store: string, cipher: string) => `
server_name: mover
http: "127.0.0.1:-1"
jetstream { store_dir: "${store}", max_mem: 64M, max_file: 256M, ${cipher} }
accounts {
  A { jetstream { max_mem: 8M, max_file: 64M, max_streams: 20 }, users: [{ user: A, password: p }] }
  B { jetstream: enabled, users: [{ user: B, password: p }] }
  $SYS { users: [{ user: SYS, password: p }] }
}`;

class Mover implements AsyncDisposable {
  private readonly directory = new TemporaryDirectory();
  private program: RunningProgram | null = null;

  constructor(private readonly cipher: string) {}

  /** Starts a server on the store directory, or on a copy of it that is made now. */
  async start(kind: ServerKind, { onCopy = false } = {}): Promise<RunningProgram> {
    const store = this.directory.join(onCopy ? "copy" : "store");
    if (onCopy) {
      rmSync(store, { recursive: true, force: true });
      cpSync(this.directory.join("store"), store, { recursive: true });
    }
    const file = this.directory.join("server.conf");
    writeFileSync(file, configuration(store, this.cipher));
    const command = kind === "ours" ? PROGRAM : [findReference().path!];
    this.program = await RunningProgram.start([...command, "-a", "127.0.0.1", "-c", file]);
    return this.program;
  }

  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    this.program!.signal(signal);
    await this.program!.status();
    this.program = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program?.stop();
    this.directory[Symbol.dispose]();
  }
}

async function withAccount<T>(program: RunningProgram, account: string, call: (connection: NatsConnection) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: `127.0.0.1:${program.port}`, user: account, pass: "p", reconnect: false });
  try {
    return await call(connection);
  } finally {
    await connection.close();
  }
}

const STREAMS: readonly (Partial<StreamConfig> & { readonly name: string })[] = [
  {
    name: "limits",
    subjects: ["limits.>"],
    max_msgs: 50,
    max_bytes: 1_048_576,
    max_age: nanos(3_600_000),
    description: "limited",
    metadata: { owner: "tests" },
  },
  { name: "packed", subjects: ["packed.>"], compression: "s2" },
  { name: "memory", subjects: ["memory.>"], storage: "memory" },
  {
    name: "subjects",
    subjects: ["subjects.*"],
    max_msgs_per_subject: 2,
    discard: "new",
    discard_new_per_subject: true,
    allow_direct: true,
  },
  { name: "brief", subjects: ["brief.*"], allow_msg_ttl: true, subject_delete_marker_ttl: nanos(3_600_000) },
  { name: "later", subjects: ["later.*"], first_seq: 1_000, subject_transform: { src: "later.*", dest: "moved.{{wildcard(1)}}" } },
  {
    name: "copied",
    subjects: ["copied.*"],
    republish: { src: "copied.*", dest: "again.{{wildcard(1)}}" },
    duplicate_window: nanos(60_000),
  },
  { name: "work", subjects: ["work.*"], retention: "workqueue", deny_delete: true },
  { name: "interest", subjects: ["interest.*"], retention: "interest" },
  { name: "closed", subjects: ["closed.*"], deny_purge: true },
  { name: "empty", subjects: ["empty"], persist_mode: "async" },
]; // prettier-ignore

/** Creates the streams and buckets of one account and fills them. */
async function fill(connection: NatsConnection, account: string): Promise<void> {
  const js = jetstream(connection, { timeout: ANSWER_MS });
  const jsm = await jetstreamManager(connection, { timeout: ANSWER_MS });
  for (const config of STREAMS) await jsm.streams.add(config);
  await write(connection, account, 0);
  await jsm.streams.deleteMessage("packed", 30);
  await jsm.streams.deleteMessage("limits", 31);
  await jsm.streams.deleteMessage("packed", 33, false);
  await jsm.streams.deleteMessage("limits", 34, false);
  await jsm.streams.purge("packed", { filter: "packed.3" });
  await jsm.streams.purge("memory", { keep: 5 });
  await jsm.streams.update("closed", { ...(await jsm.streams.info("closed")).config, sealed: true } as Partial<StreamConfig>);
  const bucket = await new Kvm(js).create("config", { history: 3, markerTTL: 60_000 });
  for (const value of ["one", "two", "three", "four"]) await bucket.put("name", `${account} ${value}`);
  await bucket.put("other", "5");
  await bucket.delete("other");
  await bucket.put("gone", "6");
  await bucket.purge("gone");
}

/** Publishes to all streams that take messages. @param round makes the ids of another round different */
async function write(connection: NatsConnection, account: string, round: number): Promise<void> {
  const js = jetstream(connection, { timeout: ANSWER_MS });
  for (let index = 0; index < 60; index++) {
    const text = `${account} ${round} ${index} ${"x".repeat(index * 7)}`;
    await js.publish(`limits.${index % 4}`, text, { headers: kindOf(index) });
    await js.publish(`packed.${index % 6}`, text.repeat(3));
    if (round === 0) await js.publish(`memory.${index % 2}`, text);
    if (index < 2 && round === 0) await js.publish(`subjects.${account}`, text);
    if (index < 10) {
      await js.publish(`brief.${index % 3}`, text, { ttl: "2h" });
      await js.publish(`later.${index}`, text);
      await js.publish(`copied.${index}`, text, { msgID: `${round}-${index}` });
      await js.publish(`work.${index}`, text);
      await js.publish(`interest.${index}`, text);
      if (round === 0) await js.publish(`closed.${index}`, text);
    }
  }
}

function kindOf(index: number) {
  const all = headers();
  all.set("Kind", `${index % 2}`);
  return all;
}

/** Everything that clients of both accounts and monitoring see. */
async function look(program: RunningProgram): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  for (const account of ACCOUNTS) {
    await withAccount(program, account, async connection => {
      const jsm = await jetstreamManager(connection, { timeout: ANSWER_MS });
      const { limits, streams, storage, memory, reserved_storage, reserved_memory } = await jsm.getAccountInfo();
      seen[`${account} account`] = { limits, streams, storage, memory, reserved_storage, reserved_memory };
      for await (const name of jsm.streams.names()) seen[`${account} ${name}`] = await lookAtStream(jsm, name);
    });
  }
  seen.jsz = withoutMoment(await monitoring(program, "/jsz?accounts=1&streams=1&config=1"));
  seen.varz = withoutMoment(((await monitoring(program, "/varz")) as { jetstream: object }).jetstream);
  seen.healthz = await monitoring(program, "/healthz");
  return seen;
}

async function lookAtStream(jsm: JetStreamManager, name: string): Promise<unknown> {
  const options = { subjects_filter: ">", deleted_details: name !== "empty" && name !== "memory" && name !== "interest" };
  const info = await jsm.streams.info(name, options);
  const { config, created } = info;
  const { lost, ...state } = info.state;
  // Bytes that were prepared for messages when a server was killed; nats-server counts them.
  expect(lost?.msgs ?? null).toBeNull();
  const messages: unknown[] = [];
  for (let sequence = state.first_seq; sequence <= state.last_seq && state.messages > 0; sequence++) {
    const message = await jsm.streams.getMessage(name, { seq: sequence });
    if (message === null) continue;
    messages.push({ sequence, subject: message.subject, headers: [...message.header], text: message.string(), time: message.timestamp });
  }
  return { config, created, state: { ...state, last_ts: state.messages === 0 ? "" : state.last_ts }, messages };
}

async function monitoring(program: RunningProgram, path: string): Promise<object> {
  const port = /Starting http monitor on .*:(\d+)$/m.exec(program.text)![1];
  return (await (await fetch(`http://127.0.0.1:${port}${path}`)).json()) as object;
}

/** Fields of the process and the moment; streams in the order of their names. */
function withoutMoment(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMoment).sort((a, b) => ((a as Named).name < (b as Named).name ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  const { api: _api, now: _now, server_id: _id, store_dir: _directory, created: _created, ...kept } = value as Record<string, unknown>;
  return Object.fromEntries(Object.entries(kept).map(([name, inner]) => [name, name === "subjects" ? inner : withoutMoment(inner)]));
}

interface Named {
  readonly name: string;
}

/** What was logged about the streams on the disk. */
function restoreLines({ lines }: RunningProgram): string[] {
  return lines
    .filter(line => /restore for stream|Restored .* messages/.test(line))
    .map(line => line.replace(/ in [\d.]+m?s$/, ""))
    .sort();
}

/** Streams that need what comes later, of each kind. */
async function addLaterStreams(connection: NatsConnection): Promise<void> {
  const jsm = await jetstreamManager(connection, { timeout: ANSWER_MS });
  for (const retention of ["limits", "interest", "workqueue"] as const) {
    await jsm.streams.add({ name: retention, subjects: [`${retention}.*`], retention });
    await jsm.consumers.add(retention, { durable_name: "reader", ack_policy: "explicit" });
  }
  await jsm.streams.add({ name: "mirror", mirror: { name: "limits" } });
  await jsm.streams.add({ name: "counter", subjects: ["counter.*"], allow_msg_counter: true });
  for (const retention of ["limits", "interest", "workqueue"]) {
    for (let index = 0; index < 5; index++) await jsm.jetstream().publish(`${retention}.${index}`, "text");
    const reader = await jsm.jetstream().consumers.get(retention, "reader");
    for (let index = 0; index < 2; index++) await (await reader.next())!.ackAck();
  }
}

/** Messages of each stream, and what its consumer still has to deliver. */
async function pendingOf(connection: NatsConnection): Promise<unknown> {
  const jsm = await jetstreamManager(connection, { timeout: ANSWER_MS });
  const pending: Record<string, unknown> = {};
  for (const name of ["limits", "interest", "workqueue"]) {
    const { num_pending, ack_floor } = await jsm.consumers.info(name, "reader");
    pending[name] = { messages: (await jsm.streams.info(name)).state.messages, num_pending, acknowledged: ack_floor.stream_seq };
  }
  return pending;
}

needs(["nats-server"], () => {
  test(
    "streams that need what comes later are offline with the reason; consumers stay on the disk until nats-server is back",
    async () => {
      await using mover = new Mover("");
      await withAccount(await mover.start("nats-server"), "A", addLaterStreams);
      await mover.stop();

      const ours = await mover.start("ours");
      const missing = "consumers are not supported by this server yet";
      expect(ours.lines.filter(line => line.startsWith("[WRN]   "))).toEqual([
        "[WRN]   Detected unsupported stream 'A > counter': unsupported - message counters are not supported by this server yet",
        `[WRN]   Detected unsupported consumer 'A > interest > reader': ${missing}`,
        "[WRN]   Stopping unsupported stream 'A > interest'",
        `[WRN]   Detected unsupported consumer 'A > limits > reader': ${missing}`,
        "[WRN]   Detected unsupported stream 'A > mirror': unsupported - mirrors are not supported by this server yet",
        `[WRN]   Detected unsupported consumer 'A > workqueue > reader': ${missing}`,
      ]);
      await withAccount(ours, "A", async connection => {
        const js = jetstream(connection, { timeout: ANSWER_MS });
        const jsm = await js.jetstreamManager();
        await expect(jsm.streams.info("mirror")).rejects.toThrow("stream is offline: unsupported - mirrors are not supported");
        await expect(jsm.streams.info("interest")).rejects.toThrow('stream is offline: stopped - unsupported consumer "reader"');
        await expect(js.publish("interest.9", "text")).rejects.toThrow();
        for (const name of ["limits", "workqueue"]) await js.publish(`${name}.9`, "text");
      });
      await mover.stop();

      expect(await withAccount(await mover.start("nats-server"), "A", pendingOf)).toEqual({
        limits: { messages: 6, num_pending: 4, acknowledged: 2 },
        interest: { messages: 3, num_pending: 3, acknowledged: 2 },
        workqueue: { messages: 4, num_pending: 4, acknowledged: 2 },
      });
      await mover.stop();
    },
    TIMEOUT_MS,
  );

  for (const signal of ["SIGTERM", "SIGKILL"] as const)
    for (const cipher of ["", "cipher: aes, key: secret", "cipher: chachapoly, key: secret"])
      test(
        `nats-server is replaced by this server and comes back: ${cipher || "plain"}, ${signal}`,
        async () => {
          await using mover = new Mover(cipher);
          const first = await mover.start("nats-server");
          for (const account of ACCOUNTS) await withAccount(first, account, connection => fill(connection, account));
          await mover.stop(signal);

          const reference = await mover.start("nats-server", { onCopy: true });
          const expected = await look(reference);
          await mover.stop();
          const ours = await mover.start("ours");
          expect(await look(ours)).toEqual(expected);
          expect(restoreLines(ours)).toEqual(restoreLines(reference));
          expect(ours.lines.filter(line => /^\[(ERR|WRN)\]/.test(line))).toEqual([
            "[WRN] Plaintext passwords detected, use nkeys or bcrypt",
          ]);

          for (const account of ACCOUNTS)
            await withAccount(ours, account, async connection => {
              const ack = await jetstream(connection).publish("copied.9", "again", { msgID: "0-9" });
              expect(ack).toMatchObject({ duplicate: true, seq: 10 });
              await write(connection, account, 1);
            });
          await mover.stop(signal);

          const continued = await look(await mover.start("ours", { onCopy: true }));
          await mover.stop();
          const last = await mover.start("nats-server");
          expect(await look(last)).toEqual(continued);
          const complaints = last.lines.filter(line => /Stream state|Recovering stream state/.test(line));
          if (signal === "SIGTERM") expect(complaints).toEqual([]);
          await withAccount(last, "A", async connection => {
            const ack = await jetstream(connection).publish("copied.9", "again", { msgID: "1-9" });
            expect(ack).toMatchObject({ duplicate: true, seq: 20 });
          });
          await mover.stop();
        },
        TIMEOUT_MS,
      );
});
