import { expect, test } from "bun:test";
import { HashKey } from "../../messaging/subject/byte-hash.ts";
import { NO_SUBJECT, SubjectTable } from "./subject-table.ts";

const add = (table: SubjectTable, text: string) => table.findOrAdd(Buffer.from(text), 0, text.length);
const find = (table: SubjectTable, text: string) => table.find(Buffer.from(text), 0, text.length);

test("an id stays while its subject is there, and is given to another one afterwards", () => {
  const table = new SubjectTable(HashKey.secret());
  const first = add(table, "orders.1");
  const second = add(table, "orders.2");
  table.noteStored(first, 3, 17, 100);
  table.remove(second);
  expect(add(table, "orders.1")).toBe(first);
  expect(find(table, "orders.2")).toBe(NO_SUBJECT);
  table.remove(first);
  const third = add(table, "orders.3");
  expect([first, second]).toContain(third);
  expect([table.totalOf(third), table.firstSequenceOf(third), table.lastBlockOf(third), table.lastSizeOf(third)]).toEqual([0, 0, 0, 0]);
});

test("the subject of the last look-up is compared again, because the caller's buffer may hold another one now", () => {
  const table = new SubjectTable(HashKey.secret());
  const source = Buffer.from("orders.1");
  const first = table.findOrAdd(source, 0, source.length);
  source[source.length - 1]++;
  expect(table.find(source, 0, source.length)).toBe(NO_SUBJECT);
  const second = table.findOrAdd(source, 0, source.length);
  expect(second).not.toBe(first);
  source[0]++;
  expect(table.find(source, 0, source.length)).toBe(NO_SUBJECT);
});

test("a total counts beyond 32 bits", () => {
  const table = new SubjectTable(HashKey.secret());
  const id = add(table, "a");
  table.setTotal(id, 2 ** 32 - 2);
  table.setFirstSequence(id, 5);
  expect([table.noteStored(id, 1, 10, 1), table.noteStored(id, 1, 11, 1), table.noteStored(id, 1, 12, 1)]).toEqual([
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
  ]);
  expect([table.sizeOf(id), table.firstSequenceOf(id), find(table, "a")]).toEqual([1, 5, id]);
  expect(table.addToTotal(id, -5)).toBe(2 ** 32 - 4);
});

test("buckets that were made in advance change nothing", () => {
  for (const reserved of [0, 1, 16, 17, 100, 5_000]) {
    const table = new SubjectTable(HashKey.secret());
    table.reserve(reserved);
    const ids = Array.from({ length: 5_000 }, (_, index) => add(table, `s.${index}`));
    expect(new Set(ids).size).toBe(5_000);
    expect(ids.every((id, index) => find(table, `s.${index}`) === id)).toBe(true);
  }
});

test("memory is given back: a hundred waves of new subjects leave no more behind than one", () => {
  const table = new SubjectTable(HashKey.secret());
  const bytes = () => table.memory;
  const empty = bytes();
  let ids: number[] = [];
  let oneWave = 0;
  for (let wave = 0; wave < 100; wave++) {
    const old = ids;
    ids = Array.from({ length: 3_000 }, (_, index) => add(table, `wave.${wave}.${index}.${"x".repeat((wave * 7) % 50)}`));
    for (const id of old) table.remove(id);
    if (wave === 7) oneWave = bytes(); // its subjects are the longest
  }
  expect(bytes()).toBeLessThanOrEqual(1.5 * oneWave);
  for (const id of ids) table.remove(id);
  expect(bytes()).toBeLessThan(empty + 150_000);
});

test("a subject of 32 bytes takes less than 110 bytes", () => {
  const table = new SubjectTable(HashKey.secret());
  for (let index = 0; index < 100_000; index++) add(table, `devices.sensor.room.${String(index).padStart(12, "0")}`);
  expect(table.memory / table.size).toBeLessThan(110);
});
