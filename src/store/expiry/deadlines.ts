/**
 * The messages of a store that have a time to live, in the order in which their time ends.
 *
 *                  [0: 10:00:01 #7]                              a heap: no entry comes before its parent
 *     [1: 10:00:05 #9] [2: …] [3: …] [4: 10:00:02 #8]            children of i: 4i + 1 to 4i + 4, side by side in one cache line
 * Not a wheel with slots of a second, as in the reference: entries that lie a turn of the wheel or more ahead would be looked at in every turn, and
 * the time of the next one must be searched. Here the next one is at the root, exact to the nanosecond, and one that ends later than all others is
 * added without a comparison more. An entry takes 16 bytes: its time and its sequence, in pages of typed arrays; adding one takes about 50 ns, taking
 * the first of a million 0.5 µs (bench/micro/expiry.ts).
 *
 * Nobody tells when a message is gone, because not every removal reads it. An entry without a message is dropped when its time comes; and as soon as
 * there are twice as many entries as were alive at the last look, each further one that is added looks at four others and drops those without a
 * message. So there are at most about 2.5 times as many entries as messages with a time to live, and nothing is ever looked at as a whole.
 */
import { assert } from "../../base/assert/assert.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";

/** What is asked when entries may be outdated. */
export interface DeadlineOwner {
  /** Whether the store has the message. */
  has(sequence: number): boolean;
}

const ENTRY_SHIFT = 2;
const ENTRY_WORDS = 1 << ENTRY_SHIFT;
const LOW = 1;
const SEQUENCE_HIGH = 2;
const SEQUENCE_LOW = 3;

const PAGE_SHIFT = 10;
const PAGE_ENTRIES = 1 << PAGE_SHIFT;
const PAGE_MASK = PAGE_ENTRIES - 1;
const FIRST_PAGE_ENTRIES = 16;
/** Places before the root that stay empty, so that the children of an entry begin at a multiple of four. */
const PAD = 3;
const CHILDREN_SHIFT = 2;
const CHILDREN = 1 << CHILDREN_SHIFT;
/** Makes the signed upper half of a time comparable as an unsigned number. */
const SIGN = 0x8000_0000;
const ENTRIES_MAX = 2 ** 28;
const TWO_32 = 2 ** 32;

/** Entries that are outdated are not looked for below this number. */
const SWEEP_MIN = 4_096;
const SWEPT_PER_ADD = 4;

export class Deadlines {
  /** Number of entries, outdated ones included. */
  count = 0;
  /** What the last call of `readFirst` or `takeFirst` found. Time: nanoseconds since 1970 in two halves. */
  sequence = 0;
  timeHigh = 0;
  timeLow = 0;

  private pages: Uint32Array[] = [];
  /** Pages that a copy of the entries has too: they are copied before they are changed. */
  private isShared: boolean[] = [];
  /** The next entry that is looked at, plus one; 0: entries are not looked at now. */
  private cursor = 0;
  private sweepAbove = SWEEP_MIN;

  constructor(private readonly owner: DeadlineOwner) {}

  /** Bytes of memory held. */
  get memory(): number {
    let bytes = 0;
    for (const page of this.pages) bytes += page.byteLength;
    return bytes;
  }

  /** Adds the end of a message's time. A message may have several entries; then it is taken several times. */
  add(sequence: number, timeHigh: number, timeLow: number): void {
    assert(this.count < ENTRIES_MAX, "a store has at most 2^28 messages with a time to live", this.count);
    this.makeRoom();
    this.siftUp(this.count++, (timeHigh ^ SIGN) >>> 0, timeLow, sequence);
    if (this.cursor === 0 && this.count > this.sweepAbove) this.cursor = this.count;
    if (this.cursor > 0) this.sweepSome();
  }

  /** Reads the entry whose time ends first. There must be one. */
  readFirst(): void {
    readEntry(this.pages, 0, this);
  }

