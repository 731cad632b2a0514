import { assert } from "../../base/assert/assert.ts";
import { sameBytes } from "./byte-hash.ts";

/**
 * The nodes of the subject trie as numbers in one table, without an object per node.
 *
 *   record   parent hash tokenLength nextInBucket star full firstChild nextSibling previousSibling tokenStart │ token    (64 bytes)
 *   tokens   the tokens of more than 24 bytes, back to back; shorter ones stand in their record
 *   buckets  hash(parent, token) → first record of a chain, one table for the whole trie, half full at most
 *
 * A node is the index of its record. Node 0 is the root; because the root is never a child, 0 also means "none". One hash table holds the
 * children of all nodes. It suits a node with one child and a node with a million, which a Map or an array per node does not: a node costs
 * about 90 bytes instead of 300, and the garbage collector sees three arrays instead of millions of objects. In a trie of millions of nodes
 * cache misses take most of the time, so a record is as long as a cache line, and a lookup reads only the record. `*` and `>` are fields,
 * because every match needs both. Literal children are also linked as siblings, for callers that list them.
 *
 * Invariants: every node except the root is linked from its parent (as star, full, or sibling and bucket) until `release`, which is allowed
 * only for nodes without children. Released records are reused first. Tables grow by doubling; they are reset when the last node is released.
 */

/** 32-bit fields of a record. */
const STRIDE = 16;
const PARENT = 0;
/** Hash of parent and token; not used for `*` and `>`. */
const HASH = 1;
/** Bytes of a literal token; negative for wildcards and released records. */
const TOKEN_LENGTH = 2;
/** The next record of the same bucket; in a released record, the next released one. */
const NEXT_IN_BUCKET = 3;
const STAR_CHILD = 4;
const FULL_CHILD = 5;
const FIRST_CHILD = 6;
const NEXT_SIBLING = 7;
const PREVIOUS_SIBLING = 8;
/** Offset of a long token in `tokens`. */
const TOKEN_START = 9;

const RECORD_BYTES = STRIDE * 4;
/** Offset of a short token in its record, bytes. */
const SHORT_TOKEN_AT = 40;
const SHORT_TOKEN_MAX = RECORD_BYTES - SHORT_TOKEN_AT;

const IS_STAR = -1;
const IS_FULL = -2;
const RELEASED = -3;

export const ROOT = 0;
/** No such node. The root's number, as the root is never a child. */
export const NONE = 0;

const NODES_MIN = 16;
const TOKEN_BYTES_MIN = 128;

export class NodeTable {
  private records = new Int32Array(NODES_MIN * STRIDE);
  /** The same memory as bytes. */
  private recordBytes = new Uint8Array(this.records.buffer);
  private buckets = new Int32Array(NODES_MIN);
  private tokens = new Uint8Array(TOKEN_BYTES_MIN);
  /** Records with a lower index are in use or released. */
  private used = 1;
  private released = NONE;
  private literals = 0;
  private tokensEnd = 0;
  /** Bytes below `tokensEnd` that no node uses any more. */
  private tokensLost = 0;
  /** Number of nodes without the root. */
  count = 0;

  /** Node numbers are below this. */
  get limit(): number {
    return this.used;
  }

  parent(node: number): number {
    return this.records[node * STRIDE + PARENT];
  }
  star(node: number): number {
    return this.records[node * STRIDE + STAR_CHILD];
  }
  full(node: number): number {
    return this.records[node * STRIDE + FULL_CHILD];
  }
  /** The newest literal child; `nextSibling` gives the next older one. */
  firstChild(node: number): number {
    return this.records[node * STRIDE + FIRST_CHILD];
  }
  nextSibling(node: number): number {
    return this.records[node * STRIDE + NEXT_SIBLING];
  }
  hasChildren(node: number): boolean {
    const at = node * STRIDE;
    const records = this.records;
    return (records[at + FIRST_CHILD] | records[at + STAR_CHILD] | records[at + FULL_CHILD]) !== NONE;
  }

