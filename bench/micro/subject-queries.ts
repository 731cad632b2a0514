/**
 * Questions about the subjects of a memory store with wildcards: the whole time, and the longest part without a pause.
 *
 *   bun run bench/micro/subject-queries.ts        BENCH_SHORT=1: a run of seconds, only to see that it works
 */
import { Random } from "../../src/base/random/random.ts";
import type { Job } from "../../src/base/scheduling/job.ts";
import { HashKey } from "../../src/messaging/subject/byte-hash.ts";
import { Message } from "../../src/store/contract/message.ts";
import { NO_STORE_LIMITS } from "../../src/store/contract/store-limits.ts";
import { SubjectFilters } from "../../src/store/contract/subject-filters.ts";
import { ChunkPool } from "../../src/store/memory/chunk-pool.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";

const many = process.env.BENCH_SHORT === "1" ? 20_000 : 1_000_000;

function measured(name: string, job: Job<unknown>): void {
  let longest = 0;
  const started = Bun.nanoseconds();
  for (let done = false; !done; ) {
    const before = Bun.nanoseconds();
    done = job.next().done === true;
    longest = Math.max(longest, Bun.nanoseconds() - before);
  }
  console.log(`${name.padEnd(50)} ${((Bun.nanoseconds() - started) / 1e6).toFixed(2)} ms, longest part ${(longest / 1e6).toFixed(2)} ms`);
}

const observer = { onUsage() {}, onRemoved() {}, onRemovedBelow() {}, onDurable() {}, onFailure() {}, onResumed() {} };
const store = new MemoryStore(NO_STORE_LIMITS, observer, HashKey.secret(), new ChunkPool());
const message = new Message();
const payload = Buffer.from("payload");
message.setPayload(payload, 0, payload.length);
message.timeHigh = 400_000_000;
const numbers = new Random(1).shuffle(Array.from({ length: many }, (_, index) => index));
for (const number of numbers) {
  const subject = Buffer.from(`devices.sensor.room${number % 1_000}.${String(number).padStart(10, "0")}`);
  message.setSubject(subject, 0, subject.length);
  store.append(message, 0);
}
const oneRoom = ["devices.sensor.room7.>"];
measured(`totals of ${many} subjects, the first time`, store.subjectTotals(">", 0, 100_000));
measured("totals again", store.subjectTotals(">", 0, 100_000));
measured("totals of one in a thousand, by a prefix", store.subjectTotals(oneRoom[0], 0, 100_000));
measured("last of each of those", store.lastPerSubject(oneRoom, 0, 0));
measured("last of each, wildcard in the middle", store.lastPerSubject(["devices.*.room7.*"], 0, 0));
measured("number of messages of one in a thousand", store.countFrom(0, new SubjectFilters(oneRoom), false));
measured("last of all that match a prefix", store.lastMatching(oneRoom[0], many));
measured("purge of one in a thousand", store.purge(oneRoom[0], 0, 0));
