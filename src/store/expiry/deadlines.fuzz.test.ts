import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { BinaryWriter } from "../../base/bytes/binary-writer.ts";
import { Nanoseconds, nanosecondsOf } from "../../base/clock/nanoseconds.ts";
import { Random } from "../../base/random/random.ts";
import { inOneGo, type Sliced } from "../../base/scheduling/sliced.ts";
import { Deadlines } from "./deadlines.ts";
import { decodeTtlFile, encodeTtlFile } from "./ttl-file.ts";

interface Entry {
  readonly sequence: number;
  readonly time: bigint;
}

function byTime(a: Entry, b: Entry): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  return a.sequence - b.sequence;
}

/** `Deadlines` beside a list that is sorted again and again. */
class Tried {
  readonly alive = new Set<number>();
  readonly deadlines = new Deadlines({ has: sequence => this.alive.has(sequence) });
  model: Entry[] = [];
  private readonly time = new Nanoseconds();

  add(sequence: number, time: bigint): void {
    this.alive.add(sequence);
    const { high, low } = this.time.setBigInt(time);
    this.deadlines.add(sequence, high, low);
    this.model.push({ sequence, time });
  }

  /** Everything that ends up to a time, of messages that are alive. */
  take(now: bigint): Entry[] {
    const { deadlines } = this;
    const taken: Entry[] = [];
    const { high, low } = this.time.setBigInt(now);
    while (deadlines.takeFirst(high, low)) {
      const entry = { sequence: deadlines.sequence, time: nanosecondsOf(deadlines.timeHigh, deadlines.timeLow) };
      if (this.alive.has(entry.sequence)) taken.push(entry);
    }
    for (const { sequence } of taken) this.alive.delete(sequence);
    return taken;
  }

  takeFromModel(now: bigint): Entry[] {
    const taken = this.model.filter(({ sequence, time }) => time <= now && this.alive.has(sequence)).sort(byTime);
    this.model = this.model.filter(({ time }) => time > now);
    return taken;
  }

  forget(sequence: number): void {
    this.alive.delete(sequence);
    this.model = this.model.filter(entry => entry.sequence !== sequence);
  }
}

function randomTime(random: Random, now: bigint): bigint {
  switch (random.below(4)) {
    case 0:
      return now + BigInt(random.below(1_000)) * 1_000_000_000n;
    case 1:
      return now + BigInt(random.below(2 ** 31)) * 1_000_003n;
    case 2:
      return now + 60_000_000_000n; // the same time to live for all: ascending
    default:
      return BigInt(random.below(3)) - 1n; // 1970, and before
  }
}

test("fuzz: entries come in the order of their times, as from a sorted list", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 60; round++) {
    const tried = new Tried();
    let now = 1_700_000_000_000_000_000n;
    let sequence = random.chance(0.2) ? 2 ** 40 : 0;
    const steps = random.pick([10, 100, 3_000]);
    for (let step = 0; step < steps; step++) {
      const dice = random.below(10);
      if (dice < 7) tried.add(++sequence, randomTime(random, now));
      else if (dice < 8) tried.forget(sequence - random.below(20));
      else {
        now += BigInt(random.below(2 ** 31)) * BigInt(random.pick([1, 30]));
        const expected = tried.takeFromModel(now);
        expect(tried.take(now), `SEED=${seed} round=${round} step=${step}`).toEqual(expected);
      }
    }
    const end = 2n ** 62n;
    const expected = tried.takeFromModel(end);
    expect(tried.take(end), `SEED=${seed} round=${round}`).toEqual(expected);
    expect(tried.deadlines.count).toBe(0);
    expect(tried.deadlines.memory).toBe(0);
  }
});

test("entries of messages that are gone are dropped while others are added", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const tried = new Tried();
  const { alive, deadlines } = tried;
  // A thousand keys, each overwritten again and again, with times to live that never end here.
  const keys: Entry[] = [];
  let most = 0;
  for (let sequence = 1; sequence <= 100_000; sequence++) {
    const key = random.below(1_000);
    alive.delete(keys[key]?.sequence);
    keys[key] = { sequence, time: nanosecondsOf(400_000_000 + random.below(100), random.below(1_000)) };
    alive.add(sequence);
    deadlines.add(sequence, Number(keys[key].time >> 32n), Number(keys[key].time & 0xffff_ffffn));
    most = Math.max(most, deadlines.count);
  }
  expect(most, `SEED=${seed}`).toBeLessThan(8_000);
  expect(deadlines.memory).toBeLessThan(32 * 8_000);
  expect(tried.take(2n ** 62n), `SEED=${seed}`).toEqual(keys.filter(entry => entry !== undefined).sort(byTime));
});

test("fuzz: entries above a sequence are dropped, the others stay in order", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 50; round++) {
    const tried = new Tried();
    const size = random.pick([0, 1, 30, 2_000]);
    for (let sequence = 1; sequence <= size; sequence++) tried.add(sequence, BigInt(random.below(2 ** 40)));
    const above = random.below(size + 2);
    inOneGo(tried.deadlines.dropAbove(above));
    const expected = tried.model.filter(({ sequence }) => sequence <= above).sort(byTime);
    expect(tried.deadlines.count).toBe(expected.length);
    expect(tried.take(2n ** 62n), `SEED=${seed} round=${round}`).toEqual(expected);
  }
});

test("an entry of a page that was full takes at most 20 bytes", () => {
  const tried = new Tried();
  for (let sequence = 1; sequence <= 100_000; sequence++) tried.add(sequence, BigInt(sequence));
  expect(tried.deadlines.memory / 100_000).toBeLessThan(20);
});