  /** The literal child with this token, or NONE. @param tokenHash hash of the token's bytes */
  child(parent: number, tokenHash: number, source: Uint8Array, start: number, end: number): number {
    const records = this.records;
    const hash = hashChild(parent, tokenHash);
    let node = this.buckets[hash & (this.buckets.length - 1)];
    while (node !== NONE) {
      const at = node * STRIDE;
      if (
        records[at + HASH] === hash &&
        records[at + PARENT] === parent &&
        records[at + TOKEN_LENGTH] === end - start &&
        this.hasToken(node, source, start, end - start)
      ) {
        return node;
      }
      node = records[at + NEXT_IN_BUCKET];
    }
    return NONE;
  }

  private hasToken(node: number, source: Uint8Array, start: number, length: number): boolean {
    if (length <= SHORT_TOKEN_MAX) return sameBytes(source, start, this.recordBytes, node * RECORD_BYTES + SHORT_TOKEN_AT, length);
    return sameBytes(source, start, this.tokens, this.records[node * STRIDE + TOKEN_START], length);
  }

  /** Adds a literal child that `child` did not find; copies the token. */
  addChild(parent: number, tokenHash: number, source: Uint8Array, start: number, end: number): number {
    if (this.literals * 2 >= this.buckets.length) this.growBuckets();
    const tokenStart = end - start > SHORT_TOKEN_MAX ? this.takeTokenRoom(end - start) : 0;
    const node = this.take(parent);
    const records = this.records;
    const at = node * STRIDE;
    const hash = hashChild(parent, tokenHash);
    records[at + HASH] = hash;
    records[at + TOKEN_START] = tokenStart;
    records[at + TOKEN_LENGTH] = end - start;
    this.copyToken(node, source, start, end - start);
    const bucket = hash & (this.buckets.length - 1);
    records[at + NEXT_IN_BUCKET] = this.buckets[bucket];
    this.buckets[bucket] = node;
    const sibling = records[parent * STRIDE + FIRST_CHILD];
    records[at + NEXT_SIBLING] = sibling;
    if (sibling !== NONE) records[sibling * STRIDE + PREVIOUS_SIBLING] = node;
    records[parent * STRIDE + FIRST_CHILD] = node;
    this.literals++;
    return node;
  }

  private copyToken(node: number, source: Uint8Array, start: number, length: number): void {
    const short = length <= SHORT_TOKEN_MAX;
    const target = short ? this.recordBytes : this.tokens;
    const targetStart = short ? node * RECORD_BYTES + SHORT_TOKEN_AT : this.records[node * STRIDE + TOKEN_START];
    for (let at = 0; at < length; at++) target[targetStart + at] = source[start + at];
  }

  addStar(parent: number): number {
    const node = this.take(parent);
    this.records[node * STRIDE + TOKEN_LENGTH] = IS_STAR;
    this.records[parent * STRIDE + STAR_CHILD] = node;
    return node;
  }

  addFull(parent: number): number {
    const node = this.take(parent);
    this.records[node * STRIDE + TOKEN_LENGTH] = IS_FULL;
    this.records[parent * STRIDE + FULL_CHILD] = node;
    return node;
  }

  /** Removes a node without children. Its number may be used for another node later. */
  release(node: number): void {
    const records = this.records;
    const at = node * STRIDE;
    const parentAt = records[at + PARENT] * STRIDE;
    const tokenLength = records[at + TOKEN_LENGTH];
    assert(node !== ROOT && !this.hasChildren(node), "a released trie node has no children", node);
    assert(tokenLength !== RELEASED, "a trie node is released once", node);
    if (tokenLength === IS_STAR) records[parentAt + STAR_CHILD] = NONE;
    else if (tokenLength === IS_FULL) records[parentAt + FULL_CHILD] = NONE;
    else this.unchain(at, parentAt);
    records[at + TOKEN_LENGTH] = RELEASED;
    records[at + NEXT_IN_BUCKET] = this.released;
    this.released = node;
    this.count--;
    if (this.count === 0) this.startOver();
  }

