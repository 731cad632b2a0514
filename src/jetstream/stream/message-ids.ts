/**
 * The message ids that a stream remembers (`Nats-Msg-Id`), to tell a message that is sent twice.
 *
 *   id ─▶ fingerprint ─▶ bucket ─▶ entry 71 ─▶ entry 12 ─▶ (forgotten)       entry: fingerprint, sequence, time, link to an older entry
 *   entries   … 11 │ 12 13 14 … 71 │ 72 …         a queue in pages: added at the end, forgotten at the front when their window is over
 *            oldest ┘               └ next
 * Entries have running numbers, and a chain goes from newer to older ones. So a link to a number before the oldest one is the end of a chain, and
 * forgetting an id is an addition: nothing is unlinked. Numbers have 32 bits and begin anew; by then every bucket was used again many times.
 * An id takes about 40 bytes, whatever its length; finding and remembering one of 22 bytes about 0.5 µs (bench/micro/message-ids.ts). Nothing is ever copied or looked at as a whole.
 *
 * Bounded: a stream remembers up to 16,777,216 ids (700 MB). One more, and the oldest is forgotten before its window is over; the owner is told, so
 * that it can warn. Not refused: a stream that takes more than 140,000 ids per second for two minutes would stop, and ids that are sent twice come
 * soon after each other.
 */
