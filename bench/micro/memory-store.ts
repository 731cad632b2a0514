/**
 * The memory store: storing under different limits, reading one message, walking over all.
 *
 *   bun run bench/micro/memory-store.ts              BENCH_SHORT=1: a run of seconds, only to see that it works
 */
import { bench, do_not_optimize, run } from "mitata";
import { HashKey } from "../../src/messaging/subject/byte-hash.ts";
import { Message } from "../../src/store/contract/message.ts";
import { type MessageScan, Read, type StoreObserver } from "../../src/store/contract/message-store.ts";
import { NO_STORE_LIMITS, type StoreLimits } from "../../src/store/contract/store-limits.ts";
import { SubjectFilters } from "../../src/store/contract/subject-filters.ts";
import { ChunkPool } from "../../src/store/memory/chunk-pool.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";

const short = process.env.BENCH_SHORT === "1";
/** Operations per measured call. */
const BATCH = 1_000;
/** Messages in a store that is read or that replaces its oldest messages. */
const KEPT = short ? 10_000 : 200_000;
const SUBJECTS = 10_000;

/** Adds up what it hears, as the owner of a stream does. */
class Usage implements StoreObserver {
  messages = 0;
  bytes = 0;
  onUsage(messages: number, bytes: number): void {
    this.messages += messages;
    this.bytes += bytes;
  }
  onRemoved(): void {}
  onRemovedBelow(): void {}
  onDurable(): void {}
  onFailure(): void {}
  onResumed(): void {}
}

const pool = new ChunkPool();

function newStore(limits: Partial<StoreLimits>): MemoryStore {
  return new MemoryStore({ ...NO_STORE_LIMITS, ...limits }, new Usage(), HashKey.secret(), pool);
}

/** Publishes messages out of one buffer, as a client's reads have them. */
class Publisher {
  private readonly bytes: Buffer;
  private readonly starts: number[] = [];
  private readonly message = new Message();
  private at = 0;
  private time = 0;

  constructor(
    private readonly payloadSize: number,
    subjects: readonly string[],
  ) {
    const parts = subjects.map(subject => Buffer.concat([Buffer.from(subject), Buffer.alloc(payloadSize, "x")]));
    let start = 0;
    for (const part of parts) {
      this.starts.push(start);
      start += part.length;
    }
    this.starts.push(start);
    this.bytes = Buffer.concat(parts);
  }

  publish(store: MemoryStore, count: number): void {
    const { bytes, message, payloadSize, starts } = this;
    for (let done = 0; done < count; done++) {
      const start = starts[this.at];
      const end = starts[this.at + 1];
      this.at = this.at + 2 < starts.length ? this.at + 1 : 0;
      message.timeHigh = 400_000_000;
      message.timeLow = this.time++;
      message.setSubject(bytes, start, end - payloadSize);
      message.setPayload(bytes, end - payloadSize, end);
      if (store.check(message) === 0) store.append(message, 0);
    }
  }
}

/** Walks a store over and over. */
class Walker {
  private scan: MessageScan;
  private readonly message = new Message();

  constructor(
    private readonly store: MemoryStore,
    private readonly filters: SubjectFilters | null,
  ) {
    this.scan = store.scan(filters, 0);
  }

  walk(count: number): number {
    let bytes = 0;
    for (let done = 0; done < count; ) {
      const read = this.scan.step(this.message);
      if (read === Read.Missing) this.scan = this.store.scan(this.filters, 0);
      if (read !== Read.Found) continue;
      bytes += this.message.payloadSize;
      done++;
    }
    return bytes;
  }
}

/** Measures with mitata; in a short run only a few calls. */
function measure(name: string, work: () => unknown): void {
  if (!short) {
    bench(name, work);
    return;
  }
  const started = Bun.nanoseconds();
  for (let call = 0; call < 200; call++) work();
  console.log(`${name}: ${Math.round((Bun.nanoseconds() - started) / 200 / BATCH)} ns`);
}

const numbered = Array.from({ length: SUBJECTS }, (_, index) => `orders.created.${(index * 7919) % SUBJECTS}`);
const one = new Publisher(128, ["orders.created"]);
const many = new Publisher(128, numbered);
const kilobyte = new Publisher(1024, ["orders.created"]);

console.log(`Below, µs for ${BATCH} operations are ns for one.`);
const limited = newStore({ messagesMax: KEPT });
measure(`append 128 B, one subject, max_msgs ${KEPT}`, () => one.publish(limited, BATCH));
const largeMessages = newStore({ messagesMax: KEPT / 10 });
measure(`append 1 KiB, one subject, max_msgs ${KEPT / 10}`, () => kilobyte.publish(largeMessages, BATCH));
const spread = newStore({ messagesMax: KEPT });
measure(`append 128 B, ${SUBJECTS} subjects, max_msgs ${KEPT}`, () => many.publish(spread, BATCH));
const keyed = newStore({ messagesPerSubjectMax: 1 });
measure(`append 128 B, ${SUBJECTS} subjects, max_msgs_per_subject 1`, () => many.publish(keyed, BATCH));

const read = newStore({});
many.publish(read, KEPT);
const message = new Message();
const names = numbered.map(subject => new Uint8Array(Buffer.from(subject)));
let next = 0;
measure(`last sequence of a subject, of ${SUBJECTS}`, () => {
  for (let done = 0; done < BATCH; done++) {
    next = next + 1 < names.length ? next + 1 : 0;
    do_not_optimize(read.lastOf(names[next], 0, names[next].length));
  }
});
measure("load by sequence", () => {
  for (let done = 0; done < BATCH; done++) {
    next = (next + 7919) % KEPT;
    read.load(next + 1, message);
    do_not_optimize(message.payloadStart);
  }
});
const all = new Walker(read, null);
measure("scan, no filter", () => do_not_optimize(all.walk(BATCH)));
const literal = new Walker(read, new SubjectFilters(["orders.created.77"]));
measure("scan, a literal", () => do_not_optimize(literal.walk(BATCH)));
const wild = new Walker(read, new SubjectFilters(["orders.*.*"]));
measure("scan, a filter that all messages match", () => do_not_optimize(wild.walk(BATCH)));
const few = new Walker(read, new SubjectFilters(["orders.*.77", "orders.*.78"]));
measure("scan, filters that 1 in 5,000 messages matches", () => do_not_optimize(few.walk(BATCH / 20)));

console.log(`memory per message of 128 B: ${Math.round(read.bytesTaken / KEPT)} bytes without the subject table`);
if (!short) await run({ throw: true });
