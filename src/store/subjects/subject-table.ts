/**
 * The subjects of a store: their bytes lead to a number, the id, and the id to what the store knows of the subject's messages.
 *
 *   bytes ─ keyed hash ─▶ bucket ─▶ row of id 7 ─▶ row of id 2 …        row: hash, link, bytes, total, blocks, sequences, size
 * Rows lie side by side in pages of typed arrays, so that a message that is stored touches one bucket, one row and the bytes of one subject.
 * Not a Map with texts as keys: it costs about 250 bytes per subject, makes a text per message, and stops everything for 70 ms when a million
 * keys are rehashed. Not columns: each would be a cache miss of its own.
 *
 * An id is stable as long as its subject has messages, and used again afterwards. The hash has a secret key, because clients choose subjects.
 * Nothing is ever copied as a whole: buckets are split one by one, rows and bytes are in pages. A subject of 32 bytes takes 95 bytes (a million;
 * bench/micro/subject-table.ts); a look-up of one of 10,000 about 60 ns, and 15 ns when it is the subject of the last look-up.
 */
import { assert } from "../../base/assert/assert.ts";
import { type HashKey, hashBytes, sameBytes } from "../../messaging/subject/byte-hash.ts";
import { BucketHeads } from "./bucket-heads.ts";
import { NOWHERE, SubjectBytes } from "./subject-bytes.ts";

/** Instead of an id: the subject has no messages, or there is no further one. */
export const NO_SUBJECT = -1;
export const SUBJECT_BYTES_MAX = 0xffff;

/** Hears of subjects that come and go. Must not change the table. */
export interface SubjectListener {
  /** A subject got its id. */
  onAdded(id: number): void;
  /** The subject is about to lose its id; the table still has its bytes. */
  onRemoving(id: number): void;
}

const PAGE_SHIFT = 10;
const PAGE_ROWS = 1 << PAGE_SHIFT;
const PAGE_MASK = PAGE_ROWS - 1;
const FIRST_PAGE_ROWS = 16;

// A row: twelve words of 32 bits; the last four are two doubles.
const ROW_WORDS = 12;
const ROW_DOUBLES = ROW_WORDS / 2;
const HASH = 0;
/** The next row of the bucket, or of the free rows of the page: id or index plus 1; 0: none. */
const LINK = 1;
const LOCATION = 2;
/** Size of the subject in the lower half, 0 in a free row; bits 32 to 47 of the total in the upper half. */
const SIZE = 3;
const TOTAL = 4;
const FIRST_BLOCK = 5;
const LAST_BLOCK = 6;
const LAST_SIZE = 7;
const FIRST_SEQUENCE = 4;
const LAST_SEQUENCE = 5;

const SIZE_MASK = 0xffff;
const TWO_32 = 2 ** 32;
const TOTAL_MAX = 2 ** 48 - 1;

/** Subjects per bucket: a bucket is added above the first, removed below the second. */
const LOAD_MAX = 0.75;
const LOAD_MIN = 0.2;

const NO_WORDS = new Uint32Array(0);
const NO_DOUBLES = new Float64Array(0);

export class SubjectTable {
  /** Number of subjects. */
  size = 0;
  /** At most one; null: nobody. */
  listener: SubjectListener | null = null;

  private readonly words: Uint32Array[] = [];
  private readonly doubles: Float64Array[] = [];
  /** Per page: index of the first free row plus 1, number of rows ever used, number of rows in use. */
  private readonly freeRow: number[] = [];
  private readonly touched: number[] = [];
  private readonly used: number[] = [];
  /** Pages that had free rows when they were put here, the next one to use last; those that are full since are skipped. */
  private readonly roomy: number[] = [];
  private readonly isRoomy: boolean[] = [];
  private readonly heads = new BucketHeads();
  private readonly bytes = new SubjectBytes(this);
  /** The id of the last look-up that found one. */
  private last = NO_SUBJECT;

  constructor(private readonly key: HashKey) {}

  // Looking up

  /** @param source borrowed for the call @returns the id; `NO_SUBJECT`: none */
  find(source: Uint8Array, start: number, end: number): number {
    const { last } = this;
    if (last !== NO_SUBJECT && this.isSubject(last, source, start, end - start)) return last;
    const id = this.lookUp(hashBytes(source, start, end, this.key), source, start, end - start);
    if (id !== NO_SUBJECT) this.last = id;
    return id;
  }

