/**
 * What `index.db` remembers of a store, as plain values: the store fills it to write the file, and gets it back to start without reading its blocks.
 *
 *   SavedState: totals, first and last sequence and time ─┬─ blocks: BlockState 1, 2, … the last one is the active block
 *                                                         ├─ subjects: walked, never all as objects (a million of them)
 *                                                         └─ hash of the last record of the last block: whether the file is current
 */
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";

export const HASH_BYTES = 8;

export class BlockState {
  /** Number of the block's file. */
  index = 0;
  /** Bytes of the records that are not deleted. */
  bytes = 0;
  /** An empty block: the last sequence plus 1. */
  firstSequence = 0;
  readonly firstTime = new Nanoseconds();
  lastSequence = 0;
  readonly lastTime = new Nanoseconds();
  /** Sequences between first and last without a message. */
  deleted = 0;
  /** These sequences as an encoded sequence set; empty if there are none. When read: a view of the file's bytes. */
  deletedSet: Uint8Array = new Uint8Array(0);
  /** Messages with a Nats-TTL header, and with a Nats-Schedule header. Too high is harmless. */
  ttls = 0;
  schedules = 0;

  get messages(): number {
    return Math.max(0, this.lastSequence - this.firstSequence + 1 - this.deleted);
  }
}

export class SavedState {
  messages = 0;
  bytes = 0;
  firstSequence = 0;
  /** Both halves 0: there is no message. */
  readonly firstTime = new Nanoseconds();
  lastSequence = 0;
  readonly lastTime = new Nanoseconds();
  /** In the order of their numbers. When read: without those that are empty, except the last one. */
  blocks: BlockState[] = [];
  /** The checksum of the last record in the last block; zeros: the block is empty. */
  lastHash: Uint8Array = new Uint8Array(HASH_BYTES);
}

/** A walk over the subjects that have messages. The fields describe the current one. */
export interface SubjectWalk {
  readonly count: number;
  /** Moves to the first, then to the next one. False: there is none. */
  next(): boolean;
  /** Bytes of the subject, from `start` to `end`; borrowed until the next call. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Messages of the subject, exact. */
  readonly total: number;
  /** Not above the block of its first message. */
  readonly firstBlock: number;
  /** Not below the block of its last message. */
  readonly lastBlock: number;
}

/** Takes the subjects of a file that is read. What it got is void unless the file turns out to be current or outdated. */
export interface SubjectVisitor {
  /** So many subjects follow at most: as many as the file says, within what its bytes have room for. */
  onSubjects(count: number): void;
  /** @param bytes borrowed for the call */
  onSubject(bytes: Uint8Array, start: number, end: number, total: number, firstBlock: number, lastBlock: number): void;
}
