import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { SEGMENT_ROWS } from "./segment.ts";
import { SequenceIndex } from "./sequence-index.ts";

/** The index and what it must hold: each sequence with a value that its columns show. */
class Pair {
  readonly index = new SequenceIndex();
  readonly model = new Map<number, number>();
  last = 0;

  add(sequence: number): void {
    const { index } = this;
    index.add(sequence);
    const value = (sequence % 1_000_003) + 1;
    const { row, segment } = index;
    segment.chunk[row] = value;
    segment.offset[row] = value + 1;
    segment.subject[row] = value + 2;
    segment.next[row] = value + 3;
    segment.previous[row] = value + 4;
    this.model.set(sequence, value);
    this.last = sequence;
  }

  remove(sequence: number): boolean {
    const found = this.index.seek(sequence);
    if (found) this.index.remove();
    return found === this.model.delete(sequence);
  }

  cutAfter(sequence: number): void {
    for (let at = this.last; at > sequence; at--) this.remove(at);
    this.index.cutAfter(sequence);
    this.last = sequence;
  }

  /** What the cursor shows. */
  shown(): number[] {
    const { row, segment, sequence } = this.index;
    return [
      sequence,
      segment.chunk[row],
      segment.offset[row] - 1,
      segment.subject[row] - 2,
      segment.next[row] - 3,
      segment.previous[row] - 4,
    ];
  }

  expected(sequence: number): number[] {
    const value = this.model.get(sequence)!;
    return [sequence, value, value, value, value, value];
  }

  /** @returns a description of a difference around a sequence */
  differenceAt(sequence: number): string | null {
    const { index, model } = this;
    if (index.seek(sequence) !== model.has(sequence)) return `seek ${sequence}`;
    if (model.has(sequence) && !Bun.deepEquals(this.shown(), this.expected(sequence))) return `row of ${sequence}: ${this.shown()}`;
    const sorted = [...model.keys()].sort((a, b) => a - b);
    const after = sorted.find(key => key >= sequence);
    if (index.seekAtOrAfter(sequence) !== (after !== undefined)) return `at or after ${sequence}`;
    if (after !== undefined && !Bun.deepEquals(this.shown(), this.expected(after))) return `at or after ${sequence}: ${this.shown()}`;
    const before = sorted.findLast(key => key <= sequence);
    if (index.seekAtOrBefore(sequence) !== (before !== undefined)) return `at or before ${sequence}`;
    if (before !== undefined && !Bun.deepEquals(this.shown(), this.expected(before))) return `at or before ${sequence}: ${this.shown()}`;
    const count = sorted.filter(key => key >= sequence).length;
    return index.countFrom(sequence) === count ? null : `count from ${sequence}: ${index.countFrom(sequence)}, not ${count}`;
  }
}

/** Rows that the index may keep: four per message, and the tolerated ones. */
function bytesMax(messages: number): number {
  return 28 * (4 * messages + 5 * SEGMENT_ROWS);
}

test("fuzz: sequences that come, go and leave gaps", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 3; round++) {
    const pair = new Pair();
    const kept = random.pick([0.5, 0.1, 0.01, 0.001]);
    for (let step = 0; step < 60; step++) {
      const first = pair.last + (random.chance(0.1) ? random.pick([2, 5_000, 2 ** 33, 2 ** 40]) : 1);
      const count = random.below(2_000);
      for (let sequence = first; sequence < first + count; sequence++) pair.add(sequence);
      for (const sequence of [...pair.model.keys()]) {
        if (random.chance(0.2) && !random.chance(kept))
          expect(pair.remove(sequence), `SEED=${seed} round=${round} remove ${sequence}`).toBeTrue();
      }
      if (random.chance(0.05)) pair.cutAfter(Math.max(0, pair.last - random.below(3_000)));
      if (random.chance(0.02)) {
        pair.index.clear();
        pair.model.clear();
      }
      for (let probe = 0; probe < 8; probe++) {
        const sequence = Math.max(
          0,
          random.chance(0.5) ? pair.last - random.below(9_000) : Math.floor(random.nextFloat() * (pair.last + 2)),
        );
        expect(pair.differenceAt(sequence), `SEED=${seed} round=${round} step=${step}`).toBeNull();
      }
      expect(pair.index.messages).toBe(pair.model.size);
      expect(pair.index.bytesTaken, `SEED=${seed} round=${round} messages=${pair.model.size}`).toBeLessThanOrEqual(
        bytesMax(pair.model.size),
      );
    }
  }
});

test("a packed segment that becomes the last one again takes new sequences", () => {
  const pair = new Pair();
  for (let sequence = 1; sequence <= 8 * SEGMENT_ROWS; sequence++) pair.add(sequence);
  for (let sequence = 1; sequence <= 8 * SEGMENT_ROWS; sequence++) if (sequence % 1_000 !== 0) pair.remove(sequence);
  const end = 2 * SEGMENT_ROWS + 1_900;
  pair.cutAfter(end);
  for (let sequence = end + 1; sequence < end + 100; sequence++) pair.add(sequence);
  for (const sequence of [SEGMENT_ROWS, end - 500, end, end + 1, end + 50, end + 99, end + 100])
    expect(pair.differenceAt(sequence)).toBeNull();
});

test("sequences of a huge gap cost nothing", () => {
  const pair = new Pair();
  pair.add(1);
  pair.add(2 ** 53 - 2);
  expect(pair.differenceAt(2 ** 52)).toBeNull();
  expect(pair.differenceAt(2 ** 53 - 2)).toBeNull();
  expect(pair.index.bytesTaken).toBeLessThan(8 * 28 * SEGMENT_ROWS);
});

test("a stream that loses its oldest messages uses the same segments again", () => {
  const pair = new Pair();
  for (let sequence = 1; sequence <= 10 * SEGMENT_ROWS; sequence++) {
    pair.add(sequence);
    if (sequence > SEGMENT_ROWS) pair.remove(sequence - SEGMENT_ROWS);
    expect(pair.index.bytesTaken).toBeLessThanOrEqual(3 * 28 * SEGMENT_ROWS);
  }
});
