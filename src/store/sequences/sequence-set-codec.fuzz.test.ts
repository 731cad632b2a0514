import { expect, test } from "bun:test";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { BinaryReader } from "../../base/bytes/binary-reader.ts";
import { BinaryWriter } from "../../base/bytes/binary-writer.ts";
import { Random } from "../../base/random/random.ts";
import { NO_SEQUENCE, SequenceSet } from "./sequence-set.ts";
import {
  decodeSequenceSet,
  decodeSetsAndRuns,
  encodedSetBytes,
  encodeRun,
  encodeSequenceSet,
  encodeSetsAndRuns,
} from "./sequence-set-codec.ts";

type Spans = [number, number][];

interface Recorded {
  name: string;
  spans: Spans;
  encoded: string;
}

function spansOf(set: SequenceSet): Spans {
  const spans: Spans = [];
  for (let first = set.next(1); first !== NO_SEQUENCE; ) {
    const end = set.nextMissing(first);
    spans.push([first, end - 1]);
    first = set.next(end);
  }
  return spans;
}

function encoded(set: SequenceSet): Uint8Array {
  const writer = new BinaryWriter();
  encodeSequenceSet(set, writer);
  return writer.bytes.slice();
}

function randomSet(random: Random): SequenceSet {
  const set = new SequenceSet();
  const limit = random.pick([3_000, 100_000, 2 ** 53 - 100_000]);
  for (let step = random.below(60); step > 0; step--) {
    const first = random.between(1, 100_000) + (random.chance(0.5) ? limit - 100_000 : 0);
    const last = Math.min(2 ** 53 - 1, first + random.pick([0, 0, 0, 5, 2_048, 9_000]));
    if (first >= 1) set.addSpan(first, last);
  }
  return set;
}

/** A tree as nats-server rebuilds it: nodes are inserted in order, without rebalancing. */
interface TreeNode {
  base: bigint;
  height: number;
  left: TreeNode | null;
  right: TreeNode | null;
}

function treeOf(bytes: Uint8Array): { root: TreeNode | null; nodes: number; size: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const nodes = view.getUint32(2, true);
  let root: TreeNode | null = null;
  for (let index = 0; index < nodes; index++) {
    const at = 10 + 266 * index;
    const node: TreeNode = { base: view.getBigUint64(at, true), height: view.getUint16(at + 264, true), left: null, right: null };
    let place: TreeNode | null = root;
    if (place === null) root = node;
    while (place !== null) {
      const side: "left" | "right" = node.base < place.base ? "left" : "right";
      if (place[side] === null) {
        place[side] = node;
        break;
      }
      place = place[side];
    }
  }
  return { root, nodes, size: view.getUint32(6, true) };
}

/** Checks order, heights and balance. @returns the height */
function checkedHeight(node: TreeNode | null, above: bigint, below: bigint): number {
  if (node === null) return 0;
  expect(node.base >= above && node.base < below && node.base % 2_048n === 0n).toBe(true);
  const left = checkedHeight(node.left, above, node.base);
  const right = checkedHeight(node.right, node.base + 2_048n, below);
  expect(Math.abs(left - right)).toBeLessThan(2);
  expect(node.height).toBe(Math.max(left, right) + 1);
  return node.height;
}

const recorded: Recorded[] = await Bun.file(join(import.meta.dir, "../../../test/vectors/go-sequence-sets.json")).json();

for (const { encoded: text, name, spans } of recorded) {
  test(`a set that nats-server encoded is read: ${name}`, () => {
    const bytes = inflateRawSync(Buffer.from(text, "base64"));
    const reader = new BinaryReader(bytes);
    const set = decodeSequenceSet(reader)!;
    expect(spansOf(set)).toEqual(spans);
    expect([set.size, reader.left]).toEqual([spans.reduce((sum, [first, last]) => sum + (last - first + 1), 0), 0]);
  });
}

test("fuzz: what is encoded is a balanced tree in pre-order, and is decoded again", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 200; round++) {
    const set = randomSet(random);
    const bytes = encoded(set);
    const where = `SEED=${seed} round=${round}`;
    expect(bytes.length, where).toBe(encodedSetBytes(set));
    const tree = treeOf(bytes);
    checkedHeight(tree.root, 0n, 2n ** 64n);
    expect([bytes[0], bytes[1], tree.size], where).toEqual([22, 2, set.size]);
    const reader = new BinaryReader(Buffer.concat([Buffer.from("<<"), bytes, Buffer.from(">")]), 2);
    const decoded = decodeSequenceSet(reader)!;
    expect(spansOf(decoded), where).toEqual(spansOf(set));
    expect([decoded.size, reader.left], where).toEqual([set.size, 1]);
  }
});

