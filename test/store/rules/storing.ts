import { expect, test } from "bun:test";
import { SEQUENCE_MAX } from "../../../src/store/contract/message-store.ts";
import type { StoreKind } from "../store-kind.ts";
import { Bench, HEADER, NEW, START } from "./store-bench.ts";

export function describeStoring(kind: StoreKind): void {
  test("a new store is empty, and has no first sequence", async () => {
    const { store } = await Bench.open(kind);
    expect(store.state).toEqual(NEW);
    expect(await store.load(0)).toBeNull();
    expect(await store.load(1)).toBeNull();
    expect(await store.lastOf("a")).toBe(0);
    expect(store.totalOf("a")).toBe(0);
    expect(await store.sequenceAt(0n)).toBe(1);
    expect(store.store.nextExpiry).toBeNull();
    expect(store.store.failure).toBeNull();
  });

  test("a message is read as it was stored", async () => {
    const { store } = await Bench.open(kind);
    expect(await store.append("orders.é", HEADER, "12", START, 0)).toBe(1);
    expect(await store.append("orders.x", "", "", START + 1n, 0)).toBe(2);
    expect(await store.append("orders.é", HEADER, "", START + 2n, 0)).toBe(3);
    expect(await store.load(1)).toEqual({ sequence: 1, subject: "orders.é", header: HEADER, payload: "12", time: START });
    expect(await store.load(2)).toEqual({ sequence: 2, subject: "orders.x", header: "", payload: "", time: START + 1n });
    expect(await store.load(3)).toEqual({ sequence: 3, subject: "orders.é", header: HEADER, payload: "", time: START + 2n });
    expect(store.state).toEqual({
      messages: 3,
      bytes: kind.sizeOf("orders.é", HEADER, "12") + kind.sizeOf("orders.x", "", "") + kind.sizeOf("orders.é", HEADER, ""),
      firstSequence: 1,
      firstTime: START,
      lastSequence: 3,
      lastTime: START + 2n,
      subjects: 2,
      deleted: 0,
    });
  });

  test("messages of all sizes are read as they were stored", async () => {
    const { store } = await Bench.open(kind);
    const sizes = [0, 1, 7, 8, 9, 23, 24, 25, 47, 48, 49, 1_000, 65_535, 65_536, 65_537, 300_000, 1_048_576];
    for (const size of sizes) await store.append("s", size % 2 === 0 ? "" : HEADER, "p".repeat(size), START, 0);
    for (const [index, size] of sizes.entries()) {
      const message = await store.load(index + 1);
      expect([message?.header, message?.payload.length]).toEqual([size % 2 === 0 ? "" : HEADER, size]);
      expect(message?.payload).toBe("p".repeat(size));
    }
  });

  test("all changes are applied at once; durable follows and is never ahead", async () => {
    const bench = await Bench.open(kind);
    const before = bench.store.store.applied;
    await bench.add("a", "b");
    const { applied, durable } = bench.store.store;
    expect(applied).toBeGreaterThan(before);
    expect(durable).toBeLessThanOrEqual(applied);
  });

  test("a message stored at a later sequence leaves a gap", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a");
    expect(await bench.store.append("b", "", "", START + 9n, 0, 10_000)).toBe(10_000);
    expect(bench.store.state).toMatchObject({ messages: 2, firstSequence: 1, lastSequence: 10_000, deleted: 9_998 });
    expect(await bench.store.deleted()).toEqual([2, 9_998]);
    expect(await bench.add("a")).toBe(10_001);
  });

  test("the first message may have any sequence up to 2^53 - 1, and a huge gap costs nothing", async () => {
    const { store } = await Bench.open(kind);
    await store.append("a", "", "x", START, 0, 5);
    await store.append("a", "", "y", START, 0, SEQUENCE_MAX);
    expect(store.state).toMatchObject({ messages: 2, firstSequence: 5, lastSequence: SEQUENCE_MAX, deleted: SEQUENCE_MAX - 6 });
    expect((await store.scan(["a"], 6, 1)).map(message => message.payload)).toEqual(["y"]);
    expect((await store.scan(["*"], SEQUENCE_MAX, -1)).map(message => message.payload)).toEqual(["y", "x"]);
    expect(await store.deleted()).toEqual([6, SEQUENCE_MAX - 6]);
  });

  test("a skipped sequence is used up, and its time becomes the last one", async () => {
    const bench = await Bench.open(kind);
    expect(bench.store.skip(START)).toBe(1);
    expect(bench.store.state).toEqual({ ...NEW, firstSequence: 2, lastSequence: 1, lastTime: START });
    await bench.add("a");
    expect(bench.store.skip(START + 5n)).toBe(3);
    expect(bench.store.state).toMatchObject({ messages: 1, firstSequence: 2, lastSequence: 3, lastTime: START + 5n, deleted: 1 });
    expect(await bench.add("a")).toBe(4);
    expect(await bench.store.load(3)).toBeNull();
  });

  test("a range of skipped sequences sets the last time only when there is none", async () => {
    const bench = await Bench.open(kind);
    bench.store.skipRange(500_000_000, START);
    expect(bench.store.state).toEqual({ ...NEW, firstSequence: 500_000_001, lastSequence: 500_000_000, lastTime: START });
    await bench.add("a");
    const { lastTime } = bench.store.state;
    bench.store.skipRange(500_000_000, START);
    expect(bench.store.state).toMatchObject({ firstSequence: 500_000_001, lastSequence: 1_000_000_001, lastTime, deleted: 500_000_000 });
    expect(await bench.store.deleted()).toEqual([500_000_002, 500_000_000]);
    expect(await bench.add("a")).toBe(1_000_000_002);
    expect((await bench.store.scan(["a"], 500_000_002, 1)).map(message => message.sequence)).toEqual([1_000_000_002]);
  });

  test("a closed store refuses messages", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a");
    await bench.store.store.close();
    expect(await bench.store.check("a", "", "")).toBe("closed");
  });

  if (kind.isPersistent) {
    test("a store that was closed and opened again is the same", async () => {
      const bench = await Bench.open(kind, { messagesPerSubjectMax: 3 });
      await bench.add("a", "b", "a", "a", "a", "c");
      await bench.store.remove(2);
      bench.store.skip(START);
      const before = [bench.store.state, await bench.store.scan(null, 0, 1), await bench.store.deleted()];
      await bench.store.reopen();
      expect([bench.store.state, await bench.store.scan(null, 0, 1), await bench.store.deleted()]).toEqual(before);
      expect(await bench.add("a")).toBe(8);
      expect(bench.store.totalOf("a")).toBe(3);
    });
  }
}
