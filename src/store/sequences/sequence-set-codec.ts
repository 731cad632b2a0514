/**
 * The forms of a sequence set in files and in replicated state (formats of nats-server).
 *
 *   set   u8 22 · u8 version 2 · u32 number of nodes · u32 number of sequences · nodes        node: u64 base · 32 × u64 bitmap · u16 height
 *   run   u8 33 · uvarint first · uvarint count                                               only between sets of replicated state
 * nats-server keeps the nodes in an AVL tree, writes them in pre-order and rebuilds exactly this tree from them. So the order and the heights
 * must be those of a valid AVL tree: here the balanced tree over the sorted nodes. Version 1 had nodes of 4,096 sequences.
 *
 * Decoding is bounded by the bytes that are there: a set takes about as much memory as its encoded form, a run at most that of
 * two bitmaps.
 */
import type { BinaryReader } from "../../base/bytes/binary-reader.ts";
import type { BinaryWriter } from "../../base/bytes/binary-writer.ts";
import { BITMAP_WORDS } from "./bitmap-pool.ts";
import { NO_SEQUENCE, NODE_SEQUENCES, SequenceSet } from "./sequence-set.ts";

export const SET_MAGIC = 22;
export const RUN_MAGIC = 33;

const VERSION_1 = 1;
const VERSION_2 = 2;
const SET_HEAD_BYTES = 10;
const BITMAP_BYTES = BITMAP_WORDS * 4;
const BASE_BYTES = 8;
const HEIGHT_BYTES = 2;
const NODE_BYTES = BASE_BYTES + BITMAP_BYTES + HEIGHT_BYTES;
/** Bitmaps per node. */
const BITMAPS_OF_VERSION: Readonly<Record<number, number>> = { [VERSION_1]: 2, [VERSION_2]: 1 };
/** The last base whose sequences are all safe integers. */
const BASE_MAX = Number.MAX_SAFE_INTEGER - NODE_SEQUENCES + 1;
/** From here on a run is shorter than the nodes of a set. */
const RUN_SEQUENCES_MIN = NODE_SEQUENCES;

// Encoding

function nodeCount(set: SequenceSet): number {
  let nodes = 0;
  for (let entry = 0; entry < set.entryCount; entry++) nodes += set.nodesOfEntry(entry);
  return nodes;
}

export function encodedSetBytes(set: SequenceSet): number {
  return SET_HEAD_BYTES + nodeCount(set) * NODE_BYTES;
}

/** Appends the set. A long span takes 266 bytes per 2,048 sequences in this form. */
export function encodeSequenceSet(set: SequenceSet, writer: BinaryWriter): void {
  new TreeEncoder(set, writer).encode();
}

/** Appends a run of sequences. */
export function encodeRun(first: number, count: number, writer: BinaryWriter): void {
  writer.u8(RUN_MAGIC);
  writer.uvarint(first);
  writer.uvarint(count);
}

/** Appends the sequences as sets and runs, for replicated state: long spans as runs, the rest as one set. */
export function encodeSetsAndRuns(set: SequenceSet, writer: BinaryWriter): void {
  const rest = new SequenceSet();
  for (let first = set.next(1); first !== NO_SEQUENCE; ) {
    const end = set.nextMissing(first);
    if (end - first >= RUN_SEQUENCES_MIN) encodeRun(first, end - first, writer);
    else rest.addSpan(first, end - 1);
    first = set.next(end);
  }
  if (rest.size > 0) encodeSequenceSet(rest, writer);
}

/** Writes the nodes of a set as those of the balanced tree over them. */
class TreeEncoder {
  /** Number of nodes in the entries before each entry. */
  private readonly before: Float64Array;
  private readonly nodes: number;

  constructor(
    private readonly set: SequenceSet,
    private readonly writer: BinaryWriter,
  ) {
    this.before = new Float64Array(set.entryCount);
    let nodes = 0;
    for (let entry = 0; entry < set.entryCount; entry++) {
      this.before[entry] = nodes;
      nodes += set.nodesOfEntry(entry);
    }
    this.nodes = nodes;
  }

  encode(): void {
    const { nodes, set, writer } = this;
    writer.room(SET_HEAD_BYTES + nodes * NODE_BYTES);
    writer.u8(SET_MAGIC);
    writer.u8(VERSION_2);
    writer.u32(nodes);
    writer.u32(set.size % 2 ** 32);
    this.encodeBetween(0, nodes);
  }

  /** The nodes from `low` to `high` - 1: the middle one, then those on its left, then those on its right. */
  private encodeBetween(low: number, high: number): void {
    if (low >= high) return;
    const middle = Math.floor((low + high) / 2);
    this.encodeNode(middle, heightOf(high - low));
    this.encodeBetween(low, middle);
    this.encodeBetween(middle + 1, high);
  }

