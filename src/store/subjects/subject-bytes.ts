/**
 * The bytes of the subjects of a table: a log in pages, where new subjects are appended.
 *
 *   page 0  [id size bytes][id size bytes]…      page 1  [id size bytes]…  ◀── appended here
 * Not one slot size per length: a load that changes the lengths of its subjects would leave slots behind that nothing fits into. Here a page
 * whose subjects are all gone is given back at once, and as soon as more bytes are dead than alive, the subjects of the page with the most dead
 * bytes are moved to the end, one page at a time (about 50 µs). So the log is at most about twice as large as what is in it.
 *
 * A location is a number of 32 bits: page and offset. It changes when the subject is moved; the owner is told, and locations must not be kept
 * elsewhere.
 */
import { assert } from "../../base/assert/assert.ts";

/** The owner of the subjects. */
export interface SubjectOwner {
  /** Where the subject of an id is; `NOWHERE`: the id is free. */
  locationOf(id: number): number;
  onMoved(id: number, location: number): void;
}

export const NOWHERE = 0xffff_ffff;

const PAGE_BYTES = 1 << 16;
const FIRST_PAGE_BYTES = 512;
const PAGES_MAX = (1 << 18) - 1;
const OFFSET_BITS = 14;
const OFFSET_MASK = (1 << OFFSET_BITS) - 1;
/** Offsets count units of four bytes. */
const UNIT_SHIFT = 2;
/** Four bytes of the id, two of the size. */
const ENTRY_HEAD_BYTES = 6;
const RELEASED = new Uint8Array(0);

function entryBytes(size: number): number {
  return (ENTRY_HEAD_BYTES + size + 3) & ~3;
}

export class SubjectBytes {
  private readonly pages: Uint8Array[] = [];
  /** Bytes of each page up to the last entry, and those of entries that are alive. */
  private readonly filled: number[] = [];
  private readonly alive: number[] = [];
  /** Numbers of pages that were given back. */
  private readonly released: number[] = [];
  /** The page that is appended to; -1: none. */
  private current = -1;
  private aliveBytes = 0;
  private deadBytes = 0;

  constructor(private readonly owner: SubjectOwner) {}

  /** Bytes of memory held. */
  get capacity(): number {
    let sum = 0;
    for (const page of this.pages) sum += page.length;
    return sum;
  }

  /** The page that holds a subject. Valid until the next change, as its range. */
  pageOf(location: number): Uint8Array {
    return this.pages[location >>> OFFSET_BITS];
  }

  /** The offset of the subject in its page. */
  startOf(location: number): number {
    return ((location & OFFSET_MASK) << UNIT_SHIFT) + ENTRY_HEAD_BYTES;
  }

  /** Copies a subject of 1 to 65,535 bytes. @returns its location */
  add(id: number, source: Uint8Array, start: number, end: number): number {
    const size = end - start;
    const bytes = entryBytes(size);
    const page = this.pageFor(bytes);
    const offset = this.filled[page];
    const target = this.pages[page];
    target[offset] = id;
    target[offset + 1] = id >>> 8;
    target[offset + 2] = id >>> 16;
    target[offset + 3] = id >>> 24;
    target[offset + 4] = size;
    target[offset + 5] = size >>> 8;
    const to = offset + ENTRY_HEAD_BYTES;
    for (let at = 0; at < size; at++) target[to + at] = source[start + at];
    this.filled[page] = offset + bytes;
    this.alive[page] += bytes;
    this.aliveBytes += bytes;
    return ((page << OFFSET_BITS) | (offset >> UNIT_SHIFT)) >>> 0;
  }

  /** Frees a subject. The owner must no longer answer this location for the id. May move other subjects. @param size of the subject */
  free(location: number, size: number): void {
    const page = location >>> OFFSET_BITS;
    const bytes = entryBytes(size);
    this.alive[page] -= bytes;
    this.aliveBytes -= bytes;
    this.deadBytes += bytes;
    if (this.alive[page] === 0) this.release(page);
    else if (this.deadBytes > this.aliveBytes && this.deadBytes > PAGE_BYTES) this.compact();
  }

  private pageFor(bytes: number): number {
    const { current } = this;
    if (current !== -1) {
      const needed = this.filled[current] + bytes;
      if (needed <= this.pages[current].length) return current;
      if (needed <= PAGE_BYTES) {
        const larger = new Uint8Array(Math.min(PAGE_BYTES, Math.max(2 * this.pages[current].length, needed)));
        larger.set(this.pages[current]);
        this.pages[current] = larger;
        return current;
      }
    }
    const least = this.aliveBytes === 0 ? FIRST_PAGE_BYTES : PAGE_BYTES;
    this.current = this.newPage(Math.max(least, bytes));
    return this.current;
  }

  private newPage(bytes: number): number {
    const page = this.released.pop() ?? this.pages.length;
    assert(page < PAGES_MAX, "the subjects of one store need less than 16 GiB", page);
    this.pages[page] = new Uint8Array(bytes);
    this.filled[page] = 0;
    this.alive[page] = 0;
    return page;
  }

  private release(page: number): void {
    this.deadBytes -= this.filled[page];
    this.filled[page] = 0;
    // The current page is used again at once.
    if (page === this.current) return;
    this.pages[page] = RELEASED;
    this.released.push(page);
  }

  /** Moves the subjects out of the page with the most dead bytes. */
  private compact(): void {
    let worst = -1;
    let most = 0;
    for (let page = 0; page < this.pages.length; page++) {
      const dead = this.filled[page] - this.alive[page];
      if (dead <= most) continue;
      most = dead;
      worst = page;
    }
    if (worst === -1) return;
    if (worst === this.current) this.current = -1;
    const source = this.pages[worst];
    const end = this.filled[worst];
    for (let at = 0; at < end; ) {
      const id = (source[at] | (source[at + 1] << 8) | (source[at + 2] << 16) | (source[at + 3] << 24)) >>> 0;
      const start = at + ENTRY_HEAD_BYTES;
      const size = source[at + 4] | (source[at + 5] << 8);
      const bytes = entryBytes(size);
      const location = ((worst << OFFSET_BITS) | (at >> UNIT_SHIFT)) >>> 0;
      if (this.owner.locationOf(id) === location) {
        this.owner.onMoved(id, this.add(id, source, start, start + size));
        this.alive[worst] -= bytes;
        this.aliveBytes -= bytes;
        this.deadBytes += bytes;
      }
      at += bytes;
    }
    assert(this.alive[worst] === 0, "all subjects of a page are found when it is compacted", this.alive[worst]);
    this.release(worst);
  }
}
