/**
 * One block of Snappy, which S2 includes: content as literals and copies of what came before it.
 *
 *   at each position: the last place where the same four bytes stood (a hash table) ─ same indeed? ─▶ literal up to here, then a copy
 * Greedy, and it steps further the longer nothing repeats, so that what cannot be compressed costs little. Blocks of at most 64 KiB:
 * offsets fit two bytes, the table is small and fresh for each block.
 * Source: Google's Snappy format description.
 */

export const SNAPPY_CONTENT_BYTES_MAX = 64 * 1024;

const TABLE_BITS = 14;
const MULTIPLIER = 0x1e35a7bd;
const COPY_BYTES_MIN = 4;
const COPY_BYTES_MAX = 64;
const COPY_2 = 2;
const LITERAL_SIZE_IN_TAG_MAX = 60;
/** Steps grow by one for so many positions without a repeat. */
const PATIENCE_BITS = 5;

/** @param content at most `SNAPPY_CONTENT_BYTES_MAX`; longer than its block when it holds anything that repeats */
export function encodeSnappyBlock(content: Uint8Array): Buffer {
  const { length } = content;
  const block = Buffer.allocUnsafe(sizeMax(length));
  let at = writeVarint(block, 0, length);
  const table = new Uint16Array(1 << TABLE_BITS);
  const view = new DataView(content.buffer, content.byteOffset, length);
  const last = length - COPY_BYTES_MIN;
  let literal = 0; // what lies between it and the position is not written yet
  let misses = 1 << PATIENCE_BITS;
  let position = 1;
  while (position <= last) {
    const word = view.getUint32(position, true);
    const slot = Math.imul(word, MULTIPLIER) >>> (32 - TABLE_BITS);
    const candidate = table[slot];
    table[slot] = position;
    // An empty slot names position 0, which is as good as any.
    if (candidate >= position || view.getUint32(candidate, true) !== word) {
      position += misses++ >> PATIENCE_BITS;
      continue;
    }
    at = writeLiteral(block, at, content, literal, position);
    let end = position + COPY_BYTES_MIN;
    for (let from = candidate + COPY_BYTES_MIN; end < length && content[end] === content[from]; from++) end++;
    at = writeCopy(block, at, position - candidate, end - position);
    position = end;
    literal = end;
    misses = 1 << PATIENCE_BITS;
  }
  at = writeLiteral(block, at, content, literal, length);
  return block.subarray(0, at);
}

/** Nothing repeats: its size, and one literal with a head of its own for each run between copies, which are shorter than what they stand for. */
function sizeMax(contentBytes: number): number {
  return 32 + contentBytes + Math.ceil(contentBytes / 6);
}

function writeVarint(block: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) block[at++] = (rest & 0x7f) | 0x80;
  block[at++] = rest;
  return at;
}

function writeLiteral(block: Buffer, start: number, content: Uint8Array, from: number, to: number): number {
  if (from === to) return start;
  let at = start;
  const size = to - from - 1;
  if (size < LITERAL_SIZE_IN_TAG_MAX) block[at++] = size << 2;
  else if (size < 0x100) {
    block[at++] = LITERAL_SIZE_IN_TAG_MAX << 2;
    block[at++] = size;
  } else {
    block[at++] = (LITERAL_SIZE_IN_TAG_MAX + 1) << 2;
    block[at++] = size & 0xff;
    block[at++] = size >> 8;
  }
  block.set(content.subarray(from, to), at);
  return at + to - from;
}

/** In pieces of at most 64 bytes, none shorter than a copy may be. */
function writeCopy(block: Buffer, start: number, offset: number, bytes: number): number {
  let at = start;
  let rest = bytes;
  while (rest > 0) {
    const size = rest <= COPY_BYTES_MAX ? rest : rest - COPY_BYTES_MAX < COPY_BYTES_MIN ? rest - COPY_BYTES_MIN : COPY_BYTES_MAX;
    block[at++] = ((size - 1) << 2) | COPY_2;
    block[at++] = offset & 0xff;
    block[at++] = offset >> 8;
    rest -= size;
  }
  return at;
}
