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
    expect(bench.store.store.nextExpiry).toBe(bench.timeOf(12));
    await bench.store.expire(bench.timeOf(12), nothing);
    expect(await bench.sequences()).toEqual([1, 3]);
    expect(bench.store.store.nextExpiry).toBe(bench.timeOf(13));
    await bench.store.remove(3);
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
}
