/**
 * Encodes one Snappy block (a subset of S2): literals, and copies of earlier content.
 *
 *   at each position: last position with the same hash of four bytes ─ really equal? ─▶ literal up to here, then a copy
 * Greedy; steps grow while nothing repeats, so incompressible content costs little. Blocks have at most 64 KiB, so
 * offsets fit in two bytes; the table is small and new for each block.
 * Source: Google's Snappy format description.
 */

export const SNAPPY_CONTENT_BYTES_MAX = 64 * 1024;

const TABLE_BITS = 14;
const MULTIPLIER = 0x1e35a7bd;
const COPY_BYTES_MIN = 4;
const COPY_BYTES_MAX = 64;
const COPY_2 = 2;
const LITERAL_SIZE_IN_TAG_MAX = 60;
/** Binary logarithm of the number of positions without a repeat after which steps grow by one. */
const STEP_GROWTH_BITS = 5;

/** @param content at most `SNAPPY_CONTENT_BYTES_MAX` bytes */
export function encodeSnappyBlock(content: Uint8Array): Buffer {
  const { length } = content;
  const block = Buffer.allocUnsafe(sizeMax(length));
  let at = writeVarint(block, 0, length);
  const table = new Uint16Array(1 << TABLE_BITS);
  const view = new DataView(content.buffer, content.byteOffset, length);
  const last = length - COPY_BYTES_MIN;
  let literal = 0; // start of the bytes that are not written yet
  let misses = 1 << STEP_GROWTH_BITS;
  let position = 1;
  while (position <= last) {
    const word = view.getUint32(position, true);
    const slot = Math.imul(word, MULTIPLIER) >>> (32 - TABLE_BITS);
    const candidate = table[slot];
    table[slot] = position;
    // An empty slot means position 0, which is a valid candidate.
    if (candidate >= position || view.getUint32(candidate, true) !== word) {
      position += misses++ >> STEP_GROWTH_BITS;
      continue;
    }
    at = writeLiteral(block, at, content, literal, position);
    let end = position + COPY_BYTES_MIN;
    for (let from = candidate + COPY_BYTES_MIN; end < length && content[end] === content[from]; from++) end++;
    at = writeCopy(block, at, position - candidate, end - position);
    position = end;
    literal = end;
    misses = 1 << STEP_GROWTH_BITS;
  }
  at = writeLiteral(block, at, content, literal, length);
  return block.subarray(0, at);
}

/** Largest size of a block: the content without any repeat, plus the heads of its literals. */
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

/** Writes a copy in pieces of at most 64 bytes, none below the minimum of a copy. */
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
