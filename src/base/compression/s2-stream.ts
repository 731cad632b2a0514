/**
 * S2 streams as framed by github.com/klauspost/compress/s2: compressed blocks of the file store, and the cache of OCSP responses.
 *
 *   stream = identifier · chunk · chunk · …          chunk = kind (1 byte) · size (3 bytes, little endian) · that many bytes
 *     00 compressed     masked CRC-32C of the content (4 bytes) · an S2 block          up to 4 MiB of content
 *     01 plain          masked CRC-32C of the content (4 bytes) · the content          up to 4 MiB
 *     02–7f             unknown and not skippable: refused
 *     80–fe             an index, padding, or unknown: skipped
 *     ff identifier     `S2sTwO`, or `sNaPpY` for the older format, whose blocks S2 includes; may come again
 * There is no end mark; an empty stream may have no bytes at all.
 *
 * Reading and writing are computations in slices of one chunk, because 8 MiB take longer than the event loop may be held up; the plain functions
 * run them to their end.
 */
import { inOneGo, PAUSE, type Sliced } from "../scheduling/sliced.ts";
import { crc32c } from "./crc32c.ts";
import { S2Codec, S2Error, statedSize } from "./s2-codec.ts";
import { encodeSnappyBlock, SNAPPY_CONTENT_BYTES_MAX } from "./snappy-block.ts";

const HEAD_BYTES = 4;
const SUM_BYTES = 4;
const CHUNK_CONTENT_BYTES_MAX = 4 * 1024 * 1024;
/** Content of the chunks that are written, and between two pauses: less than a millisecond. */
const WRITTEN_CONTENT_BYTES = 256 * 1024;
/** A chunk is compressed if it becomes shorter by this part of its size: reading a compressed chunk takes longer. */
const SAVED_BITS_MIN = 5;
const COMPRESSED = 0x00;
const PLAIN = 0x01;
const FIRST_SKIPPABLE = 0x80;
const IDENTIFIER = 0xff;
const S2_NAME = Buffer.from("S2sTwO");
const SNAPPY_NAME = Buffer.from("sNaPpY");

/** @returns an S2 stream with this content; a few bytes longer than it, if nothing repeats */
export function encodeS2Stream(content: Uint8Array, codec = new S2Codec()): Buffer {
  const target = Buffer.allocUnsafe(s2StreamBytesMax(content.length));
  return target.subarray(0, inOneGo(encodeS2StreamInto(codec, content, 0, content.length, target, 0)));
}

/** Bytes that a stream of this content has at most. */
export function s2StreamBytesMax(contentBytes: number): number {
  return HEAD_BYTES + S2_NAME.length + contentBytes + (HEAD_BYTES + SUM_BYTES) * Math.ceil(contentBytes / WRITTEN_CONTENT_BYTES);
}

/**
 * Writes an S2 stream with the content of `content[start, end)`.
 * @param content borrowed, unchanged until the end
 * @param target room for `s2StreamBytesMax` bytes from `at` on
 * @returns end of the stream in the target
 */
export function* encodeS2StreamInto(
  codec: S2Codec,
  content: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): Sliced<number> {
  target[at] = IDENTIFIER;
  writeUint24(target, at + 1, S2_NAME.length);
  target.set(S2_NAME, at + HEAD_BYTES);
  let written = at + HEAD_BYTES + S2_NAME.length;
  for (let first = start; first < end; first += WRITTEN_CONTENT_BYTES) {
    const next = Math.min(end, first + WRITTEN_CONTENT_BYTES);
    const size = next - first;
    const bodyAt = written + HEAD_BYTES + SUM_BYTES;
    const blockBytes = codec.encode(content, first, next, target, bodyAt, size - (size >> SAVED_BITS_MIN));
    if (blockBytes === 0) target.set(content.subarray(first, next), bodyAt);
    const bodyEnd = bodyAt + (blockBytes === 0 ? size : blockBytes);
    target[written] = blockBytes === 0 ? PLAIN : COMPRESSED;
    writeUint24(target, written + 1, bodyEnd - written - HEAD_BYTES);
    writeUint32(target, written + HEAD_BYTES, masked(codec.contentSum()));
    written = bodyEnd;
    yield PAUSE;
  }
  return written;
}

/** @returns a Snappy stream with this content, which S2 readers accept too */
export function encodeSnappyStream(content: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.concat([snappyStart(), encodeSnappyChunks(content)]);
}

/** The beginning of a Snappy stream. */
export function snappyStart(): Buffer {
  return Buffer.concat([chunkHead(IDENTIFIER, SNAPPY_NAME.length), SNAPPY_NAME]);
}

