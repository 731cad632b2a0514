/** Blocks of which less than half is needed are rewritten, and nothing that is there is lost, nor is back what is gone. */
import { expect, test } from "bun:test";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { DrivenStore, finish } from "../../../test/store/driven-store.ts";
import { testParts } from "../../../test/store/file-store-parts.ts";
import type { StorePlace } from "../../../test/store/store-kind.ts";
import { NO_STORE_LIMITS, type StoreLimits } from "../contract/store-limits.ts";
import type { FileStore } from "./file-store.ts";
import { openFileStore } from "./open-file-store.ts";

const START = 1_700_000_000_000_000_000n;
const MESSAGES = 120;

class Bench {
  readonly disk = new SimulatedDisk({ seed: 1 });
  readonly lines: string[] = [];
  store!: DrivenStore;

  static async open(blockBytesMax: number, compressed: boolean, limits: Partial<StoreLimits> = {}): Promise<Bench> {
    const bench = new Bench();
    for (const path of ["/S", "/S/msgs"]) bench.disk.makeDirectory(path);
    const open: StorePlace["open"] = async (given, observer) => {
      const parts = testParts(bench.disk);
      const log = { ...parts.log, error: (text: string) => void bench.lines.push(text) };
      const options = { name: "S", directory: "/S", blockBytesMax, compressed, keys: null, relaxed: null };
      return (await finish(openFileStore({ ...parts, log }, options, given, observer))).store;
    };
    bench.store = await DrivenStore.openAt({ open, kill() {} }, { ...NO_STORE_LIMITS, ...limits });
    return bench;
  }

  async append(count: number, subject: (index: number) => string): Promise<void> {
    for (let index = 0; index < count; index++) await this.store.append(subject(index), "", "x".repeat(60), START, 0);
  }

  tidy(): Promise<void> {
    return (this.store.store as FileStore).tidy();
  }

  async sequences(): Promise<number[]> {
    return (await this.store.scan(null, 0, 1)).map(({ sequence }) => sequence);
  }

  get blockBytes(): number {
    const names = this.disk.list("/S/msgs").filter(({ name }) => name.endsWith(".blk"));
    return names.reduce((sum, { name }) => sum + this.disk.status(`/S/msgs/${name}`)!.size, 0);
  }
}

for (const compressed of [false, true]) {
  test(`a store of which most messages were deleted gives back their space${compressed ? ", compressed" : ""}`, async () => {
    const bench = await Bench.open(1_000, compressed);
    await bench.append(MESSAGES, index => `s.${index}`);
    for (let sequence = 1; sequence <= MESSAGES; sequence++) if (sequence % 5 !== 0) await bench.store.remove(sequence);
    const left = await bench.sequences();
    const before = bench.blockBytes;
    await bench.tidy();
    expect(await bench.sequences()).toEqual(left);
    expect(bench.blockBytes).toBeLessThan(compressed ? before : before * 0.6);
    await bench.store.reopen();
    expect(await bench.sequences()).toEqual(left);
    // Without the description of the store, all blocks are read.
    await bench.store.store.close();
    bench.disk.unlink("/S/msgs/index.db");
    await bench.store.reopen();
    expect(await bench.sequences()).toEqual(left);
    expect([bench.store.state.lastSequence, bench.lines]).toEqual([MESSAGES, []]);
  });
}

test("a large block is rewritten as soon as less than half of it is needed", async () => {
  const bench = await Bench.open(4 * 1024 * 1024, false, { messagesPerSubjectMax: 1 });
  const payload = "x".repeat(100_000);
  const append = (subject: string) => bench.store.append(subject, "", payload, START, 0);
  for (let index = 0; index < 200; index++) {
    await append(`s.${index % 20}`);
    // One that is never replaced, in each block.
    if (index % 10 === 0) await append(`kept.${index}`);
  }
  await (bench.store.store as FileStore).rewritten();
  await bench.store.store.close();
  const live = 40 * 100_100;
  expect(bench.blockBytes).toBeLessThan(2 * live + 4 * 1024 * 1024);
  await bench.store.reopen();
  expect((await bench.sequences()).length).toBe(40);
});

test("a store that is killed after blocks were rewritten does not trust a description from before", async () => {
  const bench = await Bench.open(4 * 1024 * 1024, false, { messagesPerSubjectMax: 1 });
  const payload = "x".repeat(100_000);
  const last = new Map<string, number>();
  const append = async (subject: string) => last.set(subject, await bench.store.append(subject, "", payload, START, 0));
  for (let index = 0; index < 60; index++) await append(`s.${index}`);
  await bench.tidy();
  for (let index = 0; index < 30; index++) await append(`s.${index}`);
  await (bench.store.store as FileStore).rewritten();
  await bench.store.kill();
  expect(await bench.sequences()).toEqual([...last.values()].sort((a, b) => a - b));
  for (const [subject, sequence] of last) expect([await bench.store.lastOf(subject), bench.store.totalOf(subject)]).toEqual([sequence, 1]);
});
