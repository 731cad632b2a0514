import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import { Random } from "../../base/random/random.ts";
import { IdFingerprint } from "./id-fingerprint.ts";
import { MessageIds } from "./message-ids.ts";

const START = 1_700_000_000_000_000_000n;
const SECOND = 1_000_000_000n;

interface Entry {
  readonly id: string;
  readonly sequence: number;
  readonly time: bigint;
}

/** All ids ever remembered. */
class Model {
  readonly last = new Map<string, Entry>();
  private entries: Entry[] = [];
  constructor(public windowNs: bigint) {}

  find(id: string, now: bigint): number {
    const found = this.last.get(id);
    return found !== undefined && now - found.time < this.windowNs ? found.sequence : 0;
  }

  add(entry: Entry): void {
    this.last.set(entry.id, entry);
    this.entries.push(entry);
  }

  /** Forgets what is over, for good. @returns how many are left */
  forget(now: bigint): number {
    const over = now - this.windowNs;
    for (const entry of this.entries) if (entry.time <= over && this.last.get(entry.id) === entry) this.last.delete(entry.id);
    this.entries = this.entries.filter(({ time }) => time > over);
    return this.entries.length;
  }
}

test("fuzz: an id is found until its window is over, as in a list of all ids", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const time = new Nanoseconds();
  for (let round = 0; round < 40; round++) {
    const model = new Model(BigInt(random.pick([1, 5, 120])) * SECOND);
    // Some begin where the numbers of entries begin anew.
    const ids = new MessageIds(random, model.windowNs, () => {}, 2 ** 24, random.pick([1, 2 ** 32 - 1_000, 2 ** 32 - 1]));
    let now = START;
    const span = random.pick([10, 1_000, 1_000_000]);
    const different = random.pick([5, 500, 100_000]);
    for (let step = 1; step <= 3_000; step++) {
      now += BigInt(random.below(span)) * 1_000n;
      if (random.chance(0.002)) now += BigInt(random.below(300)) * SECOND;
      const id = `id ${random.below(different)} ${"x".repeat(random.below(4))}`;
      const bytes = Buffer.from(`Nats-Msg-Id: ${id}\r\n`);
      const end = bytes.length - 2;
      const expected = model.find(id, now);
      time.setBigInt(now);
      expect(ids.find(bytes, 13, end, time), `SEED=${seed} round=${round} step=${step}`).toBe(expected);
      if (expected === 0) {
        const sequence = step + (round % 2) * 2 ** 40;
        ids.remember(bytes, 13, end, sequence, time);
        model.add({ id, sequence, time: now });
      }
      if (random.chance(0.01)) ids.tidy(time);
      if (random.chance(0.002)) {
        const windowNs = BigInt(random.pick([1, 2, 60])) * SECOND;
        // What was forgotten does not come back with a longer window.
        const left = model.forget(now);
        for (let tries = 0; ids.count > left && tries < 1_000; tries++) ids.find(bytes, 0, 1, time);
        expect(ids.count, `SEED=${seed} round=${round} step=${step}`).toBe(left);
        model.windowNs = windowNs;
        ids.setWindow(windowNs);
      }
    }
  }
});

test("ids are found until the end while older ones are forgotten and the table shrinks", () => {
  const ids = new MessageIds(new Random(1), SECOND, () => {});
  for (let number = 1; number <= 2_000; number++) remembered(ids, 1, number, START + BigInt(number));
  for (let gone = 8; gone <= 2_000; gone += 8) {
    const now = START + SECOND + BigInt(gone);
    expect(find(ids, gone, now)).toBe(0);
    let found = 0;
    for (let number = gone + 1; number <= 2_000; number++) if (find(ids, number, now) === number) found++;
    expect(found).toBe(2_000 - gone);
  }
});

function remembered(ids: MessageIds, count: number, first = 1, at = START): void {
  const time = new Nanoseconds().setBigInt(at);
  for (let number = first; number < first + count; number++) {
    const bytes = Buffer.from(`id-${number}`);
    ids.remember(bytes, 0, bytes.length, number, time);
  }
}

function find(ids: MessageIds, number: number, now = START): number {
  const bytes = Buffer.from(`id-${number}`);
  return ids.find(bytes, 0, bytes.length, new Nanoseconds().setBigInt(now));
}

test("a hundred thousand ids take at most 48 bytes each, and nothing when their window is over", () => {
  const ids = new MessageIds(new Random(1), SECOND, () => {});
  remembered(ids, 100_000);
  expect(ids.memory / 100_000).toBeLessThanOrEqual(48);
  expect(find(ids, 77_777)).toBe(77_777);
  expect(ids.tidy(new Nanoseconds().setBigInt(START + SECOND - 1n))).toBe(true);
  expect(find(ids, 77_777, START + SECOND - 1n)).toBe(77_777);
  expect(ids.tidy(new Nanoseconds().setBigInt(START + SECOND))).toBe(false);
  expect(ids.memory).toBeLessThan(100);
});

test("a single id takes less than a kilobyte", () => {
  const ids = new MessageIds(new Random(1), SECOND, () => {});
  remembered(ids, 1);
  expect(ids.memory).toBeLessThan(1_024);
});

test("above the greatest number of ids the oldest is forgotten, and the owner is told", () => {
  let told = 0;
  const ids = new MessageIds(new Random(1), SECOND, () => told++, 1_000);
  remembered(ids, 1_500);
  expect([told, ids.count, find(ids, 500), find(ids, 501), find(ids, 1_500)]).toEqual([500, 1_000, 0, 501, 1_500]);
});

test("without a window nothing is remembered, and a window of 0 forgets everything", () => {
  const ids = new MessageIds(new Random(1), 0n, () => {});
  remembered(ids, 5);
  expect(ids.count).toBe(0);
  ids.setWindow(SECOND);
  remembered(ids, 5);
  expect(find(ids, 3)).toBe(3);
  ids.setWindow(0n);
  expect([ids.count, find(ids, 3)]).toEqual([0, 0]);
});

test("ids that differ in one bit, or only in length, have different fingerprints", () => {
  const fingerprint = new IdFingerprint(new Random(1));
  const seen = new Set<string>();
  let count = 0;
  for (let size = 0; size <= 40; size++) {
    const bytes = new Uint8Array(size);
    for (let bit = -1; bit < 8 * size; bit++) {
      if (bit >= 0) bytes[bit >> 3] ^= 1 << (bit & 7);
      fingerprint.of(bytes, 0, size);
      const { v0, v1, v2, v3 } = fingerprint;
      // Each word alone, too, so that none is a constant.
      seen.add(`${v0} ${v1} ${v2} ${v3}`).add(`0 ${v0}`).add(`1 ${v1}`).add(`2 ${v2}`).add(`3 ${v3}`);
      count += 5;
      if (bit >= 0) bytes[bit >> 3] ^= 1 << (bit & 7);
    }
  }
  expect(seen.size).toBe(count);
});
