/**
 * The order of many subjects: how long it takes to sort them and the longest part of it, walks, and what later changes cost.
 *
 *   bun run bench/micro/subject-order.ts        BENCH_SHORT=1: a run of seconds, only to see that it works
 */
import { Random } from "../../src/base/random/random.ts";
import type { Sliced } from "../../src/base/scheduling/sliced.ts";
import { HashKey } from "../../src/messaging/subject/byte-hash.ts";
import { SubjectOrder } from "../../src/store/subjects/subject-order.ts";
import { NO_SUBJECT, SubjectTable } from "../../src/store/subjects/subject-table.ts";
import { PAUSED } from "../../src/store/subjects/subject-walk.ts";

const many = process.env.BENCH_SHORT === "1" ? 20_000 : 1_000_000;

/** Runs all parts, and prints the whole time and the longest part. */
function measured<T>(name: string, items: number, sliced: Sliced<T>): T {
  let longest = 0;
  const started = Bun.nanoseconds();
  while (true) {
    const before = Bun.nanoseconds();
    const step = sliced.next();
    const now = Bun.nanoseconds();
    longest = Math.max(longest, now - before);
    if (!step.done) continue;
    const ms = (now - started) / 1e6;
    console.log(
      `${name.padEnd(50)} ${ms.toFixed(2)} ms, ${((ms * 1e6) / items).toFixed(0)} ns each, longest part ${(longest / 1e6).toFixed(2)} ms`,
    );
    return step.value;
  }
}

function* walk(order: SubjectOrder, pattern: string): Sliced<number> {
  const found = order.walk(Buffer.from(pattern));
  let count = 0;
  for (let id = found.next(); id !== NO_SUBJECT; id = found.next()) {
    if (id === PAUSED) yield* found.resume();
    else count++;
  }
  return count;
}

const subject = (number: number) => Buffer.from(`devices.sensor.room${number % 1_000}.${String(number).padStart(10, "0")}`);
const random = new Random(1);
const table = new SubjectTable(HashKey.secret());
for (const number of random.shuffle(Array.from({ length: many }, (_, index) => index))) {
  const bytes = subject(number);
  table.findOrAdd(bytes, 0, bytes.length);
}
const order = new SubjectOrder(table, random);
measured(`sort ${many} subjects`, many, order.settle());
measured("walk over all", many, walk(order, ">"));
measured("walk over all, one in a thousand matches", many, walk(order, "devices.*.room7.*"));
measured("walk over a prefix", many / 1_000, walk(order, "devices.sensor.room7.>"));
const changed = many / 10;
for (let number = many; number < many + changed; number++) {
  const bytes = subject(number);
  table.findOrAdd(bytes, 0, bytes.length);
}
measured(`insert ${changed} that were added`, changed, order.settle());
const started = Bun.nanoseconds();
for (let number = 0; number < changed; number++) {
  const bytes = subject(number);
  table.remove(table.find(bytes, 0, bytes.length));
}
console.log(`${`remove ${changed}`.padEnd(50)} ${((Bun.nanoseconds() - started) / changed).toFixed(0)} ns each, with the table`);
