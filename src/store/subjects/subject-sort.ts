/**
 * Sorts ids by the bytes of their subjects: quicksort on four bytes at a time (multikey quicksort, Bentley and Sedgewick 1997).
 *
 *   depth 0   devi devi devi …   equal: continue at depth 4      depth 20   …0017 …0042 …0003   less │ equal │ greater
 * Each subject's bytes are read once per four bytes of depth and then compared as one number, where a comparison sort reads both subjects again for
 * every comparison: about 20 times among a million. The pivot is random, so that clients cannot choose subjects that take quadratic time.
 *
 * Subjects may be removed while the sort is under way, and their ids used again: those end up anywhere, the others are in order.
 */
import type { Random } from "../../base/random/random.ts";
import { PAUSE, type Sliced } from "../../base/scheduling/sliced.ts";
import type { SubjectTable } from "./subject-table.ts";

const KEY_BYTES = 4;
/** Smaller ranges are sorted by insertion. */
const SMALL = 12;
/** Ids between two pauses: about 0.1 ms. */
const IDS_PER_STEP = 1_024;

/** @param ids sorted in place */
export function* sortSubjects(table: SubjectTable, ids: Uint32Array, random: Random): Sliced<void> {
  const keys = new Uint32Array(ids.length);
  // Ranges that are left: low, high, depth.
  const ranges = [0, ids.length, 0];
  let work = 0;
  while (ranges.length > 0) {
    const depth = ranges.pop()!;
    const high = ranges.pop()!;
    const low = ranges.pop()!;
    if (high - low <= SMALL) {
      sortSmall(table, ids, low, high);
      work += high - low;
      if (work >= IDS_PER_STEP) {
        work = 0;
        yield PAUSE;
      }
      continue;
    }
    for (let at = low; at < high; at++) {
      keys[at] = keyOf(table, ids[at], depth);
      if (++work < IDS_PER_STEP) continue;
      work = 0;
      yield PAUSE;
    }
    const pivot = keys[random.between(low, high - 1)];
    // Keys from `low` to `less` - 1 are below the pivot, up to `at` - 1 equal, from `greater` on above.
    let less = low;
    let at = low;
    let greater = high;
    while (at < greater) {
      const key = keys[at];
      if (key < pivot) swap(ids, keys, less++, at++);
      else if (key > pivot) swap(ids, keys, at, --greater);
      else at++;
      if (++work < 4 * IDS_PER_STEP) continue;
      work = 0;
      yield PAUSE;
    }
    const ended = yield* endedFirst(table, ids, less, greater, depth);
    ranges.push(low, less, depth, ended, greater, depth + KEY_BYTES, greater, high, depth);
  }
}

/**
 * Moves the subjects without further bytes to the front, the shortest first: they come before the longer ones. There are at most four, because
 * bytes that are missing count as 0 in a key.
 * @returns where the longer ones begin
 */
function* endedFirst(table: SubjectTable, ids: Uint32Array, low: number, high: number, depth: number): Sliced<number> {
  let ended = low;
  for (let at = low; at < high; at++) {
    if (table.sizeOf(ids[at]) <= depth + KEY_BYTES) swapIds(ids, ended++, at);
    if (at % IDS_PER_STEP === 0) yield PAUSE;
  }
  let sorted = low;
  for (let size = depth + 1; size < depth + KEY_BYTES; size++) {
    for (let at = sorted; at < ended; at++) {
      if (table.sizeOf(ids[at]) <= size) swapIds(ids, sorted++, at);
      if (at % IDS_PER_STEP === 0) yield PAUSE;
    }
  }
  return ended;
}

function keyOf(table: SubjectTable, id: number, depth: number): number {
  const rest = table.sizeOf(id) - depth;
  if (rest <= 0) return 0;
  const bytes = table.bytesOf(id);
  const at = table.startOf(id) + depth;
  let key = bytes[at] << 24;
  if (rest > 1) key |= bytes[at + 1] << 16;
  if (rest > 2) key |= bytes[at + 2] << 8;
  if (rest > 3) key |= bytes[at + 3];
  return key >>> 0;
}

function sortSmall(table: SubjectTable, ids: Uint32Array, low: number, high: number): void {
  for (let next = low + 1; next < high; next++) {
    const id = ids[next];
    let at = next;
    for (; at > low && compareSubjects(table, ids[at - 1], id) > 0; at--) ids[at] = ids[at - 1];
    ids[at] = id;
  }
}

/** Negative: the subject of `left` comes first. An id without a subject comes before all others. */
export function compareSubjects(table: SubjectTable, left: number, right: number): number {
  const size = table.sizeOf(right);
  if (size === 0) return table.sizeOf(left);
  const start = table.startOf(right);
  return compareSubject(table, left, table.bytesOf(right), start, start + size);
}

/** Negative: the subject of the id comes before the bytes. */
export function compareSubject(table: SubjectTable, id: number, source: Uint8Array, start: number, end: number): number {
  const size = table.sizeOf(id);
  const difference = size - (end - start);
  if (size === 0) return difference;
  const bytes = table.bytesOf(id);
  const from = table.startOf(id);
  const common = difference < 0 ? size : end - start;
  for (let at = 0; at < common; at++) {
    const byte = bytes[from + at] - source[start + at];
    if (byte !== 0) return byte;
  }
  return difference;
}

function swap(ids: Uint32Array, keys: Uint32Array, left: number, right: number): void {
  swapIds(ids, left, right);
  const key = keys[left];
  keys[left] = keys[right];
  keys[right] = key;
}

function swapIds(ids: Uint32Array, left: number, right: number): void {
  const id = ids[left];
  ids[left] = ids[right];
  ids[right] = id;
}
