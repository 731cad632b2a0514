/**
 * A set of sequences: those of a store that hold no message.
 *
 *   sequences 1 …    │ 2,048   │ 2,048   │ 2,048 … 100 million     │ 2,048   │
 *   entries            bitmap              span, all of them         bitmap       sorted, found by binary search
 * Divided into nodes of 2,048 sequences, as on the disk (sequence-set-codec.ts). A node with some of its sequences has a bitmap; neighbouring nodes
 * that are complete are one span, however long; empty ones are nothing. So scattered deletes take 1/8 to a few bytes each, and a gap of a hundred
 * million at most two bitmaps and one span: 0.6 KB. Not a tree, because a store has at most some thousand nodes per block, which lie next to each
 * other in an array, and are mostly added at its end.
 *
 * Sequences are from 1 to 2^53 - 1. Nothing is allocated but for growth; the largest copy is that of the entries, 22 bytes each.
 */
import { assert } from "../../base/assert/assert.ts";
import { BITMAP_BITS, BITMAP_WORDS, BitmapPool } from "./bitmap-pool.ts";

/** Sequences per node. */
export const NODE_SEQUENCES = BITMAP_BITS;
/** Instead of a sequence. */
export const NO_SEQUENCE = 0;

const FULL = 0xffff_ffff;
const ENTRIES_MIN = 4;

function nodeOf(sequence: number): number {
  return Math.floor(sequence / NODE_SEQUENCES);
}

export class SequenceSet {
  /** Number of sequences. */
  size = 0;

  /** Entries, sorted: first node, number of nodes, bitmap or `FULL`, number of bits set in the bitmap. */
  private starts = new Float64Array(0);
  private lengths = new Float64Array(0);
  private bitmaps = new Uint32Array(0);
  private counts = new Uint16Array(0);
  private entries = 0;
  private readonly pool = new BitmapPool();
  /** The entry of the last look-up: most look-ups go to the same node or the next. */
  private last = 0;

  /** Bytes of memory that it takes. */
  get memory(): number {
    return this.pool.capacity + this.starts.byteLength + this.lengths.byteLength + this.bitmaps.byteLength + this.counts.byteLength;
  }

  // Single sequences

  has(sequence: number): boolean {
    const node = nodeOf(sequence);
    const entry = this.locate(node);
    if (entry < 0) return false;
    const bitmap = this.bitmaps[entry];
    if (bitmap === FULL) return true;
    const bit = sequence - node * NODE_SEQUENCES;
    return ((this.pool.wordsOf(bitmap)[this.pool.startOf(bitmap) + (bit >> 5)] >>> (bit & 31)) & 1) === 1;
  }

  /** @returns whether it was not in the set */
  add(sequence: number): boolean {
    return this.addSpan(sequence, sequence) === 1;
  }

  /** @returns whether it was in the set */
  remove(sequence: number): boolean {
    return this.removeSpan(sequence, sequence) === 1;
  }

  // Spans, of any length

  /** Adds all sequences from `first` to `last`. @returns how many were not in the set */
  addSpan(first: number, last: number): number {
    assert(first >= 1 && last <= Number.MAX_SAFE_INTEGER, "a set holds sequences from 1 to 2^53 - 1", first, last);
    return this.change(first, last, true);
  }

  /** Removes all sequences from `first` to `last`. @returns how many were in the set */
  removeSpan(first: number, last: number): number {
    return this.change(first, last, false);
  }

  clear(): void {
    this.size = 0;
    this.entries = 0;
    this.last = 0;
    this.pool.clear();
    this.starts = new Float64Array(0);
    this.lengths = new Float64Array(0);
    this.bitmaps = new Uint32Array(0);
    this.counts = new Uint16Array(0);
  }

  // Searching. To walk over the spans: first = next(from), end = nextMissing(first), first = next(end), …

  /** The first sequence in the set from `sequence` on; `NO_SEQUENCE`: none. */
  next(sequence: number): number {
    const node = nodeOf(sequence);
    let entry = this.locate(node);
    let from = 0;
    if (entry < 0) entry = ~entry;
    else if (this.bitmaps[entry] === FULL) return sequence;
    else from = sequence - node * NODE_SEQUENCES;
    for (; entry < this.entries; entry++, from = 0) {
      const base = this.starts[entry] * NODE_SEQUENCES;
      if (this.bitmaps[entry] === FULL) return base;
      const bit = this.firstBit(entry, from, 0);
      if (bit < NODE_SEQUENCES) return base + bit;
    }
    return NO_SEQUENCE;
  }

