/**
 * The buckets of a hash table that grows and shrinks by one bucket at a time (linear hashing, Litwin 1980), so that no insertion waits for a
 * rehash of the whole table.
 *
 *   count = 6, low = 4      bucket:  0   1 │ 2   3 │ 4   5        hash & 7, or hash & 3 when that bucket does not exist yet
 *                                  split   │ not   │ the other halves of 0 and 1
 * A bucket is one number, the head of a chain; what it means and how chains are linked is up to the owner. After `addBucket` the owner moves the
 * entries of the new bucket out of its partner; after `removeBucket` it appends the chain to the partner. Both touch a single chain.
 *
 * Heads are kept in pages: growing never copies more than one page. The first page starts small, because most tables do.
 */
import { assert } from "../../base/assert/assert.ts";

const PAGE_SHIFT = 11;
const PAGE_BUCKETS = 1 << PAGE_SHIFT;
const PAGE_MASK = PAGE_BUCKETS - 1;
/** Must be a power of two. */
const BUCKETS_MIN = 16;
const BUCKETS_MAX = 2 ** 31;

export class BucketHeads {
  private pages: Uint32Array[] = [new Uint32Array(BUCKETS_MIN)];
  private buckets = BUCKETS_MIN;
  /** The largest power of two that is not above `buckets`. */
  private low = BUCKETS_MIN;

  get count(): number {
    return this.buckets;
  }

  /** Bytes of memory held. */
  get capacity(): number {
    let bytes = 0;
    for (const page of this.pages) bytes += page.byteLength;
    return bytes;
  }

  /** The bucket that a new one is split from, or that it is merged into. */
  get partner(): number {
    return this.buckets - this.low;
  }

  /** @param hash 32 bits */
  bucketOf(hash: number): number {
    const bucket = (hash & (2 * this.low - 1)) >>> 0;
    return bucket < this.buckets ? bucket : bucket - this.low;
  }

  /** @returns what was set; 0 at first */
  head(bucket: number): number {
    return this.pages[bucket >> PAGE_SHIFT][bucket & PAGE_MASK];
  }

  setHead(bucket: number, head: number): void {
    this.pages[bucket >> PAGE_SHIFT][bucket & PAGE_MASK] = head;
  }

  /** Adds an empty bucket. Read `partner` before. @returns its number */
  addBucket(): number {
    const bucket = this.buckets;
    assert(bucket < BUCKETS_MAX, "a hash table has at most 2^31 buckets", bucket);
    this.makeRoom(bucket);
    this.buckets++;
    if (this.buckets === 2 * this.low) this.low = this.buckets;
    return bucket;
  }

  /** Removes the last bucket. The owner merges its chain into `partner` afterwards. @returns its head; 0 when there is nothing to remove */
  removeBucket(): number {
    if (this.buckets === BUCKETS_MIN) return 0;
    const bucket = --this.buckets;
    if (bucket < this.low) this.low /= 2;
    const head = this.head(bucket);
    this.setHead(bucket, 0);
    if ((bucket & PAGE_MASK) === 0) this.pages.length = bucket >> PAGE_SHIFT;
    return head;
  }

  get isLeast(): boolean {
    return this.buckets === BUCKETS_MIN;
  }

  /** Sets the number of buckets at once. All chains must be empty. */
  reserve(buckets: number): void {
    const wanted = Math.min(BUCKETS_MAX, Math.max(BUCKETS_MIN, Math.ceil(buckets)));
    this.pages = [];
    for (let from = 0; from < wanted; from += PAGE_BUCKETS) this.pages.push(new Uint32Array(from === 0 ? firstPage(wanted) : PAGE_BUCKETS));
    this.buckets = wanted;
    this.low = 2 ** Math.floor(Math.log2(wanted));
  }

  private makeRoom(bucket: number): void {
    const page = bucket >> PAGE_SHIFT;
    if (page === this.pages.length) this.pages.push(new Uint32Array(PAGE_BUCKETS));
    else if (page === 0 && bucket === this.pages[0].length) {
      const larger = new Uint32Array(2 * bucket);
      larger.set(this.pages[0]);
      this.pages[0] = larger;
    }
  }
}

function firstPage(buckets: number): number {
  return Math.min(PAGE_BUCKETS, 2 ** Math.ceil(Math.log2(buckets)));
}
