/**
 * The records of one store that are not written yet: encoded one behind the other in a region of the staging arena.
 *
 *   reserve(size) ─▶ address ─ writer.message(address, …) ─▶ added(size)   … more records …   seal(key) ─▶ bytes: one write ─▶ clear
 *   region full ─▶ the records move to a larger one; the largest is full, or none is free ─▶ the caller writes first
 * A store holds a region only from its first record until `clear`. Records of one block only: the caller writes and clears before a new block begins.
 */
import type { HashKey } from "./hash-key.ts";
import type { LengthsChecksum } from "./lengths-checksum.ts";
import { REGION_BYTES, RegionSize, STAGED_RECORD_BYTES_MAX, type StagingArena } from "./staging-arena.ts";

/** `reserve`: write and clear these records, then ask again. */
export const WRITE_FIRST = -1;
/** `reserve`: nothing is staged here and no region is free; other stores must write and clear. */
export const ARENA_FULL = -2;

export class StagedRecords {
  /** Addresses in the memory of the arena's hasher: the first record, and behind the last one. */
  start = 0;
  end = 0;
  private regionEnd = 0;
  private regionSize = RegionSize.Small;
  /** Address behind the last record that has its checksum. */
  private sealedEnd = 0;

  constructor(private readonly arena: StagingArena) {}

  /** Bytes that are staged. */
  get size(): number {
    return this.end - this.start;
  }

  /**
   * Makes room for a record. The records that are staged may move.
   * @param size at most `STAGED_RECORD_BYTES_MAX`
   * @returns the address for the record, `WRITE_FIRST` or `ARENA_FULL`
   */
  reserve(size: number): number {
    if (size <= this.regionEnd - this.end) return this.end;
    return this.moveUp(size);
  }

  /** The record at the reserved address is encoded. */
  added(size: number): void {
    this.end += size;
  }

  private moveUp(recordBytes: number): number {
    const { arena } = this;
    const staged = this.end - this.start;
    if (recordBytes > STAGED_RECORD_BYTES_MAX) throw new RangeError(`a record of ${recordBytes} bytes cannot be staged`);
    for (let size = RegionSize.Small; size <= RegionSize.Large; size++) {
      if (REGION_BYTES[size] < staged + recordBytes) continue;
      const address = arena.lend(size);
      if (address === -1) continue;
      if (this.regionEnd !== 0) {
        arena.hasher.bytes.copyWithin(address, this.start, this.end);
        arena.giveBack(this.start, this.regionSize);
      }
      this.sealedEnd = address + (this.regionEnd === 0 ? 0 : this.sealedEnd - this.start);
      this.start = address;
      this.end = address + staged;
      this.regionEnd = address + REGION_BYTES[size];
      this.regionSize = size;
      return this.end;
    }
    return staged > 0 ? WRITE_FIRST : ARENA_FULL;
  }

  /** Writes the checksums of records that have none yet. @param lengths is continued over them; null: not wanted */
  seal(key: HashKey, lengths: LengthsChecksum | null): void {
    if (this.sealedEnd === this.end) return;
    this.arena.hasher.sealRecords(this.sealedEnd, this.end, key, lengths);
    this.sealedEnd = this.end;
  }

  /** All records; valid until `clear` or `reserve`. */
  get bytes(): Buffer {
    return this.arena.hasher.bytes.subarray(this.start, this.end);
  }

  /** Forgets the records and gives the region back. */
  clear(): void {
    if (this.regionEnd !== 0) this.arena.giveBack(this.start, this.regionSize);
    this.start = 0;
    this.end = 0;
    this.regionEnd = 0;
    this.sealedEnd = 0;
  }
}
