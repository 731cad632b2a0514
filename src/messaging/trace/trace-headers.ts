/**
 * Headers that ask for a trace. Every message with headers is checked, so the first check is cheap:
 *
 *   mightBeTraced   a search for one prefix, which reads about every twelfth byte
 *   traceWish       reads the block byte by byte: only if the search finds the prefix, or if the account traces `traceparent`
 *   headerFields    the fields as they were sent: only for a traced message
 * Blocks are read as the reference reads them for traces, which differs from header-read.ts: blanks around values and fields without a value
 * are ignored, and a line without a colon becomes part of the next key.
 * Source: reference, msgtrace (behaviour); core §9.6.
 */
import { decode, encode, SPACE, startsWith, TAB } from "../../base/bytes/ascii.ts";
import { lineEnd } from "../header/header-read.ts";

export const TRACE_DESTINATION = "Nats-Trace-Dest";
export const TRACE_ONLY = "Nats-Trace-Only";
export const TRACE_ORIGIN_ACCOUNT = "Nats-Trace-Origin-Account";
/** A destination that disables tracing on later servers. It is not a valid subject. */
export const TRACE_DISABLED = "trace disabled";

const PREFIX = encode("\r\nNats-Trace-");
const FIRST_LINE = encode("NATS/1.0\r\n");
const DESTINATION = encode(TRACE_DESTINATION);
const DISABLED = encode(TRACE_DISABLED);
const PARENT = encode("traceparent");
const COLON = 0x3a;
const DASH = 0x2d;
const LOWER = 0x20;

export enum TraceWish {
  None,
  /** `Nats-Trace-Dest` names the subject of the events. */
  Destination,
  /** `traceparent` asks for a trace, and the account names the subject of the events. */
  External,
}

/** For each byte value: how far the search may skip if it finds that byte at the position where the prefix would end (as in `headerValue`). */
const SKIP = skipTable(PREFIX);

function skipTable(pattern: Uint8Array): Uint8Array {
  const skip = new Uint8Array(256).fill(pattern.length);
  for (let i = 0; i < pattern.length - 1; i++) skip[pattern[i]] = pattern.length - 1 - i;
  return skip;
}

/** False: neither `Nats-Trace-Dest` nor `Nats-Trace-Origin-Account` is a key of the block. */
export function mightBeTraced(bytes: Uint8Array, start: number, end: number): boolean {
  const last = PREFIX.length - 1;
  for (let at = start + last; at < end; ) {
    const byte = bytes[at];
    if (byte === DASH && startsWith(bytes, at - last, at + 1, PREFIX)) return true;
    at += SKIP[byte];
  }
  return false;
}

/** A walk over the fields that have a value. */
class FieldWalk {
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  private at: number;

  constructor(
    private readonly bytes: Uint8Array,
    start: number,
    private readonly end: number,
  ) {
    this.at = startsWith(bytes, start, end, FIRST_LINE) ? start + FIRST_LINE.length : end;
  }

  next(): boolean {
    const { bytes, end } = this;
    while (this.at < end) {
      this.keyStart = this.at;
      let colon = this.at;
      while (colon < end && bytes[colon] !== COLON) colon++;
      if (colon === end) return false;
      this.keyEnd = colon;
      let start = colon + 1;
      while (start < end && isBlank(bytes[start])) start++;
      let stop = lineEnd(bytes, start, end);
      if (stop === end) return false;
      this.at = stop + 2;
      while (stop > start && isBlank(bytes[stop - 1])) stop--;
      this.valueStart = start;
      this.valueEnd = stop;
      if (this.keyEnd > this.keyStart && stop > start) return true;
    }
    return false;
  }
}

export function traceWish(bytes: Uint8Array, start: number, end: number): TraceWish {
  const walk = new FieldWalk(bytes, start, end);
  let wish = TraceWish.None;
  while (walk.next()) {
    const { keyStart, keyEnd, valueStart, valueEnd } = walk;
    if (wish === TraceWish.None && isTraceParent(bytes, keyStart, keyEnd)) {
      if (isSampledParent(decode(bytes, valueStart, valueEnd))) wish = TraceWish.External;
    } else if (wish !== TraceWish.Destination && isExactly(bytes, keyStart, keyEnd, DESTINATION)) {
      if (isExactly(bytes, valueStart, valueEnd, DISABLED)) return TraceWish.None;
      wish = TraceWish.Destination;
    }
  }
  return wish;
}

/** Every field that has a value, as it was sent. */
export function headerFields(bytes: Uint8Array, start: number, end: number): ReadonlyMap<string, readonly string[]> {
  const walk = new FieldWalk(bytes, start, end);
  const fields = new Map<string, string[]>();
  while (walk.next()) {
    const key = decode(bytes, walk.keyStart, walk.keyEnd);
    const value = decode(bytes, walk.valueStart, walk.valueEnd);
    const values = fields.get(key);
    if (values === undefined) fields.set(key, [value]);
    else values.push(value);
  }
  return fields;
}

/**
 * Four fields; the last one is two hexadecimal digits with the lowest bit set. The reference reads them as a signed byte, so 80 and above do
 * not count, and a plus sign may replace the first digit.
 */
const SAMPLED_PARENT = /^[^-]*-[^-]*-[^-]*-(?:[0-7]|\+)[13579bdfBDF]$/;

/**
 * Whether a `traceparent` asks for its request to be traced.
 * Source: www.w3.org/TR/trace-context; reference, core §9.6.
 */
export function isSampledParent(traceParent: string): boolean {
  return SAMPLED_PARENT.test(traceParent);
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function isExactly(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  return end - start === wanted.length && startsWith(bytes, start, end, wanted);
}

function isTraceParent(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== PARENT.length) return false;
  for (let i = 0; i < PARENT.length; i++) if ((bytes[start + i] | LOWER) !== PARENT[i]) return false;
  return true;
}
