/**
 * The request for one or several messages: STREAM.MSG.GET and DIRECT.GET, by the names of the reference's structures.
 * Source: jetstream §1.5, §1.6, §11.
 */
import type { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import { decodeJson } from "../../base/go/json-decode.ts";
import { JsonError } from "../../base/go/json-error.ts";
import { timestamp } from "../../base/go/json-scalars.ts";
import { type Decoded, field, flag, int, list, optional, structure, text, uint64 } from "../../base/go/json-shape.ts";
import { nanosecondsSince1970 } from "../../base/go/rfc3339.ts";
import { INT64_MAX, INT64_MIN } from "../../base/go/strconv.ts";
import type { Timestamp } from "../../base/go/time.ts";
import type { Integer } from "../config/stream-config.ts";
import { type ApiError, apiError } from "../error/api-error.ts";

/** STREAM.MSG.GET and DIRECT.GET. */
export const MESSAGE_GET_REQUEST = structure("server.JSApiMsgGetRequest", {
  sequence: field("seq", uint64),
  lastBySubject: field("last_by_subj", text),
  nextBySubject: field("next_by_subj", text),
  batch: field("batch", int),
  bytesMax: field("max_bytes", int),
  startTime: field("start_time", optional(timestamp)),
  multiLast: field("multi_last", list(text)),
  upToSequence: field("up_to_seq", uint64),
  upToTime: field("up_to_time", optional(timestamp)),
  noHeaders: field("no_hdr", flag),
});
export type MessageGetRequest = Decoded<typeof MESSAGE_GET_REQUEST>;

/** A sequence as the stores know it. There is no message at the largest one, nor above it. */
export function sequenceOf(sequence: Integer): number {
  return typeof sequence === "bigint" ? Number.MAX_SAFE_INTEGER : sequence;
}

/** Sets a time as the stores know it; times outside of 64 bits become the first or the last one. */
export function setTime(into: Nanoseconds, time: Timestamp): Nanoseconds {
  const exact = nanosecondsSince1970(time);
  if (exact > INT64_MAX) return into.setBigInt(INT64_MAX);
  if (exact < INT64_MIN) return into.setBigInt(INT64_MIN);
  return into.setBigInt(exact);
}

/** @returns 10003 for a body that names no message, or more than one way to find it */
export function checkMessageGet(request: MessageGetRequest): ApiError | null {
  const { sequence, lastBySubject, nextBySubject, startTime, batch, bytesMax } = request;
  const isBatch = batch > 0 || bytesMax > 0;
  const isNone = sequence === 0 && lastBySubject === "" && nextBySubject === "" && startTime === null;
  return isBatch || isNone || isAmbiguous(request) ? apiError("BadRequest") : null;
}

/** Ways to find a message that exclude each other. */
function isAmbiguous({ sequence, lastBySubject, nextBySubject, startTime }: MessageGetRequest): boolean {
  return (
    (sequence !== 0 && (lastBySubject !== "" || startTime !== null)) ||
    (lastBySubject !== "" && (startTime !== null || nextBySubject !== ""))
  );
}

/** What a direct get is answered with when there is nothing to send: code and text of the status line. */
export type DirectGetStatus =
  | "404 Message Not Found"
  | "404 No Results"
  | "408 Bad Request"
  | "408 Empty Request"
  | "408 Malformed Request"
  | "412 Required Api Level"
  | "413 Too Many Results";

/** DIRECT.GET.<stream>. Unknown fields are skipped. */
export function decodeDirectGet(body: Uint8Array): MessageGetRequest | DirectGetStatus {
  if (body.length === 0) return "408 Empty Request";
  const request = decodedGet(body);
  if (request === null) return "408 Malformed Request";
  const { sequence, lastBySubject, nextBySubject, multiLast, startTime, batch, upToSequence, upToTime } = request;
  const isMulti = multiLast.length > 0;
  if (sequence === 0 && lastBySubject === "" && nextBySubject === "" && !isMulti && startTime === null) return "408 Empty Request";
  const isRefused =
    isAmbiguous(request) ||
    (lastBySubject !== "" && (batch > 0 || isMulti)) ||
    (nextBySubject !== "" && isMulti) ||
    (upToSequence !== 0 && upToTime !== null);
  return isRefused ? "408 Bad Request" : request;
}

/** DIRECT.GET.<stream>.<subject>. @param subject the rest of the API subject; empty: none */
export function decodeDirectGetBySubject(body: Uint8Array, subject: string): MessageGetRequest | DirectGetStatus {
  const request = body.length === 0 ? MESSAGE_GET_REQUEST.zero() : decodedGet(body);
  if (request === null) return "408 Malformed Request";
  const { sequence, lastBySubject, nextBySubject, multiLast, startTime, batch, upToSequence, upToTime } = request;
  const isNamed = sequence !== 0 || lastBySubject !== "" || nextBySubject !== "" || multiLast.length > 0 || startTime !== null;
  const isLimited = batch !== 0 || upToSequence !== 0 || upToTime !== null;
  return subject === "" || isNamed || isLimited ? "408 Bad Request" : { ...request, lastBySubject: subject };
}

function decodedGet(body: Uint8Array): MessageGetRequest | null {
  try {
    return decodeJson(MESSAGE_GET_REQUEST, body);
  } catch (error) {
    if (error instanceof JsonError) return null;
    throw error;
  }
}
