/**
 * Reads a message's header block as bytes, without allocation.
 *
 *   NATS/1.0 503 No Responders␍␊      status line; status and description are often absent
 *   Nats-Subject: orders␍␊            fields: key `:` value; a key may come more than once
 *   ␍␊                                the block's size includes this blank line
 * A block is not parsed into a map: the server does not read the headers of nearly all messages, and code that does usually needs one key.
 * Keys are compared byte by byte: `nats-msg-id` is not `Nats-Msg-Id`. Lookups accept any bytes and find nothing in malformed ones;
 * `checkHeader` gives the mistake.
 * Source: nats-server, server/client.go (behaviour); core §1.2.
 */
import { CR, decode, LF, SPACE, ZERO } from "../../base/bytes/ascii.ts";

const COLON = 0x3a;
const VERSION = Buffer.from("NATS/1.0");
const STATUS_DIGITS = 3;

/**
 * A key for lookups, prepared once: the bytes `␍␊key:`, and for each byte value how far the search may skip if it finds that byte at the
 * position of the colon (Horspool's algorithm). So a lookup reads about every tenth byte.
 */
export class HeaderKey {
  readonly pattern: Uint8Array;
  readonly skip: Uint16Array;

  /** @param key not empty, without colon and line end */
  constructor(key: string) {
    this.pattern = new Uint8Array(Buffer.from(`\r\n${key}:`));
    const last = this.pattern.length - 1;
    this.skip = new Uint16Array(256).fill(this.pattern.length);
    for (let i = 0; i < last; i++) this.skip[this.pattern[i]] = last - i;
  }
}

/**
 * Start of the first value of a key, after leading blanks; `headerValueEnd` gives its end. The key counts only between a CRLF and a `:`.
 * @returns -1 if the block does not have the key
 */
export function headerValue(bytes: Uint8Array, start: number, end: number, key: HeaderKey): number {
  const { pattern, skip } = key;
  const last = pattern.length - 1;
  let at = start + last; // where its colon would be
  while (at < end) {
    const byte = bytes[at];
    if (byte === COLON) {
      let i = 0;
      const first = at - last;
      while (i < last && bytes[first + i] === pattern[i]) i++;
      if (i === last) return skipBlanks(bytes, at + 1, end);
    }
    at += skip[byte];
  }
  return -1;
}

/** End of the value that starts at `at`: its CRLF, or the end of the bytes. */
export function headerValueEnd(bytes: Uint8Array, at: number, end: number): number {
  return lineEnd(bytes, at, end);
}

/** The first value of a key as text, for code that is not on the hot path; null if the block does not have the key. */
export function headerText(bytes: Uint8Array, start: number, end: number, key: HeaderKey): string | null {
  const at = headerValue(bytes, start, end, key);
  return at === -1 ? null : decode(bytes, at, lineEnd(bytes, at, end));
}

/**
 * Goes through all fields of a block. One object serves any number of blocks:
 * `for (fields.open(bytes, start, end); fields.next(); ) …`. Skips lines that are not fields.
 */
export class HeaderFields {
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  private bytes: Uint8Array = VERSION;
  private at = 0;
  private end = 0;

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = lineEnd(bytes, start, end) + 2;
    this.end = end;
  }

  /** @returns false after the last field */
  next(): boolean {
    const { bytes, end } = this;
    while (this.at < end) {
      const start = this.at;
      const stop = lineEnd(bytes, start, end);
      this.at = stop + 2;
      const colon = colonIn(bytes, start, stop);
      if (colon <= start) continue;
      this.keyStart = start;
      this.keyEnd = colon;
      this.valueStart = skipBlanks(bytes, colon + 1, stop);
      this.valueEnd = stop;
      return true;
    }
    return false;
  }

  get keyText(): string {
    return decode(this.bytes, this.keyStart, this.keyEnd);
  }

  get valueText(): string {
    return decode(this.bytes, this.valueStart, this.valueEnd);
  }
}

/** Mistakes of a block. */
export enum HeaderFault {
  None = 0,
  /** The block does not begin with `NATS/1.0`. */
  Version,
  /** Something other than a blank and three digits follows the version. */
  Status,
  /** A CR or LF that is not part of a CRLF. */
  LineEnd,
  /** A line without key and colon. */
  Field,
  /** A key with blanks or control characters. */
  Key,
  /** The closing blank line is missing, or bytes follow it. */
  End,
}

/** Checks that all clients read the block in the same way. The server itself forwards blocks without this check. */
export function checkHeader(bytes: Uint8Array, start: number, end: number): HeaderFault {
  if (!startsWithVersion(bytes, start, end)) return HeaderFault.Version;
  for (let at = start; at < end; at++) {
    if (bytes[at] === CR && bytes[at + 1] === LF && at + 1 < end) at++;
    else if (bytes[at] === CR || bytes[at] === LF) return HeaderFault.LineEnd;
  }
  const first = lineEnd(bytes, start, end);
  if (first > start + VERSION.length && statusStart(bytes, start, end) === -1) return HeaderFault.Status;
  let at = first + 2;
  while (at < end) {
    const stop = lineEnd(bytes, at, end);
    if (stop === at) return stop + 2 === end ? HeaderFault.None : HeaderFault.End;
    if (stop === end) return HeaderFault.End;
    const colon = colonIn(bytes, at, stop);
    if (colon <= at) return HeaderFault.Field;
    for (let i = at; i < colon; i++) if (bytes[i] <= SPACE || bytes[i] === 0x7f) return HeaderFault.Key;
    at = stop + 2;
  }
  return HeaderFault.End;
}

/** Offset of the next CRLF, or `end`. */
export function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at + 1 < end; at++) if (bytes[at] === CR && bytes[at + 1] === LF) return at;
  return end;
}

/** Offset of the three digits after the version; -1 if there are none. */
function statusStart(bytes: Uint8Array, start: number, end: number): number {
  if (!startsWithVersion(bytes, start, end)) return -1;
  const stop = lineEnd(bytes, start, end);
  const blank = start + VERSION.length;
  const at = skipBlanks(bytes, blank, stop);
  if (at === blank || at + STATUS_DIGITS > stop) return -1;
  for (let i = at; i < at + STATUS_DIGITS; i++) if (bytes[i] < ZERO || bytes[i] > ZERO + 9) return -1;
  return at + STATUS_DIGITS === stop || bytes[at + STATUS_DIGITS] === SPACE ? at : -1;
}

function startsWithVersion(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < VERSION.length) return false;
  for (let i = 0; i < VERSION.length; i++) if (bytes[start + i] !== VERSION[i]) return false;
  return true;
}

function colonIn(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === COLON) return at;
  return -1;
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] === SPACE) at++;
  return at;
}
