import { expect, test } from "bun:test";
import type { StoreKind } from "../store-kind.ts";
import { Bench, NEW } from "./store-bench.ts";

export function describeRemoving(kind: StoreKind): void {
  test("a message is removed once", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "c");
    expect(await bench.store.remove(2)).toBeTrue();
    expect(await bench.store.remove(2)).toBeFalse();
    expect(await bench.store.remove(0)).toBeFalse();
    expect(await bench.store.remove(4)).toBeFalse();
    expect(bench.store.removed).toEqual(["2 b request"]);
    expect(bench.store.state).toMatchObject({ messages: 2, bytes: bench.bytes("a", "c"), subjects: 2, deleted: 1 });
    expect(await bench.store.deleted()).toEqual([2, 1]);
    expect(await bench.store.load(2)).toBeNull();
  });

  test("when the first message goes, the next one that is left becomes the first", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "c", "d");
    await bench.store.remove(2);
    await bench.store.remove(1);
    expect(bench.store.state).toMatchObject({ firstSequence: 3, firstTime: bench.timeOf(3), deleted: 0 });
  });

  test("the last sequence stays when its message goes", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b");
    await bench.store.remove(2);
    expect(bench.store.state).toMatchObject({ messages: 1, lastSequence: 2, lastTime: bench.timeOf(2), deleted: 1 });
    expect(await bench.add("c")).toBe(3);
  });

  test("a store that was emptied message by message is like one that was purged", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b");
    await bench.store.remove(1);
    await bench.store.remove(2);
    const emptied = { ...NEW, firstSequence: 3, lastSequence: 2, lastTime: bench.timeOf(2) };
    expect(bench.store.state).toEqual(emptied);
    const purged = await Bench.open(kind);
    await purged.add("a", "b");
    expect(await purged.store.purge(null, 0, 0)).toBe(2);
    expect(purged.store.state).toEqual(emptied);
    expect(await purged.add("a")).toBe(3);
    expect(purged.range).toEqual([3, 3, 1]);
  });

  test("an erased message is gone", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b");
    expect(await bench.store.erase(1)).toBeTrue();
    expect(await bench.store.erase(1)).toBeFalse();
    expect(await bench.sequences()).toEqual([2]);
    expect(bench.store.removed).toEqual(["1 a request"]);
  });

  test("a full purge reports the sequence below which all is gone, not each message", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b");
    await bench.store.purge(">", 0, 0);
    expect([bench.store.removed, bench.store.removedBelow]).toEqual([[], [3]]);
    expect(await bench.store.purge(null, 0, 0)).toBe(0);
    expect(bench.store.removedBelow).toEqual([3]);
  });

  test("a purge of a new store makes 1 its first sequence", async () => {
    const { store } = await Bench.open(kind);
    expect(await store.purge(null, 0, 0)).toBe(0);
    expect(store.state).toEqual({ ...NEW, firstSequence: 1 });
  });

  test("purge by subject and by pattern", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a.x", "b", "a.y", "a.x", "a.x.z");
    expect(await bench.store.purge("a.x", 0, 0)).toBe(2);
    expect(await bench.sequences()).toEqual([2, 3, 5]);
    expect(await bench.store.purge("a.*", 0, 0)).toBe(1);
    expect(await bench.store.purge("nobody", 0, 0)).toBe(0);
    expect(await bench.sequences()).toEqual([2, 5]);
    expect(bench.store.removed).toEqual(["1 a.x request", "4 a.x request", "3 a.y request"]);
  });

  test("purge below a sequence leaves that sequence; below 1 is nothing", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "a", "b", "a");
    expect(await bench.store.purge("a", 1, 0)).toBe(0);
    expect(await bench.store.purge("a", 3, 0)).toBe(1);
    expect(await bench.sequences()).toEqual([2, 3, 4, 5]);
    expect(await bench.store.purge(null, 4, 0)).toBe(2);
    expect(await bench.sequences()).toEqual([4, 5]);
    expect(await bench.store.purge("a", 100, 0)).toBe(1);
    expect(bench.range).toEqual([4, 5, 1]);
  });

  test("purge that keeps: the newest ones that match stay", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "a", "c", "a", "b");
    expect(await bench.store.purge("a", 0, 1)).toBe(2);
    expect(await bench.sequences()).toEqual([2, 4, 5, 6]);
    expect(await bench.store.purge("*", 0, 3)).toBe(1);
    expect(await bench.sequences()).toEqual([4, 5, 6]);
    expect(await bench.store.purge(null, 0, 2)).toBe(1);
    expect(await bench.store.purge(null, 0, 2)).toBe(0);
    expect(await bench.store.purge(">", 0, 10)).toBe(0);
    expect(await bench.sequences()).toEqual([5, 6]);
  });

  test("a purge beyond the end uses up the sequences to there", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b");
    expect(await bench.store.purge(null, 100, 0)).toBe(2);
    expect(bench.store.state).toEqual({ ...NEW, firstSequence: 100, lastSequence: 99, lastTime: bench.timeOf(2) });
    expect(await bench.add("a")).toBe(100);
  });

  test("a filtered purge up to 10^8 of an empty store returns at once", async () => {
    const bench = await Bench.open(kind);
    const job = bench.store.store.purge("a", 100_000_000, 0);
    expect(job.next()).toEqual({ done: true, value: 0 });
    await bench.add("a");
    await bench.store.remove(1);
    expect(bench.store.store.purge("a.*", 100_000_000, 0).next()).toEqual({ done: true, value: 0 });
    expect(bench.range).toEqual([2, 1, 0]);
  });

  test("compact removes what is below, and jumps over what is deleted", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "c", "d");
    await bench.store.remove(3);
    expect(await bench.store.compact(1)).toBe(0);
    expect(await bench.store.compact(3)).toBe(2);
    expect(bench.store.state).toMatchObject({ messages: 1, firstSequence: 4, firstTime: bench.timeOf(4), lastSequence: 4, deleted: 0 });
    expect([bench.store.removed, bench.store.removedBelow]).toEqual([["3 c request"], [3]]);
    expect(await bench.store.compact(2)).toBe(0);
    expect(await bench.store.compact(0)).toBe(0);
    expect(bench.range).toEqual([4, 4, 1]);
  });

  test("compact to the sequence after the last one empties the store", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b");
    expect(await bench.store.compact(3)).toBe(2);
    expect(bench.store.state).toEqual({ ...NEW, firstSequence: 3, lastSequence: 2, lastTime: bench.timeOf(2) });
  });

  test("compact sets the first sequence of a new store", async () => {
    const bench = await Bench.open(kind);
    expect(await bench.store.compact(1_000)).toBe(0);
    expect(bench.store.state).toEqual({ ...NEW, firstSequence: 1_000, lastSequence: 999 });
    expect(await bench.add("a")).toBe(1_000);
    expect(bench.store.removedBelow).toEqual([]);
  });

  test("truncate removes what is above, and gives the sequences back", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "a", "c");
    await bench.store.truncate(2);
    expect(bench.store.state).toEqual({
      messages: 2,
      bytes: bench.bytes("a", "b"),
      firstSequence: 1,
      firstTime: bench.timeOf(1),
      lastSequence: 2,
      lastTime: bench.timeOf(2),
      subjects: 2,
      deleted: 0,
    });
    expect(await bench.store.lastOf("a")).toBe(1);
    expect(bench.store.removed).toEqual([]);
    expect(await bench.add("z")).toBe(3);
    expect((await bench.store.load(3))?.subject).toBe("z");
  });

  test("truncate at a deleted sequence keeps it used, and the last time", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "c", "d");
    await bench.store.remove(3);
    await bench.store.truncate(3);
    expect(bench.store.state).toMatchObject({ messages: 2, lastSequence: 3, lastTime: bench.timeOf(4), deleted: 1 });
    expect(await bench.add("e")).toBe(4);
  });

  test("truncate at or beyond the end changes nothing; at 0 the store is as new", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b");
    await bench.store.truncate(2);
    await bench.store.truncate(9);
    expect(bench.range).toEqual([1, 2, 2]);
    await bench.store.truncate(0);
    expect(bench.store.state).toEqual(NEW);
    expect(await bench.add("a")).toBe(1);
  });
}