  /** The first sequence from `sequence` on that is not in the set. */
  nextMissing(sequence: number): number {
    let at = sequence;
    let node = nodeOf(at);
    for (let entry = this.locate(node); entry >= 0 && entry < this.entries && this.starts[entry] <= node; entry++) {
      if (this.bitmaps[entry] === FULL) node = this.starts[entry] + this.lengths[entry];
      else {
        const base = node * NODE_SEQUENCES;
        const bit = this.firstBit(entry, at - base, -1);
        if (bit < NODE_SEQUENCES) return base + bit;
        node++;
      }
      at = node * NODE_SEQUENCES;
    }
    return at;
  }

  /** The last sequence in the set up to `sequence`; `NO_SEQUENCE`: none. */
  previous(sequence: number): number {
    const node = nodeOf(sequence);
    let entry = this.locate(node);
    let from = NODE_SEQUENCES - 1;
    if (entry < 0) entry = ~entry - 1;
    else if (this.bitmaps[entry] === FULL) return sequence;
    else from = sequence - node * NODE_SEQUENCES;
    for (; entry >= 0; entry--, from = NODE_SEQUENCES - 1) {
      const base = this.starts[entry] * NODE_SEQUENCES;
      if (this.bitmaps[entry] === FULL) return base + this.lengths[entry] * NODE_SEQUENCES - 1;
      const bit = this.lastBit(entry, from, 0);
      if (bit >= 0) return base + bit;
    }
    return NO_SEQUENCE;
  }

  /** The last sequence up to `sequence` that is not in the set; `NO_SEQUENCE`: none from 1 on. */
  previousMissing(sequence: number): number {
    let at = sequence;
    let node = nodeOf(at);
    for (let entry = this.locate(node); entry >= 0 && this.starts[entry] + this.lengths[entry] > node; entry--) {
      if (this.bitmaps[entry] === FULL) node = this.starts[entry] - 1;
      else {
        const base = node * NODE_SEQUENCES;
        const bit = this.lastBit(entry, at - base, -1);
        if (bit >= 0) return base + bit;
        node--;
      }
      at = (node + 1) * NODE_SEQUENCES - 1;
    }
    return Math.max(NO_SEQUENCE, at);
  }

  /** How many sequences from `first` to `last` are in the set. Takes as long as there are nodes between them. */
  countBetween(first: number, last: number): number {
    if (last < first) return 0;
    const firstNode = nodeOf(first);
    const lastNode = nodeOf(last);
    let entry = this.locate(firstNode);
    if (entry < 0) entry = ~entry;
    let count = 0;
    for (; entry < this.entries && this.starts[entry] <= lastNode; entry++) {
      const base = this.starts[entry] * NODE_SEQUENCES;
      const end = base + this.lengths[entry] * NODE_SEQUENCES;
      if (this.bitmaps[entry] === FULL) count += Math.min(last + 1, end) - Math.max(first, base);
      else if (first <= base && last >= end - 1) count += this.counts[entry];
      else count += this.countBits(entry, Math.max(first, base) - base, Math.min(last + 1, end) - base);
    }
    return count;
  }

  // For the codec

  get entryCount(): number {
    return this.entries;
  }

  /** First node of an entry. */
  startOfEntry(entry: number): number {
    return this.starts[entry];
  }

  nodesOfEntry(entry: number): number {
    return this.lengths[entry];
  }

  /** The words of the entry's bitmap, from `wordOfEntry` on; null: all sequences of its nodes are in the set. */
  wordsOfEntry(entry: number): Uint32Array | null {
    return this.bitmaps[entry] === FULL ? null : this.pool.wordsOf(this.bitmaps[entry]);
  }

  wordOfEntry(entry: number): number {
    return this.pool.startOf(this.bitmaps[entry]);
  }

  /** Adds what a bitmap of 64 words says about a node behind all others. */
  appendNode(node: number, words: Uint32Array): void {
    let count = 0;
    for (let word = 0; word < BITMAP_WORDS; word++) count += bitsOf(words[word]);
    if (count === 0) return;
    const { entries } = this;
    this.insertEntry(entries, node, 1, FULL, 0);
    this.size += count;
    if (count === NODE_SEQUENCES) return this.mergeAround(entries);
    const bitmap = this.pool.take(0);
    this.pool.wordsOf(bitmap).set(words, this.pool.startOf(bitmap));
    this.bitmaps[entries] = bitmap;
    this.counts[entries] = count;
  }

  // Entries

