import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { NO_SEQUENCE, SequenceSet } from "./sequence-set.ts";

/** Sequences up to here: a dozen nodes. */
const MODEL_MAX = 25_000;

/** One byte per sequence: slow and obvious. */
class Model {
  readonly members = new Uint8Array(MODEL_MAX + 2);

  change(first: number, last: number, value: 0 | 1): number {
    let changed = 0;
    for (let sequence = first; sequence <= last; sequence++) {
      if (this.members[sequence] !== value) changed++;
      this.members[sequence] = value;
    }
    return changed;
  }

  find(from: number, step: 1 | -1, value: 0 | 1): number {
    let at = from;
    while (at >= 1 && at <= MODEL_MAX && this.members[at] !== value) at += step;
    return at;
  }

  count(first: number, last: number): number {
    return this.members.subarray(first, last + 1).reduce((sum, member) => sum + member, 0);
  }
}

function randomSpan(random: Random): [number, number] {
  const first = random.between(1, MODEL_MAX);
  const aligned = random.chance(0.2) ? Math.max(1, first - (first % 2_048)) : first;
  const length = random.pick([1, 1, 1, 30, 500, 2_048, 3_000, 10_000]);
  const last = Math.min(MODEL_MAX, aligned + random.between(1, length) - 1);
  return [aligned, random.chance(0.2) ? Math.max(aligned, last - (last % 2_048) - 1) : last];
}

test("fuzz: a set has the members, the runs and the counts of an array of flags", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 20; round++) {
    const set = new SequenceSet();
    const model = new Model();
    // Far away, so that searches pass large numbers too; the model has it as an offset.
    const base = random.pick([0, 0, 2 ** 40, 2 ** 53 - 2_048 * 30]);
    const at = (sequence: number) => base + sequence;
    const where = `SEED=${seed} round=${round}`;
    const adding = random.nextFloat();
    for (let step = 0; step < 400; step++) {
      const [first, last] = randomSpan(random);
      if (random.chance(adding)) expect(set.addSpan(at(first), at(last)), where).toBe(model.change(first, last, 1));
      else expect(set.removeSpan(at(first), at(last)), where).toBe(model.change(first, last, 0));
      const [from, to] = randomSpan(random);
      expect(set.has(at(from)), where).toBe(model.members[from] === 1);
      expect(set.countBetween(at(from), at(to)), where).toBe(model.count(from, to));
      const next = model.find(from, 1, 1);
      expect(set.next(at(from)), where).toBe(next > MODEL_MAX ? NO_SEQUENCE : at(next));
      const previous = model.find(from, -1, 1);
      expect(set.previous(at(from)), where).toBe(previous === 0 ? NO_SEQUENCE : at(previous));
      expect(set.nextMissing(at(from)), where).toBe(at(model.find(from, 1, 0)));
      expect(set.previousMissing(at(from)), where).toBe(at(model.find(from, -1, 0)));
    }
    expect(set.size, where).toBe(model.count(1, MODEL_MAX));
    const members = new Uint8Array(MODEL_MAX + 2);
    for (let first = set.next(1); first !== NO_SEQUENCE; ) {
      const end = set.nextMissing(first);
      members.fill(1, first - base, end - base);
      first = set.next(end);
    }
    expect(members, where).toEqual(model.members);
    set.removeSpan(1, Number.MAX_SAFE_INTEGER);
    expect([set.size, set.next(1), set.entryCount], where).toEqual([0, NO_SEQUENCE, 0]);
  }
});

test("fuzz: single sequences come and go as in a Set", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const set = new SequenceSet();
  const model = new Set<number>();
  for (let step = 0; step < 60_000; step++) {
    const limit = step < 20_000 ? 5_000 : 300_000;
    const sequence = random.between(1, limit);
    const isAdded = random.chance(step % 20_000 < 15_000 ? 0.8 : 0.3);
    if (isAdded) expect(set.add(sequence), `SEED=${seed}`).toBe(!model.has(sequence) && model.add(sequence).has(sequence));
    else expect(set.remove(sequence), `SEED=${seed}`).toBe(model.delete(sequence));
    const other = random.between(1, limit);
    expect(set.has(other), `SEED=${seed}`).toBe(model.has(other));
  }
  expect(set.size, `SEED=${seed}`).toBe(model.size);
});

test("memory follows what is in it: a gap of a hundred million, scattered deletes, nothing", () => {
  const set = new SequenceSet();
  set.addSpan(1_000, 100_001_000);
  expect([set.size, set.memory < 1_000]).toEqual([100_000_001, true]);
  set.remove(50_000_000);
  expect([set.nextMissing(1_000), set.nextMissing(50_000_001), set.memory < 2_000]).toEqual([50_000_000, 100_001_001, true]);
  const scattered = new SequenceSet();
  for (let sequence = 1; sequence < 1_000_000; sequence += 3) scattered.add(sequence);
  expect(scattered.memory / scattered.size).toBeLessThan(1);
  scattered.clear();
  set.removeSpan(1, 200_000_000);
  expect([scattered.memory, scattered.size, set.size]).toEqual([0, 0, 0]);
});

test("0 and what is above 2^53 - 1 are no sequences", () => {
  const set = new SequenceSet();
  expect(brokenAssertion(() => set.add(0))).toContain("a set holds sequences from 1 to 2^53 - 1");
  expect(brokenAssertion(() => set.addSpan(5, 2 ** 53))).toContain("a set holds sequences from 1 to 2^53 - 1");
  expect([set.addSpan(2 ** 53 - 3, 2 ** 53 - 1), set.next(1), set.previous(2 ** 53 - 1)]).toEqual([3, 2 ** 53 - 3, 2 ** 53 - 1]);
});