  /** Takes the first entry out if its time has ended, and reads it. @returns false: there is none */
  takeFirst(nowHigh: number, nowLow: number): boolean {
    if (this.count === 0) return false;
    const page = this.pageOf(0);
    const at = offsetOf(0);
    const high = (nowHigh ^ SIGN) >>> 0;
    if (page[at] > high || (page[at] === high && page[at + LOW] > nowLow)) return false;
    this.readFirst();
    this.removeAt(0);
    return true;
  }

  /** All entries as they are now, at no cost: a page is copied when it changes for the first time afterwards. */
  copy(): DeadlineCopy {
    this.isShared.fill(true);
    return new DeadlineCopy(this.count, [...this.pages]);
  }

  /** Drops the entries of sequences above one, which other messages may get. Nothing may be added until it ends. */
  *dropAbove(sequence: number): Sliced<void> {
    const pace = new Pace();
    for (let index = this.count - 1; index >= 0; ) {
      // What takes the place of an entry is looked at as well.
      if (index >= this.count || this.sequenceAt(index) <= sequence) index--;
      else this.removeAt(index);
      if (pace.due()) yield PAUSE;
    }
  }

  clear(): void {
    this.count = 0;
    this.pages = [];
    this.isShared = [];
    this.cursor = 0;
    this.sweepAbove = SWEEP_MIN;
  }

  // Outdated entries

  /** Looks at some entries, from the last one to the first. One that another one took the place of is looked at as well. */
  private sweepSome(): void {
    for (let looks = 0; looks < SWEPT_PER_ADD && this.cursor > 0; looks++) {
      const index = this.cursor - 1;
      // The heap may have become smaller meanwhile.
      if (index >= this.count) this.cursor = this.count;
      else if (this.owner.has(this.sequenceAt(index))) this.cursor--;
      else this.removeAt(index);
    }
    if (this.cursor === 0) this.sweepAbove = Math.max(SWEEP_MIN, 2 * this.count);
  }

  private sequenceAt(index: number): number {
    const page = this.pageOf(index);
    const at = offsetOf(index);
    return page[at + SEQUENCE_HIGH] * TWO_32 + page[at + SEQUENCE_LOW];
  }

  // The heap

  private removeAt(index: number): void {
    const last = --this.count;
    const page = this.pageOf(last);
    const at = offsetOf(last);
    const high = page[at];
    const low = page[at + LOW];
    const sequence = page[at + SEQUENCE_HIGH] * TWO_32 + page[at + SEQUENCE_LOW];
    this.dropRoom();
    if (index === last) return;
    if (index > 0 && this.isAfter((index - 1) >> CHILDREN_SHIFT, high, low, sequence)) this.siftUp(index, high, low, sequence);
    else this.siftDown(index, high, low, sequence);
  }

  /** Whether an entry comes after the given values. */
  private isAfter(index: number, high: number, low: number, sequence: number): boolean {
    const page = this.pageOf(index);
    const at = offsetOf(index);
    if (page[at] !== high) return page[at] > high;
    if (page[at + LOW] !== low) return page[at + LOW] > low;
    return page[at + SEQUENCE_HIGH] * TWO_32 + page[at + SEQUENCE_LOW] > sequence;
  }

