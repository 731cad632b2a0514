/**
 * S2 streams as framed by github.com/klauspost/compress/s2; nats-server stores OCSP responses in them.
 *
 *   stream = identifier · chunk · chunk · …          chunk = kind (1 byte) · size (3 bytes, little endian) · that many bytes
 *     00 compressed     masked CRC-32C of the content (4 bytes) · an S2 block          up to 4 MiB of content
 *     01 plain          masked CRC-32C of the content (4 bytes) · the content          up to 4 MiB
 *     02–7f             unknown and not skippable: refused
 *     80–fe             an index, padding, or unknown: skipped
 *     ff identifier     `S2sTwO`, or `sNaPpY` for the older format, whose blocks S2 includes; may come again
 * S2 is written as plain chunks only: valid for every reader, and the stored data is small. Snappy, which is sent over the network, is compressed.
 * Both can be read.
 */
import { crc32c } from "./crc32c.ts";
import { decodeS2Block, S2Error } from "./s2-block.ts";
import { encodeSnappyBlock, SNAPPY_CONTENT_BYTES_MAX } from "./snappy-block.ts";

const HEAD_BYTES = 4;
const SUM_BYTES = 4;
const CHUNK_CONTENT_BYTES_MAX = 4 * 1024 * 1024;
/** Default block limit of klauspost's readers. */
const WRITTEN_CONTENT_BYTES = 1024 * 1024;
const COMPRESSED = 0x00;
const PLAIN = 0x01;
const FIRST_SKIPPABLE = 0x80;
const IDENTIFIER = 0xff;
const S2_NAME = Buffer.from("S2sTwO");
const SNAPPY_NAME = Buffer.from("sNaPpY");

/** @returns a stream with this content, a few bytes longer than it */
export function encodeS2Stream(content: Uint8Array): Buffer {
  const parts: Uint8Array[] = [chunkHead(IDENTIFIER, S2_NAME.length), S2_NAME];
  for (let at = 0; at < content.length; at += WRITTEN_CONTENT_BYTES) {
    const piece = content.subarray(at, at + WRITTEN_CONTENT_BYTES);
    const sum = Buffer.alloc(SUM_BYTES);
    sum.writeUInt32LE(maskedSum(piece));
    parts.push(chunkHead(PLAIN, SUM_BYTES + piece.length), sum, piece);
  }
  return Buffer.concat(parts);
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
    sum.writeUInt32LE(maskedSum(piece));
    parts.push(chunkHead(smaller ? COMPRESSED : PLAIN, SUM_BYTES + body.length), sum, body);
  }
  return Buffer.concat(parts);
}

function chunkHead(kind: number, size: number): Buffer {
  return Buffer.from([kind, size & 0xff, (size >> 8) & 0xff, size >> 16]);
}

/**
 * @param contentBytesMax larger content is refused
 * @throws S2Error when it is not a stream, is damaged, or is too large
 */
export function decodeS2Stream(stream: Uint8Array, contentBytesMax: number): Buffer {
  const pieces: Uint8Array[] = [];
  let room = contentBytesMax;
  for (let at = 0; at < stream.length; ) {
    if (stream.length - at < HEAD_BYTES) throw new S2Error("a chunk is cut off");
    const kind = stream[at];
    const size = stream[at + 1] | (stream[at + 2] << 8) | (stream[at + 3] << 16);
    if (at === 0 && kind !== IDENTIFIER) throw new S2Error("the stream does not begin with its identifier");
    at += HEAD_BYTES;
    if (size > stream.length - at) throw new S2Error("a chunk is cut off");
    const body = stream.subarray(at, at + size);
    at += size;
    if (kind === COMPRESSED || kind === PLAIN) {
      const content = contentOf(kind, body, room);
      room -= content.length;
      pieces.push(content);
    } else if (kind === IDENTIFIER) {
      if (!S2_NAME.equals(body) && !SNAPPY_NAME.equals(body)) throw new S2Error("an identifier of another format");
    } else if (kind < FIRST_SKIPPABLE) throw new S2Error(`a chunk of unknown kind ${kind}`);
  }
  return Buffer.concat(pieces);
}

function contentOf(kind: number, body: Uint8Array, room: number): Uint8Array {
  if (body.length < SUM_BYTES) throw new S2Error("a chunk without its checksum");
  const sum = (body[0] | (body[1] << 8) | (body[2] << 16) | (body[3] << 24)) >>> 0;
  const rest = body.subarray(SUM_BYTES);
  const bound = Math.min(room, CHUNK_CONTENT_BYTES_MAX);
  const content = kind === PLAIN ? rest : decodeS2Block(rest, bound);
  if (content.length > bound) throw new S2Error(`a chunk of ${content.length} bytes exceeds the limit of ${bound}`);
  if (maskedSum(content) !== sum) throw new S2Error("a chunk with a wrong checksum");
  return content;
}

/** Snappy masks checksums, because a checksum over data that contains checksums is weak. */
function maskedSum(content: Uint8Array): number {
  const sum = crc32c(content);
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}