  /**
   * Finds a subject or gives it an id. All that is known of a new one is 0, so `totalOf` tells.
   * @param source copied; 1 to 65,535 bytes
   */
  findOrAdd(source: Uint8Array, start: number, end: number): number {
    const { last } = this;
    if (last !== NO_SUBJECT && this.isSubject(last, source, start, end - start)) return last;
    const hash = hashBytes(source, start, end, this.key);
    let id = this.lookUp(hash, source, start, end - start);
    if (id === NO_SUBJECT) id = this.insert(hash, source, start, end);
    this.last = id;
    return id;
  }

  // Changing

  /** Forgets a subject. Its id may be given to another one from now on. */
  remove(id: number): void {
    const words = this.words[id >> PAGE_SHIFT];
    const at = (id & PAGE_MASK) * ROW_WORDS;
    assert(this.isUsed(id), "only a subject that is there is removed", id);
    this.listener?.onRemoving(id);
    if (this.last === id) this.last = NO_SUBJECT;
    this.unlink(id);
    const size = words[at + SIZE] & SIZE_MASK;
    const location = words[at + LOCATION];
    words[at + LOCATION] = NOWHERE;
    words[at + SIZE] = 0;
    this.bytes.free(location, size);
    this.freeRowOf(id);
    this.size--;
    if (this.size < this.heads.count * LOAD_MIN) this.mergeBucket();
  }

  /** Makes the buckets for a number of subjects that are about to be added. The table must be empty. @param subjects what really follows, not a guess */
  reserve(subjects: number): void {
    assert(this.size === 0, "buckets are made in advance for an empty table only", this.size);
    this.heads.reserve(subjects / LOAD_MAX);
  }

  /** One more message of the subject was stored, the last one. @param size bytes of its record @returns the new total */
  noteStored(id: number, block: number, sequence: number, size: number): number {
    const page = id >> PAGE_SHIFT;
    const row = id & PAGE_MASK;
    const words = this.words[page];
    const doubles = this.doubles[page];
    const at = row * ROW_WORDS;
    const total = words[at + TOTAL] + 1;
    if (total === 1 && words[at + SIZE] <= SIZE_MASK) {
      words[at + FIRST_BLOCK] = block;
      doubles[row * ROW_DOUBLES + FIRST_SEQUENCE] = sequence;
    }
    words[at + TOTAL] = total;
    words[at + LAST_BLOCK] = block;
    words[at + LAST_SIZE] = size;
    doubles[row * ROW_DOUBLES + LAST_SEQUENCE] = sequence;
    if (total !== TWO_32 && words[at + SIZE] <= SIZE_MASK) return total;
    if (total === TWO_32) words[at + SIZE] += SIZE_MASK + 1;
    return this.totalOf(id);
  }

  // What is known of a subject

  /** Number of messages, exact. */
  totalOf(id: number): number {
    const words = this.words[id >> PAGE_SHIFT];
    const at = (id & PAGE_MASK) * ROW_WORDS;
    return words[at + TOTAL] + (words[at + SIZE] >>> 16) * TWO_32;
  }

  /** @param total up to 2^48 - 1 */
  setTotal(id: number, total: number): void {
    assert(total >= 0 && total <= TOTAL_MAX, "the number of messages of a subject has 48 bits", total);
    const words = this.words[id >> PAGE_SHIFT];
    const at = (id & PAGE_MASK) * ROW_WORDS;
    words[at + TOTAL] = total;
    words[at + SIZE] = (words[at + SIZE] & SIZE_MASK) | (Math.floor(total / TWO_32) << 16);
  }

  /** @returns the new total */
  addToTotal(id: number, messages: number): number {
    const total = this.totalOf(id) + messages;
    this.setTotal(id, total);
    return total;
  }

  /** Number of the first block that may hold messages of the subject. */
  firstBlockOf(id: number): number {
    return this.words[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_WORDS + FIRST_BLOCK];
  }

  setFirstBlock(id: number, block: number): void {
    this.words[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_WORDS + FIRST_BLOCK] = block;
  }

  lastBlockOf(id: number): number {
    return this.words[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_WORDS + LAST_BLOCK];
  }

  setLastBlock(id: number, block: number): void {
    this.words[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_WORDS + LAST_BLOCK] = block;
  }

  /** The sequence of the first message; 0: unknown. */
  firstSequenceOf(id: number): number {
    return this.doubles[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_DOUBLES + FIRST_SEQUENCE];
  }

  setFirstSequence(id: number, sequence: number): void {
    this.doubles[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_DOUBLES + FIRST_SEQUENCE] = sequence;
  }