test("fuzz: a copy keeps what it had, whatever changes afterwards", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 20; round++) {
    const tried = new Tried();
    let sequence = 0;
    const size = random.pick([0, 1, 20, 5_000]);
    while (sequence < size) tried.add(++sequence, BigInt(random.below(2 ** 40)));
    const copy = tried.deadlines.copy();
    const expected = [...tried.model].sort(byTime);
    for (let step = 0; step < size; step++) {
      if (random.chance(0.5)) tried.add(++sequence, BigInt(random.below(2 ** 40)));
      else tried.take(BigInt(random.below(2 ** 40)));
    }
    if (random.chance(0.3)) tried.deadlines.clear();
    const kept: Entry[] = [];
    for (let index = 0; index < copy.count; index++) {
      copy.read(index);
      kept.push({ sequence: copy.sequence, time: nanosecondsOf(copy.timeHigh, copy.timeLow) });
    }
    expect(kept.sort(byTime), `SEED=${seed} round=${round}`).toEqual(expected);
  }
});

// The file

function encoded(deadlines: Deadlines, stamp: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  inOneGo(encodeTtlFile(deadlines.copy(), stamp, (bytes, start, end) => pieces.push(bytes.slice(start, end))));
  return Buffer.concat(pieces);
}

function entriesOf({ deadlines }: Tried): Entry[] {
  const entries: Entry[] = [];
  const copy = deadlines.copy();
  for (let index = 0; index < copy.count; index++) {
    copy.read(index);
    entries.push({ sequence: copy.sequence, time: nanosecondsOf(copy.timeHigh, copy.timeLow) });
  }
  return entries.sort(byTime);
}

/** Reads a file; all messages exist. */
function decoded(bytes: Uint8Array): { stamp: number | null; entries: Entry[] } {
  const all = { has: () => true };
  const deadlines = new Deadlines(all);
  const stamp = inOneGo(decodeTtlFile(bytes, deadlines, all));
  const tried = { deadlines } as Tried;
  return { stamp, entries: entriesOf(tried) };
}

test("fuzz: a file that is written and read has the same entries; cut anywhere it is damaged, and nothing is taken from it", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 30; round++) {
    const tried = new Tried();
    const size = random.pick([0, 1, 50, 9_000]);
    for (let sequence = 1; sequence <= size; sequence++)
      tried.add(sequence * random.pick([1, 2 ** 20]), randomTime(random, 1_700_000_000_000_000_000n));
    const bytes = encoded(tried.deadlines, size + 1);
    expect(decoded(bytes), `SEED=${seed} round=${round}`).toEqual({ stamp: size + 1, entries: [...tried.model].sort(byTime) });
    const cut = bytes.subarray(0, random.below(bytes.length));
    expect(decoded(cut), `SEED=${seed} round=${round} cut=${cut.length}`).toEqual({ stamp: null, entries: [] });
  }
});

test("a file that nats-server 2.15.3 wrote is read", () => {
  // Messages 1, 3, 5, 7, 9 with 1,000 to 5,000 seconds, 11 with "never", 12 with "72h"; 3 was deleted; then the server was stopped.
  const file = "AQUAAAAAAAAADQAAAAAAAACIrfjHsq/87DEHoqv7t83p/OwxCa7QlYTegPvsMQHUpurQ/7Xw7TEM1t691pf1++wxBQ==";
  const at = (second: number, nanos: number, ttl: number) =>
    BigInt(Date.UTC(2026, 10, 30, 23, 4, second)) * 1_000_000n + BigInt(nanos) + BigInt(ttl) * 10n ** 9n;
  expect(decoded(Buffer.from(file, "base64"))).toEqual({
    stamp: 13,
    entries: [
      { sequence: 1, time: at(3, 895_256_087, 1_000) },
      { sequence: 5, time: at(4, 496_803_755, 3_000) },
      { sequence: 7, time: at(4, 537_846_596, 4_000) },
      { sequence: 9, time: at(4, 577_385_169, 5_000) },
      { sequence: 12, time: at(4, 658_792_874, 72 * 3_600) },
    ],
  });
});

test("entries of messages that do not exist are not taken from a file", () => {
  const tried = new Tried();
  for (let sequence = 1; sequence <= 10; sequence++) tried.add(sequence, BigInt(sequence));
  const bytes = encoded(tried.deadlines, 11);
  const some = { has: (sequence: number) => sequence > 7 };
  const deadlines = new Deadlines(some);
  expect(inOneGo(decodeTtlFile(bytes, deadlines, some))).toBe(11);
  expect(deadlines.count).toBe(3);
});

test("fuzz: any bytes end the reading of a file", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 500; round++) {
    const writer = new BinaryWriter();
    writer.u8(random.chance(0.9) ? 1 : random.below(256));
    writer.u64(random.pick([0, 3, 2 ** 31, Number.MAX_SAFE_INTEGER]));
    writer.u64(random.below(100));
    for (let count = random.below(60); count > 0; count--) writer.u8(random.chance(0.3) ? 0xff : random.below(256));
    const { stamp } = decoded(writer.bytes);
    expect(stamp === null || stamp < 100, `SEED=${seed} round=${round}`).toBe(true);
  }
});

test("a file is written and read with pauses", () => {
  const tried = new Tried();
  for (let sequence = 1; sequence <= 10_000; sequence++) tried.add(sequence, BigInt(sequence));
  const count = (work: Sliced<unknown>) => [...work].length;
  expect(count(encodeTtlFile(tried.deadlines.copy(), 1, () => {}))).toBeGreaterThan(15);
  const all = { has: () => true };
  expect(count(decodeTtlFile(encoded(tried.deadlines, 1), new Deadlines(all), all))).toBeGreaterThan(15);
});
