/**
 * Compresses messages published by the server as requested in `Accept-Encoding`: answers of services, trace events.
 * `snappy` and `s2` are preferred to `gzip`; any other request is answered with `identity`.
 * Source: reference, core §8.3.
 */
import { gzipSync } from "node:zlib";
import { encodeSnappyStream } from "./s2-stream.ts";

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
