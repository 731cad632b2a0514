import { expect, test } from "bun:test";
import type { StoreKind } from "../store-kind.ts";
import { Bench } from "./store-bench.ts";

const MARKER = "NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: 60s\r\nNats-Rollup: sub\r\n\r\n";
const SECOND = 1_000_000_000n;

export function describeExpiry(kind: StoreKind): void {
  const nothing = () => {
    throw new Error("no marker is wanted");
  };

  test("age: a message expires when it is exactly as old as allowed, and the next expiry is told", async () => {
    const bench = await Bench.open(kind, { ageMaxNs: 10n * SECOND });
    expect(bench.store.store.nextExpiry).toBeNull();
    await bench.add("a", "b", "c");
    expect(bench.store.store.nextExpiry).toBe(bench.timeOf(11));
    expect(await bench.store.expire(bench.timeOf(11) - 1n, nothing)).toBe(bench.timeOf(11));
    expect(await bench.sequences()).toEqual([1, 2, 3]);
    expect(await bench.store.expire(bench.timeOf(12), nothing)).toBe(bench.timeOf(13));
    expect(bench.store.removed).toEqual(["1 a age", "2 b age"]);
    expect(await bench.store.expire(bench.timeOf(100), nothing)).toBeNull();
    expect(bench.range).toEqual([4, 3, 0]);
  });

  test("a message that never expires stays, and does not hold up the others", async () => {
    const bench = await Bench.open(kind, { ageMaxNs: 10n * SECOND, allowTtl: true });
    await bench.addOne("a", "", "", -1);
    await bench.add("b", "c");
    expect(await bench.store.expire(bench.timeOf(12) - 1n, nothing)).toBe(bench.timeOf(12));
    expect(bench.store.store.nextExpiry).toBe(bench.timeOf(12));
    expect(await bench.store.expire(bench.timeOf(12), nothing)).toBe(bench.timeOf(13));
    expect(await bench.sequences()).toEqual([1, 3]);
    expect(bench.store.store.nextExpiry).toBe(bench.timeOf(13));
    await bench.store.remove(3);
    expect(await bench.store.expire(bench.timeOf(12), nothing)).toBeNull();
    expect(bench.store.store.nextExpiry).toBeNull();
  });

  test("markers: the last message of a subject is handed over instead of removed", async () => {
    const bench = await Bench.open(kind, { ageMaxNs: 10n * SECOND, allowTtl: true, markerTtlSeconds: 60 });
    await bench.add("a", "b", "a");
    const handed: string[] = [];
    await bench.store.expire(bench.timeOf(50), ({ sequence, subject }) => {
      handed.push(`${sequence} ${subject}`);
      bench.store.appendNow(subject, MARKER, bench.timeOf(50), 60);
    });
    expect(handed).toEqual(["2 b", "3 a"]);
    expect(bench.store.removed).toEqual(["1 a age"]);
    // The roll-up of the markers removes them.
    await bench.store.purge("b", 0, 1);
    await bench.store.purge("a", 0, 1);
    expect((await bench.store.scan(null, 0, 1)).map(({ header, sequence, subject }) => [sequence, subject, header])).toEqual([
      [4, "b", MARKER],
      [5, "a", MARKER],
    ]);
  });

  test("markers: a message that is the last but was handed over before is removed once its marker is there", async () => {
    const bench = await Bench.open(kind, { ageMaxNs: 10n * SECOND, allowTtl: true, markerTtlSeconds: 60 });
    await bench.add("a");
    await bench.store.expire(bench.timeOf(50), ({ subject }) => bench.store.appendNow(subject, MARKER, bench.timeOf(50), 60));
    await bench.store.expire(bench.timeOf(51), nothing);
    expect(await bench.sequences()).toEqual([2]);
  });

  test("markers: a last message that nobody replaces stays until the next call", async () => {
    const bench = await Bench.open(kind, { ageMaxNs: 10n * SECOND, markerTtlSeconds: 60 });
    await bench.add("a");
    for (let call = 0; call < 2; call++) {
      const handed: number[] = [];
      await bench.store.expire(bench.timeOf(50), ({ sequence }) => handed.push(sequence));
      expect(handed).toEqual([1]);
    }
  });

  const ttlHeader = (seconds: number) => `NATS/1.0\r\nNats-TTL: ${seconds}\r\n\r\n`;
  const addWithTtl = (bench: Bench, subject: string, seconds: number) => bench.addOne(subject, ttlHeader(seconds), "", seconds);

  test("time to live: a message ends exactly when its time is over, whatever its place, and the next end is told", async () => {
    const bench = await Bench.open(kind, { allowTtl: true });
    await addWithTtl(bench, "a", 20);
    await bench.add("b");
    await addWithTtl(bench, "c", 5);
    expect(bench.store.store.nextExpiry).toBe(bench.timeOf(8));
    expect(await bench.store.expire(bench.timeOf(8) - 1n, nothing)).toBe(bench.timeOf(8));
    expect(bench.store.removed).toEqual([]);
    expect(await bench.store.expire(bench.timeOf(8), nothing)).toBe(bench.timeOf(21));
    expect(bench.store.removed).toEqual(["3 c ttl"]);
    expect(await bench.store.expire(bench.timeOf(100), nothing)).toBeNull();
    expect(await bench.sequences()).toEqual([2]);
  });

  test("time to live: messages that are gone when their time is over are passed over, and a sequence that is used again has its own time", async () => {
    const bench = await Bench.open(kind, { allowTtl: true });
    await addWithTtl(bench, "a", 5);
    await addWithTtl(bench, "b", 6);
    await addWithTtl(bench, "c", 7);
    await bench.store.remove(1);
    expect(bench.store.store.nextExpiry).toBe(bench.timeOf(8));
    await bench.store.truncate(2);
    await addWithTtl(bench, "d", 60);
    expect(await bench.store.expire(bench.timeOf(8), nothing)).toBe(bench.timeOf(63));
    expect(await bench.sequences()).toEqual([3]);
    expect(await bench.store.expire(bench.timeOf(62), nothing)).toBe(bench.timeOf(63));
    expect(await bench.store.expire(bench.timeOf(63), nothing)).toBeNull();
    expect(bench.range).toEqual([4, 3, 0]);
  });

  test("time to live: with age, whichever ends first", async () => {
    const bench = await Bench.open(kind, { allowTtl: true, ageMaxNs: 10n * SECOND });
    await addWithTtl(bench, "a", 60);
    await addWithTtl(bench, "b", 3);
    expect(bench.store.store.nextExpiry).toBe(bench.timeOf(5));
    await bench.store.expire(bench.timeOf(11), nothing);
    expect(bench.store.removed).toEqual(["1 a age", "2 b ttl"]);
  });

  test("time to live: markers replace last messages in the order of sequences; one that nobody replaces is asked for again", async () => {
    const bench = await Bench.open(kind, { allowTtl: true, markerTtlSeconds: 60 });
    await addWithTtl(bench, "a", 7);
    await addWithTtl(bench, "b", 5);
    await addWithTtl(bench, "a", 2);
    const handed: number[] = [];
    const next = await bench.store.expire(bench.timeOf(20), ({ sequence }) => handed.push(sequence));
    expect(handed).toEqual([2, 3]);
    expect(bench.store.removed).toEqual(["1 a ttl"]);
    await bench.store.expire(next!, ({ subject }) => bench.store.appendNow(subject, MARKER, bench.timeOf(20), 60));
    for (const subject of ["a", "b"]) await bench.store.purge(subject, 0, 1);
    expect(await bench.sequences()).toEqual([4, 5]);
    expect(bench.store.store.nextExpiry).toBe(bench.timeOf(80));
    expect(await bench.store.expire(bench.timeOf(80), nothing)).toBeNull();
    expect(bench.range).toEqual([6, 5, 0]);
  });
}
