import { assert } from "../../base/assert/assert.ts";
import type { Clock } from "../../base/clock/clock.ts";
import { HashKey, hashBytes, sameBytes } from "../../messaging/subject/byte-hash.ts";
import type { ResponsePermission } from "./permission-options.ts";

/**
 * Reply subjects delivered to a client that it may answer, a limited number of times and for a limited time.
 *
 *   index     slot of the hash → entry + 1                        open addressing, at most half full
 *   entries   hash keyStart keySize used │ …      times  ms       in order of time; [head, tail) is in use
 *   keys      _INBOX.a.1_INBOX.a.2…                               the subjects' bytes
 *
 * A reply is removed with its last answer, so only unanswered ones wait for their expiry. Entries are in order of time, so the
 * oldest are at the head: the sweep once a second costs as much as it removes. When the arrays
 * are full, the remaining entries are compacted into smaller or larger ones.
 * The reference limits by time only. Here at most 262,144 replies and 16 MiB of subjects are tracked; beyond that the oldest quarter is
 * dropped.
 */
export const REPLIES_MAX = 262_144;
const KEY_BYTES_MAX = 16 * 1024 * 1024;
const ENTRIES_MIN = 32;
const KEY_BYTES_MIN = 1024;
const SWEEP_INTERVAL_MS = 1_000;

const STRIDE = 4;
const HASH = 0;
const KEY_START = 1;
/** 0: the entry is no longer in use. */
const KEY_SIZE = 2;
/** Answers so far. */
const USED = 3;

export class TrackedReplies {
  /** Tracked replies; expired ones count until they are swept. */
  count = 0;
  private capacity = ENTRIES_MIN;
  private index = new Int32Array(ENTRIES_MIN * 2);
  private entries = new Int32Array(ENTRIES_MIN * STRIDE);
  private times = new Float64Array(ENTRIES_MIN);
  private keys = new Uint8Array(KEY_BYTES_MIN);
  private head = 0;
  private tail = 0;
  private keysEnd = 0;
  /** Bytes of the keys in use. */
  private keysLive = 0;
  private sweptAt: number;
  /** Secret, so that clients cannot choose colliding subjects. */
  private readonly hashKey = HashKey.secret();

  constructor(
    private readonly responses: ResponsePermission,
    private readonly clock: Clock,
  ) {
    this.sweptAt = clock.monotonic();
  }

  /** Counts one answer. @returns false when the subject is not tracked or has expired */
  use(source: Uint8Array, start: number, end: number): boolean {
    if (this.count === 0) return false;
    const slot = this.find(hashBytes(source, start, end, this.hashKey), source, start, end);
    if (slot === -1) return false;
    const entry = this.index[slot] - 1;
    const { messagesMax, expiresMs } = this.responses;
    if (expiresMs > 0 && this.clock.monotonic() - this.times[entry] > expiresMs) {
      this.forget(slot);
      return false;
    }
    const used = ++this.entries[entry * STRIDE + USED];
    if (messagesMax > 0 && used >= messagesMax) this.forget(slot);
    return true;
  }

  /** @param source a non-empty subject that `use` just refused; copied */
  add(source: Uint8Array, start: number, end: number): void {
    const now = this.clock.monotonic();
    const size = end - start;
    if (now - this.sweptAt > SWEEP_INTERVAL_MS) this.sweep(now);
    while (this.count >= REPLIES_MAX || (this.keysLive + size > KEY_BYTES_MAX && this.count > 0)) this.dropOldestQuarter();
    if (this.tail === this.capacity || this.keysEnd + size > this.keys.length) this.compact(now, size);
    const hash = hashBytes(source, start, end, this.hashKey);
    for (let at = 0; at < size; at++) this.keys[this.keysEnd + at] = source[start + at];
    this.append(hash, this.keysEnd, size, 0, now);
  }

  private find(hash: number, source: Uint8Array, start: number, end: number): number {
    const { index, entries } = this;
    const mask = index.length - 1;
    const size = end - start;
    for (let slot = hash & mask; index[slot] !== 0; slot = (slot + 1) & mask) {
      const at = (index[slot] - 1) * STRIDE;
      if (entries[at + HASH] !== hash || entries[at + KEY_SIZE] !== size) continue;
      if (sameBytes(source, start, this.keys, entries[at + KEY_START], size)) return slot;
    }
    return -1;
  }

