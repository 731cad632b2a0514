/**
 * Encodes the state of a store as the body of `index.db`, version 4, in pieces.
 *
 *   11 4 | messages bytes first_seq first_ts last_seq last_ts | n, subjects | n, blocks | index of the last block, its last hash
 * Numbers are variable length integers of Go's encoding/binary. Pieces of 64 KiB go to `emit`, with a pause after every few hundred subjects or
 * blocks, so that a million subjects hold up nobody. Encoding a million subjects of 32 bytes takes about 0.1 s in all (bench/micro/disk.ts).
 */

import type { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import { type BlockState, HASH_BYTES, type SavedState, type SubjectWalk } from "./saved-state.ts";

export const STATE_MAGIC = 11;
export const STATE_VERSION = 4;

const CHUNK_BYTES = 64 * 1024;
/** The longest piece that is written without looking at the room: the numbers of one subject or block. */
const NUMBERS_BYTES_MAX = 9 * 10;

/** @param emit takes the next bytes of the body; borrowed for the call */
export function* encodeState(
  state: SavedState,
  subjects: SubjectWalk,
  emit: (bytes: Uint8Array, start: number, end: number) => void,
): Sliced<void> {
  const body = new BodyWriter(emit);
  const pace = new Pace();
  const base = state.firstTime.toBigInt();
  body.byte(STATE_MAGIC);
  body.byte(STATE_VERSION);
  body.number(state.messages);
  body.number(state.bytes);
  body.number(state.firstSequence);
  body.signed(base);
  body.number(state.lastSequence);
  body.signed(state.lastTime.toBigInt());
  body.number(subjects.count);
  while (subjects.next()) {
    body.number(subjects.end - subjects.start);
    body.bytes(subjects.bytes, subjects.start, subjects.end);
    body.number(subjects.total);
    body.number(subjects.firstBlock);
    body.number(subjects.lastBlock);
    if (pace.due()) yield PAUSE;
  }
  body.number(state.blocks.length);
  for (const block of state.blocks) {
    writeBlock(body, block, base);
    if (pace.due()) yield PAUSE;
  }
  body.number(state.blocks.at(-1)?.index ?? 0);
  body.bytes(state.lastHash, 0, HASH_BYTES);
  body.flush();
}

function writeBlock(body: BodyWriter, block: BlockState, base: bigint): void {
  const since = (time: Nanoseconds) => body.signed(time.toBigInt() - base);
  body.number(block.index);
  body.number(block.bytes);
  body.number(block.firstSequence);
  since(block.firstTime);
  body.number(block.lastSequence);
  since(block.lastTime);
  body.number(block.deleted);
  body.number(block.ttls);
  body.number(block.schedules);
  if (block.deleted > 0) body.bytes(block.deletedSet, 0, block.deletedSet.length);
}

class BodyWriter {
  private readonly chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  private at = 0;

  constructor(private readonly emit: (bytes: Uint8Array, start: number, end: number) => void) {}

  byte(value: number): void {
    this.makeRoom();
    this.chunk[this.at++] = value;
  }

  /** @param value a safe integer, not negative */
  number(value: number): void {
    this.makeRoom();
    const { chunk } = this;
    let rest = value;
    while (rest >= 0x8000_0000) {
      chunk[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest >= 0x80) {
      chunk[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    chunk[this.at++] = rest;
  }

  /** @param value 64 bits; what does not fit wraps around, and does so back when it is read */
  signed(value: bigint): void {
    this.makeRoom();
    const wrapped = BigInt.asIntN(64, value);
    let rest = BigInt.asUintN(64, (wrapped << 1n) ^ (wrapped >> 63n));
    while (rest >= 0x80n) {
      this.chunk[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.chunk[this.at++] = Number(rest);
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (this.at + size > CHUNK_BYTES) this.flush();
    if (size > CHUNK_BYTES) return this.emit(source, start, end);
    for (let index = 0; index < size; index++) this.chunk[this.at + index] = source[start + index];
    this.at += size;
  }

  flush(): void {
    if (this.at > 0) this.emit(this.chunk, 0, this.at);
    this.at = 0;
  }

  private makeRoom(): void {
    if (this.at + NUMBERS_BYTES_MAX > CHUNK_BYTES) this.flush();
  }
}