test("a set of version 1, whose nodes have 4,096 sequences, is read", () => {
  const writer = new BinaryWriter();
  writer.u8(22);
  writer.u8(1);
  writer.u32(2);
  writer.u32(4);
  for (const [base, bits] of [
    [8_192, [0, 4_095]],
    [4_096, [5, 2_048]],
  ] as const) {
    writer.u64(base);
    const words = new Uint32Array(128);
    for (const bit of bits) words[bit >> 5] |= 1 << (bit & 31);
    for (const word of words) writer.u32(word);
    writer.u16(1);
  }
  const bytes = writer.bytes.slice();
  expect(spansOf(decodeSequenceSet(new BinaryReader(bytes))!)).toEqual([
    [4_101, 4_101],
    [6_144, 6_144],
    [8_192, 8_192],
    [12_287, 12_287],
  ]);
  bytes[6]++;
  expect(decodeSequenceSet(new BinaryReader(bytes))).toBeNull();
});

test("a set that is cut, of another kind, with a wrong number, or with impossible sequences is refused", () => {
  const set = new SequenceSet();
  set.addSpan(5, 5_000);
  const bytes = encoded(set);
  const decode = (change: (copy: Uint8Array) => void, end = bytes.length) => {
    const copy = bytes.slice();
    change(copy);
    return decodeSequenceSet(new BinaryReader(copy, 0, end));
  };
  expect(spansOf(decode(() => {})!)).toEqual([[5, 5_000]]);
  for (let end = 0; end < bytes.length; end++) expect(decode(() => {}, end)).toBeNull();
  const broken: ((copy: Uint8Array) => void)[] = [
    copy => copy.set([23], 0),
    copy => copy.set([3], 1),
    copy => copy.set([0xff, 0xff, 0xff, 0xff], 2),
    copy => copy.set([1], 6),
    copy => copy.set([0xff], 10 + 7), // a base above 2^53 - 1
    copy => copy.fill(0, 10, 18), // two nodes with the same base
  ];
  for (const change of broken) expect(decode(change)).toBeNull();
  const zero = new BinaryWriter();
  encodeSequenceSet(setOf([[1, 1]]), zero);
  const withZero = zero.bytes.slice();
  withZero[18] = 1;
  expect(decodeSequenceSet(new BinaryReader(withZero))).toBeNull();
});

function setOf(spans: Spans): SequenceSet {
  const set = new SequenceSet();
  for (const [first, last] of spans) set.addSpan(first, last);
  return set;
}

test("fuzz: damaged bytes are refused or give a set that can be used; sizes that are not there allocate nothing", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 2_000; round++) {
    const writer = new BinaryWriter();
    encodeSetsAndRuns(randomSet(random), writer);
    const bytes = writer.bytes.slice(0, random.between(0, writer.size));
    for (let flips = random.below(4); flips > 0 && bytes.length > 0; flips--)
      bytes[random.below(Math.min(bytes.length, 40))] ^= 1 << random.below(8);
    for (const decode of [decodeSequenceSet, decodeSetsAndRuns]) {
      const set = decode(new BinaryReader(bytes));
      if (set === null) continue;
      const sum = spansOf(set).reduce((total, [first, last]) => total + (last - first + 1), 0);
      expect(sum, `SEED=${seed} round=${round}`).toBe(set.size);
      expect(set.memory, `SEED=${seed} round=${round}`).toBeLessThan((decode === decodeSequenceSet ? 4 : 400) * bytes.length + 2_000);
    }
  }
});

test("fuzz: sets and runs of replicated state are read into one set, whichever was written", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 200; round++) {
    const all = new SequenceSet();
    const writer = new BinaryWriter();
    for (let parts = random.below(5); parts > 0; parts--) {
      if (random.chance(0.5)) {
        const first = random.between(1, 2 ** 32);
        const count = random.below(10_000_000);
        encodeRun(first, count, writer);
        if (count > 0) all.addSpan(first, first + count - 1);
      } else {
        const set = randomSet(random);
        const write = random.pick([encodeSequenceSet, encodeSetsAndRuns]);
        write(set, writer);
        for (const [first, last] of spansOf(set)) all.addSpan(first, last);
      }
    }
    const decoded = decodeSetsAndRuns(new BinaryReader(writer.bytes))!;
    expect(spansOf(decoded), `SEED=${seed} round=${round}`).toEqual(spansOf(all));
    const again = new BinaryWriter();
    encodeSetsAndRuns(all, again);
    expect(spansOf(decodeSetsAndRuns(new BinaryReader(again.bytes))!), `SEED=${seed} round=${round}`).toEqual(spansOf(all));
  }
});

test("a gap of a hundred million takes a few bytes as a run", () => {
  const writer = new BinaryWriter();
  encodeSetsAndRuns(setOf([[1_000, 100_000_999]]), writer);
  expect(writer.bytes).toEqual(Uint8Array.of(33, 0xe8, 0x07, 0x80, 0xc2, 0xd7, 0x2f));
});

test("a run that begins at 0 or ends above 2^53 - 1 is refused", () => {
  const decode = (first: number, count: number) => {
    const writer = new BinaryWriter();
    encodeRun(first, count, writer);
    return decodeSetsAndRuns(new BinaryReader(writer.bytes));
  };
  expect([decode(0, 5), decode(2 ** 53 - 1, 2), decode(7, 2 ** 53 - 1)]).toEqual([null, null, null]);
  expect([decode(2 ** 53 - 1, 1)?.size, decode(7, 0)?.size]).toEqual([1, 0]);
});
