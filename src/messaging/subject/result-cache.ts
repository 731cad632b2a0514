import { assert } from "../../base/assert/assert.ts";
import type { Random } from "../../base/random/random.ts";
import { sameBytes } from "./byte-hash.ts";
import type { MatchResult } from "./match-result.ts";
import { matchesLiteral } from "./subject-overlap.ts";
import type { TrieEntry } from "./trie-entry.ts";

/**
 * The results of recently matched subjects, found by the bytes of the subject. A lookup creates no string.
 *
 *   table    hash keyStart keyLength+1 checked │ 0 0 0 0 │ …     open addressing; an entry is at its home slot or at most 15 slots after it
 *   results  [MatchResult, null, …]                    same index; null in a used slot: stale, must be matched again
 *   keys     orders.eu.createdorders.us.created…       the subjects' bytes
 *
 * At most 1024 subjects. The first one beyond that schedules a sweep, which keeps 256 random ones; until it runs, no subject is added. A
 * publisher that uses a million subjects would still cost 768 useless copies and one sweep per turn. Therefore, after two consecutive sweeps
 * with fewer hits than misses, only one miss in 64 is added, until there are more hits than misses again. Subjects that were chosen to
 * collide fill 16 slots; further ones are not added. Each costs at most 16 comparisons of hashes.
 *
 * New interest marks results as stale and does not rebuild them: a thousand subscriptions on one cached subject cost one new result at the
 * next match, not a thousand. Removed interest deletes the subjects that it matched.
 * A subscription with wildcards may match any cached subject. It is not compared with all of them, but noted: the last 32 such changes are kept,
 * and a subject is compared with those that it has not seen when it is looked up next (`checked`). If there are more, its result is stale.
 */
const SUBJECTS_MAX = 1024;
const SUBJECTS_SWEPT = 256;
/** Tables begin small, because a server may have thousands of accounts. At most a quarter of the slots is used. */
const SLOTS_MIN = 64;
const SLOTS_MAX = 4096;
const PROBES_MAX = 16;
const KEY_BYTES_MIN = 1024;
/** After this number of consecutive useless sweeps most misses are not added. */
const USELESS_SWEEPS = 2;
/** Then only one miss in this number is added; a power of two. */
const ADMIT_ONE_IN = 64;
/** After this number of misses the cache checks whether it is useful again. */
const JUDGED_MISSES = 1024;

/** Changes of interest with wildcards that are kept; a power of two. */
const PATTERNS_KEPT = 32;

const STRIDE = 4;
const HASH = 0;
const KEY_START = 1;
/** Length of the key plus 1; 0: the slot is free. */
const KEY_SIZE = 2;
/** Value of `changes` when the result was compared with changes last. */
const CHECKED = 3;

export class ResultCache<E extends TrieEntry> {
  private table = new Int32Array(SLOTS_MIN * STRIDE);
  /** By slot; null in a used slot: stale. Also stale: results that were not compared with the last changes, see `resultAt`. */
  private results: (MatchResult<E> | null)[] = new Array(SLOTS_MIN).fill(null);
  /**
   * By slot: a number that no other subject ever gets in this cache. Permissions to publish are remembered under these numbers, so they must
   * never repeat. A client can use up 2^31 of them within minutes, therefore they have 53 bits.
   */
  stamps = new Float64Array(SLOTS_MIN);
  private keys = new Uint8Array(KEY_BYTES_MIN);
  private mask = SLOTS_MIN - 1;
  private keysEnd = 0;
  private keysLost = 0;
  private sweepPending = false;
  private uselessSweeps = 0;
  private lastStamp = 0;
  /** Misses since the last check of usefulness. */
  private misses = 0;
  /** Changes of interest with wildcards so far, modulo 2^32, as a signed integer. */
  private changes = 0;
  /** The last of these changes, by their number modulo `PATTERNS_KEPT`. */
  private readonly patterns: Uint8Array[] = [];
  private readonly patternsRemoved: boolean[] = [];
  /** `deleteRemoved` may have subjects to delete. */
  mayKeepRemoved = false;
  private hitsJudged = 0;
  /** Counted by the caller, because only the caller knows whether a lookup was a hit. */
  hits = 0;
  /** Subjects in the cache. */
  count = 0;

  constructor(
    private readonly random: Random,
    private readonly schedule: (task: () => void) => void,
  ) {}