import type { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { Random } from "../../base/random/random.ts";
import { BucketHeads } from "../../store/subjects/bucket-heads.ts";
import { IdFingerprint } from "./id-fingerprint.ts";

export const MESSAGE_IDS_MAX = 2 ** 24;

// An entry: nine words of 32 bits; the first four are the fingerprint.
const ENTRY_WORDS = 9;
const SEQUENCE_HIGH = 4;
const SEQUENCE_LOW = 5;
const TIME_HIGH = 6;
const TIME_LOW = 7;
const LINK = 8;

const PAGE_SHIFT = 8;
const PAGE_ENTRIES = 1 << PAGE_SHIFT;
const PAGE_MASK = PAGE_ENTRIES - 1;
/** Of the numbers of pages. */
const PAGES_MASK = 2 ** (32 - PAGE_SHIFT) - 1;
const FIRST_PAGE_ENTRIES = 16;
/** Places for pages; a power of two. */
const PLACES_MIN = 4;
const NO_PAGE = new Uint32Array(0);

/** Ids per bucket: a bucket is added above the first, removed below the second. */
const LOAD_MAX = 0.75;
const LOAD_MIN = 0.2;
/** Ids that one call forgets. */
const FORGOTTEN_PER_CALL = 16;
const TWO_32 = 2 ** 32;

export class MessageIds {
  private readonly fingerprint: IdFingerprint;
  /** Where the id was that `fingerprint` is of, if nothing was remembered since. */
  private lastSource: Uint8Array | null = null;
  private lastStart = 0;
  private lastEnd = 0;
  private heads!: BucketHeads;
  /** Page `number >>> PAGE_SHIFT` is at this number modulo the length. */
  private pages: Uint32Array[] = new Array<Uint32Array>(PLACES_MIN).fill(NO_PAGE);
  /** Number of the oldest entry. The one before it is the end of chains. */
  private oldest: number;
  private entries = 0;
  private windowHigh = 0;
  private windowLow = 0;
  /** The time at which ids that are forgotten now were remembered, or before. */
  private limitHigh = 0;
  private limitLow = 0;

  /**
   * @param random makes a secret key
   * @param windowNs nanoseconds for which ids are remembered; 0: none are
   * @param onFull an id was forgotten too early
   * @param firstNumber of the first entry; for tests
   */
  constructor(
    random: Random,
    windowNs: bigint,
    private readonly onFull: () => void,
    private readonly idsMax = MESSAGE_IDS_MAX,
    private readonly firstNumber = 1,
  ) {
    this.fingerprint = new IdFingerprint(random);
    this.oldest = firstNumber;
    this.clear();
    this.setWindow(windowNs);
  }

  /** Ids that take memory: those in the window, and some that are forgotten soon. */
  get count(): number {
    return this.entries;
  }

  /** Bytes of memory held. */
  get memory(): number {
    let bytes = this.heads.capacity;
    for (const page of this.pages) bytes += page.byteLength;
    return bytes;
  }

  setWindow(windowNs: bigint): void {
    this.windowHigh = Number(windowNs >> 32n);
    this.windowLow = Number(windowNs & 0xffff_ffffn);
    if (windowNs === 0n) this.clear();
  }

  /**
   * Looks for the id in `source` from `start` to `end`.
   * @param now not before that of earlier calls
   * @returns the sequence of its message; 0: it was not remembered within the window
   */
  find(source: Uint8Array, start: number, end: number, now: Nanoseconds): number {
    this.forgetOld(now, FORGOTTEN_PER_CALL);
    if (this.entries === 0) return 0;
    const { fingerprint, heads } = this;
    fingerprint.of(source, start, end);
    this.lastSource = source;
    this.lastStart = start;
    this.lastEnd = end;
    const v0 = fingerprint.v0 >>> 0;
    const v1 = fingerprint.v1 >>> 0;
    const v2 = fingerprint.v2 >>> 0;
    const v3 = fingerprint.v3 >>> 0;
    let number = heads.head(heads.bucketOf(v0));
    while (this.isThere(number)) {
      const page = this.pageOf(number);
      const at = (number & PAGE_MASK) * ENTRY_WORDS;
      if (page[at] === v0 && page[at + 1] === v1 && page[at + 2] === v2 && page[at + 3] === v3) {
        return this.isOver(page, at) ? 0 : page[at + SEQUENCE_HIGH] * TWO_32 + page[at + SEQUENCE_LOW];
      }
      number = page[at + LINK];
    }
    return 0;
  }

  /** Remembers the id of a message. After `find` at the same place, the bytes must be the same. @param time from when the window counts; not before that of earlier calls */
  remember(source: Uint8Array, start: number, end: number, sequence: number, time: Nanoseconds): void {
    if (this.windowHigh === 0 && this.windowLow === 0) return;
    this.forgetOld(time, FORGOTTEN_PER_CALL);
    if (this.entries >= this.idsMax) {
      this.forgetOldest();
      this.onFull();
    }
    const { fingerprint, heads } = this;
    if (this.lastSource !== source || this.lastStart !== start || this.lastEnd !== end) fingerprint.of(source, start, end);
    this.lastSource = null;
    const number = (this.oldest + this.entries) >>> 0;
    const page = this.pageForNext(number);
    const at = (number & PAGE_MASK) * ENTRY_WORDS;
    page[at] = fingerprint.v0;
    page[at + 1] = fingerprint.v1;
    page[at + 2] = fingerprint.v2;
    page[at + 3] = fingerprint.v3;
    page[at + SEQUENCE_HIGH] = Math.floor(sequence / TWO_32);
    page[at + SEQUENCE_LOW] = sequence;
    page[at + TIME_HIGH] = time.high;
    page[at + TIME_LOW] = time.low;
    const bucket = heads.bucketOf(fingerprint.v0);
    page[at + LINK] = heads.head(bucket);
    heads.setHead(bucket, number);
    this.entries++;
    if (this.entries > heads.count * LOAD_MAX) this.splitBucket();
  }

  /** Gives memory back after a time without calls. @returns whether ids are left; then call again in a while */
  tidy(now: Nanoseconds): boolean {
    this.forgetOld(now, FORGOTTEN_PER_CALL);
    if (this.entries === 0) return false;
    const newest = (this.oldest + this.entries - 1) >>> 0;
    if (!this.isOver(this.pageOf(newest), (newest & PAGE_MASK) * ENTRY_WORDS)) return true;
    this.clear();
    return false;
  }

  private clear(): void {
    this.heads = new BucketHeads();
    for (let bucket = 0; bucket < this.heads.count; bucket++) this.heads.setHead(bucket, (this.firstNumber - 1) >>> 0);
    this.pages = new Array<Uint32Array>(PLACES_MIN).fill(NO_PAGE);
    this.oldest = this.firstNumber;
    this.entries = 0;
  }

  // Forgetting

  private forgetOld(now: Nanoseconds, most: number): void {
    const low = now.low - this.windowLow;
    this.limitHigh = now.high - this.windowHigh - (low < 0 ? 1 : 0);
    this.limitLow = low < 0 ? low + TWO_32 : low;
    for (let count = 0; count < most && this.entries > 0; count++) {
      if (!this.isOver(this.pageOf(this.oldest), (this.oldest & PAGE_MASK) * ENTRY_WORDS)) return;
      this.forgetOldest();
    }
  }

  /** Whether the entry was remembered a window ago, or before. */
  private isOver(page: Uint32Array, at: number): boolean {
    const high = page[at + TIME_HIGH] | 0;
    return high !== this.limitHigh ? high < this.limitHigh : page[at + TIME_LOW] <= this.limitLow;
  }

  private forgetOldest(): void {
    const number = this.oldest;
    this.oldest = (number + 1) >>> 0;
    this.entries--;
    if ((this.oldest & PAGE_MASK) === 0) this.pages[(number >>> PAGE_SHIFT) & (this.pages.length - 1)] = NO_PAGE;
    if (this.entries < this.heads.count * LOAD_MIN && !this.heads.isLeast) this.mergeBucket();
  }

  // Chains

  /** Whether the number is that of an entry that is not forgotten. */
  private isThere(number: number): boolean {
    return (number - this.oldest) >>> 0 < this.entries;
  }

  private linkOf(number: number): number {
    return this.pageOf(number)[(number & PAGE_MASK) * ENTRY_WORDS + LINK];
  }

  /** Appends `number` to the chain of a bucket that ends with `last`; `last` is not there: the chain is empty. */
  private append(bucket: number, last: number, number: number): void {
    if (this.isThere(last)) this.pageOf(last)[(last & PAGE_MASK) * ENTRY_WORDS + LINK] = number;
    else this.heads.setHead(bucket, number);
  }

  /** Adds a bucket, and divides the chain of its partner among both. */
  private splitBucket(): void {
    const { heads } = this;
    const { partner } = heads;
    let number = heads.head(partner);
    const added = heads.addBucket();
    const none = (this.oldest - 1) >>> 0;
    let last = none;
    let lastAdded = none;
    while (this.isThere(number)) {
      const next = this.linkOf(number);
      if (heads.bucketOf(this.pageOf(number)[(number & PAGE_MASK) * ENTRY_WORDS]) === added) {
        this.append(added, lastAdded, number);
        lastAdded = number;
      } else {
        this.append(partner, last, number);
        last = number;
      }
      number = next;
    }
    this.append(added, lastAdded, none);
    this.append(partner, last, none);
  }

  /** Removes the last bucket, and merges its chain into that of its partner, newer entries first. */
  private mergeBucket(): void {
    const { heads } = this;
    let right = heads.removeBucket();
    const { partner } = heads;
    let left = heads.head(partner);
    let last = (this.oldest - 1) >>> 0;
    while (this.isThere(left) || this.isThere(right)) {
      const takesLeft = this.isThere(left) && (!this.isThere(right) || this.ageRank(left) > this.ageRank(right));
      const number = takesLeft ? left : right;
      if (takesLeft) left = this.linkOf(left);
      else right = this.linkOf(right);
      this.append(partner, last, number);
      last = number;
    }
    this.append(partner, last, (this.oldest - 1) >>> 0);
  }

  /** Greater for entries that were added later. */
  private ageRank(number: number): number {
    return (number - this.oldest) >>> 0;
  }

  // Pages

  private pageOf(number: number): Uint32Array {
    return this.pages[(number >>> PAGE_SHIFT) & (this.pages.length - 1)];
  }

  /** The page of the next entry, with room for it. */
  private pageForNext(number: number): Uint32Array {
    const used = ((number >>> PAGE_SHIFT) - (this.oldest >>> PAGE_SHIFT)) & PAGES_MASK;
    if (used >= this.pages.length) this.addPlaces();
    const place = (number >>> PAGE_SHIFT) & (this.pages.length - 1);
    const page = this.pages[place];
    if (((number & PAGE_MASK) + 1) * ENTRY_WORDS <= page.length) return page;
    // Streams with few ids have small pages.
    const wanted = Math.max(FIRST_PAGE_ENTRIES, 2 * (page.length / ENTRY_WORDS), this.entries, (number & PAGE_MASK) + 1);
    const larger = new Uint32Array(Math.min(PAGE_ENTRIES, wanted) * ENTRY_WORDS);
    larger.set(page);
    this.pages[place] = larger;
    return larger;
  }

  private addPlaces(): void {
    const { pages } = this;
    const larger = new Array<Uint32Array>(2 * pages.length).fill(NO_PAGE);
    const first = this.oldest >>> PAGE_SHIFT;
    for (let index = 0; index < pages.length; index++) {
      const page = first + index;
      larger[page & (larger.length - 1)] = pages[page & (pages.length - 1)];
    }
    this.pages = larger;
  }
}
