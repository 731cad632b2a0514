/**
 * The subject trie under the two loads of a busy server: few subjects that repeat, many that do not; then its memory.
 *
 *   bun run bench/micro/subject.ts              BENCH_SHORT=1: a run of seconds, which shows that it runs and no more
 */
import { heapStats } from "bun:jsc";
import { bench, do_not_optimize, group, run } from "mitata";
import { Random } from "../../src/random/random.ts";
import { hashBytes } from "../../src/subject/byte-hash.ts";
import { SubjectTrie } from "../../src/subject/subject-trie.ts";
import { Origin, type TrieEntry } from "../../src/subject/trie-entry.ts";

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
  readonly hashes: Int32Array;
  private at = 0;

  constructor(subjects: string[]) {
    this.bytes = Buffer.from(subjects.join(""));
    this.starts = new Int32Array(subjects.length + 1);
    for (const [index, subject] of subjects.entries()) this.starts[index + 1] = this.starts[index] + subject.length;
    this.hashes = Int32Array.from(subjects, (_, index) => hashBytes(this.bytes, this.starts[index], this.starts[index + 1]));
  }

  match(trie: SubjectTrie<TrieEntry>, count: number): number {
    let receivers = 0;
    for (let done = 0; done < count; done++) {
      const index = this.next();
      receivers += trie.match(this.bytes, this.starts[index], this.starts[index + 1]).plain.length;
    }
    return receivers;
  }

  matchHashed(trie: SubjectTrie<TrieEntry>, count: number): number {
    let receivers = 0;
    for (let done = 0; done < count; done++) {
      const index = this.next();
      receivers += trie.matchHashed(this.hashes[index], this.bytes, this.starts[index], this.starts[index + 1]).plain.length;
    }
    return receivers;
  }

  private next(): number {
    this.at = this.at + 1 < this.hashes.length ? this.at + 1 : 0;
    return this.at;
  }
}

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

const million = short ? 20_000 : 1_000_000;
const crowded = newTrie();
const settle = () => {
  Bun.gc(true);
  return process.memoryUsage.rss();
};
const subjects = new Random(2).shuffle(numbered("devices.sensor.", million)).map(subject => Buffer.from(subject));
const before = { rss: settle(), heap: heapStats().heapSize + heapStats().extraMemorySize };
const started = Bun.nanoseconds();
for (const subject of subjects) crowded.insert({ subject, queue: null, origin: Origin.Local, weight: 1 });
const insertNs = (Bun.nanoseconds() - started) / million;
const after = { rss: settle(), heap: heapStats().heapSize + heapStats().extraMemorySize };
console.log(
  `${million} literal subscriptions: ${Math.round(insertNs)} ns per insert; bytes each, entry object included, its subject's bytes not: ` +
    `rss ${Math.round((after.rss - before.rss) / million)}, heap ${Math.round((after.heap - before.heap) / million)}`,
);

const single = newTrie();
subscribe(single, "bench.*");
const few = new Published(numbered("bench.", 1_000));
const many = new Published(new Random(3).shuffle(numbered("bench.", 100_000)));
const mixed = newTrie();
for (const pattern of ["bench.*", "bench.>", ">"]) subscribe(mixed, pattern);
const crowd = new Published(new Random(4).shuffle(numbered("devices.sensor.", million)));

group(`${BATCH} matches`, () => {
  bench("cached: 1,000 subjects, one *", () => do_not_optimize(few.match(single, BATCH)));
  bench("cached: the same, hashed by the caller", () => do_not_optimize(few.matchHashed(single, BATCH)));
  bench("uncached: 100,000 subjects, one *", () => do_not_optimize(many.match(single, BATCH)));
  bench("uncached: the same, hashed by the caller", () => do_not_optimize(many.matchHashed(single, BATCH)));
  bench("uncached: 100,000 subjects, three patterns", () => do_not_optimize(many.match(mixed, BATCH)));
  bench(`uncached: ${million} literal subscriptions`, () => do_not_optimize(crowd.match(crowded, BATCH)));
  bench("uncached, sweeping: 100,000 subjects, one *, a turn of the event loop per 1,000", async () => {
    do_not_optimize(many.match(single, BATCH));
    await new Promise(setImmediate);
  });
  bench("insert and remove a literal subscription", () => {
    for (let done = 0; done < BATCH / 2; done++) {
      const entry = { subject: subjects[done], queue: null, origin: Origin.Local, weight: 1 };
      single.insert(entry);
      single.remove(entry);
    }
  });
});

await run(short ? { throw: true, format: "quiet" } : { throw: true });
