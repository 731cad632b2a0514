/**
 * Publishing to a stream and reading it, without sockets and syncs.
 *
 *   publishing   a batch of 500 messages ─▶ Ingest: all checks ─▶ store ─▶ end of turn: checksums, one write ─▶ PubAcks to the account
 *   reading      a message by its sequence, and the last one of a subject, all in memory
 * The file store is in a temporary directory. It does not wait for the disk, as with `sync_interval`, so that the processor is measured.
 *
 *   bun run bench/micro/ingest.ts              BENCH_SHORT=1: a run of seconds
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SYSTEM_CLOCK } from "../../src/base/clock/clock.ts";
import { NanosecondClock } from "../../src/base/clock/nanoseconds.ts";
import { TimingWheel } from "../../src/base/clock/timing-wheel.ts";
import { SYSTEM_DISK } from "../../src/base/disk/system-disk.ts";
import { Random } from "../../src/base/random/random.ts";
import { WorkMeter } from "../../src/base/scheduling/work-meter.ts";
import { storeLimitsOf } from "../../src/jetstream/account/store-limits.ts";
import { defaultStreamConfig, type StreamConfig } from "../../src/jetstream/config/stream-config.ts";
import { OutboxPages } from "../../src/jetstream/stream/outbox.ts";
import { Stream } from "../../src/jetstream/stream/stream.ts";
import type { StreamAccount, StreamHost } from "../../src/jetstream/stream/stream-core.ts";
import { MessageBatch } from "../../src/messaging/batch/message-batch.ts";
import { Subscription } from "../../src/messaging/batch/subscription.ts";
import { HashKey } from "../../src/messaging/subject/byte-hash.ts";
import { SubjectTrie } from "../../src/messaging/subject/subject-trie.ts";
import { Message } from "../../src/store/contract/message.ts";
import { type MessageStore, Read, type StoreObserver } from "../../src/store/contract/message-store.ts";
import { openFileStore } from "../../src/store/file/open-file-store.ts";
import { ChunkPool } from "../../src/store/memory/chunk-pool.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import { finish } from "../../test/store/driven-store.ts";
import { testParts } from "../../test/store/file-store-parts.ts";
import { Measurement } from "./measurement/measurement.ts";

const MESSAGES = 500;
const BLOCK_BYTES = 8 * 1024 * 1024;
/** A stream with more is purged, so that the benchmark does not fill the disk. */
const KEPT_MAX = 100_000;
const KEYS = 10_000;
const ALL = new Uint8Array(Buffer.from("bench.>"));