  /** The sequence of the last message; 0: unknown. */
  lastSequenceOf(id: number): number {
    return this.doubles[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_DOUBLES + LAST_SEQUENCE];
  }

  setLastSequence(id: number, sequence: number): void {
    this.doubles[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_DOUBLES + LAST_SEQUENCE] = sequence;
  }

  /** Bytes of the record of the last message; 0: unknown. */
  lastSizeOf(id: number): number {
    return this.words[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_WORDS + LAST_SIZE];
  }

  setLastSize(id: number, size: number): void {
    this.words[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_WORDS + LAST_SIZE] = size;
  }

  // The bytes of a subject. The array is valid until the next `findOrAdd` or `remove`, and must not be changed.

  bytesOf(id: number): Uint8Array {
    return this.bytes.pageOf(this.locationOf(id));
  }

  startOf(id: number): number {
    return this.bytes.startOf(this.locationOf(id));
  }

  sizeOf(id: number): number {
    return this.words[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_WORDS + SIZE] & SIZE_MASK;
  }

  // All subjects

  isUsed(id: number): boolean {
    const at = (id & PAGE_MASK) * ROW_WORDS + SIZE;
    const words = this.words[id >> PAGE_SHIFT];
    return words !== undefined && at < words.length && (words[at] & SIZE_MASK) !== 0;
  }

  /**
   * The next id in use, in ascending order of ids. Subjects that stay while somebody walks over all of them are met exactly once.
   * @param after -1 to begin @returns `NO_SUBJECT` at the end
   */
  next(after: number): number {
    let id = after + 1;
    for (let page = id >> PAGE_SHIFT; page < this.words.length; page++) {
      const words = this.words[page];
      const rows = words.length / ROW_WORDS;
      for (let row = id & PAGE_MASK; row < rows; row++) {
        if ((words[row * ROW_WORDS + SIZE] & SIZE_MASK) !== 0) return (page << PAGE_SHIFT) | row;
      }
      id = (page + 1) << PAGE_SHIFT;
    }
    return NO_SUBJECT;
  }

  /** Bytes of memory that all this takes. */
  get memory(): number {
    let bytes = this.bytes.capacity + this.heads.capacity;
    for (const page of this.words) bytes += page.byteLength;
    return bytes;
  }

  /** All ids are below. */
  get idLimit(): number {
    return this.words.length << PAGE_SHIFT;
  }

  /** For `SubjectBytes`. */
  locationOf(id: number): number {
    const at = (id & PAGE_MASK) * ROW_WORDS + LOCATION;
    const words = this.words[id >> PAGE_SHIFT];
    return at < words.length ? words[at] : NOWHERE;
  }

  /** For `SubjectBytes`. */
  onMoved(id: number, location: number): void {
    this.words[id >> PAGE_SHIFT][(id & PAGE_MASK) * ROW_WORDS + LOCATION] = location;
  }

  // The hash table

  private lookUp(hash: number, source: Uint8Array, start: number, size: number): number {
    const { heads } = this;
    const unsigned = hash >>> 0;
    let link = heads.head(heads.bucketOf(hash));
    while (link !== 0) {
      const id = link - 1;
      const words = this.words[id >> PAGE_SHIFT];
      const at = (id & PAGE_MASK) * ROW_WORDS;
      if (words[at + HASH] === unsigned && this.isSubject(id, source, start, size)) return id;
      link = words[at + LINK];
    }
    return NO_SUBJECT;
  }

  /** Compares from the end, where subjects of one stream differ first. */
  private isSubject(id: number, source: Uint8Array, start: number, size: number): boolean {
    const words = this.words[id >> PAGE_SHIFT];
    const at = (id & PAGE_MASK) * ROW_WORDS;
    if ((words[at + SIZE] & SIZE_MASK) !== size) return false;
    const location = words[at + LOCATION];
    const page = this.bytes.pageOf(location);
    const from = this.bytes.startOf(location);
    if (page[from + size - 1] !== source[start + size - 1]) return false;
    return sameBytes(page, from, source, start, size - 1);
  }

  private insert(hash: number, source: Uint8Array, start: number, end: number): number {
    const size = end - start;
    assert(size > 0 && size <= SUBJECT_BYTES_MAX, "a subject has 1 to 65,535 bytes", size);
    const id = this.takeRow();
    const page = id >> PAGE_SHIFT;
    const words = this.words[page];
    const at = (id & PAGE_MASK) * ROW_WORDS;
    words.fill(0, at, at + ROW_WORDS);
    words[at + HASH] = hash;
    words[at + LOCATION] = this.bytes.add(id, source, start, end);
    words[at + SIZE] = size;
    this.link(id, words, at);
    this.size++;
    if (this.size > this.heads.count * LOAD_MAX) this.splitBucket();
    this.listener?.onAdded(id);
    return id;
  }

