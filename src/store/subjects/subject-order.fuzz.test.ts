import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import type { Sliced } from "../../base/scheduling/sliced.ts";
import { HashKey } from "../../messaging/subject/byte-hash.ts";
import { matchesLiteral } from "../../messaging/subject/subject-overlap.ts";
import { SubjectOrder } from "./subject-order.ts";
import { sortSubjects } from "./subject-sort.ts";
import { NO_SUBJECT, SubjectTable } from "./subject-table.ts";
import { PAUSED } from "./subject-walk.ts";

function textOf(table: SubjectTable, id: number): string {
  const start = table.startOf(id);
  return Buffer.from(table.bytesOf(id).subarray(start, start + table.sizeOf(id))).toString("latin1");
}

const add = (table: SubjectTable, text: string) => table.findOrAdd(Buffer.from(text, "latin1"), 0, text.length);

function remove(table: SubjectTable, text: string): void {
  const id = table.find(Buffer.from(text, "latin1"), 0, text.length);
  if (id !== NO_SUBJECT) table.remove(id);
}

function matches(pattern: string, text: string): boolean {
  return matchesLiteral(Buffer.from(pattern), Buffer.from(text, "latin1"), 0, text.length);
}

/** Sorted by their bytes: latin1 texts compare as bytes do. */
const sorted = (texts: Iterable<string>) => [...texts].sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));

/** Subjects with common prefixes, prefixes of each other, bytes 0 and 255, and some long ones. */
function randomSubject(random: Random, variety: number): string {
  const number = random.below(variety);
  const token = (value: number) => ["a", "b\0", "orders", "\xff", "x".repeat(200)][value % 5] + (value % 3);
  const tokens = [token(number), `${(number * 7) % 101}`, number % 11 === 0 ? "a" : token(number * 3), "n".repeat(number % 9) || "z"];
  const text = tokens.slice(0, 1 + (number % 4)).join(".");
  return number % 5 === 0 ? `${text}.${number}` : text;
}

const PATTERNS = [">", "*", "orders0.>", "*.*", "orders1.*.>", "a0.7.>", "*.7.*", "none.>", "orders2.*.a.*", "orders0.7", "x>.>"];

function run<T>(sliced: Sliced<T>): T {
  while (true) {
    const step = sliced.next();
    if (step.done) return step.value;
  }
}

function* walked(order: SubjectOrder, table: SubjectTable, pattern: string, between: () => void): Sliced<string[]> {
  const texts: string[] = [];
  const walk = order.walk(Buffer.from(pattern));
  for (let id = walk.next(); id !== NO_SUBJECT; id = walk.next()) {
    if (id === PAUSED) yield* walk.resume();
    else {
      texts.push(textOf(table, id));
      between();
    }
  }
  return texts;
}

test("fuzz: subjects are sorted by their bytes, whatever they share", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 60; round++) {
    const table = new SubjectTable(HashKey.secret());
    const texts = new Set(Array.from({ length: random.below(1_500) }, () => randomSubject(random, 3_000)));
    if (round === 0) for (let zeros = 1; zeros < 40; zeros++) texts.add("\0".repeat(zeros)).add(`a${"\0".repeat(zeros)}`);
    const ids = Uint32Array.from(random.shuffle([...texts]), text => add(table, text));
    run(sortSubjects(table, ids, random));
    expect(
      [...ids].map(id => textOf(table, id)),
      `SEED=${seed} round=${round}`,
    ).toEqual(sorted(texts));
  }
});

test("fuzz: walks see what a sorted list of matching subjects has, after any changes", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const table = new SubjectTable(HashKey.secret());
  const order = new SubjectOrder(table, random);
  const model = new Set<string>();
  let dropped = 0;
  for (let round = 0; round < 150; round++) {
    for (let changes = random.pick([0, 1, 20, 300, 9_000 * (round % 2)]); changes > 0; changes--) {
      const text = randomSubject(random, 4_000);
      if (random.chance(0.5)) {
        remove(table, text);
        model.delete(text);
      } else {
        add(table, text);
        model.add(text);
      }
    }
    if (!order.isReady) dropped++;
    const pattern = random.pick(PATTERNS);
    const expected = sorted(model).filter(text => matches(pattern, text));
    expect(run(walked(order, table, pattern, () => {})), `SEED=${seed} round=${round} ${pattern}`).toEqual(expected);
  }
  expect(dropped).toBeGreaterThan(1);
  expect(dropped).toBeLessThan(150);
});

test("fuzz: while subjects come and go, walks see each one that stays, in order, and none twice", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 25; round++) {
    const table = new SubjectTable(HashKey.secret());
    const order = new SubjectOrder(table, random);
    const present = new Set<string>();
    for (let count = random.pick([10, 1_000, 4_000]); count > 0; count--) present.add(randomSubject(random, 6_000));
    for (const text of present) add(table, text);
    /** Subjects that some walk may have seen: everything that was there at any time. */
    const ever = new Set(present);
    const intensity = random.pick([1, 5, 200]);
    const walks = Array.from({ length: 3 }, () => {
      const pattern = random.pick(PATTERNS);
      return {
        pattern,
        texts: null as string[] | null,
        stayed: new Set(present),
        sliced: walked(order, table, pattern, () => random.chance(0.05) && change()),
      };
    });
    const change = () => {
      const text = randomSubject(random, 6_000);
      if (random.chance(0.5)) {
        remove(table, text);
        present.delete(text);
        for (const walk of walks) walk.stayed.delete(text);
      } else {
        add(table, text);
        present.add(text);
        ever.add(text);
      }
    };
    for (let steps = 0; walks.some(walk => walk.texts === null); steps++) {
      expect(steps, `SEED=${seed} round=${round}: walks come to an end`).toBeLessThan(100_000);
      for (let changes = random.below(intensity); changes > 0; changes--) change();
      const walk = random.pick(walks);
      const step = walk.sliced.next();
      if (step.done) walk.texts ??= step.value;
    }
    for (const { pattern, stayed, texts } of walks) {
      const where = `SEED=${seed} round=${round} ${pattern}`;
      expect(sorted(new Set(texts!)), where).toEqual(texts!);
      expect(
        sorted(stayed).filter(text => matches(pattern, text) && !texts!.includes(text)),
        where,
      ).toEqual([]);
      expect(
        texts!.filter(text => !matches(pattern, text) || !ever.has(text)),
        where,
      ).toEqual([]);
    }
  }
});

test("an order that nobody uses is dropped after as many changes as sorting would cost, and the table has no listener then", () => {
  const table = new SubjectTable(HashKey.secret());
  const order = new SubjectOrder(table, new Random(1));
  for (let index = 0; index < 100; index++) add(table, `s.${index}`);
  expect(table.listener).toBeNull();
  run(order.settle());
  expect([order.isReady, order.sorted.count, table.listener === order]).toEqual([true, 100, true]);
  for (let index = 0; index < 2_048; index++) {
    add(table, "new");
    remove(table, "new");
  }
  expect(order.isReady).toBe(true);
  add(table, "new");
  expect([order.isReady, order.sorted.count, table.listener]).toEqual([false, 0, null]);
});

test("a pattern without wildcards is looked up, and makes no order", () => {
  const table = new SubjectTable(HashKey.secret());
  const order = new SubjectOrder(table, new Random(1));
  const id = add(table, "orders.1");
  add(table, "orders.1.x");
  const walk = order.walk(Buffer.from("orders.1"));
  expect([walk.next(), walk.next(), order.walk(Buffer.from("orders")).next(), table.listener]).toEqual([id, NO_SUBJECT, NO_SUBJECT, null]);
});
