/**
 * The content of a block in memory: its decoded bytes, and for each sequence where its record begins and which subject it has.
 *
 *   slot = sequence - base      offsets[slot] ─▶ record in `bytes`; `NO_RECORD`: a gap, or deleted       subjects[slot] ─▶ id in the subject table
 * Searching for a subject is a native scan over `subjects`. The active block's data grows with each write; that of other blocks is read from their
 * files. It may be dropped at any time between two calls of the store.
 */
import { NO_SUBJECT } from "../subjects/subject-table.ts";

export const NO_RECORD = 0xffff_ffff;
const SLOTS_MIN = 64;
const BYTES_MIN = 4 * 1024;

export class BlockData {
  /** Sequence of slot 0. */
  base: number;
  bytes: Buffer;
  /** Bytes that are filled. */
  size: number;
  /** Slots that are filled. */
  slots = 0;
  offsets: Uint32Array;
  subjects: Int32Array;
  /** When it was used last: a number of the block cache. */
  used = 0;
  /** Somebody has looked at it, and may still hold views of its bytes. */
  isRead = false;
  /** It was read for somebody who has not used it yet. */
  isAwaited = false;

  /** @param bytes owned from now on */
  constructor(base: number, bytes: Buffer, size: number, slots = SLOTS_MIN) {
    this.base = base;
    this.bytes = bytes;
    this.size = size;
    this.offsets = new Uint32Array(Math.max(slots, SLOTS_MIN));
    this.subjects = new Int32Array(this.offsets.length);
  }

  static empty(base: number): BlockData {
    return new BlockData(base, Buffer.allocUnsafeSlow(BYTES_MIN), 0);
  }

  /** Becomes the content of a new block, empty. Nobody may have read it. */
  reuse(base: number): void {
    this.base = base;
    this.size = 0;
    this.slots = 0;
  }

  /** Memory that it takes, bytes. */
  get memory(): number {
    return this.bytes.length + this.offsets.length * 8;
  }

  /** Adds the slot of a sequence; those that were skipped become gaps. */
  addSlot(sequence: number, offset: number, subject: number): void {
    const slot = sequence - this.base;
    if (slot >= this.offsets.length) this.growSlots(slot + 1);
    for (let gap = this.slots; gap < slot; gap++) {
      this.offsets[gap] = NO_RECORD;
      this.subjects[gap] = NO_SUBJECT;
    }
    this.offsets[slot] = offset;
    this.subjects[slot] = subject;
    this.slots = slot + 1;
  }

  /** All messages are gone: the next one gets slot 0. */
  restart(base: number): void {
    this.base = base;
    this.slots = 0;
  }

  /** Offset of the record; `NO_RECORD`: there is none. */
  offsetOf(sequence: number): number {
    const slot = sequence - this.base;
    return slot >= 0 && slot < this.slots ? this.offsets[slot] : NO_RECORD;
  }

  subjectOf(sequence: number): number {
    return this.subjects[sequence - this.base];
  }

  /** The message is deleted. */
  clearSlot(sequence: number): void {
    const slot = sequence - this.base;
    if (slot < 0 || slot >= this.slots) return;
    this.offsets[slot] = NO_RECORD;
    this.subjects[slot] = NO_SUBJECT;
  }

  /** The first sequence from `from` on with a subject; 0: none. */
  nextOf(subject: number, from: number): number {
    const slot = this.subjects.indexOf(subject, Math.max(0, from - this.base));
    return slot === -1 || slot >= this.slots ? 0 : this.base + slot;
  }

  /** The last sequence up to `upTo` with a subject; 0: none. */
  previousOf(subject: number, upTo: number): number {
    const last = Math.min(upTo - this.base, this.slots - 1);
    if (last < 0) return 0;
    const slot = this.subjects.lastIndexOf(subject, last);
    return slot === -1 ? 0 : this.base + slot;
  }

  /** Adds bytes that were written behind the others. */
  append(source: Uint8Array, start: number, end: number): void {
    const size = this.size + end - start;
    if (size > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(size, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.size);
      this.bytes = grown;
    }
    this.bytes.set(source.subarray(start, end), this.size);
    this.size = size;
  }

  private growSlots(slots: number): void {
    const size = Math.max(slots, this.offsets.length * 2);
    const offsets = new Uint32Array(size);
    const subjects = new Int32Array(size);
    offsets.set(this.offsets.subarray(0, this.slots));
    subjects.set(this.subjects.subarray(0, this.slots));
    this.offsets = offsets;
    this.subjects = subjects;
  }
}