/** A part of a Snappy stream after its beginning. */
export function encodeSnappyChunks(content: Uint8Array): Buffer<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += SNAPPY_CONTENT_BYTES_MAX) {
    const piece = content.subarray(at, at + SNAPPY_CONTENT_BYTES_MAX);
    const block = encodeSnappyBlock(piece);
    const smaller = block.length < piece.length;
    const body = smaller ? block : piece;
    const sum = Buffer.alloc(SUM_BYTES);
    sum.writeUInt32LE(masked(crc32c(piece)));
    parts.push(chunkHead(smaller ? COMPRESSED : PLAIN, SUM_BYTES + body.length), sum, body);
  }
  return Buffer.concat(parts);
}

function chunkHead(kind: number, size: number): Buffer {
  const head = Buffer.from([kind, 0, 0, 0]);
  writeUint24(head, 1, size);
  return head;
}

/**
 * @param contentBytesMax larger content is refused
 * @throws S2Error when it is not a stream, is damaged, or is too large
 */
export function decodeS2Stream(stream: Uint8Array, contentBytesMax: number, codec = new S2Codec()): Buffer {
  const content = Buffer.alloc(s2ContentBytes(stream, contentBytesMax));
  inOneGo(decodeS2StreamInto(codec, stream, content, 0));
  return content;
}

/**
 * Size of a stream's content as its chunks state it. Only the heads are read: whatever a stream states, this is quick.
 * @throws S2Error when the chunks do not form a stream, or state more than `contentBytesMax`
 */
export function s2ContentBytes(stream: Uint8Array, contentBytesMax: number): number {
  let bytes = 0;
  for (const { kind, body } of chunksOf(stream)) bytes += contentBytesOf(kind, body, contentBytesMax - bytes);
  return bytes;
}

/**
 * Writes the content of a stream.
 * @param stream borrowed, unchanged until the end
 * @param target room for `s2ContentBytes` bytes from `start` on
 * @returns end of the content in the target
 * @throws S2Error when it is not a stream, or is damaged; the target then has part of the content
 */
export function* decodeS2StreamInto(codec: S2Codec, stream: Uint8Array, target: Uint8Array, start: number): Sliced<number> {
  let filled = start;
  for (const { kind, body } of chunksOf(stream)) {
    if (kind !== COMPRESSED && kind !== PLAIN) continue;
    const rest = body.subarray(SUM_BYTES);
    const room = target.length - filled;
    const size = kind === COMPRESSED ? codec.decode(rest, target, filled, room) : contentBytesOf(kind, body, room);
    if (kind === PLAIN) target.set(rest, filled);
    const sum = kind === COMPRESSED ? codec.contentSum() : codec.sumOf(rest, 0, size);
    if (masked(sum) !== readUint32(body, 0)) throw new S2Error("a chunk with a wrong checksum");
    filled += size;
    yield PAUSE;
  }
  return filled;
}

interface Chunk {
  readonly kind: number;
  readonly body: Uint8Array;
}

/** The chunks of a stream; one of an unknown kind that cannot be skipped is refused. */
function* chunksOf(stream: Uint8Array): Generator<Chunk, void, void> {
  for (let at = 0; at < stream.length; ) {
    if (stream.length - at < HEAD_BYTES) throw new S2Error("a chunk is cut off");
    const kind = stream[at];
    const size = stream[at + 1] | (stream[at + 2] << 8) | (stream[at + 3] << 16);
    if (at === 0 && kind !== IDENTIFIER) throw new S2Error("the stream does not begin with its identifier");
    at += HEAD_BYTES;
    if (size > stream.length - at) throw new S2Error("a chunk is cut off");
    const body = stream.subarray(at, at + size);
    at += size;
    if (kind === IDENTIFIER) {
      if (!S2_NAME.equals(body) && !SNAPPY_NAME.equals(body)) throw new S2Error("an identifier of another format");
    } else if (kind > PLAIN && kind < FIRST_SKIPPABLE) throw new S2Error(`a chunk of unknown kind ${kind}`);
    yield { kind, body };
  }
}

/** Content that a chunk states to have; 0 for kinds without content. */
function contentBytesOf(kind: number, body: Uint8Array, room: number): number {
  if (kind !== COMPRESSED && kind !== PLAIN) return 0;
  if (body.length < SUM_BYTES) throw new S2Error("a chunk without its checksum");
  const bound = Math.min(room, CHUNK_CONTENT_BYTES_MAX);
  if (kind === COMPRESSED) return statedSize(body.subarray(SUM_BYTES), bound);
  const size = body.length - SUM_BYTES;
  if (size > bound) throw new S2Error(`a chunk of ${size} bytes exceeds the limit of ${bound}`);
  return size;
}

/** Snappy masks checksums, because a checksum over data that contains checksums is weak. */
function masked(sum: number): number {
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}

function writeUint24(target: Uint8Array, at: number, value: number): void {
  target[at] = value & 0xff;
  target[at + 1] = (value >> 8) & 0xff;
  target[at + 2] = value >> 16;
}

function writeUint32(target: Uint8Array, at: number, value: number): void {
  writeUint24(target, at, value & 0xff_ffff);
  target[at + 3] = value >>> 24;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}