  private link(id: number, words: Uint32Array, at: number): void {
    const { heads } = this;
    const bucket = heads.bucketOf(words[at + HASH]);
    words[at + LINK] = heads.head(bucket);
    heads.setHead(bucket, id + 1);
  }

  private unlink(id: number): void {
    const { heads } = this;
    const words = this.words[id >> PAGE_SHIFT];
    const at = (id & PAGE_MASK) * ROW_WORDS;
    const bucket = heads.bucketOf(words[at + HASH]);
    let link = heads.head(bucket);
    if (link === id + 1) {
      heads.setHead(bucket, words[at + LINK]);
      return;
    }
    while (true) {
      assert(link !== 0, "a subject is in its bucket", id);
      const previous = this.words[(link - 1) >> PAGE_SHIFT];
      const previousAt = ((link - 1) & PAGE_MASK) * ROW_WORDS;
      link = previous[previousAt + LINK];
      if (link !== id + 1) continue;
      previous[previousAt + LINK] = words[at + LINK];
      return;
    }
  }

  /** Adds a bucket, and moves what belongs to it out of its partner. */
  private splitBucket(): void {
    const { heads } = this;
    const { partner } = heads;
    heads.addBucket();
    const link = heads.head(partner);
    heads.setHead(partner, 0);
    this.linkChain(link);
  }

  private mergeBucket(): void {
    if (!this.heads.isLeast) this.linkChain(this.heads.removeBucket());
  }

  private linkChain(first: number): void {
    let link = first;
    while (link !== 0) {
      const id = link - 1;
      const words = this.words[id >> PAGE_SHIFT];
      const at = (id & PAGE_MASK) * ROW_WORDS;
      link = words[at + LINK];
      this.link(id, words, at);
    }
  }

  // Rows

  private takeRow(): number {
    const { roomy } = this;
    while (roomy.length > 0) {
      const page = roomy[roomy.length - 1];
      if (this.hasRoom(page)) return this.takeRowOf(page);
      roomy.pop();
      this.isRoomy[page] = false;
    }
    const page = this.words.length;
    assert(page < 2 ** (31 - PAGE_SHIFT), "a store has at most 2^31 subjects", page);
    this.words.push(NO_WORDS);
    this.doubles.push(NO_DOUBLES);
    this.freeRow.push(0);
    this.touched.push(0);
    this.used.push(0);
    this.isRoomy.push(true);
    roomy.push(page);
    return this.takeRowOf(page);
  }

  private hasRoom(page: number): boolean {
    return this.freeRow[page] !== 0 || this.touched[page] < PAGE_ROWS;
  }

  private takeRowOf(page: number): number {
    let row = this.freeRow[page] - 1;
    if (row >= 0) this.freeRow[page] = this.words[page][row * ROW_WORDS + LINK];
    else {
      row = this.touched[page]++;
      if (row * ROW_WORDS === this.words[page].length) this.growPage(page);
    }
    this.used[page]++;
    return (page << PAGE_SHIFT) | row;
  }

  /** Only the first page of a table grows in steps. */
  private growPage(page: number): void {
    const rows = this.words[page].length / ROW_WORDS;
    const larger = page > 0 ? PAGE_ROWS : Math.max(FIRST_PAGE_ROWS, 2 * rows);
    const doubles = new Float64Array(larger * ROW_DOUBLES);
    const words = new Uint32Array(doubles.buffer);
    words.set(this.words[page]);
    this.words[page] = words;
    this.doubles[page] = doubles;
  }

  private freeRowOf(id: number): void {
    const page = id >> PAGE_SHIFT;
    if (--this.used[page] === 0 && page > 0) {
      this.words[page] = NO_WORDS;
      this.doubles[page] = NO_DOUBLES;
      this.freeRow[page] = 0;
      this.touched[page] = 0;
    } else {
      const row = id & PAGE_MASK;
      this.words[page][row * ROW_WORDS + LINK] = this.freeRow[page];
      this.freeRow[page] = row + 1;
    }
    if (this.isRoomy[page]) return;
    this.isRoomy[page] = true;
    this.roomy.push(page);
  }
}
