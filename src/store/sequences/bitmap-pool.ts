/**
 * Bitmaps of 2,048 bits, numbered, in pages of typed arrays. A page holds 64 of them; the first page starts with one, because most sets have few.
 */
export const BITMAP_BITS = 2_048;
export const BITMAP_WORDS = BITMAP_BITS / 32;

const PAGE_SHIFT = 6;
const PAGE_MASK = (1 << PAGE_SHIFT) - 1;

export class BitmapPool {
  private pages: Uint32Array[] = [];
  private count = 0;
  /** Number of the first free bitmap plus 1; its first word is that of the next one. */
  private free = 0;
  private used = 0;

  /** Bytes of memory held. */
  get capacity(): number {
    let bytes = 0;
    for (const page of this.pages) bytes += page.byteLength;
    return bytes;
  }

  /** The words that hold a bitmap, from `startOf` on. Valid until the next `take`. */
  wordsOf(bitmap: number): Uint32Array {
    return this.pages[bitmap >> PAGE_SHIFT];
  }

  startOf(bitmap: number): number {
    return (bitmap & PAGE_MASK) * BITMAP_WORDS;
  }

  /** @param fill what all its words are at first */
  take(fill: number): number {
    this.used++;
    let bitmap = this.free - 1;
    if (bitmap >= 0) this.free = this.wordsOf(bitmap)[this.startOf(bitmap)];
    else {
      bitmap = this.count++;
      this.makeRoom(bitmap);
    }
    const start = this.startOf(bitmap);
    this.wordsOf(bitmap).fill(fill, start, start + BITMAP_WORDS);
    return bitmap;
  }

  give(bitmap: number): void {
    if (--this.used === 0) return this.clear();
    this.wordsOf(bitmap)[this.startOf(bitmap)] = this.free;
    this.free = bitmap + 1;
  }

  clear(): void {
    this.pages = [];
    this.count = 0;
    this.free = 0;
    this.used = 0;
  }

  private makeRoom(bitmap: number): void {
    const page = bitmap >> PAGE_SHIFT;
    if (page > 0) {
      if (page === this.pages.length) this.pages.push(new Uint32Array(BITMAP_WORDS << PAGE_SHIFT));
      return;
    }
    const words = this.pages[0];
    if (words !== undefined && this.startOf(bitmap) < words.length) return;
    const larger = new Uint32Array(words === undefined ? BITMAP_WORDS : 2 * words.length);
    if (words !== undefined) larger.set(words);
    this.pages[0] = larger;
  }
}
