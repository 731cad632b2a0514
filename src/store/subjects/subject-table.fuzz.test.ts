import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { HashKey } from "../../messaging/subject/byte-hash.ts";
import { NO_SUBJECT, SubjectTable } from "./subject-table.ts";

interface Known {
  id: number;
  total: number;
  firstBlock: number;
  lastBlock: number;
  firstSequence: number;
  lastSequence: number;
  lastSize: number;
}

function known(table: SubjectTable, id: number): Known {
  return {
    id,
    total: table.totalOf(id),
    firstBlock: table.firstBlockOf(id),
    lastBlock: table.lastBlockOf(id),
    firstSequence: table.firstSequenceOf(id),
    lastSequence: table.lastSequenceOf(id),
    lastSize: table.lastSizeOf(id),
  };
}

function textOf(table: SubjectTable, id: number): string {
  const start = table.startOf(id);
  return Buffer.from(table.bytesOf(id).subarray(start, start + table.sizeOf(id))).toString("latin1");
}

/** Ids in use, as the walk over all of them gives them. */
function* idsOf(table: SubjectTable): Generator<number> {
  for (let id = table.next(-1); id !== NO_SUBJECT; id = table.next(id)) yield id;
}

/** Mostly short subjects; some fill a page alone. */
function randomSubject(random: Random, variety: number): string {
  const number = random.below(variety);
  if (number % 997 === 0) return `long.${number}.${"x".repeat((number * 131) % 65_000)}`;
  if (number % 3 === 0) return `${number}`;
  return `orders.${number % 7}.${"t".repeat(number % 90)}.${number}`;
}

test("fuzz: it knows of each subject what was set, while subjects come and go in phases of growing and shrinking", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const table = new SubjectTable(HashKey.secret());
  const model = new Map<string, Known>();
  const heard = new Set<number>();
  table.listener = {
    onAdded: id => expect(heard.has(id) || !heard.add(id), `SEED=${seed}`).toBe(false),
    onRemoving: id => expect(heard.delete(id) && model.has(textOf(table, id)), `SEED=${seed}`).toBe(true),
  };
  const find = (text: string) => {
    const source = Buffer.from(`<${text}>`, "latin1");
    return table.find(source, 1, source.length - 1);
  };
  let most = 0;
  for (let step = 0; step < 60_000; step++) {
    const growing = step % 20_000 < 12_000;
    const text = randomSubject(random, 9_000);
    const of = model.get(text);
    expect(find(text), `SEED=${seed} step=${step}`).toBe(of?.id ?? NO_SUBJECT);
    if (of !== undefined && random.chance(growing ? 0.1 : 0.9)) {
      table.remove(of.id);
      model.delete(text);
      expect(find(text), `SEED=${seed} step=${step}`).toBe(NO_SUBJECT);
    } else if (growing || of !== undefined) {
      const source = Buffer.from(text, "latin1");
      const id = table.findOrAdd(source, 0, source.length);
      source.fill(0);
      const entry = of ?? { id, total: 0, firstBlock: 0, lastBlock: 0, firstSequence: 0, lastSequence: 0, lastSize: 0 };
      model.set(text, entry);
      change(table, entry, random, step);
    }
    const other = model.get(randomSubject(random, 9_000));
    if (other !== undefined) expect(known(table, other.id), `SEED=${seed} step=${step}`).toEqual(other);
    expect(table.size, `SEED=${seed} step=${step}`).toBe(model.size);
    most = Math.max(most, table.size);
  }
  expect(most).toBeGreaterThan(2_000); // several pages of rows and buckets
  const all = [...idsOf(table)].map(id => [textOf(table, id), known(table, id)] as const);
  expect(new Map(all), `SEED=${seed}`).toEqual(model);
  expect(all.length).toBe(model.size);
  expect(heard, `SEED=${seed}`).toEqual(new Set(all.map(([, { id }]) => id)));
  for (const [text, { id }] of model) {
    table.remove(id);
    expect(find(text), `SEED=${seed}`).toBe(NO_SUBJECT);
  }
  expect([table.size, [...idsOf(table)]]).toEqual([0, []]);
});

function change(table: SubjectTable, entry: Known, random: Random, step: number): void {
  const { id } = entry;
  const value = random.nextUint32();
  const sequence = random.below(2 ** 21) * 2 ** 32 + value;
  switch (random.below(8)) {
    case 0:
      entry.total = value * 2 ** random.below(17);
      table.setTotal(id, entry.total);
      break;
    case 1:
      entry.total = Math.max(0, entry.total - 1);
      table.setTotal(id, entry.total);
      break;
    case 2:
      entry.firstBlock = value;
      entry.firstSequence = sequence;
      table.setFirstBlock(id, value);
      table.setFirstSequence(id, sequence);
      break;
    case 3:
      entry.lastBlock = value;
      entry.lastSequence = sequence;
      entry.lastSize = step;
      table.setLastBlock(id, value);
      table.setLastSequence(id, sequence);
      table.setLastSize(id, step);
      break;
    case 4:
      if (entry.total > 2 ** 48 - 10) break;
      entry.total += 9;
      expect(table.addToTotal(id, 9)).toBe(entry.total);
      break;
    default:
      if (entry.total === 2 ** 48 - 1) break;
      entry.total++;
      if (entry.total === 1) {
        entry.firstBlock = value;
        entry.firstSequence = sequence;
      }
      entry.lastBlock = value;
      entry.lastSequence = sequence;
      entry.lastSize = step;
      expect(table.noteStored(id, value, sequence, step)).toBe(entry.total);
  }
}
