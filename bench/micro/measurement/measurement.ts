/**
 * Measures work on many items at once with mitata, so that the clock's own cost disappears, and prints what one item takes.
 *
 *   BENCH_SHORT=1: a few calls each, only to see that it works
 */
import { bench, run } from "mitata";

const short = process.env.BENCH_SHORT === "1";
const SHORT_CALLS = 5;

export class Measurement {
  private readonly items = new Map<string, number>();

  /** @param items number of items that one call of `work` processes */
  add(name: string, items: number, work: () => unknown): void {
    if (this.items.has(name)) throw new Error(`measured twice: ${name}`);
    this.items.set(name, items);
    if (!short) {
      bench(name, work);
      return;
    }
    const started = Bun.nanoseconds();
    for (let call = 0; call < SHORT_CALLS; call++) work();
    print(name, (Bun.nanoseconds() - started) / SHORT_CALLS / items);
  }

  /** Runs all that was added, and prints the median: ns per item and items per second. */
  async run(): Promise<void> {
    if (short) return;
    const { benchmarks } = await run({ throw: true, format: "quiet" });
    for (const { alias, runs } of benchmarks) print(alias, runs[0].stats!.p50 / this.items.get(alias)!);
  }
}

function print(name: string, ns: number): void {
  console.log(`${name.padEnd(64)} ${ns.toFixed(2).padStart(9)} ns ${(1_000 / ns).toFixed(1).padStart(8)} M/s`);
}