  /** The subject's slot, or -1. Valid until the next call that changes the cache. */
  find(hash: number, source: Uint8Array, start: number, end: number): number {
    const table = this.table;
    const mask = this.mask;
    const size = end - start + 1;
    let slot = hash & mask;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const at = slot * STRIDE;
      const keySize = table[at + KEY_SIZE];
      if (keySize === 0) return -1;
      if (table[at + HASH] === hash && keySize === size && sameBytes(source, start, this.keys, table[at + KEY_START], size - 1))
        return slot;
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  /** Adds a subject that `find` did not find. Copies its bytes. Does nothing if there is no room. */
  add(hash: number, source: Uint8Array, start: number, end: number, result: MatchResult<E>): void {
    this.misses++;
    if (this.sweepPending && this.count >= SUBJECTS_MAX) return;
    if (this.uselessSweeps >= USELESS_SWEEPS && !this.admits()) return;
    this.insert(hash, source, start, end, result, this.changes);
    if (this.count > SUBJECTS_MAX && !this.sweepPending) {
      this.sweepPending = true;
      this.schedule(() => this.sweep());
    }
  }

  /** Called after an entry with this literal subject was added. */
  staleLiteral(hash: number, subject: Uint8Array): void {
    const slot = this.find(hash, subject, 0, subject.length);
    if (slot !== -1) this.results[slot] = null;
  }

  /** The result of a used slot; null: it is stale. */
  resultAt(slot: number): MatchResult<E> | null {
    if (this.table[slot * STRIDE + CHECKED] !== this.changes && this.check(slot) !== -1) this.results[slot] = null;
    return this.results[slot];
  }

  /** Sets the result of a used slot. */
  setResult(slot: number, result: MatchResult<E>): void {
    this.table[slot * STRIDE + CHECKED] = this.changes;
    this.results[slot] = result;
  }

  /** Called after an entry with this pattern was added or removed. @param pattern kept; never modified */
  notePattern(pattern: Uint8Array, removed: boolean): void {
    this.changes = (this.changes + 1) | 0;
    const place = this.changes & (PATTERNS_KEPT - 1);
    this.patterns[place] = pattern;
    this.patternsRemoved[place] = removed;
    if (removed) this.mayKeepRemoved = true;
  }

  /** Deletes the subjects that removed patterns match, so that their results do not keep removed entries alive. */
  deleteRemoved(): void {
    this.mayKeepRemoved = false;
    for (let slot = 0; slot <= this.mask; slot++) {
      const at = slot * STRIDE;
      // A deletion moves a later slot to this one.
      while (this.table[at + KEY_SIZE] !== 0 && this.table[at + CHECKED] !== this.changes) {
        const place = this.check(slot);
        if (place !== -1 && this.patternsRemoved[place]) this.deleteSlot(slot);
        else if (place !== -1) this.results[slot] = null;
      }
    }
  }

  /**
   * Compares the subject of a slot with the changes that it was not compared with.
   * @returns place of a change that it matches, a removal if there is one; -1: none
   */
  private check(slot: number): number {
    const { table, keys, patterns } = this;
    const at = slot * STRIDE;
    const missed = (this.changes - table[at + CHECKED]) | 0;
    table[at + CHECKED] = this.changes;
    const start = table[at + KEY_START];
    const end = start + table[at + KEY_SIZE] - 1;
    let found = -1;
    const passed = missed < 0 || missed > PATTERNS_KEPT ? PATTERNS_KEPT : missed;
    for (let back = 0; back < passed; back++) {
      const place = (this.changes - back) & (PATTERNS_KEPT - 1);
      // Of changes that are no longer kept, any may match.
      if (passed !== missed || matchesLiteral(patterns[place], keys, start, end)) {
        found = place;
        if (this.patternsRemoved[place]) return place;
      }
    }
    return found;
  }

  /** Called after an entry with this literal subject was removed. */
  deleteLiteral(hash: number, subject: Uint8Array): void {
    const slot = this.find(hash, subject, 0, subject.length);
    if (slot !== -1) this.deleteSlot(slot);
  }

  clear(): void {
    if (this.count === 0) return;
    this.rebuild(SLOTS_MIN, [], [], KEY_BYTES_MIN);
  }

  /**
   * Calls `visit` with the result of each subject.
   * @param refresh gives the result of a stale subject, whose bytes are in `keys`
   */
  visitAll(refresh: (keys: Uint8Array, start: number, end: number) => MatchResult<E>, visit: (result: MatchResult<E>) => void): void {
    for (let slot = 0; slot <= this.mask; slot++) {
      const at = slot * STRIDE;
      const size = this.table[at + KEY_SIZE];
      if (size === 0) continue;
      const start = this.table[at + KEY_START];
      const result = this.resultAt(slot) ?? refresh(this.keys, start, start + size - 1);
      this.setResult(slot, result);
      visit(result);
    }
  }

  private insert(hash: number, source: Uint8Array, start: number, end: number, result: MatchResult<E> | null, checked: number): void {
    if ((this.count + 1) * 4 > this.mask + 1 && this.mask + 1 < SLOTS_MAX) this.resize((this.mask + 1) * 2);
    const slot = this.freeSlot(hash);
    if (slot === -1) return;
    const length = end - start;
    if (this.keysEnd + length > this.keys.length) {
      this.packAndInsert(hash, source, start, end, result, checked);
      return;
    }
    const at = slot * STRIDE;
    this.table[at + HASH] = hash;
    this.table[at + KEY_START] = this.keysEnd;
    this.table[at + KEY_SIZE] = length + 1;
    this.table[at + CHECKED] = checked;
    this.results[slot] = result;
    this.stamps[slot] = ++this.lastStamp;
    for (let index = 0; index < length; index++) this.keys[this.keysEnd + index] = source[start + index];
    this.keysEnd += length;
    this.count++;
  }

  private freeSlot(hash: number): number {
    let slot = hash & this.mask;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      if (this.table[slot * STRIDE + KEY_SIZE] === 0) return slot;
      slot = (slot + 1) & this.mask;
    }
    return -1;
  }

