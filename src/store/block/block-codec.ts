/**
 * How records lie in the file of a block: compressed or not, encrypted or not.
 *
 *   decode   file ─ decrypt in place ─▶ compressed? expand ─▶ records
 *   encode   records ─ compress ─▶ encrypt ─▶ file                         a whole block, in memory that is used again
 *   write    records ─ copy, encrypt ─▶ part of a file                     the block that is being written; never compressed
 * One per server, with one kernel of S2. Decoding and encoding pause often; bytes that they got must not change meanwhile.
 * Everything that is read is untrusted. What a compressed file states to hold is bounded before memory is taken.
 * Source: reference, formats §10.4, §10.5.
 */
import { S2Codec } from "../../base/compression/s2-codec.ts";
import type { Sliced } from "../../base/scheduling/sliced.ts";
import { compressBlock, compressedBytesMax, looksCompressed, recordsOf } from "./compressed-block.ts";
import { applyInSlices, type BlockCipher } from "./encryption.ts";
import type { HashKey } from "./hash-key.ts";
import { CHECKSUM_BYTES, RecordFault } from "./record-format.ts";
import type { RecordHasher } from "./record-hasher.ts";
import { RecordView } from "./record-view.ts";

/** Most bytes of the records of a block: one record of 32 MiB, and what may stand before and behind it. */
export const BLOCK_BYTES_MAX = 48 * 1024 * 1024;
/** Bytes that are encrypted and written at a time. */
const PIECE_BYTES = 256 * 1024;
/** Memory for encoded blocks that is kept: enough for a block of 8 MiB. */
const KEPT_BYTES_MAX = 9 * 1024 * 1024;

export interface DecodedBlock {
  readonly records: Buffer;
  readonly compressed: boolean;
}

/** The content of a file, in the first `size` bytes. Give it back when it was written. */
export interface EncodedBlock {
  readonly bytes: Buffer;
  readonly size: number;
}

/** Where `write` puts bytes. */
export interface BlockTarget {
  write(position: number, source: Uint8Array, start: number, end: number): void;
}

export class BlockCodec {
  /** Made when the first compressed block is met, and so is the memory for pieces. */
  private s2: S2Codec | null = null;
  private piece: Buffer | null = null;
  private kept: Buffer | null = null;
  private readonly record = new RecordView();

  constructor(private readonly hasher: RecordHasher) {}

  /**
   * @param file owned from now on: it is decrypted in place, and is the result if it is not compressed
   * @param cipher null: the file is not encrypted
   * @param key of the block's checksums
   * @throws CompressedBlockError when a compressed file is damaged, or the key is wrong
   */
  *decode(file: Buffer, cipher: BlockCipher | null, key: HashKey): Sliced<DecodedBlock> {
    if (cipher !== null) yield* this.decrypt(file, cipher, key);
    if (!looksCompressed(file)) return { records: file, compressed: false };
    const records = yield* recordsOf(this.s2Codec, file, BLOCK_BYTES_MAX, bytes => this.startsWithRecord(bytes, key));
    return records === file ? { records: file, compressed: false } : { records: Buffer.from(records.buffer), compressed: true };
  }

  /** @param records whole records up to `size`, at least one; borrowed until the end */
  *encode(records: Uint8Array, size: number, compressed: boolean, cipher: BlockCipher | null): Sliced<EncodedBlock> {
    const bytes = this.take(compressed ? compressedBytesMax(size) : size);
    let encoded = size;
    if (compressed) encoded = yield* compressBlock(this.s2Codec, records, size, bytes);
    else bytes.set(records.subarray(0, size));
    if (cipher !== null) yield* applyInSlices(cipher, bytes, 0, encoded, 0);
    return { bytes, size: encoded };
  }

  /** The content of an encoded block is not needed any more. */
  release({ bytes }: EncodedBlock): void {
    if (bytes.length <= KEPT_BYTES_MAX && (this.kept === null || this.kept.length < bytes.length)) this.kept = bytes;
  }

  /** Writes a part of a block. @param source stays as it is @throws the system's error; a first part may have been written */
  write(target: BlockTarget, position: number, source: Uint8Array, start: number, end: number, cipher: BlockCipher | null): void {
    if (cipher === null) return target.write(position, source, start, end);
    this.piece ??= Buffer.allocUnsafeSlow(PIECE_BYTES);
    for (let at = start; at < end; at += PIECE_BYTES) {
      const size = Math.min(PIECE_BYTES, end - at);
      this.piece.set(source.subarray(at, at + size));
      cipher.apply(this.piece, 0, size, position + at - start);
      target.write(position + at - start, this.piece, 0, size);
    }
  }

  /** Whether bytes begin with a record whose checksum is right. */
  startsWithRecord(bytes: Uint8Array, key: HashKey): boolean {
    const { record } = this;
    if (record.read(bytes, 0, bytes.length) !== RecordFault.None) return false;
    return this.hasher.verifyRecords(bytes, 0, record.end, key, null) === record.end;
  }

  /** Zeros that were written in advance are not encrypted: they stay zeros behind the last record. */
  private *decrypt(file: Buffer, cipher: BlockCipher, key: HashKey): Sliced<void> {
    const zerosFrom = startOfZeros(file);
    yield* applyInSlices(cipher, file, 0, file.length, 0);
    if (file.length - zerosFrom < CHECKSUM_BYTES) return;
    const end = this.hasher.verifyRecords(file, 0, file.length, key, null);
    if (end >= zerosFrom) file.fill(0, end);
  }

  private get s2Codec(): S2Codec {
    this.s2 ??= new S2Codec();
    return this.s2;
  }

  private take(size: number): Buffer {
    const { kept } = this;
    if (kept === null || kept.length < size) return Buffer.allocUnsafeSlow(size);
    this.kept = null;
    return kept;
  }
}

/** Offset of the zeros at the end of the bytes. */
function startOfZeros(bytes: Uint8Array): number {
  let at = bytes.length;
  while (at > 0 && bytes[at - 1] === 0) at--;
  return at;
}