  /** Places the values at `index`, which is free, or above. */
  private siftUp(start: number, high: number, low: number, sequence: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> CHILDREN_SHIFT;
      if (!this.isAfter(parent, high, low, sequence)) break;
      this.move(parent, index);
      index = parent;
    }
    this.write(index, high, low, sequence);
  }

  /** Places the values at `index`, which is free, or below. */
  private siftDown(start: number, high: number, low: number, sequence: number): void {
    const { count } = this;
    let index = start;
    while (true) {
      const child = (index << CHILDREN_SHIFT) + 1;
      if (child >= count) break;
      const least = this.leastOf(child, Math.min(child + CHILDREN, count));
      if (this.isAfter(least, high, low, sequence)) break;
      this.move(least, index);
      index = least;
    }
    this.write(index, high, low, sequence);
  }

  /** The first of some siblings. */
  private leastOf(first: number, end: number): number {
    // Siblings are always in one page.
    const page = this.pageOf(first);
    let least = first;
    let at = offsetOf(first);
    let leastAt = at;
    for (let index = first + 1; index < end; index++) {
      at += ENTRY_WORDS;
      const high = page[at] - page[leastAt];
      if (high > 0) continue;
      if (high === 0) {
        const low = page[at + LOW] - page[leastAt + LOW];
        if (low > 0) continue;
        if (low === 0) {
          const upper = page[at + SEQUENCE_HIGH] - page[leastAt + SEQUENCE_HIGH];
          if (upper > 0 || (upper === 0 && page[at + SEQUENCE_LOW] >= page[leastAt + SEQUENCE_LOW])) continue;
        }
      }
      least = index;
      leastAt = at;
    }
    return least;
  }

  private move(from: number, to: number): void {
    const source = this.pageOf(from);
    const target = this.writablePageOf(to);
    const at = offsetOf(from);
    const toAt = offsetOf(to);
    target[toAt] = source[at];
    target[toAt + LOW] = source[at + LOW];
    target[toAt + SEQUENCE_HIGH] = source[at + SEQUENCE_HIGH];
    target[toAt + SEQUENCE_LOW] = source[at + SEQUENCE_LOW];
  }

  private write(index: number, high: number, low: number, sequence: number): void {
    const page = this.writablePageOf(index);
    const at = offsetOf(index);
    page[at] = high;
    page[at + LOW] = low;
    page[at + SEQUENCE_HIGH] = Math.floor(sequence / TWO_32);
    page[at + SEQUENCE_LOW] = sequence;
  }

  // Pages

  private pageOf(index: number): Uint32Array {
    return this.pages[(index + PAD) >> PAGE_SHIFT];
  }

  private writablePageOf(index: number): Uint32Array {
    const number = (index + PAD) >> PAGE_SHIFT;
    if (this.isShared[number]) {
      this.pages[number] = this.pages[number].slice();
      this.isShared[number] = false;
    }
    return this.pages[number];
  }

  /** Makes room for one more entry. Only the first page grows in steps. */
  private makeRoom(): void {
    const place = this.count + PAD;
    const page = place >> PAGE_SHIFT;
    if (page === this.pages.length) {
      this.pages.push(new Uint32Array((page === 0 ? FIRST_PAGE_ENTRIES : PAGE_ENTRIES) * ENTRY_WORDS));
      this.isShared.push(false);
    } else if (page === 0 && place * ENTRY_WORDS === this.pages[0].length) {
      const larger = new Uint32Array(2 * this.pages[0].length);
      larger.set(this.pages[0]);
      this.pages[0] = larger;
      this.isShared[0] = false;
    }
  }

  /** Gives a page back when it and the half of the one before are empty. */
  private dropRoom(): void {
    const used = (this.count + PAD + PAGE_ENTRIES / 2) >> PAGE_SHIFT;
    if (this.pages.length <= used + 1 && this.count > 0) return;
    this.pages.length = this.count > 0 ? used + 1 : 0;
    this.isShared.length = this.pages.length;
  }
}

/** The entries at one moment, in no useful order. */
export class DeadlineCopy {
  /** What the last call of `read` found. */
  sequence = 0;
  timeHigh = 0;
  timeLow = 0;

  /** Use `Deadlines.copy`. */
  constructor(
    readonly count: number,
    private readonly pages: readonly Uint32Array[],
  ) {}

  /** @param index below `count` */
  read(index: number): void {
    readEntry(this.pages, index, this);
  }
}

/** An entry is the message's time in two halves, and its sequence. */
interface Entry {
  sequence: number;
  timeHigh: number;
  timeLow: number;
}

function readEntry(pages: readonly Uint32Array[], index: number, into: Entry): void {
  const page = pages[(index + PAD) >> PAGE_SHIFT];
  const at = offsetOf(index);
  into.timeHigh = page[at] ^ SIGN;
  into.timeLow = page[at + LOW];
  into.sequence = page[at + SEQUENCE_HIGH] * TWO_32 + page[at + SEQUENCE_LOW];
}

function offsetOf(index: number): number {
  return ((index + PAD) & PAGE_MASK) << ENTRY_SHIFT;
}