  /** The entry that holds a node; if there is none, the complement (`~`) of the entry before which it belongs. */
  private locate(node: number): number {
    const { entries, last, starts } = this;
    for (let entry = last; entry < entries && entry <= last + 1; entry++) {
      if (starts[entry] > node) break;
      if (starts[entry] + this.lengths[entry] <= node) continue;
      this.last = entry;
      return entry;
    }
    let low = 0;
    let high = entries;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= node) low = middle + 1;
      else high = middle;
    }
    if (low === 0 || starts[low - 1] + this.lengths[low - 1] <= node) return ~low;
    this.last = low - 1;
    return low - 1;
  }

  private insertEntry(entry: number, start: number, length: number, bitmap: number, count: number): void {
    const { entries } = this;
    if (entries === this.starts.length) this.grow();
    if (entry < entries) {
      this.starts.copyWithin(entry + 1, entry, entries);
      this.lengths.copyWithin(entry + 1, entry, entries);
      this.bitmaps.copyWithin(entry + 1, entry, entries);
      this.counts.copyWithin(entry + 1, entry, entries);
    }
    this.starts[entry] = start;
    this.lengths[entry] = length;
    this.bitmaps[entry] = bitmap;
    this.counts[entry] = count;
    this.entries++;
  }

  /** Removes entries without giving their bitmaps back. */
  private cutEntries(from: number, to: number): void {
    if (from === to) return;
    const { entries } = this;
    this.starts.copyWithin(from, to, entries);
    this.lengths.copyWithin(from, to, entries);
    this.bitmaps.copyWithin(from, to, entries);
    this.counts.copyWithin(from, to, entries);
    this.entries -= to - from;
    this.last = 0;
  }

  private grow(): void {
    const capacity = Math.max(ENTRIES_MIN, 2 * this.starts.length);
    const starts = new Float64Array(capacity);
    const lengths = new Float64Array(capacity);
    const bitmaps = new Uint32Array(capacity);
    const counts = new Uint16Array(capacity);
    starts.set(this.starts);
    lengths.set(this.lengths);
    bitmaps.set(this.bitmaps);
    counts.set(this.counts);
    this.starts = starts;
    this.lengths = lengths;
    this.bitmaps = bitmaps;
    this.counts = counts;
  }

  /** Joins a complete entry with complete neighbours. */
  private mergeAround(entry: number): void {
    const next = entry + 1;
    if (next < this.entries && this.bitmaps[next] === FULL && this.starts[entry] + this.lengths[entry] === this.starts[next]) {
      this.lengths[entry] += this.lengths[next];
      this.cutEntries(next, next + 1);
    }
    const previous = entry - 1;
    if (previous >= 0 && this.bitmaps[previous] === FULL && this.starts[previous] + this.lengths[previous] === this.starts[entry]) {
      this.lengths[previous] += this.lengths[entry];
      this.cutEntries(entry, next);
    }
  }

  // Changing spans

  private change(first: number, last: number, isAdded: boolean): number {
    if (last < first) return 0;
    const before = this.size;
    const firstNode = nodeOf(first);
    const lastNode = nodeOf(last);
    const from = first - firstNode * NODE_SEQUENCES;
    const to = last - lastNode * NODE_SEQUENCES + 1;
    if (firstNode === lastNode && (from > 0 || to < NODE_SEQUENCES)) this.changeNode(firstNode, from, to, isAdded);
    else {
      if (from > 0) this.changeNode(firstNode, from, NODE_SEQUENCES, isAdded);
      this.changeNodes(from > 0 ? firstNode + 1 : firstNode, to < NODE_SEQUENCES ? lastNode : lastNode + 1, isAdded);
      if (to < NODE_SEQUENCES) this.changeNode(lastNode, 0, to, isAdded);
    }
    return Math.abs(this.size - before);
  }

  /** Adds or removes bits `from` to `to` - 1 of one node: not all of them. */
  private changeNode(node: number, from: number, to: number, isAdded: boolean): void {
    let entry = this.locate(node);
    if (entry < 0) {
      if (!isAdded) return;
      entry = ~entry;
      this.insertEntry(entry, node, 1, this.pool.take(0), 0);
      this.last = entry;
    } else if (this.bitmaps[entry] === FULL) {
      if (isAdded) return;
      entry = this.splitFull(entry, node);
    }
    const changed = this.writeBits(entry, from, to, isAdded);
    const count = this.counts[entry] + changed;
    this.size += changed;
    this.counts[entry] = count;
    if (count > 0 && count < NODE_SEQUENCES) return;
    this.pool.give(this.bitmaps[entry]);
    if (count === 0) return this.cutEntries(entry, entry + 1);
    this.bitmaps[entry] = FULL;
    this.counts[entry] = 0;
    this.mergeAround(entry);
  }

  /** Makes a node of a complete entry an entry with a bitmap of its own. @returns this entry */
  private splitFull(entry: number, node: number): number {
    const start = this.starts[entry];
    const left = node - start;
    const right = start + this.lengths[entry] - node - 1;
    const bitmap = this.pool.take(FULL);
    if (right > 0) this.insertEntry(entry + 1, node + 1, right, FULL, 0);
    let at = entry;
    if (left > 0) {
      this.lengths[entry] = left;
      at = entry + 1;
      this.insertEntry(at, node, 1, bitmap, NODE_SEQUENCES);
    } else {
      this.lengths[at] = 1;
      this.bitmaps[at] = bitmap;
      this.counts[at] = NODE_SEQUENCES;
    }
    return at;
  }

  /** Adds or removes whole nodes, from `from` to `to` - 1. */
  private changeNodes(from: number, to: number, isAdded: boolean): void {
    if (from >= to) return;
    let entry = this.locate(from);
    if (entry < 0) entry = ~entry;
    else if (this.starts[entry] < from) {
      // A complete entry that begins before: what is inside is cut off.
      const end = this.starts[entry] + this.lengths[entry];
      this.lengths[entry] = from - this.starts[entry];
      entry++;
      this.insertEntry(entry, from, end - from, FULL, 0);
    }
    let stop = entry;
    let rest = 0;
    while (stop < this.entries && this.starts[stop] < to) {
      const inside = Math.min(to, this.starts[stop] + this.lengths[stop]) - this.starts[stop];
      rest = this.lengths[stop] - inside;
      if (this.bitmaps[stop] === FULL) this.size -= inside * NODE_SEQUENCES;
      else {
        this.size -= this.counts[stop];
        this.pool.give(this.bitmaps[stop]);
      }
      stop++;
    }
    this.cutEntries(entry, stop);
    if (rest > 0) this.insertEntry(entry, to, rest, FULL, 0);
    if (isAdded) {
      this.insertEntry(entry, from, to - from, FULL, 0);
      this.size += (to - from) * NODE_SEQUENCES;
      this.mergeAround(entry);
    }
  }

  // Bits of one entry's bitmap

  /** @returns by how much the number of bits changed */
  private writeBits(entry: number, from: number, to: number, isSet: boolean): number {
    const bitmap = this.bitmaps[entry];
    const words = this.pool.wordsOf(bitmap);
    const start = this.pool.startOf(bitmap);
    let changed = 0;
    for (let word = from >> 5; word <= (to - 1) >> 5; word++) {
      const mask = maskOf(word, from, to);
      const old = words[start + word];
      const value = isSet ? old | mask : old & ~mask;
      words[start + word] = value;
      changed += bitsOf(old ^ value);
    }
    return isSet ? changed : -changed;
  }

  private countBits(entry: number, from: number, to: number): number {
    const bitmap = this.bitmaps[entry];
    const words = this.pool.wordsOf(bitmap);
    const start = this.pool.startOf(bitmap);
    let count = 0;
    for (let word = from >> 5; word <= (to - 1) >> 5; word++) count += bitsOf(words[start + word] & maskOf(word, from, to));
    return count;
  }

  /** The first bit from `from` on that is set; with `inverted` -1, that is not. `NODE_SEQUENCES`: none. */
  private firstBit(entry: number, from: number, inverted: number): number {
    const bitmap = this.bitmaps[entry];
    const words = this.pool.wordsOf(bitmap);
    const start = this.pool.startOf(bitmap);
    let mask = -1 << (from & 31);
    for (let word = from >> 5; word < BITMAP_WORDS; word++) {
      const bits = (words[start + word] ^ inverted) & mask;
      if (bits !== 0) return 32 * word + 31 - Math.clz32(bits & -bits);
      mask = -1;
    }
    return NODE_SEQUENCES;
  }

  /** The last bit up to `from`; -1: none. */
  private lastBit(entry: number, from: number, inverted: number): number {
    const bitmap = this.bitmaps[entry];
    const words = this.pool.wordsOf(bitmap);
    const start = this.pool.startOf(bitmap);
    let mask = -1 >>> (31 - (from & 31));
    for (let word = from >> 5; word >= 0; word--) {
      const bits = (words[start + word] ^ inverted) & mask;
      if (bits !== 0) return 32 * word + 31 - Math.clz32(bits);
      mask = -1;
    }
    return -1;
  }
}

/** The bits `from` to `to` - 1 of a bitmap that lie in one of its words. */
function maskOf(word: number, from: number, to: number): number {
  let mask = -1;
  if (word === from >> 5) mask <<= from & 31;
  if (word === (to - 1) >> 5) mask &= -1 >>> (31 - ((to - 1) & 31));
  return mask;
}

/** Number of bits that are set in 32. */
function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
