/**
 * A walk over all records of a block, for recovery and for loading: verifies, reports each record as offsets, stops at the first fault, and can go on
 * behind damage.
 *
 *   step ─▶ verifyRecords over a share of the block ─▶ RecordView of each good record ─▶ visitor.onRecord
 *   fault?  the caller decides: the end of the block, a torn tail, or damage ─▶ skipDamage ─▶ step …
 * Sequences rise within a block, tombstones excepted. A record whose sequence does not rise is not reported (nats-server ignores it likewise); neither
 * is one with sequence 0. `ignored` counts them.
 *
 * Behind damage: when the length of the bad record is right, a good record follows it. Otherwise all offsets are tried; a record is accepted only if it
 * begins a run of good records up to the end. A payload may hold bytes that look like a record with a right checksum, since the keys are no secret,
 * but the run from there breaks at the real checksum of the message around it.
 */
import type { HashKey } from "./hash-key.ts";
import { LengthsChecksum } from "./lengths-checksum.ts";
import { RECORD_BYTES_MIN, RecordFault, RecordKind } from "./record-format.ts";
import type { RecordHasher } from "./record-hasher.ts";
import { RecordView } from "./record-view.ts";

export interface RecordVisitor {
  /** One good record, in the order of the block. @param record reused for the next one; must not be changed */
  onRecord(record: RecordView): void;
}

/** Zeros are compared in pieces of this size. */
const ZEROS_BYTES = 64 * 1024;
/** A sequence has 53 bits, and two more at the top. */
const SEQUENCE_BYTE_6_MAX = 0x1f;
const SEQUENCE_BYTE_7_BITS = 0x3f;

export class RecordScan {
  /** Offset of the next record; after a fault, of the bad one. */
  position: number;
  /** Offset where the records end. May be raised, for a part of the block that counts differently. */
  end: number;
  /** Of the last record that is no tombstone; 0: none yet. */
  lastSequence = 0;
  /** Records that were not reported. */
  ignored = 0;
  /** Why the walk has stopped at `position`; None: it has not, or it is at the end. */
  fault = RecordFault.None;
  /** Checksum of the length words of the good records. Set it before the first step if the walk does not begin with the block. */
  readonly lengths = new LengthsChecksum();
  private readonly lengthsBefore = new LengthsChecksum();
  private readonly record = new RecordView();

  /**
   * @param bytes the block, decrypted and decompressed; borrowed
   * @param start offset of the first record
   */
  constructor(
    private readonly hasher: RecordHasher,
    private readonly key: HashKey,
    private readonly bytes: Uint8Array,
    start: number,
    end: number,
    private readonly visitor: RecordVisitor,
  ) {
    this.position = start;
    this.end = end;
  }

  /**
   * Walks about `share` bytes, at least one record. A MiB of small records takes about 0.5 ms without the visitor.
   * @returns true: there is more. False: the walk is at the end, or stopped by a fault.
   */
  step(share: number): boolean {
    this.fault = RecordFault.None;
    const { hasher, bytes, key, end, lengths, position } = this;
    if (position >= end) return false;
    this.lengthsBefore.copy(lengths);
    let limit = Math.min(end, position + share);
    let stop = hasher.verifyRecords(bytes, position, limit, key, lengths);
    while (stop === position && hasher.fault === RecordFault.Cut && limit < end) {
      limit = Math.min(end, position + 2 * (limit - position)); // the record is larger than the share
      stop = hasher.verifyRecords(bytes, position, limit, key, lengths);
    }
    const { fault } = hasher;
    if (!this.report(stop)) {
      // The checksum of length words went on over records that are not reported.
      lengths.copy(this.lengthsBefore);
      hasher.verifyRecords(bytes, position, this.position, key, lengths);
      return false;
    }
    // A record across the end of the share comes first in the next one.
    if (fault !== RecordFault.Cut || limit === end) this.fault = fault;
    return this.fault === RecordFault.None && this.position < end;
  }

  /** Reports the good records up to `stop`. @returns false: one cannot be read, and `position` and `fault` say so */
  private report(stop: number): boolean {
    const { bytes, record, visitor } = this;
    while (this.position < stop) {
      this.fault = record.read(bytes, this.position, stop);
      if (this.fault !== RecordFault.None) return false;
      this.position = record.end;
      if (record.sequence === 0 || (record.kind !== RecordKind.Tombstone && record.sequence <= this.lastSequence)) {
        this.ignored++;
        continue;
      }
      if (record.kind !== RecordKind.Tombstone) this.lastSequence = record.sequence;
      visitor.onRecord(record);
    }
    return true;
  }

  /** Whether there are only zeros from `position` on: preallocated space. */
  get endsInZeros(): boolean {
    const zeros = Buffer.alloc(Math.min(ZEROS_BYTES, this.end - this.position));
    for (let at = this.position; at < this.end; at += zeros.length) {
      const size = Math.min(zeros.length, this.end - at);
      if (zeros.compare(this.bytes, at, at + size, 0, size) !== 0) return false;
    }
    return true;
  }

  /**
   * Moves behind the damage at `position`, at which the walk has stopped.
   * @param sequenceMax no record can have a larger sequence
   * @returns true: the walk goes on at the new `position`, or it is at the end. False: no good record was found, and nothing has changed.
   */
  skipDamage(sequenceMax: number): boolean {
    const next = this.findBehindDamage(sequenceMax);
    if (next === -1) return false;
    this.position = next;
    this.fault = RecordFault.None;
    return true;
  }

  private findBehindDamage(sequenceMax: number): number {
    const { bytes, end, hasher, key, record } = this;
    const read = record.read(bytes, this.position, end);
    if (read === RecordFault.None || read === RecordFault.BadSequence) {
      const next = record.end;
      if (next === end || this.isGood(next, sequenceMax)) return next;
    }
    for (let at = this.position + 1; at <= end - RECORD_BYTES_MIN; at++) {
      // The upper bytes of a sequence are zero but for the two bits.
      if (bytes[at + 10] > SEQUENCE_BYTE_6_MAX || (bytes[at + 11] & SEQUENCE_BYTE_7_BITS) !== 0) continue;
      if (!this.isGood(at, sequenceMax)) continue;
      const stop = hasher.verifyRecords(bytes, at, end, key, null);
      if (stop === end) return at;
      at = stop - 1; // no run that begins in between goes further
    }
    return -1;
  }

  private isGood(at: number, sequenceMax: number): boolean {
    const { bytes, hasher, key, record } = this;
    if (record.read(bytes, at, this.end) !== RecordFault.None || record.sequence > sequenceMax) return false;
    if (record.kind !== RecordKind.Tombstone && record.sequence <= this.lastSequence) return false;
    return hasher.verifyRecords(bytes, at, record.end, key, null) === record.end;
  }
}
