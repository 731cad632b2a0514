import { expect, test } from "bun:test";
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import { Random } from "../../base/random/random.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { HashKey } from "../../messaging/subject/byte-hash.ts";
import { Message } from "../../store/contract/message.ts";
import { NO_STORE_LIMITS } from "../../store/contract/store-limits.ts";
import { ChunkPool } from "../../store/memory/chunk-pool.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { MessageIds } from "./message-ids.ts";
import { messageIdAt, recallIds } from "./recall-ids.ts";

const START = 1_700_000_000_000_000_000n;
const SECOND = 1_000_000_000n;
const noObserver = { onUsage() {}, onRemoved() {}, onRemovedBelow() {}, onDurable() {}, onFailure() {}, onResumed() {} };

/** One message per second; every third one has no id. */
function filledStore(messages: number): MemoryStore {
  const store = new MemoryStore(NO_STORE_LIMITS, noObserver, new HashKey(1, 2), new ChunkPool());
  const message = new Message();
  const subject = Buffer.from("orders");
  for (let number = 1; number <= messages; number++) {
    const header = Buffer.from(number % 3 === 0 ? "NATS/1.0\r\nA: b\r\n\r\n" : `NATS/1.0\r\nNats-Msg-Id: id-${number}\r\n\r\n`);
    message.setSubject(subject, 0, subject.length);
    message.setHeader(header, 0, header.length);
    message.setPayload(header, 0, 0);
    const time = new Nanoseconds().setBigInt(START + BigInt(number) * SECOND);
    message.timeHigh = time.high;
    message.timeLow = time.low;
    store.append(message, 0);
  }
  return store;
}

function finished<T>(job: Job<T>): T {
  for (;;) {
    const { done, value } = job.next();
    if (done) return value;
  }
}

function foundAt(ids: MessageIds, now: bigint): number[] {
  const time = new Nanoseconds().setBigInt(now);
  return Array.from({ length: 30 }, (_, index) => Buffer.from(`id-${index + 1}`))
    .map(id => ids.find(id, 0, id.length, time))
    .filter(sequence => sequence !== 0);
}

test("ids of stored messages are known again, and keep their deadlines", () => {
  const store = filledStore(20);
  store.remove(14);
  const ids = new MessageIds(new Random(1), 10n * SECOND, () => {});
  const now = START + 20n * SECOND;
  finished(recallIds(store, ids, 10n * SECOND, now, 20));
  expect(foundAt(ids, now)).toEqual([11, 13, 16, 17, 19, 20]);
  expect(foundAt(ids, now + 5n * SECOND)).toEqual([16, 17, 19, 20]);
  expect(foundAt(ids, now + 6n * SECOND - 1n)).toEqual([16, 17, 19, 20]);
  expect(foundAt(ids, now + 6n * SECOND)).toEqual([17, 19, 20]);
});

test("messages that come meanwhile are left to their publishers", () => {
  const ids = new MessageIds(new Random(1), 10n * SECOND, () => {});
  finished(recallIds(filledStore(20), ids, 10n * SECOND, START + 20n * SECOND, 16));
  expect(foundAt(ids, START + 20n * SECOND)).toEqual([11, 13, 14, 16]);
});

test("an empty store, a window of zero, and messages that are too old have no ids to recall", () => {
  const ids = new MessageIds(new Random(1), 10n * SECOND, () => {});
  finished(recallIds(filledStore(0), ids, 10n * SECOND, START, 0));
  finished(recallIds(filledStore(20), ids, 0n, START + 20n * SECOND, 20));
  finished(recallIds(filledStore(20), ids, 10n * SECOND, START + 31n * SECOND, 20));
  expect(ids.count).toBe(0);
});

test("many ids are recalled with pauses", () => {
  const ids = new MessageIds(new Random(1), 10_000n * SECOND, () => {});
  const pauses = [...recallIds(filledStore(9_000), ids, 10_000n * SECOND, START + 9_000n * SECOND, 9_000)];
  expect(pauses.length).toBeGreaterThan(15);
  expect(ids.count).toBe(6_000);
});

test("the last message's id is read; a message without one, or none at all, has the empty id", () => {
  const store = filledStore(4);
  expect([1, 3, 4, 5].map(sequence => finished(messageIdAt(store, sequence)))).toEqual(["id-1", "", "id-4", ""]);
});
