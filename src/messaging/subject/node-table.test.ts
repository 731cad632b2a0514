import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { HashKey, hashBytes } from "./byte-hash.ts";
import { NONE, NodeTable, ROOT } from "./node-table.ts";

test("two tokens with the same hash are different children, below one node and below two", () => {
  const table = new NodeTable(new WorkMeter());
  const bytes = Buffer.from("abxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1xxxxxxxxxxxxxxxxxxxxxxxxxxxxx2");
  const a = table.addChild(ROOT, 7, bytes, 0, 1);
  const b = table.addChild(ROOT, 7, bytes, 1, 2);
  const long1 = table.addChild(ROOT, 7, bytes, 2, 32);
  const long2 = table.addChild(ROOT, 7, bytes, 32, 62);
  expect(new Set([a, b, long1, long2]).size).toBe(4);
  expect([table.child(ROOT, 7, bytes, 0, 1), table.child(ROOT, 7, bytes, 1, 2)]).toEqual([a, b]);
  expect([table.child(ROOT, 7, bytes, 2, 32), table.child(ROOT, 7, bytes, 32, 62)]).toEqual([long1, long2]);
  const below = table.addChild(a, 7, bytes, 1, 2);
  expect([table.child(a, 7, bytes, 1, 2), table.child(ROOT, 7, bytes, 1, 2)]).toEqual([below, b]);
});

test("a long chain makes the table crowded; with another key its children are found in short chains", () => {
  const meter = new WorkMeter();
  const table = new NodeTable(meter);
  const star = table.addStar(ROOT);
  const full = table.addFull(star);
  const tokens = Array.from({ length: 2_000 }, (_, index) => Buffer.from(`${index}${"x".repeat(index % 40)}`));
  const nodes = tokens.map(token => table.addChild(star, 7, token, 0, token.length));
  const lower = table.addChild(nodes[5], 7, tokens[0], 0, tokens[0].length);
  expect(table.crowded).toBe(true);

  const key = new HashKey(1, 2);
  table.rekey(key);
  expect(table.crowded).toBe(false);
  const hash = (token: Uint8Array) => hashBytes(token, 0, token.length, key);
  const before = meter.done;
  expect(tokens.map(token => table.child(star, hash(token), token, 0, token.length))).toEqual(nodes);
  expect(table.child(nodes[5], hash(tokens[0]), tokens[0], 0, tokens[0].length)).toBe(lower);
  expect(meter.done - before).toBeLessThan(2_000);
  for (const node of [lower, ...nodes, full, star]) table.release(node);
  expect(table.count).toBe(0);
});

test("a crowded table asks for another key once per doubling of its nodes, because a new key costs as much as all nodes", () => {
  const table = new NodeTable(new WorkMeter());
  const key = new HashKey(1, 2);
  let rekeyed = 0;
  for (let index = 0; index < 3_000; index++) {
    const token = Buffer.from(`${index}`);
    table.addChild(ROOT, 7, token, 0, token.length); // as if the attacker knew every key
    if (!table.crowded) continue;
    table.rekey(key);
    rekeyed++;
  }
  expect(rekeyed).toBeGreaterThan(0);
  expect(rekeyed).toBeLessThan(12);
});

test("fuzz: children are added, found, released and listed as in a Map", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const table = new NodeTable(new WorkMeter());
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
  const table = new NodeTable(new WorkMeter());
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
