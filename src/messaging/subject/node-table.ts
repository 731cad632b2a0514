import { assert } from "../../base/assert/assert.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { type HashKey, hashBytes, sameBytes } from "./byte-hash.ts";

/**
 * The nodes of the subject trie as numbers in one table, without an object per node.
 *
 *   record   parent hash tokenLength nextInBucket star full firstChild nextSibling previousSibling tokenStart │ token    (64 bytes)
 *   tokens   the tokens of more than 24 bytes, back to back; shorter ones stand in their record
 *   buckets  hash(path of the parent, token) → first record of a chain, one table for the whole trie, half full at most
 *
 * A node is the index of its record. Node 0 is the root; because the root is never a child, 0 also means "none". One hash table holds the
 * children of all nodes. It suits a node with one child and a node with a million, which a Map or an array per node does not: a node costs
 * about 90 bytes instead of 300, and the garbage collector sees three arrays instead of millions of objects. In a trie of millions of nodes
 * cache misses take most of the time, so a record is as long as a cache line, and a lookup reads only the record. `*` and `>` are fields,
 * because every match needs both. Literal children are also linked as siblings, for callers that list them.
 *
 * The hash of a node is computed from the hash of its parent and a keyed hash of its token. As both are secret, a client can choose neither
 * tokens nor parents whose children collide. Should a chain exceed 32 records nevertheless, the table says so (`crowded`), and `rekey` spreads
 * them with a new key.
 *
 * The buckets grow one by one (linear hashing): each insertion divides the next two buckets, so none has to move a million records at once.
 *
 * Invariants: every node except the root is linked from its parent (as star, full, or sibling and bucket) until `release`, which is allowed
 * only for nodes without children. Released records are reused first. Tables grow by doubling; they are reset when the last node is released.
 */

/** 32-bit fields of a record. */
const STRIDE = 16;
const PARENT = 0;
/** Hash of the path from the root. */
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

/** Mixed into the hash of a path instead of the hash of a token. */
const STAR_HASH = 0x2545f491;
const FULL_HASH = 0x6a09e667;

/** Longest chain of a bucket. With a secret key and at most half a record per bucket, a chain of 16 is less likely than 1 in 10^15. */
const CHAIN_MAX = 32;

const NODES_MIN = 16;
const TOKEN_BYTES_MIN = 128;

export class NodeTable {
  private records = new Int32Array(NODES_MIN * STRIDE);
  /** The same memory as bytes. */
  private recordBytes = new Uint8Array(this.records.buffer);
  private buckets = new Int32Array(NODES_MIN);
  /** Buckets in use, at least half of `buckets`. */
  private bucketCount = NODES_MIN;
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
  /** Children that may still be added to long chains until the table counts as crowded; see `crowded`. */
  private patience = 0;
  /** A chain is longer than it may be by chance: the table needs another key. Set at most once per doubling of the nodes. */
  crowded = false;

