import { assert } from "../../base/assert/assert.ts";
import type { Random } from "../../base/random/random.ts";
import { sameBytes } from "./byte-hash.ts";
import type { MatchResult } from "./match-result.ts";
import { matchesLiteral } from "./subject-overlap.ts";
import type { TrieEntry } from "./trie-entry.ts";

/**
 * The results of recently matched subjects, found by the bytes of the subject. A lookup creates no string.
 *
 *   table    hash·length keyStart checked stamp │ 0 0 0 0 │ …     open addressing; an entry is at its home slot or at most 15 slots after it
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

/** An entry has 16 bytes, so that a hit reads one cache line of the table. */
const STRIDE = 4;
/** The low 16 bits of the hash, then 16 bits with the length of the key plus 1; 0: the slot is free. */
const SHAPE = 0;
const SIZE_BITS = 16;
const SIZE_MASK = 0xffff;
/** Longer subjects are not cached, bytes. */
const SUBJECT_BYTES_MAX = SIZE_MASK - 1;
const KEY_START = 1;
/** Value of `changes` when the result was compared with changes last. */
const CHECKED = 2;
/** See `stampAt`. */
const STAMP = 3;
const STAMP_MAX = 2 ** 31 - 1;

export class ResultCache<E extends TrieEntry> {
  private table = new Int32Array(SLOTS_MIN * STRIDE);
  /** By slot; null in a used slot: stale. Also stale: results that were not compared with the last changes, see `resultAt`. */
  private results: (MatchResult<E> | null)[] = new Array(SLOTS_MIN).fill(null);
  private keys = new Uint8Array(KEY_BYTES_MIN);
  private mask = SLOTS_MIN - 1;
  private keysEnd = 0;
  private keysLost = 0;
  private sweepPending = false;
  private uselessSweeps = 0;
  private lastStamp = 0;
  /** Rises when the stamps begin again, see `stampAt`. */
  stampEpoch = 0;
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
    const size = end - start;
    if (size > SUBJECT_BYTES_MAX) return -1;
    const shape = (hash << SIZE_BITS) | (size + 1);
    let slot = hash & mask;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const at = slot * STRIDE;
      const found = table[at + SHAPE];
      if (found === 0) return -1;
      if (found === shape && sameBytes(source, start, this.keys, table[at + KEY_START], size)) return slot;
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  /**
   * A number from 1 for the subject of a used slot. No other subject has it while `stampEpoch` stays the same. Permissions to publish are
   * remembered under these numbers. A client can use up 2^31 of them within minutes: then they begin again, in the next epoch.
   */
  stampAt(slot: number): number {
    return this.table[slot * STRIDE + STAMP];
  }

  /** Adds a subject that `find` did not find. Copies its bytes. Does nothing if there is no room. */
  add(hash: number, source: Uint8Array, start: number, end: number, result: MatchResult<E>): void {
    this.misses++;
    if (end - start > SUBJECT_BYTES_MAX) return;
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
      while (this.table[at + SHAPE] !== 0 && this.table[at + CHECKED] !== this.changes) {
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
    const end = start + sizeOf(table[at + SHAPE]);
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
      const shape = this.table[at + SHAPE];
      if (shape === 0) continue;
      const start = this.table[at + KEY_START];
      const result = this.resultAt(slot) ?? refresh(this.keys, start, start + sizeOf(shape));
      this.setResult(slot, result);
      visit(result);
    }
  }

  private insert(hash: number, source: Uint8Array, start: number, end: number, result: MatchResult<E> | null, checked: number): void {
    if (this.lastStamp === STAMP_MAX) this.restartStamps();
    if ((this.count + 1) * 4 > this.mask + 1 && this.mask + 1 < SLOTS_MAX) this.resize((this.mask + 1) * 2);
    const slot = this.freeSlot(hash);
    if (slot === -1) return;
    const length = end - start;
    if (this.keysEnd + length > this.keys.length) {
      this.packAndInsert(hash, source, start, end, result, checked);
      return;
    }
    const at = slot * STRIDE;
    this.table[at + SHAPE] = (hash << SIZE_BITS) | (length + 1);
    this.table[at + KEY_START] = this.keysEnd;
    this.table[at + CHECKED] = checked;
    this.table[at + STAMP] = ++this.lastStamp;
    this.results[slot] = result;
    for (let index = 0; index < length; index++) this.keys[this.keysEnd + index] = source[start + index];
    this.keysEnd += length;
    this.count++;
  }

  /** Numbers the subjects from 1 on, in a new epoch. */
  private restartStamps(): void {
    this.stampEpoch++;
    this.lastStamp = 0;
    for (let at = 0; at < this.table.length; at += STRIDE) if (this.table[at + SHAPE] !== 0) this.table[at + STAMP] = ++this.lastStamp;
  }

  private freeSlot(hash: number): number {
    let slot = hash & this.mask;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      if (this.table[slot * STRIDE + SHAPE] === 0) return slot;
      slot = (slot + 1) & this.mask;
    }
    return -1;
  }

  /** Deletes a slot and closes the gap, because a search ends at the first free slot. */
  private deleteSlot(slot: number): void {
    const table = this.table;
    const mask = this.mask;
    assert(table[slot * STRIDE + SHAPE] !== 0, "only used slots of the result cache are deleted", slot);
    this.keysLost += sizeOf(table[slot * STRIDE + SHAPE]);
    this.count--;
    let hole = slot;
    for (let next = (slot + 1) & mask; table[next * STRIDE + SHAPE] !== 0; next = (next + 1) & mask) {
      const home = hashOf(table[next * STRIDE + SHAPE]) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue; // the hole is before its home slot
      table.copyWithin(hole * STRIDE, next * STRIDE, (next + 1) * STRIDE);
      this.results[hole] = this.results[next];
      hole = next;
    }
    table[hole * STRIDE + SHAPE] = 0;
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
    for (let slot = 0; slot <= this.mask; slot++) if (this.table[slot * STRIDE + SHAPE] !== 0) slots.push(slot);
    return slots;
  }

  /** Allocates new tables and copies the given slots of the old ones. */
  private rebuild(slotCount: number, slots: number[], results: (MatchResult<E> | null)[], keyCapacity = this.keys.length): void {
    const table = this.table;
    const keys = this.keys;
    this.table = new Int32Array(slotCount * STRIDE);
    this.results = new Array(slotCount).fill(null);
    this.keys = new Uint8Array(keyCapacity);
    this.mask = slotCount - 1;
    this.keysEnd = 0;
    this.keysLost = 0;
    this.count = 0;
    for (const slot of slots) {
      const at = slot * STRIDE;
      const shape = table[at + SHAPE];
      const start = table[at + KEY_START];
      this.insert(hashOf(shape), keys, start, start + sizeOf(shape), results[slot], table[at + CHECKED]);
    }
  }
}

/** Length of the key of a used slot, bytes. */
function sizeOf(shape: number): number {
  return (shape & SIZE_MASK) - 1;
}

/** The bits of the hash that choose the slot. */
function hashOf(shape: number): number {
  return shape >>> SIZE_BITS;
}
