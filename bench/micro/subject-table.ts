/**
 * The subject table of a store: look-ups among few and many subjects, storing, coming and going; then its memory and its longest pause.
 *
 *   bun run bench/micro/subject-table.ts        BENCH_SHORT=1: a run of seconds, only to see that it works
 */
import { do_not_optimize } from "mitata";
import { Random } from "../../src/base/random/random.ts";
import { HashKey } from "../../src/messaging/subject/byte-hash.ts";
import { SubjectTable } from "../../src/store/subjects/subject-table.ts";
import { Measurement } from "./measurement/measurement.ts";

const BATCH = 1_000;
const many = process.env.BENCH_SHORT === "1" ? 20_000 : 1_000_000;

/** Subjects of 32 bytes back to back, as a read buffer holds them. */
class Subjects {
  static readonly size = 32;
  readonly bytes: Uint8Array;
  private at = 0;

  constructor(readonly count: number) {
    const numbers = new Random(count).shuffle(Array.from({ length: count }, (_, index) => index));
    this.bytes = Buffer.from(numbers.map(number => `devices.sensor.room.${String(number).padStart(12, "0")}`).join(""));
  }

  /** Where the next one starts, in turns. */
  next(): number {
    this.at = this.at + 1 < this.count ? this.at + 1 : 0;
    return this.at * Subjects.size;
  }
}

function filled(subjects: Subjects): SubjectTable {
  const table = new SubjectTable(HashKey.secret());
  for (let count = 0; count < subjects.count; count++) {
    const start = subjects.next();
    table.noteStored(table.findOrAdd(subjects.bytes, start, start + Subjects.size), 1, count + 1, 200);
  }
  return table;
}

const measurement = new Measurement();
for (const count of [10, 10_000, many]) {
  const subjects = new Subjects(count);
  const table = filled(subjects);
  measurement.add(`${count} subjects: look up`, BATCH, () => {
    let sum = 0;
    for (let step = 0; step < BATCH; step++) {
      const start = subjects.next();
      sum += table.find(subjects.bytes, start, start + Subjects.size);
    }
    do_not_optimize(sum);
  });
  measurement.add(`${count} subjects: check, then store`, BATCH, () => {
    let sum = 0;
    for (let step = 0; step < BATCH; step++) {
      const start = subjects.next();
      sum += table.find(subjects.bytes, start, start + Subjects.size);
      sum += table.noteStored(table.findOrAdd(subjects.bytes, start, start + Subjects.size), 1, step, 200);
    }
    do_not_optimize(sum);
  });
  measurement.add(`${count} subjects: one subject in a run`, BATCH, () => {
    const start = subjects.next();
    let sum = 0;
    for (let step = 0; step < BATCH; step++) sum += table.find(subjects.bytes, start, start + Subjects.size);
    do_not_optimize(sum);
  });
  measurement.add(`${count} subjects: remove and add again`, BATCH, () => {
    for (let step = 0; step < BATCH; step++) {
      const start = subjects.next();
      table.remove(table.find(subjects.bytes, start, start + Subjects.size));
      table.findOrAdd(subjects.bytes, start, start + Subjects.size);
    }
  });
}
await measurement.run();

const subjects = new Subjects(many);
const table = new SubjectTable(HashKey.secret());
let longest = 0;
const started = Bun.nanoseconds();
let last = started;
for (let count = 0; count < many; count++) {
  const start = subjects.next();
  table.findOrAdd(subjects.bytes, start, start + Subjects.size);
  if (count % 100 !== 0) continue;
  const now = Bun.nanoseconds();
  longest = Math.max(longest, now - last);
  last = now;
}
const addNs = (last - started) / many;
console.log(
  `${many} subjects of ${Subjects.size} bytes: ${(table.memory / many).toFixed(1)} bytes each, ${addNs.toFixed(0)} ns to add one;`,
);
console.log(`the longest time for 100 of them was ${(longest / 1e6).toFixed(2)} ms`);