  /** The key's bytes are already at the end of `keys`. */
  private append(hash: number, keyStart: number, size: number, used: number, time: number): void {
    const entry = this.tail++;
    const at = entry * STRIDE;
    this.entries[at + HASH] = hash;
    this.entries[at + KEY_START] = keyStart;
    this.entries[at + KEY_SIZE] = size;
    this.entries[at + USED] = used;
    this.times[entry] = time;
    const mask = this.index.length - 1;
    let slot = hash & mask;
    while (this.index[slot] !== 0) slot = (slot + 1) & mask;
    this.index[slot] = entry + 1;
    this.keysEnd = keyStart + size;
    this.keysLive += size;
    this.count++;
  }

  /** Removes an entry and moves later ones into the gap in the index, because a search ends at the first free slot. */
  private forget(slot: number): void {
    const { index, entries } = this;
    const mask = index.length - 1;
    const forgotten = (index[slot] - 1) * STRIDE + KEY_SIZE;
    assert(entries[forgotten] > 0, "a tracked reply is removed once", slot);
    this.keysLive -= entries[forgotten];
    entries[forgotten] = 0;
    this.count--;
    let hole = slot;
    for (let next = (slot + 1) & mask; index[next] !== 0; next = (next + 1) & mask) {
      const home = entries[(index[next] - 1) * STRIDE + HASH] & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue; // a search for this entry would start behind the gap
      index[hole] = index[next];
      hole = next;
    }
    index[hole] = 0;
  }

  private forgetEntry(entry: number): void {
    const mask = this.index.length - 1;
    let slot = this.entries[entry * STRIDE + HASH] & mask;
    while (this.index[slot] !== entry + 1) slot = (slot + 1) & mask;
    this.forget(slot);
  }

  /** Removes expired entries and releases memory after a burst. */
  private sweep(now: number): void {
    this.sweptAt = now;
    this.dropOld(now);
    if (this.capacity > ENTRIES_MIN && this.count * 8 < this.capacity) this.compact(now, 0);
  }

  private dropOld(now: number): void {
    const { expiresMs } = this.responses;
    for (; this.head < this.tail; this.head++) {
      if (this.entries[this.head * STRIDE + KEY_SIZE] === 0) continue;
      if (expiresMs <= 0 || now - this.times[this.head] <= expiresMs) return;
      this.forgetEntry(this.head);
    }
  }

  private dropOldestQuarter(): void {
    for (let left = Math.ceil(this.count / 4); left > 0 && this.head < this.tail; this.head++) {
      if (this.entries[this.head * STRIDE + KEY_SIZE] === 0) continue;
      this.forgetEntry(this.head);
      left--;
    }
  }

  /** Empties the index; arrays whose size stays the same are kept. */
  private resize(capacity: number, keyCapacity: number): void {
    if (keyCapacity !== this.keys.length) this.keys = new Uint8Array(keyCapacity);
    if (capacity === this.capacity) {
      this.index.fill(0);
      return;
    }
    this.capacity = capacity;
    this.index = new Int32Array(capacity * 2);
    this.entries = new Int32Array(capacity * STRIDE);
    this.times = new Float64Array(capacity);
  }

  /** @param size bytes of the next key */
  private compact(now: number, size: number): void {
    this.dropOld(now);
    const { entries, times, keys, head, tail } = this;
    this.resize(
      fitting(this.capacity, Math.max(ENTRIES_MIN, this.count * 2)),
      fitting(keys.length, Math.max(KEY_BYTES_MIN, (this.keysLive + size) * 2)),
    );
    this.head = 0;
    this.tail = 0;
    this.keysEnd = 0;
    this.keysLive = 0;
    this.count = 0;
    for (let entry = head; entry < tail; entry++) {
      const at = entry * STRIDE;
      const keySize = entries[at + KEY_SIZE];
      if (keySize === 0) continue;
      const from = entries[at + KEY_START];
      // Also valid within one array: entries move towards the start, in order.
      for (let offset = 0; offset < keySize; offset++) this.keys[this.keysEnd + offset] = keys[from + offset];
      this.append(entries[at + HASH], this.keysEnd, keySize, entries[at + USED], times[entry]);
    }
  }
}

/** The current size when it fits and is not far too large; else the next power of two. */
function fitting(present: number, least: number): number {
  return present >= least && present <= least * 4 ? present : 2 ** Math.ceil(Math.log2(least));
}