  private encodeNode(index: number, height: number): void {
    const { set, writer } = this;
    const entry = this.entryOf(index);
    writer.u64((set.startOfEntry(entry) + index - this.before[entry]) * NODE_SEQUENCES);
    const words = set.wordsOfEntry(entry);
    const start = words === null ? 0 : set.wordOfEntry(entry);
    if (words === null) {
      writer.room(BITMAP_BYTES).fill(0xff, writer.size, writer.size + BITMAP_BYTES);
      writer.size += BITMAP_BYTES;
    } else for (let word = 0; word < BITMAP_WORDS; word++) writer.u32(words[start + word]);
    writer.u16(height);
  }

  /** The entry that has the node of this number. */
  private entryOf(index: number): number {
    const { before } = this;
    let low = 0;
    let high = before.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before[middle] <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Height of the balanced tree with that many nodes. */
function heightOf(nodes: number): number {
  return Math.floor(Math.log2(nodes)) + 1;
}

// Decoding

/** Reads a set. @returns null: the bytes are no valid set, and the reader must not be used further */
export function decodeSequenceSet(reader: BinaryReader): SequenceSet | null {
  const set = new SequenceSet();
  return addEncodedSet(reader, set) ? set : null;
}

/** Reads sets and runs to the end of the reader into one set. @returns null: the bytes are not valid */
export function decodeSetsAndRuns(reader: BinaryReader): SequenceSet | null {
  const all = new SequenceSet();
  while (reader.left > 0) {
    if (reader.bytes[reader.at] === SET_MAGIC) {
      // The first set is read in place, which is what most state has.
      const set = all.size === 0 ? all : new SequenceSet();
      if (!addEncodedSet(reader, set)) return null;
      if (set !== all) addAll(set, all);
    } else if (!addEncodedRun(reader, all)) return null;
  }
  return all;
}

function addAll(source: SequenceSet, target: SequenceSet): void {
  for (let first = source.next(1); first !== NO_SEQUENCE; ) {
    const end = source.nextMissing(first);
    target.addSpan(first, end - 1);
    first = source.next(end);
  }
}

function addEncodedRun(reader: BinaryReader, set: SequenceSet): boolean {
  const magic = reader.u8();
  const first = reader.uvarint();
  const count = reader.uvarint();
  if (magic !== RUN_MAGIC || reader.damaged || first < 1 || count > Number.MAX_SAFE_INTEGER - first + 1) return false;
  if (count > 0) set.addSpan(first, first + count - 1);
  return true;
}

/** @param set empty */
function addEncodedSet(reader: BinaryReader, set: SequenceSet): boolean {
  const magic = reader.u8();
  const bitmaps = BITMAPS_OF_VERSION[reader.u8()];
  const nodes = reader.u32();
  const size = reader.u32();
  if (reader.damaged || magic !== SET_MAGIC || bitmaps === undefined) return false;
  const nodeBytes = BASE_BYTES + bitmaps * BITMAP_BYTES + HEIGHT_BYTES;
  if (nodes > reader.left / nodeBytes) return false;
  const bases = new Float64Array(nodes);
  const starts = new Float64Array(nodes);
  for (let node = 0; node < nodes; node++) {
    bases[node] = reader.u64();
    if (reader.damaged || bases[node] > BASE_MAX - (bitmaps - 1) * NODE_SEQUENCES) return false;
    starts[node] = reader.skip(nodeBytes - BASE_BYTES);
  }
  const words = new Uint32Array(BITMAP_WORDS);
  for (const node of inOrder(bases)) {
    for (let bitmap = 0; bitmap < bitmaps; bitmap++) {
      const base = bases[node] + bitmap * NODE_SEQUENCES;
      readWords(reader.bytes, starts[node] + bitmap * BITMAP_BYTES, words);
      if (base === 0 && (words[0] & 1) === 1) return false;
      addBitmap(set, base, words);
    }
  }
  return set.size % 2 ** 32 === size;
}

/** Numbers of the nodes, sorted by their bases. */
function inOrder(bases: Float64Array): Uint32Array {
  const nodes = Uint32Array.from(bases, (_, node) => node);
  return nodes.sort((left, right) => bases[left] - bases[right]);
}

function readWords(bytes: Uint8Array, start: number, words: Uint32Array): void {
  for (let word = 0, at = start; word < BITMAP_WORDS; word++, at += 4) {
    words[word] = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  }
}

function addBitmap(set: SequenceSet, base: number, words: Uint32Array): void {
  const node = base / NODE_SEQUENCES;
  const last = set.entryCount - 1;
  if (Number.isInteger(node) && (last < 0 || node >= set.startOfEntry(last) + set.nodesOfEntry(last))) {
    set.appendNode(node, words);
    return;
  }
  // A base that nats-server did not align, or nodes that overlap.
  for (let word = 0; word < BITMAP_WORDS; word++) {
    for (let bits = words[word]; bits !== 0; bits &= bits - 1) set.add(base + 32 * word + 31 - Math.clz32(bits & -bits));
  }
}
