/**
 * Argument lines of interest: one reader per verb.
 *
 *   SUB   <subject> [queue] <sid>
 *   UNSUB <sid> [max]
 * A reader returns the arguments, or the error as a text for the log. The interest lines of routes and leaf nodes (account first, a weight
 * after the queue) will get their own readers here.
 */
import { copyBytes, parseSize, quote } from "../../base/bytes/ascii.ts";
import { splitArguments } from "./arguments.ts";

/** The bytes are copies, because a subscription keeps them. */
export interface SubLine {
  readonly subject: Uint8Array;
  readonly queue: Uint8Array | null;
  readonly sid: Uint8Array;
}

export interface UnsubLine {
  /** A part of the line; borrowed. */
  readonly sid: Uint8Array;
  /** The subscription ends after this many messages, counted from its beginning; -1: absent or malformed, it ends at once. */
  readonly messagesMax: number;
}

/** @param bounds scratch space for splitting, room for at least four arguments */
export function readSub(source: Buffer, start: number, end: number, bounds: Int32Array): SubLine | string {
  const count = splitArguments(source, start, end, bounds);
  if (count !== 2 && count !== 3) return `processSub Parse Error: ${quote(source, start, end)}`;
  return {
    subject: copyBytes(source, bounds[0], bounds[1]),
    queue: count === 3 ? copyBytes(source, bounds[2], bounds[3]) : null,
    sid: copyBytes(source, bounds[2 * count - 2], bounds[2 * count - 1]),
  };
}

/** @param bounds scratch space for splitting, room for at least three arguments */
export function readUnsub(source: Buffer, start: number, end: number, bounds: Int32Array): UnsubLine | string {
  const count = splitArguments(source, start, end, bounds);
  if (count !== 1 && count !== 2) return `processUnsub Parse Error: ${quote(source, start, end)}`;
  return { sid: source.subarray(bounds[0], bounds[1]), messagesMax: count === 2 ? parseSize(source, bounds[2], bounds[3]) : -1 };
}
