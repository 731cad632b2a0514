/**
 * The cost of mappings and transforms per message: for cached subjects, for others, and of the transform alone.
 *
 *   bun run bench/micro/mapping.ts              BENCH_SHORT=1: a run of seconds, only to see that it works
 */
import { do_not_optimize } from "mitata";
import { Random } from "../../src/base/random/random.ts";
import { SubjectMappings } from "../../src/messaging/mapping/subject-mappings.ts";
import { SubjectTransform } from "../../src/messaging/mapping/subject-transform.ts";
import { Measurement } from "./measurement/measurement.ts";

const BATCH = 1_000;
const random = new Random(1);

/** Many subjects back to back, as a read buffer holds them. */
class Published {
  readonly bytes: Uint8Array;
  private readonly starts: Int32Array;
  private at = 0;

  constructor(subjects: string[]) {
    this.bytes = Buffer.from(subjects.join(""));
    this.starts = new Int32Array(subjects.length + 1);
    for (const [index, subject] of subjects.entries()) this.starts[index + 1] = this.starts[index] + subject.length;
  }

  each(count: number, work: (source: Uint8Array, start: number, end: number) => number): number {
    let sum = 0;
    for (let done = 0; done < count; done++) {
      this.at = this.at + 2 < this.starts.length ? this.at + 1 : 0;
      sum += work(this.bytes, this.starts[this.at], this.starts[this.at + 1]);
    }
    return sum;
  }
}

function mappingsOf(source: string, ...destinations: [subject: string, weight: number][]): SubjectMappings {
  const list = destinations.map(([subject, weight]) => ({ subject, weight, cluster: "" }));
  return new SubjectMappings([{ source, destinations: list }], "", random);
}

function selectAll(mappings: SubjectMappings, published: Published): number {
  return published.each(BATCH, (source, start, end) => mappings.select(source, start, end)?.length ?? 0);
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `orders.eu.${index}`);
const few = new Published(numbered(100));
const many = new Published(random.shuffle(numbered(100_000)));
const measurement = new Measurement();

function measureSelect(name: string, mappings: SubjectMappings, published: Published): void {
  measurement.add(name, BATCH, () => do_not_optimize(selectAll(mappings, published)));
}

measureSelect("select, cached: 100 subjects, one destination", mappingsOf("orders.*.*", ["new.$2.$1", 100]), few);
measureSelect("select, cached: 100 subjects, two by weight", mappingsOf("orders.*.*", ["new.$2", 20], ["newer.$2", 30]), few);
measureSelect("select, cached: 100 subjects that no rule covers", mappingsOf("other.*.*", ["new.$2.$1", 100]), few);
measureSelect("select, uncached: 100,000 subjects, one destination", mappingsOf("orders.*.*", ["new.$2.$1", 100]), many);
measureSelect("select, uncached: 100,000 subjects that no rule covers", mappingsOf("other.*.*", ["new.$2.$1", 100]), many);
measureSelect("select with random(): 100 subjects", mappingsOf("orders.*.*", ["new.{{random(10)}}.$2", 100]), few);

const target = Buffer.alloc(256);
for (const destination of ["new.$2.$1", "new.{{partition(10,1,2)}}.$2", "new.{{split(2,-)}}.{{sliceFromLeft(1,1)}}"]) {
  const transform = SubjectTransform.compile("orders.*.*", destination);
  measurement.add(`transform alone: orders.*.* -> ${destination}`, BATCH, () =>
    do_not_optimize(few.each(BATCH, (source, start, end) => transform.transform(source, start, end, target, 0, random))),
  );
}

await measurement.run();
