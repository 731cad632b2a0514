import { expect, test } from "bun:test";
import { NO_STORE_LIMITS } from "../../../src/store/contract/store-limits.ts";
import type { StoreKind } from "../store-kind.ts";
import { Bench, HEADER, NEW, smallBytes } from "./store-bench.ts";

const ROLLUP = "NATS/1.0\r\nNats-Rollup: sub\r\n\r\n";

export function describeLimits(kind: StoreKind): void {
  test("discard old: the oldest messages make room, by number and by bytes", async () => {
    const bench = await Bench.open(kind, { messagesMax: 3 });
    await bench.add("a", "b", "c", "d", "e");
    expect(bench.range).toEqual([3, 5, 3]);
    expect(bench.store.removed).toEqual(["1 a limit", "2 b limit"]);
    expect(bench.store.state).toMatchObject({ firstTime: bench.timeOf(3), lastTime: bench.timeOf(5), deleted: 0, subjects: 3 });
    const small = await Bench.open(kind, { bytesMax: bench.bytes("a", "b") + 1 });
    await small.add("a", "b", "c");
    expect(small.range).toEqual([2, 3, 2]);
  });

  test("limits are applied in the order: subject, messages, bytes", async () => {
    const bench = await Bench.open(kind, { messagesPerSubjectMax: 2, messagesMax: 4, bytesMax: 1 << 20 });
    await bench.add("x", "a", "b", "a", "a");
    expect(bench.store.removed).toEqual(["2 a limit"]);
    expect(await bench.sequences()).toEqual([1, 3, 4, 5]);
    await bench.add("a");
    expect(bench.store.removed).toEqual(["2 a limit", "4 a limit"]);
    await bench.add("b");
    expect(bench.store.removed).toEqual(["2 a limit", "4 a limit", "1 x limit"]);
  });

  test("a message larger than all allowed bytes is stored and removed at once", async () => {
    const bench = await Bench.open(kind, { bytesMax: smallBytes(kind) });
    await bench.add("a");
    expect(await bench.addOne("b", "", "x".repeat(1_000))).toBe(2);
    expect(bench.store.removed).toEqual(["1 a limit", "2 b limit"]);
    expect(bench.store.state).toEqual({ ...NEW, firstSequence: 3, lastSequence: 2, lastTime: bench.timeOf(2) });
  });

  test("the limit of a subject counts its messages only, whichever were removed before", async () => {
    const bench = await Bench.open(kind, { messagesPerSubjectMax: 3 });
    await bench.add("a", "b", "a", "b", "a", "b");
    await bench.store.remove(3);
    await bench.add("a");
    expect(bench.store.totalOf("a")).toBe(3);
    await bench.add("a", "a");
    expect(await bench.sequences()).toEqual([2, 4, 6, 7, 8, 9]);
    expect(await bench.store.lastOf("a")).toBe(9);
  });

  test("discard new: a message above a limit is refused, with the reason", async () => {
    const bench = await Bench.open(kind, { discard: "new", messagesMax: 2, bytesMax: smallBytes(kind) * 100 });
    await bench.add("a", "b");
    expect(await bench.store.check("c", "", "payload")).toBe("max messages");
    await bench.store.remove(1);
    expect(await bench.store.check("c", "", "payload")).toBeNull();
    expect(await bench.store.check("c", "", "p".repeat(smallBytes(kind) * 100))).toBe("max bytes");
    expect(bench.range).toEqual([2, 2, 1]);
  });

  test("discard new: bytes may be filled exactly", async () => {
    const bench = await Bench.open(kind, { discard: "new", bytesMax: kind.sizeOf("a", "", "payload") * 2 });
    await bench.add("a");
    expect(await bench.store.check("b", "", "payload")).toBeNull();
    expect(await bench.store.check("b", "", "payload.")).toBe("max bytes");
  });

  test("discard new: a subject at its limit replaces its oldest message, even in a full store", async () => {
    const bench = await Bench.open(kind, { discard: "new", messagesMax: 2, messagesPerSubjectMax: 1, bytesMax: smallBytes(kind) * 2 });
    await bench.add("a", "b");
    expect(await bench.store.check("c", "", "payload")).toBe("max messages");
    expect(await bench.store.check("a", "", "payload")).toBeNull();
    expect(await bench.store.check("a", "", "payload that is larger")).toBe("max bytes");
    await bench.add("a");
    expect(await bench.sequences()).toEqual([2, 3]);
  });

  test("discard new per subject: a subject at its limit refuses, but not a roll-up", async () => {
    const bench = await Bench.open(kind, { discard: "new", discardNewPerSubject: true, messagesPerSubjectMax: 1 });
    await bench.add("a");
    expect(await bench.store.check("a", "", "payload")).toBe("max messages per subject");
    expect(await bench.store.check("a", HEADER, "payload")).toBe("max messages per subject");
    expect(await bench.store.check("b", "", "payload")).toBeNull();
    expect(await bench.store.check("a", ROLLUP, "payload")).toBeNull();
  });

  test("discard old: check refuses nothing", async () => {
    const bench = await Bench.open(kind, { messagesMax: 1, messagesPerSubjectMax: 1, bytesMax: 1 });
    await bench.add("a");
    expect(await bench.store.check("a", "", "payload")).toBeNull();
  });

  test("new limits remove what they no longer allow, by number and bytes before subjects", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "a", "b", "a", "b");
    await bench.store.reconfigure({ ...NO_STORE_LIMITS, messagesMax: 4, messagesPerSubjectMax: 2 });
    expect(await bench.sequences()).toEqual([3, 4, 5, 6]);
    await bench.store.reconfigure({ ...NO_STORE_LIMITS, messagesPerSubjectMax: 1 });
    expect(await bench.sequences()).toEqual([5, 6]);
    await bench.store.reconfigure({ ...NO_STORE_LIMITS, bytesMax: bench.bytes("a") });
    expect(await bench.sequences()).toEqual([6]);
    expect(bench.store.store.limits.bytesMax).toBe(bench.bytes("a"));
  });

  test("new limits with discard new remove nothing but messages above the limit of a subject", async () => {
    const bench = await Bench.open(kind);
    await bench.add("a", "b", "a");
    await bench.store.reconfigure({ ...NO_STORE_LIMITS, discard: "new", messagesMax: 1, messagesPerSubjectMax: 1 });
    expect(await bench.sequences()).toEqual([2, 3]);
  });

  test("the usage that the observer hears adds up to what is stored", async () => {
    const bench = await Bench.open(kind, { messagesMax: 3, messagesPerSubjectMax: 2 });
    await bench.add("a", "b", "a", "a", "b", "c");
    await bench.store.remove(bench.store.state.firstSequence);
    await bench.store.truncate(5);
    const { bytes, messages } = bench.store.state;
    expect([bench.store.usedMessages, bench.store.usedBytes]).toEqual([messages, bytes]);
    await bench.store.purge(null, 0, 0);
    expect([bench.store.usedMessages, bench.store.usedBytes]).toEqual([0, 0]);
  });
}
