import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { HELD_BYTES_MAX, WritePace } from "./write-pace.ts";

const newStore = () => ({ applied: 0, durable: 0, failure: null as Error | null });

test("what comes while a sync runs is held until it has ended, and is one write", () => {
  const [pace, store] = [new WritePace(), newStore()];
  store.applied = 1;
  pace.add(100);
  expect(pace.begin(store)).toBe(true);
  pace.wrote(store);
  store.applied = 3;
  pace.add(200);
  expect([pace.begin(store), pace.begin(store)]).toEqual([false, false]);
  store.durable = 1;
  expect(pace.onDurable(store)).toBe(true);
  expect([pace.unsyncedBytes, pace.begin(store)]).toEqual([200, true]);
  pace.wrote(store);
  store.durable = 3;
  expect([pace.onDurable(store), pace.unsyncedBytes]).toEqual([false, 0]);
});

test("many bytes are written although a sync runs, and so is everything when the store has failed", () => {
  const [pace, store] = [new WritePace(), newStore()];
  store.applied = 1;
  pace.add(5_000);
  expect(pace.begin(store)).toBe(true);
  pace.wrote(store);
  store.applied = 2;
  pace.add(HELD_BYTES_MAX - 1);
  expect(pace.begin(store)).toBe(false);
  pace.add(1);
  expect(pace.begin(store)).toBe(true);
  pace.wrote(store);
  store.applied = 3;
  pace.add(1);
  expect(pace.begin(store)).toBe(false);
  store.failure = new Error("EIO");
  expect(pace.begin(store)).toBe(true);
});

test("a store in which all changes are durable at once is written at the end of each turn", () => {
  const [pace, store] = [new WritePace(), newStore()];
  for (let turn = 1; turn < 5; turn++) {
    store.applied = turn;
    store.durable = turn;
    pace.add(10);
    expect(pace.begin(store)).toBe(true);
    pace.wrote(store);
    expect(pace.unsyncedBytes).toBe(0);
  }
});

test("fuzz: under a load that never pauses nothing is held for ever, and bytes that are durable are forgotten", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const [pace, store] = [new WritePace(), newStore()];
  const bytes: number[] = [0];
  let [written, syncing] = [0, 0];
  const flush = () => {
    if (!pace.begin(store)) return;
    written = store.applied;
    if (syncing === 0) syncing = written;
    pace.wrote(store);
  };
  for (let round = 0; round < 20_000; round++) {
    const note = `SEED=${seed} round=${round}`;
    for (let count = random.below(4); count >= 0; count--) {
      const size = random.chance(0.05) ? 40_000 : random.below(300);
      bytes[++store.applied] = size;
      pace.add(size);
    }
    flush();
    if (random.chance(0.4) && syncing > 0) {
      store.durable = syncing;
      syncing = written > syncing ? written : 0;
      if (pace.onDurable(store)) flush();
    }
    const unsynced = bytes.slice(store.durable + 1).reduce((sum, size) => sum + size, 0);
    const held = bytes.slice(written + 1).reduce((sum, size) => sum + size, 0);
    expect(syncing > 0 || written === store.applied, note).toBe(true);
    expect(held, note).toBeLessThan(HELD_BYTES_MAX);
    expect(pace.unsyncedBytes, note).toBeGreaterThanOrEqual(unsynced);
    bytes.fill(0, 0, store.durable + 1);
    if (store.durable === store.applied) expect(pace.unsyncedBytes, note).toBe(0);
    expect(pace.unsyncedBytes, note).toBeLessThan(4_000_000);
  }
});
