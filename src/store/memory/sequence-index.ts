/**
 * From sequence to message: the segments of a memory store, in ascending order.
 *
 *   segments   [0, 4096)  [4096, 8192)  [90112, 94208) …      sequences between them hold no message and cost nothing
 * It is used as a cursor: a `seek` stands on a message (`segment`, `row`), then its columns are read or it is removed. The next seek, `add` or
 * `remove` moves the cursor. Invariant: every segment but the last one holds a message.
 * Not a map from sequence to message: typed arrays need 28 bytes per message, a map four times as much, and the neighbour in the order is the
 * neighbour in memory. Packing segments waits until most rows of the whole store are unused, so a stream that only loses its oldest
 * messages never packs.
 */
import { FEWEST_ROWS, PACK_RATIO, SEGMENT_ROWS, Segment } from "./segment.ts";

/** Unused rows that are always tolerated. */
const SLACK_ROWS = 2 * SEGMENT_ROWS;
/** Removed segments at the front of the list before the list itself is cut. */
const HEAD_MAX = 64;

export class SequenceIndex {
  messages = 0;
  /** The cursor. Undefined after a seek that found nothing. */
  segment = new Segment(0, FEWEST_ROWS);
  row = 0;
  private segments: Segment[] = [];
  /** Stands in the list for segments that were removed at its front. */
  private readonly gone = new Segment(0, 0);
  /** The first segment's place in the list. */
  private head = 0;
  private tail: Segment | null = null;
  private spare: Segment | null = null;
  private sparse: Segment[] = [];
  private capacity = 0;

  /** Bytes of its columns. */
  get bytesTaken(): number {
    return this.capacity * 28;
  }

  get sequence(): number {
    return this.segment.sequenceOf(this.row);
  }

  /** Adds a sequence above all others, and stands on its row. */
  add(sequence: number): void {
    let { tail } = this;
    if (tail === null || sequence - tail.first >= SEGMENT_ROWS) tail = this.newTail(sequence);
    const before = tail.capacity;
    this.row = tail.add(sequence);
    this.capacity += tail.capacity - before;
    this.segment = tail;
    this.messages++;
  }

  /** Stands on a sequence. @returns false: it has no message */
  seek(sequence: number): boolean {
    const segment = this.segmentOf(sequence);
    if (segment === null) return false;
    const row = segment.rowOf(sequence);
    if (row === -1) return false;
    this.segment = segment;
    this.row = row;
    return true;
  }

  /** Stands on the first message at or above a sequence. */
  seekAtOrAfter(sequence: number): boolean {
    const { segments } = this;
    for (let at = Math.max(this.head, this.placeAtOrBefore(sequence)); at < segments.length; at++) {
      const row = segments[at].rowAtOrAfter(sequence);
      if (row === -1) continue;
      this.segment = segments[at];
      this.row = row;
      return true;
    }
    return false;
  }

  /** Stands on the last message at or below a sequence. */
  seekAtOrBefore(sequence: number): boolean {
    const { segments, head } = this;
    for (let at = this.placeAtOrBefore(sequence); at >= head; at--) {
      const row = segments[at].rowAtOrBefore(sequence);
      if (row === -1) continue;
      this.segment = segments[at];
      this.row = row;
      return true;
    }
    return false;
  }

  /** Messages at or above a sequence. Leaves the cursor. */
  countFrom(sequence: number): number {
    const { head, segments } = this;
    const place = Math.max(head, this.placeAtOrBefore(sequence));
    let sum = 0;
    for (let at = place; at < segments.length; at++) sum += segments[at].messages;
    if (place < segments.length) sum -= segments[place].messagesBelow(sequence);
    return sum;
  }

  /** Removes the message that the cursor stands on. */
  remove(): void {
    const { segment } = this;
    segment.chunk[this.row] = 0;
    segment.messages--;
    this.messages--;
    if (segment === this.tail) return;
    this.reviewSealed(segment);
    while (this.capacity > this.messages * PACK_RATIO + SLACK_ROWS && this.packOne());
  }

  /** Drops the rows above a sequence, all of which are without messages. The next sequence added may be the one after it. */
  cutAfter(sequence: number): void {
    const { segments } = this;
    while (segments.length > this.head && segments[segments.length - 1].first > sequence) this.drop(segments.pop()!);
    if (segments.length === this.head) return this.clear();
    const tail = segments[segments.length - 1];
    const before = tail.capacity;
    tail.unpack();
    this.capacity += tail.capacity - before;
    tail.cutAfter(sequence);
    this.tail = tail;
  }

  clear(): void {
    this.segments = [];
    this.head = 0;
    this.tail = null;
    this.spare = null;
    this.sparse = [];
    this.capacity = 0;
    this.messages = 0;
  }

  private newTail(sequence: number): Segment {
    const sealed = this.tail;
    const first = sequence - (sequence % SEGMENT_ROWS);
    let segment = this.spare;
    this.spare = null;
    if (segment === null) segment = new Segment(first, this.messages < FEWEST_ROWS ? FEWEST_ROWS : SEGMENT_ROWS);
    else segment.begin(first);
    this.capacity += segment.capacity;
    this.segments.push(segment);
    this.tail = segment;
    if (sealed !== null) this.reviewSealed(sealed);
    return segment;
  }

  /** Takes a segment out that holds nothing, lists one that holds little. */
  private reviewSealed(segment: Segment): void {
    if (segment.messages === 0) {
      const { segments, head } = this;
      if (segments[head] === segment) this.advanceHead();
      else segments.splice(this.placeAtOrBefore(segment.first), 1);
      this.drop(segment);
    } else if (segment.worthPacking && !segment.listed) {
      segment.listed = true;
      this.sparse.push(segment);
    }
  }

  private advanceHead(): void {
    this.segments[this.head++] = this.gone;
    if (this.head < HEAD_MAX || this.head * 2 < this.segments.length) return;
    this.segments = this.segments.slice(this.head);
    this.head = 0;
  }

  private drop(segment: Segment): void {
    this.capacity -= segment.capacity;
    if (segment.listed) this.sparse.splice(this.sparse.indexOf(segment), 1);
    if (segment.isReusable) this.spare = segment;
  }

  private packOne(): boolean {
    const segment = this.sparse.shift();
    if (segment === undefined) return false;
    segment.listed = false;
    if (segment === this.tail) return true;
    const before = segment.capacity;
    segment.pack();
    this.capacity += segment.capacity - before;
    return true;
  }

  private segmentOf(sequence: number): Segment | null {
    const { tail } = this;
    if (tail === null) return null;
    if (sequence >= tail.first) return sequence - tail.first < SEGMENT_ROWS ? tail : null;
    const place = this.placeAtOrBefore(sequence);
    if (place < this.head) return null;
    const segment = this.segments[place];
    return sequence - segment.first < SEGMENT_ROWS ? segment : null;
  }

  /** The place of the last segment whose first sequence is not above the one given; below `head`: none. */
  private placeAtOrBefore(sequence: number): number {
    const { head, segments } = this;
    if (head === segments.length || sequence < segments[head].first) return head - 1;
    // Exact while no segment is missing.
    let high = head + Math.floor((sequence - segments[head].first) / SEGMENT_ROWS);
    if (high >= segments.length) high = segments.length - 1;
    if (segments[high].first <= sequence) return high;
    let low = head;
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if (segments[middle].first <= sequence) low = middle;
      else high = middle;
    }
    return low;
  }
}