  /** Deletes a slot and closes the gap, because a search ends at the first free slot. */
  private deleteSlot(slot: number): void {
    const table = this.table;
    const mask = this.mask;
    assert(table[slot * STRIDE + KEY_SIZE] > 0, "only used slots of the result cache are deleted", slot);
    this.keysLost += table[slot * STRIDE + KEY_SIZE] - 1;
    this.count--;
    let hole = slot;
    for (let next = (slot + 1) & mask; table[next * STRIDE + KEY_SIZE] !== 0; next = (next + 1) & mask) {
      const home = table[next * STRIDE + HASH] & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue; // the hole is before its home slot
      table.copyWithin(hole * STRIDE, next * STRIDE, (next + 1) * STRIDE);
      this.results[hole] = this.results[next];
      this.stamps[hole] = this.stamps[next];
      hole = next;
    }
    table[hole * STRIDE + KEY_SIZE] = 0;
    this.results[hole] = null;
  }

  /** Whether this miss is added, after useless sweeps. */
  private admits(): boolean {
    if (this.misses % ADMIT_ONE_IN !== 0) return false;
    if (this.misses >= JUDGED_MISSES && this.wasUseful()) this.uselessSweeps = 0;
    return true;
  }

  /** Whether there were more hits than misses since the last call. */
  private wasUseful(): boolean {
    const useful = this.hits - this.hitsJudged >= this.misses;
    this.hitsJudged = this.hits;
    this.misses = 0;
    return useful;
  }

  private sweep(): void {
    this.sweepPending = false;
    this.uselessSweeps = this.wasUseful() ? 0 : this.uselessSweeps + 1;
    if (this.count <= SUBJECTS_SWEPT) return;
    const slots = this.usedSlots();
    for (let kept = 0; kept < SUBJECTS_SWEPT; kept++) {
      const other = kept + this.random.below(slots.length - kept);
      const held = slots[kept];
      slots[kept] = slots[other];
      slots[other] = held;
    }
    slots.length = SUBJECTS_SWEPT;
    this.rebuild(this.mask + 1, slots, this.results);
  }

  private resize(slotCount: number): void {
    this.rebuild(slotCount, this.usedSlots(), this.results);
  }

  private packAndInsert(
    hash: number,
    source: Uint8Array,
    start: number,
    end: number,
    result: MatchResult<E> | null,
    checked: number,
  ): void {
    const live = this.keysEnd - this.keysLost;
    let capacity = this.keys.length;
    while (live + (end - start) > capacity / 2) capacity *= 2;
    this.rebuild(this.mask + 1, this.usedSlots(), this.results, capacity);
    this.insert(hash, source, start, end, result, checked);
  }

  private usedSlots(): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot <= this.mask; slot++) if (this.table[slot * STRIDE + KEY_SIZE] !== 0) slots.push(slot);
    return slots;
  }

  /** Allocates new tables and copies the given slots of the old ones. */
  private rebuild(slotCount: number, slots: number[], results: (MatchResult<E> | null)[], keyCapacity = this.keys.length): void {
    const table = this.table;
    const keys = this.keys;
    this.table = new Int32Array(slotCount * STRIDE);
    this.results = new Array(slotCount).fill(null);
    this.stamps = new Float64Array(slotCount);
    this.keys = new Uint8Array(keyCapacity);
    this.mask = slotCount - 1;
    this.keysEnd = 0;
    this.keysLost = 0;
    this.count = 0;
    for (const slot of slots) {
      const at = slot * STRIDE;
      const start = table[at + KEY_START];
      this.insert(table[at + HASH], keys, start, start + table[at + KEY_SIZE] - 1, results[slot], table[at + CHECKED]);
    }
  }
}
