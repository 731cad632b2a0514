/**
 * Where the messages of up to 4,096 neighbouring sequences are: one row per sequence, in columns of typed arrays.
 *
 *   row      chunk    offset    subject    next      previous
 *   0        3        0         17         4099      0            `next` and `previous` link the messages of one subject; 0: none
 *   1        0        …                                           chunk 0: no message
 * Dense: the row is the distance from the first sequence. A segment with few messages left is packed: it keeps only the rows that hold a message,
 * with their distances in order. So a stream whose messages are removed here and there needs memory for those that are left.
 */
export const SEGMENT_ROWS = 4096;
export const FEWEST_ROWS = 64;
/** A segment is packed when fewer than 1 in this number of its rows hold a message. */
export const PACK_RATIO = 4;

export class Segment {
  chunk: Int32Array;
  offset: Int32Array;
  subject: Int32Array;
  next: Float64Array;
  previous: Float64Array;
  /** Rows that are in use, with or without a message. */
  rows = 0;
  /** Rows that hold a message. */
  messages = 0;
  /** It stands in the list of segments that are worth packing. */
  listed = false;
  /** Packed: the distance of each row, ascending. */
  private distances: Uint16Array | null = null;

  /** @param first its first sequence, a multiple of `SEGMENT_ROWS` @param capacity rows, 64 times a power of 4 */
  constructor(
    public first: number,
    capacity: number,
  ) {
    this.chunk = new Int32Array(capacity);
    this.offset = new Int32Array(capacity);
    this.subject = new Int32Array(capacity);
    this.next = new Float64Array(capacity);
    this.previous = new Float64Array(capacity);
  }

  /** The row of a sequence at or above `first`; -1: it has no message. */
  rowOf(sequence: number): number {
    const distance = sequence - this.first;
    if (this.distances === null) return distance < this.rows && this.chunk[distance] !== 0 ? distance : -1;
    const row = this.rowFrom(distance);
    return row < this.rows && this.distances[row] === distance && this.chunk[row] !== 0 ? row : -1;
  }

  sequenceOf(row: number): number {
    return this.first + (this.distances === null ? row : this.distances[row]);
  }

  /** The first row at or above a sequence that holds a message; -1: none. */
  rowAtOrAfter(sequence: number): number {
    const { chunk, rows } = this;
    const distance = Math.max(0, sequence - this.first);
    for (let row = this.distances === null ? distance : this.rowFrom(distance); row < rows; row++) if (chunk[row] !== 0) return row;
    return -1;
  }

  /** The last row at or below a sequence that holds a message; -1: none. */
  rowAtOrBefore(sequence: number): number {
    const { chunk } = this;
    const distance = Math.min(SEGMENT_ROWS - 1, sequence - this.first);
    const behind = this.distances === null ? Math.min(distance + 1, this.rows) : this.rowFrom(distance + 1);
    for (let row = behind - 1; row >= 0; row--) if (chunk[row] !== 0) return row;
    return -1;
  }

  messagesBelow(sequence: number): number {
    const { chunk } = this;
    const distance = Math.max(0, Math.min(SEGMENT_ROWS, sequence - this.first));
    const end = this.distances === null ? Math.min(distance, this.rows) : this.rowFrom(distance);
    let sum = 0;
    for (let row = 0; row < end; row++) if (chunk[row] !== 0) sum++;
    return sum;
  }

  /** The row for a new message behind all others. The segment is dense. */
  add(sequence: number): number {
    const row = sequence - this.first;
    if (row >= this.chunk.length) this.grow(row);
    this.rows = row + 1;
    this.messages++;
    return row;
  }

  /** Drops the rows above a sequence, which hold no messages any more. The segment is dense. */
  cutAfter(sequence: number): void {
    this.rows = Math.min(this.rows, sequence + 1 - this.first);
  }

  get capacity(): number {
    return this.chunk.length;
  }

  /** The first sequence behind it. */
  get end(): number {
    return this.first + SEGMENT_ROWS;
  }

  /** Whether packing would free most of its memory. */
  get worthPacking(): boolean {
    return this.messages * PACK_RATIO < this.chunk.length;
  }

  /** Whether it can serve other sequences, see `begin`: it is empty, dense and as large as any. */
  get isReusable(): boolean {
    return this.messages === 0 && this.distances === null && this.chunk.length === SEGMENT_ROWS;
  }

  /** Serves other sequences from now on. */
  begin(first: number): void {
    this.first = first;
    this.rows = 0;
    this.listed = false;
  }

  /** Keeps only the rows with messages. Nothing can be added afterwards. */
  pack(): void {
    const { chunk, offset, subject, next, previous, rows } = this;
    const distances = new Uint16Array(this.messages);
    this.resize(this.messages);
    let packed = 0;
    for (let row = 0; row < rows; row++) {
      if (chunk[row] === 0) continue;
      distances[packed] = this.distances === null ? row : this.distances[row];
      this.chunk[packed] = chunk[row];
      this.offset[packed] = offset[row];
      this.subject[packed] = subject[row];
      this.next[packed] = next[row];
      this.previous[packed] = previous[row];
      packed++;
    }
    this.distances = distances;
    this.rows = packed;
  }

  /** Makes a packed segment dense again, so that sequences can be added. */
  unpack(): void {
    const { distances, chunk, offset, subject, next, previous, rows } = this;
    if (distances === null) return;
    this.distances = null;
    this.resize(SEGMENT_ROWS);
    this.rows = 0;
    for (let row = 0; row < rows; row++) {
      const distance = distances[row];
      this.chunk[distance] = chunk[row];
      this.offset[distance] = offset[row];
      this.subject[distance] = subject[row];
      this.next[distance] = next[row];
      this.previous[distance] = previous[row];
      this.rows = distance + 1;
    }
  }

  private grow(row: number): void {
    const { chunk, offset, subject, next, previous } = this;
    let capacity = chunk.length;
    while (capacity <= row) capacity *= 4;
    this.resize(capacity);
    this.chunk.set(chunk);
    this.offset.set(offset);
    this.subject.set(subject);
    this.next.set(next);
    this.previous.set(previous);
  }

  private resize(capacity: number): void {
    this.chunk = new Int32Array(capacity);
    this.offset = new Int32Array(capacity);
    this.subject = new Int32Array(capacity);
    this.next = new Float64Array(capacity);
    this.previous = new Float64Array(capacity);
  }

  /** The first row whose distance is not below the one given. */
  private rowFrom(distance: number): number {
    const distances = this.distances!;
    let low = 0;
    let high = this.rows;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (distances[middle] < distance) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
