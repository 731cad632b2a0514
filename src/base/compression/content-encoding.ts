/**
 * Compresses messages published by the server as requested in `Accept-Encoding`: answers of services, trace events.
 * `snappy` and `s2` are preferred to `gzip`; any other request is answered with `identity`.
 * Source: reference, core §8.3.
 */
import { constants, crc32, deflateRawSync, gzipSync } from "node:zlib";
import { PAUSE, type Sliced } from "../scheduling/sliced.ts";
import { encodeSnappyChunks, encodeSnappyStream, snappyStart } from "./s2-stream.ts";

export type ContentEncoding = "snappy" | "gzip" | "identity";

export interface EncodedContent {
  readonly content: Uint8Array;
  /** Value of the header `Content-Encoding`; null: none was requested. */
  readonly encoding: ContentEncoding | null;
}

/** @param accepted value of `Accept-Encoding`; empty: none */
export function acceptedEncoding(accepted: string): ContentEncoding | null {
  if (accepted === "") return null;
  const text = accepted.toLowerCase();
  if (text.includes("snappy") || text.includes("s2")) return "snappy";
  return text.includes("gzip") ? "gzip" : "identity";
}

export function encodeContent(content: Uint8Array, encoding: ContentEncoding | null): EncodedContent {
  if (content.length === 0 || encoding === null) return { content, encoding: null };
  if (encoding === "snappy") return { content: encodeSnappyStream(content), encoding };
  return { content: encoding === "gzip" ? gzipSync(content) : content, encoding };
}

/** The same for long content, in slices of one piece each. @param pieces of at most some 16 KiB */
export function* encodeInSlices(pieces: readonly Uint8Array[], encoding: ContentEncoding | null): Sliced<EncodedContent> {
  if (encoding === "snappy") return { content: yield* snappyOf(pieces), encoding };
  if (encoding === "gzip") return { content: yield* gzipOf(pieces), encoding };
  return { content: Buffer.concat(pieces), encoding };
}

function* snappyOf(pieces: readonly Uint8Array[]): Sliced<Uint8Array> {
  const parts: Uint8Array[] = [snappyStart()];
  for (const piece of pieces) {
    parts.push(encodeSnappyChunks(piece));
    yield PAUSE;
  }
  return Buffer.concat(parts);
}

/** A member of a gzip file: deflate, unknown time and system (RFC 1952). */
const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** The last block of deflated data, empty. */
const DEFLATE_END = Buffer.from([3, 0]);

function* gzipOf(pieces: readonly Uint8Array[]): Sliced<Uint8Array> {
  const parts: Uint8Array[] = [GZIP_HEAD];
  let sum = 0;
  let size = 0;
  for (const piece of pieces) {
    parts.push(deflateRawSync(piece, { finishFlush: constants.Z_SYNC_FLUSH }));
    sum = crc32(piece, sum);
    size += piece.length;
    yield PAUSE;
  }
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(sum, 0);
  tail.writeUInt32LE(size % 2 ** 32, 4);
  return Buffer.concat([...parts, DEFLATE_END, tail]);
}
