/**
 * A compressed block as it lies in its file, before encryption.
 *
 *   records │ r r r r r r … r │ last 8 bytes: checksum of the last record
 *           └──── S2 stream ──┘          │
 *   file    "cmp" 01 · size (varint) · S2 stream · the 8 bytes
 * So the checksum of the last record stands at the end of every block file, compressed or not. The size is that of all the records. It is written
 * and not believed: the stream's own checksums decide.
 *
 * An uncompressed block begins with the length of its first record. The length 24,145,251 has the bytes "cmp" 01 too; such a block is recognised
 * because it is no stream, and begins with a good record.
 * Source: reference, formats §10.4.
 */
import { BinaryReader } from "../../base/bytes/binary-reader.ts";
import { type S2Codec, S2Error } from "../../base/compression/s2-codec.ts";
import { decodeS2StreamInto, encodeS2StreamInto, s2ContentBytes, s2StreamBytesMax } from "../../base/compression/s2-stream.ts";
import type { Sliced } from "../../base/scheduling/sliced.ts";

const MARK = Buffer.from("cmp\x01");
/** Shortest file that is looked at as a compressed block. */
const HEAD_BYTES_MIN = 5;
const VARINT_BYTES_MAX = 10;
const CHECKSUM_BYTES = 8;
/** Length of the record that looks like the mark. */
const MARK_AS_LENGTH = 24_145_251;

/** A file that begins like a compressed block, but is damaged. `message` says what is wrong. */
export class CompressedBlockError extends Error {
  override name = "CompressedBlockError";
}

/** Whether a file begins like a compressed block. Only `recordsOf` is sure. */
export function looksCompressed(file: Uint8Array): boolean {
  return file.length >= HEAD_BYTES_MIN && MARK.every((byte, at) => file[at] === byte);
}

/** Bytes of the records of a compressed block, as the head of its file states; null: it does not begin like one. */
export function statedBlockBytes(head: Uint8Array): number | null {
  if (!looksCompressed(head)) return null;
  const reader = new BinaryReader(head, MARK.length);
  const size = reader.uvarint();
  return reader.damaged ? null : size;
}

/** Bytes that the file of these records has at most. */
export function compressedBytesMax(recordsBytes: number): number {
  return MARK.length + VARINT_BYTES_MAX + s2StreamBytesMax(recordsBytes) + CHECKSUM_BYTES;
}

/**
 * Writes the content of the file to the beginning of `target`.
 * @param records whole records up to `size`, at least one; borrowed, unchanged until the end
 * @param target room for `compressedBytesMax(size)` bytes
 * @returns size of the file; a little more than `size` if nothing repeats in the records
 */
export function* compressBlock(codec: S2Codec, records: Uint8Array, size: number, target: Uint8Array): Sliced<number> {
  const bodyEnd = size - CHECKSUM_BYTES;
  if (bodyEnd < 0) throw new CompressedBlockError("a block without a record cannot be compressed");
  target.set(MARK);
  const streamAt = writeVarint(target, MARK.length, size);
  const streamEnd = yield* encodeS2StreamInto(codec, records, 0, bodyEnd, target, streamAt);
  target.set(records.subarray(bodyEnd, size), streamEnd);
  return streamEnd + CHECKSUM_BYTES;
}

/**
 * The records of a file that was decrypted.
 * @param file borrowed, unchanged until the end
 * @param recordsBytesMax a block that states more is refused before memory is taken for it
 * @param startsWithRecord whether bytes begin with a record whose checksum is right; asked for one length only
 * @returns `file` itself when it is not compressed, otherwise memory of its own
 * @throws CompressedBlockError
 */
export function* recordsOf(
  codec: S2Codec,
  file: Uint8Array,
  recordsBytesMax: number,
  startsWithRecord: (file: Uint8Array) => boolean,
): Sliced<Uint8Array> {
  if (!looksCompressed(file)) return file;
  try {
    return yield* expand(codec, file, recordsBytesMax);
  } catch (error) {
    if (!(error instanceof S2Error)) throw error;
    if (file.length >= MARK_AS_LENGTH && startsWithRecord(file)) return file;
    throw new CompressedBlockError(error.message);
  }
}

function* expand(codec: S2Codec, file: Uint8Array, recordsBytesMax: number): Sliced<Uint8Array> {
  const streamAt = varintEnd(file, MARK.length);
  const streamEnd = file.length - CHECKSUM_BYTES;
  if (streamEnd < streamAt) throw new S2Error("the block ends before its checksum");
  const stream = file.subarray(streamAt, streamEnd);
  const bodyBytes = s2ContentBytes(stream, recordsBytesMax - CHECKSUM_BYTES);
  const records = new Uint8Array(bodyBytes + CHECKSUM_BYTES);
  yield* decodeS2StreamInto(codec, stream, records, 0);
  records.set(file.subarray(streamEnd), bodyBytes);
  return records;
}

function varintEnd(file: Uint8Array, start: number): number {
  for (let at = start; at < file.length && at < start + VARINT_BYTES_MAX; at++) if (file[at] < 0x80) return at + 1;
  throw new S2Error("the block ends before its size");
}

function writeVarint(target: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target[at++] = (rest % 0x80) | 0x80;
  target[at++] = rest;
  return at;
}
