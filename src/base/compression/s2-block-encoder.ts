/**
 * Encodes one S2 block: literals, copies of earlier content, and repeats of the last copy's offset. s2-block.ts describes the format.
 *
 *   at each position: same bytes at the last offset, one byte on? ─▶ repeat        last position with the same hash of six bytes,
 *                     really equal? ─▶ longer to the left and to the right ─▶ literal up to here, then a copy
 * Greedy; steps grow while nothing repeats, so content that does not compress costs little.
 *
 * The work of a block is divided: `work(until)` stops behind that position, and goes on there at the next call. One encoder is used for all
 * blocks of one content, from front to back: entries of the table that belong to an earlier block are recognised by their position.
 * Speed and size: bench/micro/compression.ts.
 */

/** Entries of the table: 256 KiB in all. */
const TABLE_BITS = 16;
const HASH_LOW = 0x9e3779b1;
const HASH_HIGH = 0x85ebca77;
const COPY_BYTES_MIN = 4;
/** Longest copy that is not a repeat. */
const COPY_BYTES_MAX = 64;
/** Longest copy, and first offset too large, of the short form. */
const SHORT_COPY_BYTES_MAX = 11;
const SHORT_OFFSET_END = 2_048;
const MIDDLE_OFFSET_END = 65_536;
/** A copy from further back takes five bytes, so a shorter one is not worth it. */
const FAR_COPY_BYTES_MIN = 7;
/** Bytes behind a position that the search reads: one position ahead, a hash of six bytes. */
const SEARCH_BYTES = 8;
/** Binary logarithm of the number of bytes without a repeat after which steps grow by one. */
const STEP_GROWTH_BITS = 6;
/** Larger steps would save nothing that can be measured, and miss text behind random bytes. */
const STEP_MAX = 128;
/** Bytes that one copy with the literal's head before it can add to the output, at most. */
const ELEMENT_BYTES_MAX = 16;

export class S2BlockEncoder {
  private readonly table = new Int32Array(1 << TABLE_BITS).fill(-1);
  private readonly view: DataView;
  private target: Uint8Array;
  private start = 0;
  private end = 0;
  private position = 0;
  /** Start of the bytes that are not written yet. */
  private literal = 0;
  /** Offset of the last copy; 0: none yet. */
  private offset = 0;
  private at = 0;
  private targetEnd = 0;

  /** @param content borrowed, unchanged until its last block is encoded */
  constructor(private readonly content: Uint8Array) {
    this.view = new DataView(content.buffer, content.byteOffset, content.length);
    this.target = content;
  }

  /**
   * Begins the block of `content[start, end)`. Blocks of one content follow each other from front to back, without overlap.
   * @param target the block is written here from `at` on, up to `targetEnd`
   */
  begin(start: number, end: number, target: Uint8Array, at: number, targetEnd: number): void {
    this.start = start;
    this.end = end;
    this.position = start + 1;
    this.literal = start;
    this.offset = 0;
    this.target = target;
    this.targetEnd = targetEnd;
    this.at = writeVarint(target, at, end - start);
  }

  /**
   * Looks for repeated bytes up to a position of the content.
   * @returns false: the block needs more room than the target has, and is useless
   */
  work(until: number): boolean {
    const { table, content, view, start, target, targetEnd } = this;
    const searchEnd = Math.min(until, this.end - SEARCH_BYTES);
    let { position, literal, offset, at } = this;
    while (position < searchEnd) {
      const low = view.getInt32(position, true);
      const high = view.getInt32(position + 4, true);
      const slot = (Math.imul(low, HASH_LOW) + Math.imul(high & 0xffff, HASH_HIGH)) >>> (32 - TABLE_BITS);
      const next = (low >>> 8) | (high << 24);
      const nextSlot = (Math.imul(next, HASH_LOW) + Math.imul((high >>> 8) & 0xffff, HASH_HIGH)) >>> (32 - TABLE_BITS);
      let candidate = table[slot];
      const nextCandidate = table[nextSlot];
      table[slot] = position;
      table[nextSlot] = position + 1;
      if (offset > 0 && view.getInt32(position + 1 - offset, true) === next) {
        position++;
        candidate = position - offset;
      } else if (candidate < start || view.getInt32(candidate, true) !== low) {
        if (nextCandidate < start || view.getInt32(nextCandidate, true) !== next) {
          position += 2 + Math.min(STEP_MAX, (position - literal) >> STEP_GROWTH_BITS);
          continue;
        }
        position++;
        candidate = nextCandidate;
      }
      const matchEnd = this.matchEnd(position + COPY_BYTES_MIN, candidate + COPY_BYTES_MIN);
      while (position > literal && candidate > start && content[position - 1] === content[candidate - 1]) {
        position--;
        candidate--;
      }
      const distance = position - candidate;
      if (distance >= MIDDLE_OFFSET_END && distance !== offset && matchEnd - position < FAR_COPY_BYTES_MIN) {
        position = matchEnd - 2;
        continue;
      }
      if (at + (position - literal) + ELEMENT_BYTES_MAX > targetEnd) return false;
      at = writeLiteral(target, at, content, literal, position);
      at = distance === offset ? writeRepeat(target, at, matchEnd - position) : writeCopy(target, at, distance, matchEnd - position);
      offset = distance;
      literal = matchEnd;
      position = matchEnd;
      if (position >= searchEnd) break;
      this.remember(position - 2);
    }
    this.position = position;
    this.literal = literal;
    this.offset = offset;
    this.at = at;
    return true;
  }

