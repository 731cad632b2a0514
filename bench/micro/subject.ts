/**
 * The subject trie under two loads: few subjects that repeat, many that do not. Then its memory.
 *
 *   bun run bench/micro/subject.ts              BENCH_SHORT=1: a run of seconds, only to see that it works
 */
import { heapStats } from "bun:jsc";
import { bench, do_not_optimize, run } from "mitata";
import { Random } from "../../src/base/random/random.ts";
import { SubjectTrie } from "../../src/messaging/subject/subject-trie.ts";
import { Origin, type TrieEntry } from "../../src/messaging/subject/trie-entry.ts";

const short = process.env.BENCH_SHORT === "1";
/** Matches per measured call, so that the clock's own cost disappears. */
const BATCH = 1_000;

function newTrie(): SubjectTrie<TrieEntry> {
  return new SubjectTrie({ cache: true, random: new Random(1), schedule: task => setImmediate(task) });
}

function subscribe(trie: SubjectTrie<TrieEntry>, subject: string): void {
  trie.insert({ subject: Buffer.from(subject), queue: null, origin: Origin.Local, weight: 1 });
}

/** Many subjects back to back, as a read buffer holds them. */
class Published {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  private readonly count: number;
  private at = 0;

  constructor(subjects: string[]) {
    this.bytes = Buffer.from(subjects.join(""));
    this.starts = new Int32Array(subjects.length + 1);
    this.count = subjects.length;
    for (const [index, subject] of subjects.entries()) this.starts[index + 1] = this.starts[index] + subject.length;
  }

  match(trie: SubjectTrie<TrieEntry>, count: number): number {
    let receivers = 0;
    for (let done = 0; done < count; done++) {
      const index = this.next();
      receivers += trie.match(this.bytes, this.starts[index], this.starts[index + 1]).plain.length;
    }
    return receivers;
  }

  private next(): number {
    this.at = this.at + 1 < this.count ? this.at + 1 : 0;
    return this.at;
  }
}

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** Bytes of the heap after a garbage collection. */
function memory(): { rss: number; heap: number } {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return { rss: process.memoryUsage.rss(), heap: heapSize + extraMemorySize };
}

const million = short ? 20_000 : 1_000_000;
const crowded = newTrie();
const crowd = new Published(new Random(4).shuffle(numbered("devices.sensor.", million)));
const empty = memory();
const subjects = new Random(2).shuffle(numbered("devices.sensor.", million)).map(subject => new Uint8Array(Buffer.from(subject)));
const entries = subjects.map(subject => ({ subject, queue: null, origin: Origin.Local, weight: 1 }));
const created = memory();
const started = Bun.nanoseconds();
for (const entry of entries) crowded.insert(entry);
const insertNs = Math.round((Bun.nanoseconds() - started) / million);
const inserted = memory();
crowd.match(crowded, million);
const matched = memory();
const each = (from: { rss: number; heap: number }, to: { rss: number; heap: number }) =>
  `rss ${Math.round((to.rss - from.rss) / million)}, heap ${Math.round((to.heap - from.heap) / million)} bytes`;
console.log(`${million} literal subscriptions, ${insertNs} ns per insert; each takes`);
console.log(`  as entry with its subject, before it is in the trie   ${each(empty, created)}`);
console.log(`  in the trie                                           ${each(created, inserted)}`);
console.log(`  more once a message came for it                       ${each(inserted, matched)}`);

const single = newTrie();
subscribe(single, "bench.*");
const few = new Published(numbered("bench.", 1_000));
const many = new Published(new Random(3).shuffle(numbered("bench.", 100_000)));
const mixed = newTrie();
for (const pattern of ["bench.*", "bench.>", ">"]) subscribe(mixed, pattern);

/** Measures with mitata; in a short run only a few calls. */
async function measure(name: string, work: () => unknown): Promise<void> {
  if (!short) {
    bench(name, work);
    return;
  }
  const started = Bun.nanoseconds();
  for (let call = 0; call < 50; call++) await work();
  console.log(`${name}: ${Math.round((Bun.nanoseconds() - started) / 50 / BATCH)} ns`);
}

console.log(`\nBelow, µs for ${BATCH} matches are ns for one.`);
await measure("cached: 1,000 subjects, one *", () => do_not_optimize(few.match(single, BATCH)));
await measure("uncached: 100,000 subjects, one *", () => do_not_optimize(many.match(single, BATCH)));
await measure("uncached: 100,000 subjects, three patterns", () => do_not_optimize(many.match(mixed, BATCH)));
await measure(`uncached: ${million} literal subscriptions`, () => do_not_optimize(crowd.match(crowded, BATCH)));
await measure("uncached, sweeping: 100,000 subjects, one *, a turn of the event loop per 1,000", async () => {
  do_not_optimize(many.match(single, BATCH));
  await new Promise(setImmediate);
});
await measure("insert and remove a literal subscription", () => {
  for (let done = 0; done < BATCH / 2; done++) {
    const entry = { subject: subjects[done], queue: null, origin: Origin.Local, weight: 1 };
    single.insert(entry);
    single.remove(entry);
  }
});

if (!short) await run({ throw: true });
