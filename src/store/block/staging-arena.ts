/**
 * Memory in which the records of a turn are encoded before they are written: regions of the hash kernel's memory, lent to stores.
 *
 *   staging space   | chunk, 1 MiB | chunk | chunk …                    a whole chunk is a large region
 *                     └─ 16 pieces of 64 KiB: medium regions
 *                          └─ 16 parts of 4 KiB: small regions
 * A store begins small and moves up when its region is full (staged-records.ts), so a thousand stores with one message each fit as well as one store
 * with a thousand messages. Parts are taken from what is split already; when the last part of a piece or chunk comes back, it is whole again.
 * The space is bounded: when it is used up, the caller writes what is staged and gives regions back. The memory never moves and never grows.
 */
import { assert } from "../../base/assert/assert.ts";
import type { RecordHasher } from "./record-hasher.ts";
import { RecordWriter } from "./record-writer.ts";

export enum RegionSize {
  Small = 0,
  Medium,
  Large,
}

export const REGION_BYTES: Record<RegionSize, number> = {
  [RegionSize.Small]: 4 * 1024,
  [RegionSize.Medium]: 64 * 1024,
  [RegionSize.Large]: 1024 * 1024,
};
/** A larger record is not staged, see large-record.ts. */
export const STAGED_RECORD_BYTES_MAX = REGION_BYTES[RegionSize.Large];

const PARTS = 16;
const PARTS_SHIFT = 4;
const ALL_FREE = 0xffff;

/** What a server's `RecordHasher` gets as its staging space. @param chunks number of large regions */
export const stagingBytes = (chunks: number): number => chunks * REGION_BYTES[RegionSize.Large];

export class StagingArena {
  readonly writer: RecordWriter;
  /** Bytes of all regions that are lent. */
  lentBytes = 0;
  private readonly start: number;
  /** Per chunk, a bit for each free piece. */
  private readonly freePieces: Uint16Array;
  /** Per piece, a bit for each free part. 0: no part is free, or the piece is not split. */
  private readonly freeParts: Uint16Array;
  /** Number of split pieces with a free part. */
  private roomyPieces = 0;
  /** The piece from which the last part was taken or to which it was given back. */
  private lastPiece = 0;

  /** @param hasher its staging space is a whole number of chunks */
  constructor(readonly hasher: RecordHasher) {
    this.start = hasher.stagingStart;
    const chunks = (hasher.stagingEnd - hasher.stagingStart) / REGION_BYTES[RegionSize.Large];
    assert(Number.isInteger(chunks) && chunks > 0, "the staging space is a whole number of chunks", chunks);
    this.freePieces = new Uint16Array(chunks).fill(ALL_FREE);
    this.freeParts = new Uint16Array(chunks * PARTS);
    this.writer = new RecordWriter(hasher.bytes, hasher.view);
  }

  /** @returns the address of a region in the hasher's memory; -1: none of this size is free */
  lend(size: RegionSize): number {
    const index = size === RegionSize.Small ? this.takePart() : size === RegionSize.Medium ? this.takePiece() : this.takeChunk();
    if (index === -1) return -1;
    this.lentBytes += REGION_BYTES[size];
    return this.start + index * REGION_BYTES[size];
  }

  /** @param address, size as it was lent */
  giveBack(address: number, size: RegionSize): void {
    const index = (address - this.start) / REGION_BYTES[size];
    this.lentBytes -= REGION_BYTES[size];
    assert(this.lentBytes >= 0 && Number.isInteger(index), "a region comes back as it was lent", address, size);
    if (size === RegionSize.Small) this.returnPart(index);
    else if (size === RegionSize.Medium) this.returnPiece(index);
    else this.freePieces[index] = ALL_FREE;
  }

  private takeChunk(): number {
    const chunk = this.freePieces.indexOf(ALL_FREE);
    if (chunk !== -1) this.freePieces[chunk] = 0;
    return chunk;
  }

  private takePiece(): number {
    const { freePieces } = this;
    let chunk = freePieces.findIndex(free => free !== 0 && free !== ALL_FREE);
    if (chunk === -1) chunk = freePieces.indexOf(ALL_FREE);
    if (chunk === -1) return -1;
    const free = freePieces[chunk];
    freePieces[chunk] = free & (free - 1);
    return (chunk << PARTS_SHIFT) + lowestBit(free);
  }

  private returnPiece(piece: number): void {
    this.freePieces[piece >> PARTS_SHIFT] |= 1 << (piece & (PARTS - 1));
  }

  private takePart(): number {
    const { freeParts } = this;
    let piece = this.lastPiece;
    if (freeParts[piece] === 0) {
      piece = this.roomyPieces > 0 ? this.roomyPiece() : this.takePiece();
      if (piece === -1) return -1;
      if (freeParts[piece] === 0) {
        freeParts[piece] = ALL_FREE;
        this.roomyPieces++;
      }
      this.lastPiece = piece;
    }
    const free = freeParts[piece];
    freeParts[piece] = free & (free - 1);
    if (freeParts[piece] === 0) this.roomyPieces--;
    return (piece << PARTS_SHIFT) + lowestBit(free);
  }

  private returnPart(part: number): void {
    const piece = part >> PARTS_SHIFT;
    const before = this.freeParts[piece];
    const free = before | (1 << (part & (PARTS - 1)));
    this.lastPiece = piece;
    if (before === 0) this.roomyPieces++;
    this.freeParts[piece] = free;
    if (free !== ALL_FREE) return;
    this.freeParts[piece] = 0;
    this.roomyPieces--;
    this.returnPiece(piece);
  }

  /** A split piece with a free part. There is one. */
  private roomyPiece(): number {
    const { freeParts } = this;
    let piece = 0;
    while (freeParts[piece] === 0) piece++;
    return piece;
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