const measurement = new Measurement();
const directory = mkdtempSync(join(tmpdir(), "bunats-ingest-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

/** Acknowledgements that left. */
let sent = 0;

const host: StreamHost = {
  meter: new WorkMeter(),
  pages: new OutboxPages(),
  addTask: task => {
    while (task.work());
  },
  random: new Random(1),
  run: finish,
  warnRateLimited: text => console.warn(text),
  nanoseconds: new NanosecondClock(SYSTEM_CLOCK),
  timers: new TimingWheel(SYSTEM_CLOCK),
  limits: { bufferedMessagesMax: 10_000, bufferedBytesMax: 128 * 1024 * 1024 },
  domain: "",
  pendingBytesMax: 64 * 1024 * 1024,
  addChanged: () => {},
  endSoon: () => {},
  error: text => console.error(text),
  outOfStorage: stream => console.error(`no room for ${stream}`),
  warn: text => console.warn(text),
};

const account: StreamAccount = {
  name: "$G",
  interest: new SubjectTrie({ cache: true, random: new Random(1), schedule: () => {} }),
  publisher: {
    publishBatch(_batch, from, to) {
      sent += to - from;
      return to - from;
    },
  },
  subscribe: subscription => void account.interest.insert(subscription),
  unsubscribe: subscription => void account.interest.remove(subscription),
  isServerFull: () => false,
  refusalOf: () => null,
  addUsage: () => {},
};

async function openStream(name: string, changes: Partial<StreamConfig>): Promise<Stream> {
  const config = defaultStreamConfig(name, { subjects: ["bench.>"], ...changes });
  const parts = testParts(SYSTEM_DISK);
  mkdirSync(join(directory, name, "msgs"), { recursive: true });
  const stores: MessageStore[] = [];
  const late: StoreObserver = {
    onUsage: () => {},
    onRemoved: () => {},
    onRemovedBelow: () => {},
    onDurable: () => {},
    onFailure: error => console.error(error),
    onResumed: () => {},
  };
  if (config.storage === "memory") stores.push(new MemoryStore(storeLimitsOf(config), late, new HashKey(1, 2), new ChunkPool()));
  else {
    const relaxed = { intervalMs: 3_600_000, bytesMax: Number.MAX_SAFE_INTEGER };
    const options = { name, directory: join(directory, name), blockBytesMax: BLOCK_BYTES, compressed: false, keys: null, relaxed };
    stores.push((await finish(openFileStore(parts, options, storeLimitsOf(config), late))).store);
  }
  return new Stream(host, account, config, host.nanoseconds.read(), () => stores[0]);
}

/** Messages with a reply each. @param subjects number of different subjects */
function newBatch(subjects: number, payloadSize: number, header: string): MessageBatch {
  const batch = new MessageBatch(MESSAGES);
  const parts: string[] = [];
  let at = 0;
  for (let index = 0; index < MESSAGES; index++) {
    const subject = `bench.${(index * 7919) % subjects}`;
    const reply = `_INBOX.Qk3vW9xT0bLr8sZy1mNpUc.${index}`;
    const text = `${subject} ${reply} \r\n${header}${"x".repeat(payloadSize)}\r\n`;
    const replyStart = at + subject.length + 1;
    const start = replyStart + reply.length + 3;
    const end = at + text.length - 2;
    batch.add(at, at + subject.length, replyStart, replyStart + reply.length, header === "" ? -1 : header.length, start, end);
    parts.push(text);
    at += text.length;
  }
  batch.source = Buffer.from(parts.join(""));
  batch.subjectSource = batch.source;
  return batch;
}

async function publishing(name: string, changes: Partial<StreamConfig>, subjects: number, payloadSize: number, header = ""): Promise<void> {
  const stream = await openStream(`S${name.replaceAll(/\W/g, "")}`, changes);
  const subscription = new Subscription(stream.ingest, ALL, null, new Uint8Array(0));
  const batch = newBatch(subjects, payloadSize, header);
  measurement.add(name, MESSAGES, () => {
    const before = sent;
    stream.ingest.deliver(subscription, batch, 0, MESSAGES);
    stream.flush();
    if (sent - before !== MESSAGES) throw new Error(`${sent - before} acknowledgements instead of ${MESSAGES}`);
    if (stream.store.state.messages > KEPT_MAX) {
      for (const _ of stream.store.purge(null, 0, 0));
      stream.flush();
    }
  });
}

await publishing("publish 128 B, file", {}, 1, 128);
await publishing("publish 128 B over 500 subjects, file", {}, MESSAGES, 128);
await publishing("publish 128 B over 500 subjects, 1 message each, file", { messagesPerSubjectMax: 1 }, MESSAGES, 128);
await publishing("publish 1 KiB, file", {}, 1, 1024);
await publishing("publish 128 B, memory", { storage: "memory" }, 1, 128);
await publishing("publish 128 B with a header that says nothing, file", {}, 1, 128, "NATS/1.0\r\nContent-Type: text/plain\r\n\r\n");

const read = await openStream("READ", {});
const message = new Message();
const subjects = Array.from({ length: KEYS }, (_, key) => new Uint8Array(Buffer.from(`bench.${key}`)));
const payload = new Uint8Array(128).fill(0x78);
for (const subject of subjects) {
  message.setSubject(subject, 0, subject.length);
  message.setHeader(payload, 0, 0);
  message.setPayload(payload, 0, payload.length);
  read.store.append(message, 0);
}
read.store.flush();

measurement.add("load a message by its sequence", KEYS, () => {
  for (let index = 0; index < KEYS; index++) {
    if (read.store.load(((index * 7919) % KEYS) + 1, message) !== Read.Found) throw new Error("a message is missing");
  }
});
measurement.add("find the last sequence of one of 10,000 subjects", KEYS, () => {
  for (let index = 0; index < KEYS; index++) {
    const subject = subjects[(index * 7919) % KEYS];
    if (read.store.lastOf(subject, 0, subject.length) === 0) throw new Error("a subject is missing");
  }
});

await measurement.run();
process.exit(0);