  /** @param meter counts the records that look-ups have compared in vain */
  constructor(private readonly meter: WorkMeter) {}

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
    const hash = hashChild(records[parent * STRIDE + HASH], tokenHash);
    let node = this.buckets[this.bucketOf(hash)];
    let probes = 0;
    while (node !== NONE) {
      const at = node * STRIDE;
      if (
        records[at + HASH] === hash &&
        records[at + PARENT] === parent &&
        records[at + TOKEN_LENGTH] === end - start &&
        this.hasToken(node, source, start, end - start)
      ) {
        break;
      }
      probes++;
      node = records[at + NEXT_IN_BUCKET];
    }
    if (probes > 0) this.meter.done += probes;
    return node;
  }

  /** Whether the token of a literal node is these bytes. */
  isToken(node: number, source: Uint8Array, start: number, end: number): boolean {
    return this.records[node * STRIDE + TOKEN_LENGTH] === end - start && this.hasToken(node, source, start, end - start);
  }

  private hasToken(node: number, source: Uint8Array, start: number, length: number): boolean {
    if (length <= SHORT_TOKEN_MAX) return sameBytes(source, start, this.recordBytes, node * RECORD_BYTES + SHORT_TOKEN_AT, length);
    return sameBytes(source, start, this.tokens, this.records[node * STRIDE + TOKEN_START], length);
  }

  /** Adds a literal child that `child` did not find; copies the token. */
  addChild(parent: number, tokenHash: number, source: Uint8Array, start: number, end: number): number {
    while (this.literals * 2 >= this.bucketCount) this.splitBucket();
    const tokenStart = end - start > SHORT_TOKEN_MAX ? this.takeTokenRoom(end - start) : 0;
    const node = this.take(parent);
    const records = this.records;
    const at = node * STRIDE;
    records[at + HASH] = hashChild(records[parent * STRIDE + HASH], tokenHash);
    records[at + TOKEN_START] = tokenStart;
    records[at + TOKEN_LENGTH] = end - start;
    this.copyToken(node, source, start, end - start);
    this.chain(node);
    const sibling = records[parent * STRIDE + FIRST_CHILD];
    records[at + NEXT_SIBLING] = sibling;
    if (sibling !== NONE) records[sibling * STRIDE + PREVIOUS_SIBLING] = node;
    records[parent * STRIDE + FIRST_CHILD] = node;
    this.literals++;
    if (this.patience > 0) this.patience--;
    else this.checkChain(node);
    return node;
  }

  /** Sets `crowded` if the chain that begins with this node is too long. */
  private checkChain(first: number): void {
    let length = 0;
    for (let node = first; node !== NONE; node = this.records[node * STRIDE + NEXT_IN_BUCKET]) {
      if (++length > CHAIN_MAX) {
        this.crowded = true;
        return;
      }
    }
  }

  /** Computes all hashes with another key, and builds the buckets anew. Callers must hash tokens with this key from now on. */
  rekey(key: HashKey): void {
    this.crowded = false;
    this.patience = this.count;
    this.buckets.fill(NONE);
    const pending = [ROOT];
    while (pending.length > 0) {
      const parent = pending.pop()!;
      const { records } = this;
      const parentHash = records[parent * STRIDE + HASH];
      const star = this.star(parent);
      const full = this.full(parent);
      if (star !== NONE) records[star * STRIDE + HASH] = hashChild(parentHash, STAR_HASH);
      if (star !== NONE) pending.push(star);
      if (full !== NONE) records[full * STRIDE + HASH] = hashChild(parentHash, FULL_HASH);
      for (let node = this.firstChild(parent); node !== NONE; node = this.nextSibling(node)) {
        const at = node * STRIDE;
        const length = records[at + TOKEN_LENGTH];
        const short = length <= SHORT_TOKEN_MAX;
        const start = short ? node * RECORD_BYTES + SHORT_TOKEN_AT : records[at + TOKEN_START];
        records[at + HASH] = hashChild(parentHash, hashBytes(short ? this.recordBytes : this.tokens, start, start + length, key));
        this.chain(node);
        pending.push(node);
      }
    }
  }

  /** Puts the node at the beginning of its bucket's chain. */
  private chain(node: number): void {
    const at = node * STRIDE;
    const bucket = this.bucketOf(this.records[at + HASH]);
    this.records[at + NEXT_IN_BUCKET] = this.buckets[bucket];
    this.buckets[bucket] = node;
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
    this.records[node * STRIDE + HASH] = hashChild(this.records[parent * STRIDE + HASH], STAR_HASH);
    this.records[parent * STRIDE + STAR_CHILD] = node;
    return node;
  }

  addFull(parent: number): number {
    const node = this.take(parent);
    this.records[node * STRIDE + TOKEN_LENGTH] = IS_FULL;
    this.records[node * STRIDE + HASH] = hashChild(this.records[parent * STRIDE + HASH], FULL_HASH);
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

    const bucket = this.bucketOf(records[at + HASH]);
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

  /** The bucket of a hash. The upper half of the buckets comes into use one by one; until then their records are in the lower half. */
  private bucketOf(hash: number): number {
    const size = this.buckets.length;
    const bucket = hash & (size - 1);
    return bucket < this.bucketCount ? bucket : bucket - (size >> 1);
  }

  /** Takes one more bucket into use, and moves its records there. */
  private splitBucket(): void {
    if (this.bucketCount === this.buckets.length) {
      const grown = new Int32Array(this.buckets.length * 2);
      grown.set(this.buckets);
      this.buckets = grown;
    }
    const { buckets, records } = this;
    const added = this.bucketCount++;
    const divided = added - (buckets.length >> 1);
    let node = buckets[divided];
    buckets[divided] = NONE;
    while (node !== NONE) {
      const at = node * STRIDE;
      const next = records[at + NEXT_IN_BUCKET];
      const bucket = (records[at + HASH] & (buckets.length - 1)) === added ? added : divided;
      records[at + NEXT_IN_BUCKET] = buckets[bucket];
      buckets[bucket] = node;
      node = next;
    }
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
    this.bucketCount = NODES_MIN;
    this.tokens = new Uint8Array(TOKEN_BYTES_MIN);
    this.used = 1;
    this.released = NONE;
    this.tokensEnd = 0;
    this.tokensLost = 0;
    this.patience = 0;
    this.crowded = false;
  }
}

function hashChild(parentHash: number, tokenHash: number): number {
  const mixed = Math.imul(tokenHash ^ Math.imul(parentHash, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
