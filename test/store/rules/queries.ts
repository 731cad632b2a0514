import { expect, test } from "bun:test";
import type { Job } from "../../../src/base/scheduling/job.ts";
import { Message } from "../../../src/store/contract/message.ts";
import { Read } from "../../../src/store/contract/message-store.ts";
import { SubjectFilters } from "../../../src/store/contract/subject-filters.ts";
import { ANY_SEQUENCE, finish } from "../driven-store.ts";
import type { StoreKind } from "../store-kind.ts";
import { Bench } from "./store-bench.ts";

export function describeQueries(kind: StoreKind): void {
  test("the last sequence of a subject, whichever of its messages went", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "a", "a", "b");
    expect(await bench.store.lastOf("a")).toBe(4);
    await bench.store.remove(4);
    expect(await bench.store.lastOf("a")).toBe(3);
    await bench.store.remove(1);
    expect(await bench.store.lastOf("a")).toBe(3);
    await bench.store.remove(3);
    expect(await bench.store.lastOf("a")).toBe(0);
    expect(await bench.store.lastOf("b")).toBe(5);
  });

  test("the last sequence of a pattern, up to a sequence", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a.x", "a.y", "b", "a.x");
    expect(await bench.store.lastMatching("a.*", ANY_SEQUENCE)).toBe(4);
    expect(await bench.store.lastMatching("a.*", 3)).toBe(2);
    expect(await bench.store.lastMatching("a.x", 3)).toBe(1);
    expect(await bench.store.lastMatching(">", 3)).toBe(3);
    expect(await bench.store.lastMatching("a.y", 1)).toBe(0);
    expect(await bench.store.lastMatching("c.>", ANY_SEQUENCE)).toBe(0);
  });

  test("the sequence at a time is the first message that is not older", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "c", "d");
    await bench.store.remove(3);
    expect(await bench.store.sequenceAt(0n)).toBe(1);
    expect(await bench.store.sequenceAt(bench.timeOf(2))).toBe(2);
    expect(await bench.store.sequenceAt(bench.timeOf(2) + 1n)).toBe(4);
    expect(await bench.store.sequenceAt(bench.timeOf(3))).toBe(4);
    expect(await bench.store.sequenceAt(bench.timeOf(4) + 1n)).toBe(5);
    await bench.store.purge(null, 0, 0);
    expect(await bench.store.sequenceAt(0n)).toBe(5);
  });

  test("a scan goes on when messages come, and can be moved", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "a");
    const { store } = bench.store;
    for (const filters of [null, new SubjectFilters(["a"]), new SubjectFilters(["a", "c.*"])]) {
      const scan = store.scan(filters, 2);
      const found: number[] = [];
      const message = new Message();
      const walk = async () => {
        while (true) {
          const read = scan.step(message);
          if (read === Read.Missing) return;
          if (read === Read.Cold) await store.warm();
          if (read === Read.Found) found.push(message.sequence);
        }
      };
      await walk();
      expect(scan.position).toBe(store.state.lastSequence + 1);
      const added = await bench.add("c", "a");
      await walk();
      scan.position = added;
      await walk();
      expect(found.slice(-2)).toEqual([added, added]);
      expect(new Set(found).has(1)).toBeFalse();
    }
  });

  test("a scan does not see what was removed behind its back", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "a", "a");
    const scan = bench.store.store.scan(new SubjectFilters(["a"]), 0);
    const message = new Message();
    expect(await bench.store.step(scan, message)).toBe(Read.Found);
    await bench.store.remove(1);
    await bench.store.remove(3);
    expect([await bench.store.step(scan, message), message.sequence]).toEqual([Read.Found, 4]);
    expect(await bench.store.step(scan, message)).toBe(Read.Missing);
  });

  test("a scan that searches long pauses", async () => {
    const bench = await Bench.open(kind);
    for (let count = 0; count < 5_000; count++) await bench.addOne(`a.${count % 2_000}`, "", "");
    const scan = bench.store.store.scan(new SubjectFilters(["b.*", "c.*"]), 0);
    const message = new Message();
    // In memory it pauses; otherwise it stops at the first message that must be read.
    expect(scan.step(message)).toBeOneOf([Read.Paused, Read.Cold]);
    expect(scan.position).toBeLessThan(5_000);
    expect(await bench.store.scan(["b.*", "c.*"], 0, 1)).toEqual([]);
  });

  test("subjects with their totals come sorted by bytes", async () => {
    const bench = await Bench.open(kind);
    await bench.add("b", "a.z", "a", "a.é", "a.z", "a.b", "b");
    expect(await bench.store.subjectTotals(">")).toEqual([
      { subject: "a", messages: 1 },
      { subject: "a.b", messages: 1 },
      { subject: "a.z", messages: 2 },
      { subject: "a.é", messages: 1 },
      { subject: "b", messages: 2 },
    ]);
    expect(await bench.store.subjectTotals("a.z")).toEqual([{ subject: "a.z", messages: 2 }]);
    await bench.store.remove(3);
    expect(await bench.store.subjectTotals("*")).toEqual([{ subject: "b", messages: 2 }]);
  });

  test("subjects come in pages, with the number of all that match", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a.1", "a.2", "b", "a.3", "a.4");
    const page = async (filter: string, skipped: number, most: number) => {
      const { found, totals } = await bench.store.subjectPage(filter, skipped, most);
      return [found, ...totals.map(({ subject }) => subject)];
    };
    expect(await page("a.*", 0, 3)).toEqual([4, "a.1", "a.2", "a.3"]);
    expect(await page("a.*", 3, 3)).toEqual([4, "a.4"]);
    expect(await page("a.*", 9, 3)).toEqual([4]);
    expect(await page(">", 4, 3)).toEqual([5, "b"]);
    expect(await page("c", 0, 3)).toEqual([0]);
  });

  test("messages from a sequence on are counted, all or the last of each subject", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "a", "c", "a", "b");
    await bench.store.remove(4);
    expect(await bench.store.countFrom(0, null, false)).toBe(5);
    expect(await bench.store.countFrom(3, null, false)).toBe(3);
    expect(await bench.store.countFrom(2, ["a"], false)).toBe(2);
    expect(await bench.store.countFrom(2, ["a", "b"], true)).toBe(2);
    expect(await bench.store.countFrom(6, null, true)).toBe(1);
    expect(await bench.store.countFrom(7, null, false)).toBe(0);
  });

  test("the last sequences of all subjects that match, up to a sequence, and no more than asked for", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a.x", "b", "a.y", "a.x", "b");
    expect(await bench.store.lastPerSubject([">"], 0, 0)).toEqual([3, 4, 5]);
    expect(await bench.store.lastPerSubject(["a.*"], 3, 0)).toEqual([1, 3]);
    expect(await bench.store.lastPerSubject(["a.*", "a.x", "b"], 0, 3)).toEqual([3, 4, 5]);
    expect(await bench.store.lastPerSubject(["a.*", "b"], 0, 2)).toBeNull();
    expect(await bench.store.lastPerSubject(["c"], 0, 2)).toEqual([]);
  });

  test("jobs of queries give way to others", async () => {
    const bench = await Bench.open(kind);
    for (let count = 0; count < 3_000; count++) await bench.addOne(`a.${count}`, "", "");
    const { store } = bench.store;
    const jobs: Job<unknown>[] = [
      store.subjectTotals("a.*", 0, 10),
      store.lastMatching("*.b", ANY_SEQUENCE),
      store.lastPerSubject(["a.*"], 0, 0),
      store.countFrom(2, new SubjectFilters(["a.*"]), false),
      store.purge("a.*", 0, 1),
    ];
    for (const job of jobs) {
      expect(job.next().done).toBe(false);
      await finish(job);
    }
    expect(store.state.messages).toBe(1);
  });
}
