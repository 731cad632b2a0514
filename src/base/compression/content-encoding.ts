/**
 * What the server publishes, compressed as `Accept-Encoding` asks for it: answers of services, events of message traces.
 * The first that is there counts, `snappy` and `s2` before `gzip`; whoever asks for something else is told `identity`.
 * Source: reference, core §8.3.
 */
import { gzipSync } from "node:zlib";
import { encodeSnappyStream } from "./s2-stream.ts";

export type ContentEncoding = "snappy" | "gzip" | "identity";

export interface EncodedContent {
  readonly content: Uint8Array;
  /** For the header `Content-Encoding`; null: none was asked for. */
  readonly encoding: ContentEncoding | null;
}

/** @param accepted value of `Accept-Encoding`; empty: there is none */
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
