import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { NONE, NodeTable, ROOT } from "./node-table.ts";

test("two tokens with the same hash are different children, below one node and below two", () => {
  const table = new NodeTable();
  const bytes = Buffer.from("abxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1xxxxxxxxxxxxxxxxxxxxxxxxxxxxx2");
  const a = table.addChild(ROOT, 7, bytes, 0, 1);
  const b = table.addChild(ROOT, 7, bytes, 1, 2);
  const long1 = table.addChild(ROOT, 7, bytes, 2, 32);
  const long2 = table.addChild(ROOT, 7, bytes, 32, 62);
  expect(new Set([a, b, long1, long2]).size).toBe(4);
  expect([table.child(ROOT, 7, bytes, 0, 1), table.child(ROOT, 7, bytes, 1, 2)]).toEqual([a, b]);
  expect([table.child(ROOT, 7, bytes, 2, 32), table.child(ROOT, 7, bytes, 32, 62)]).toEqual([long1, long2]);
  // A hash below `a` that collides with hash 7 below the root.
  const twin = 7 ^ Math.imul(a, 0x9e3779b1);
  expect(table.child(a, twin, bytes, 1, 2)).toBe(NONE);
  const below = table.addChild(a, twin, bytes, 1, 2);
  expect([table.child(a, twin, bytes, 1, 2), table.child(ROOT, 7, bytes, 1, 2)]).toEqual([below, b]);
});

test("fuzz: children are added, found, released and listed as in a Map", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const table = new NodeTable();
  const parents = [ROOT, table.addStar(ROOT), table.addFull(ROOT)];
  const model = new Map<string, number>();
  for (let round = 0; round < 20_000; round++) {
    const message = `SEED=${seed} round=${round}`;
    const parent = random.pick(parents);
    const name = random.below(Math.floor(round / 5_000) % 2 === 0 ? 800 : 40);
    const token = Buffer.from(`${name}${"x".repeat(name % 40)}`);
    const key = `${parent} ${token}`;
    const hash = name % 100;
    const node = table.child(parent, hash, token, 0, token.length);
    expect(node, message).toBe(model.get(key) ?? NONE);
    if (node === NONE) {
      model.set(key, table.addChild(parent, hash, token, 0, token.length));
    } else if (random.chance(0.6)) {
      table.release(node);
      model.delete(key);
    }
    expect(table.count, message).toBe(model.size + 2);
    if (round % 1_000 === 0) {
      for (const parent of parents) {
        const listed: number[] = [];
        for (let child = table.firstChild(parent); child !== NONE; child = table.nextSibling(child)) listed.push(child);
        const wanted = [...model].filter(([key]) => key.startsWith(`${parent} `)).map(([, node]) => node);
        expect(listed.sort(), message).toEqual(wanted.sort());
      }
    }
  }
});

test("assertions: only a node without children is released, and only once", () => {
  const table = new NodeTable();
  const parent = table.addStar(ROOT);
  const child = table.addFull(parent);
  expect(brokenAssertion(() => table.release(parent))).toBe(`Assertion broken: a released trie node has no children: ${parent}`);
  expect(brokenAssertion(() => table.release(ROOT))).toBe("Assertion broken: a released trie node has no children: 0");
  table.release(child);
  expect(brokenAssertion(() => table.release(child))).toBe(`Assertion broken: a trie node is released once: ${child}`);
  const token = Buffer.from("orders");
  const literal = table.addChild(parent, 7, token, 0, token.length);
  table.release(literal);
  expect(brokenAssertion(() => table.release(literal))).toBe(`Assertion broken: a trie node is released once: ${literal}`);
  table.release(parent);
  expect(brokenAssertion(() => table.release(parent))).toBe(`Assertion broken: a literal trie node is in its bucket: ${parent}`);
});