  private unchain(at: number, parentAt: number): void {
    const records = this.records;
    const node = at / STRIDE;
    const next = records[at + NEXT_SIBLING];
    const previous = records[at + PREVIOUS_SIBLING];
    if (next !== NONE) records[next * STRIDE + PREVIOUS_SIBLING] = previous;
    if (previous !== NONE) records[previous * STRIDE + NEXT_SIBLING] = next;
    else records[parentAt + FIRST_CHILD] = next;

    const bucket = records[at + HASH] & (this.buckets.length - 1);
    let before = this.buckets[bucket];
    if (before === node) {
      this.buckets[bucket] = records[at + NEXT_IN_BUCKET];
    } else {
      while (before !== NONE && records[before * STRIDE + NEXT_IN_BUCKET] !== node) before = records[before * STRIDE + NEXT_IN_BUCKET];
      assert(before !== NONE, "a literal trie node is in its bucket", node);
      records[before * STRIDE + NEXT_IN_BUCKET] = records[at + NEXT_IN_BUCKET];
    }
    this.literals--;
    if (records[at + TOKEN_LENGTH] > SHORT_TOKEN_MAX) this.tokensLost += records[at + TOKEN_LENGTH];
  }

  /** A new record with all fields empty except its parent. */
  private take(parent: number): number {
    let node = this.released;
    if (node !== NONE) {
      this.released = this.records[node * STRIDE + NEXT_IN_BUCKET];
    } else {
      node = this.used++;
      if (node * STRIDE === this.records.length) {
        const grown = new Int32Array(this.records.length * 2);
        grown.set(this.records);
        this.records = grown;
        this.recordBytes = new Uint8Array(grown.buffer);
      }
    }
    this.records.fill(NONE, node * STRIDE, (node + 1) * STRIDE);
    this.records[node * STRIDE + PARENT] = parent;
    this.count++;
    return node;
  }

  private growBuckets(): void {
    const buckets = new Int32Array(this.buckets.length * 2);
    const records = this.records;
    for (let old = 0; old < this.buckets.length; old++) {
      let node = this.buckets[old];
      while (node !== NONE) {
        const at = node * STRIDE;
        const next = records[at + NEXT_IN_BUCKET];
        const bucket = records[at + HASH] & (buckets.length - 1);
        records[at + NEXT_IN_BUCKET] = buckets[bucket];
        buckets[bucket] = node;
        node = next;
      }
    }
    this.buckets = buckets;
  }

  /** Reserves room for a token at the end of `tokens`. If it is full, it is packed, and doubled if more than half of it is in use. */
  private takeTokenRoom(size: number): number {
    if (this.tokensEnd + size > this.tokens.length) {
      const live = this.tokensEnd - this.tokensLost;
      let capacity = this.tokens.length;
      while (live + size > capacity / 2) capacity *= 2;
      this.packTokens(capacity);
    }
    const start = this.tokensEnd;
    this.tokensEnd += size;
    return start;
  }

  private packTokens(capacity: number): void {
    const packed = new Uint8Array(capacity);
    const records = this.records;
    let end = 0;
    for (let node = 1; node < this.used; node++) {
      const at = node * STRIDE;
      const length = records[at + TOKEN_LENGTH];
      if (length <= SHORT_TOKEN_MAX) continue;
      const start = records[at + TOKEN_START];
      packed.set(this.tokens.subarray(start, start + length), end);
      records[at + TOKEN_START] = end;
      end += length;
    }
    this.tokens = packed;
    this.tokensEnd = end;
    this.tokensLost = 0;
  }

  /** Resets to the size of a new table, so that a trie that was huge releases its memory. */
  private startOver(): void {
    this.records = new Int32Array(NODES_MIN * STRIDE);
    this.recordBytes = new Uint8Array(this.records.buffer);
    this.buckets = new Int32Array(NODES_MIN);
    this.tokens = new Uint8Array(TOKEN_BYTES_MIN);
    this.used = 1;
    this.released = NONE;
    this.tokensEnd = 0;
    this.tokensLost = 0;
  }
}

function hashChild(parent: number, tokenHash: number): number {
  const mixed = Math.imul(tokenHash ^ Math.imul(parent, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