  /** Writes what is left, after `work` up to the end. @returns where the block ends in the target; -1: it has no room there */
  finish(): number {
    const { target, content, literal, end, at } = this;
    if (at + (end - literal) + ELEMENT_BYTES_MAX > this.targetEnd) return -1;
    return writeLiteral(target, at, content, literal, end);
  }

  /** First position at which the content differs from the content at `candidate`. */
  private matchEnd(from: number, candidateFrom: number): number {
    const { view, content, end } = this;
    let position = from;
    let candidate = candidateFrom;
    for (const last = end - 4; position <= last; position += 4, candidate += 4) {
      const difference = view.getInt32(position, true) ^ view.getInt32(candidate, true);
      if (difference !== 0) return position + ((31 - Math.clz32(difference & -difference)) >> 3);
    }
    while (position < end && content[position] === content[candidate]) {
      position++;
      candidate++;
    }
    return position;
  }

  private remember(position: number): void {
    const { view } = this;
    const low = view.getInt32(position, true);
    const high = view.getUint16(position + 4, true);
    this.table[(Math.imul(low, HASH_LOW) + Math.imul(high, HASH_HIGH)) >>> (32 - TABLE_BITS)] = position;
  }
}

function writeVarint(target: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80;
  target[at++] = rest;
  return at;
}

/** Literals up to this size are copied byte by byte. */
const SHORT_LITERAL_BYTES = 48;

function writeLiteral(target: Uint8Array, start: number, content: Uint8Array, from: number, to: number): number {
  if (from === to) return start;
  let at = start;
  const size = to - from - 1;
  if (size < 60) target[at++] = size << 2;
  else if (size < 0x100) {
    target[at++] = 60 << 2;
    target[at++] = size;
  } else if (size < 0x1_0000) {
    target[at++] = 61 << 2;
    target[at++] = size & 0xff;
    target[at++] = size >> 8;
  } else {
    target[at++] = 62 << 2;
    target[at++] = size & 0xff;
    target[at++] = (size >> 8) & 0xff;
    target[at++] = size >> 16;
  }
  if (size < SHORT_LITERAL_BYTES) for (let next = from; next < to; next++) target[at++] = content[next];
  else {
    target.set(content.subarray(from, to), at);
    at += to - from;
  }
  return at;
}

/** @param size at least 4 */
function writeCopy(target: Uint8Array, start: number, offset: number, size: number): number {
  let at = start;
  if (size <= SHORT_COPY_BYTES_MAX && offset < SHORT_OFFSET_END) {
    target[at++] = ((offset >> 8) << 5) | ((size - COPY_BYTES_MIN) << 2) | 1;
    target[at++] = offset & 0xff;
    return at;
  }
  // What is longer than the form allows follows as a repeat, which has at least four bytes.
  const first = size <= COPY_BYTES_MAX ? size : Math.min(COPY_BYTES_MAX, size - COPY_BYTES_MIN);
  const far = offset >= MIDDLE_OFFSET_END;
  target[at++] = ((first - 1) << 2) | (far ? 3 : 2);
  target[at++] = offset & 0xff;
  target[at++] = (offset >> 8) & 0xff;
  if (far) {
    target[at++] = (offset >> 16) & 0xff;
    target[at++] = offset >>> 24;
  }
  return size > first ? writeRepeat(target, at, size - first) : at;
}

/** @param size 4 to about 16 MiB, which no block exceeds */
function writeRepeat(target: Uint8Array, start: number, size: number): number {
  let at = start;
  if (size <= 8) {
    target[at++] = ((size - 4) << 2) | 1;
    target[at++] = 0;
  } else if (size < 8 + 0x100) {
    target[at++] = (5 << 2) | 1;
    target[at++] = 0;
    target[at++] = size - 8;
  } else if (size < 260 + 0x1_0000) {
    target[at++] = (6 << 2) | 1;
    target[at++] = 0;
    target[at++] = (size - 260) & 0xff;
    target[at++] = (size - 260) >> 8;
  } else {
    target[at++] = (7 << 2) | 1;
    target[at++] = 0;
    target[at++] = (size - 65_540) & 0xff;
    target[at++] = ((size - 65_540) >> 8) & 0xff;
    target[at++] = (size - 65_540) >> 16;
  }
  return at;
}
