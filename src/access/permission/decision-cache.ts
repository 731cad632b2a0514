import type { Random } from "../../base/random/random.ts";
import { HashKey, hashBytes, sameBytes } from "../../messaging/subject/byte-hash.ts";

/**
 * Caches yes/no decisions by subject bytes. A lookup of a known subject builds no string and allocates nothing.
 *
 *   table   hash keyStart keySize+1 tag·2+decision │ 0 0 0 0 │ …      open addressing, at most half full
 *   keys    orders.eu.createdorders.us.created…                       the subjects' bytes
 *
 * Bounded: at its maximum each new entry replaces a random one; subjects longer than 256 bytes are not kept. A client that
 * uses many subjects once would pay for entries that are never hit: while fewer than half of the lookups hit,
 * only one in 16 new subjects is stored.
 * The key of the hash is secret, so that clients cannot choose colliding subjects.
 */
const SLOTS_MIN = 32;
const KEY_BYTES_MIN = 512;
const SUBJECT_BYTES_MAX = 256;
/** Number of misses after which the hit rate is evaluated again. */
const EVALUATED_MISSES = 256;
/** At a low hit rate one in this many new subjects is stored; a power of two. */
const ADMIT_ONE_IN = 16;

const STRIDE = 4;
const HASH = 0;
const KEY_START = 1;
/** One more than the key's bytes; 0: the slot is free. */
const KEY_SIZE = 2;
const TAG_DECISION = 3;

export class DecisionCache {
  /** Decisions kept. */
  count = 0;
  private table = new Int32Array(SLOTS_MIN * STRIDE);
  private keys = new Uint8Array(KEY_BYTES_MIN);
  private mask = SLOTS_MIN - 1;
  private keysEnd = 0;
  private hits = 0;
  private misses = 0;
  private selective = false;
  private readonly hashKey = HashKey.secret();

  /** @param countMax a power of two, at least 16 */
  constructor(
    private readonly countMax: number,
    private readonly random: Random,
  ) {}

  /** @param tag 0 to 2^30 - 1: distinguishes decisions that also depend on a queue */
  hash(tag: number, source: Uint8Array, start: number, end: number): number {
    const mixed = Math.imul(hashBytes(source, start, end, this.hashKey) ^ Math.imul(tag, 0x9e3779b1), 0x85ebca6b);
    return mixed ^ (mixed >>> 15);
  }

  /**
   * @param hash of the tag and these bytes, by `hash`
   * @returns 1: yes, 0: no, -1: unknown
   */
  find(hash: number, tag: number, source: Uint8Array, start: number, end: number): number {
    const table = this.table;
    const size = end - start;
    for (let slot = hash & this.mask; ; slot = (slot + 1) & this.mask) {
      const at = slot * STRIDE;
      if (table[at + KEY_SIZE] === 0) return -1;
      if (table[at + HASH] !== hash || table[at + KEY_SIZE] !== size + 1 || table[at + TAG_DECISION] >> 1 !== tag) continue;
      if (!sameBytes(source, start, this.keys, table[at + KEY_START], size)) continue;
      this.hits++;
      return table[at + TAG_DECISION] & 1;
    }
  }

  /** Stores a decision that `find` did not know, copying the subject; may skip it, see above. */
  add(hash: number, tag: number, source: Uint8Array, start: number, end: number, decision: boolean): void {
    if (end - start > SUBJECT_BYTES_MAX || !this.admits()) return;
    if (this.count === this.countMax) this.evictOne();
    else if ((this.count + 1) * 2 > this.mask + 1) this.rebuild((this.mask + 1) * 2, this.keys.length);
    this.makeRoom(end - start);
    this.insert(hash, source, start, end - start, tag * 2 + (decision ? 1 : 0));
  }

  private admits(): boolean {
    this.misses++;
    if (this.misses % EVALUATED_MISSES === 0) {
      // While there is room, every new subject is stored.
      this.selective = this.hits < EVALUATED_MISSES && this.count === this.countMax;
      this.hits = 0;
    }
    return !this.selective || this.misses % ADMIT_ONE_IN === 0;
  }

  private insert(hash: number, source: Uint8Array, start: number, size: number, tagDecision: number): void {
    let slot = hash & this.mask;
    while (this.table[slot * STRIDE + KEY_SIZE] !== 0) slot = (slot + 1) & this.mask;
    const at = slot * STRIDE;
    this.table[at + HASH] = hash;
    this.table[at + KEY_START] = this.keysEnd;
    this.table[at + KEY_SIZE] = size + 1;
    this.table[at + TAG_DECISION] = tagDecision;
    for (let index = 0; index < size; index++) this.keys[this.keysEnd + index] = source[start + index];
    this.keysEnd += size;
    this.count++;
  }

  private evictOne(): void {
    let slot = this.random.nextInt32() & this.mask;
    while (this.table[slot * STRIDE + KEY_SIZE] === 0) slot = (slot + 1) & this.mask;
    this.deleteSlot(slot);
  }

  /** Closes the gap left by a deletion, because a search ends at the first free slot. */
  private deleteSlot(slot: number): void {
    const { table, mask } = this;
    this.count--;
    let hole = slot;
    for (let next = (slot + 1) & mask; table[next * STRIDE + KEY_SIZE] !== 0; next = (next + 1) & mask) {
      const home = table[next * STRIDE + HASH] & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue; // the hole lies before its home
      table.copyWithin(hole * STRIDE, next * STRIDE, (next + 1) * STRIDE);
      hole = next;
    }
    table[hole * STRIDE + KEY_SIZE] = 0;
  }

  /** Reclaims bytes of evicted subjects once the space is used up. */
  private makeRoom(size: number): void {
    if (this.keysEnd + size <= this.keys.length) return;
    let live = size;
    for (let at = KEY_SIZE; at < this.table.length; at += STRIDE) live += Math.max(0, this.table[at] - 1);
    let capacity = this.keys.length;
    while (live > capacity / 2) capacity *= 2;
    this.rebuild(this.mask + 1, capacity);
  }

  private rebuild(slotCount: number, keyCapacity: number): void {
    const { table, keys } = this;
    this.table = new Int32Array(slotCount * STRIDE);
    this.keys = new Uint8Array(keyCapacity);
    this.mask = slotCount - 1;
    this.keysEnd = 0;
    this.count = 0;
    for (let at = 0; at < table.length; at += STRIDE) {
      const size = table[at + KEY_SIZE] - 1;
      if (size >= 0) this.insert(table[at + HASH], keys, table[at + KEY_START], size, table[at + TAG_DECISION]);
    }
  }
}
