import { DOT, FULL } from "../../base/bytes/ascii.ts";
import { sameBytes } from "../../messaging/subject/byte-hash.ts";
import { hasWildcard, tokenEnd } from "../../messaging/subject/subject.ts";
import { matchesLiteral } from "../../messaging/subject/subject-overlap.ts";

/**
 * One subject of a permission, compiled for comparison with subjects given by clients.
 *
 *   orders.eu.created      exact     the bytes are equal
 *   orders.>               rest      the bytes before `>` are equal, and something follows
 *   orders.*.created       tokens    the bytes before the first wildcard are equal, then token by token
 * The checked subject is compared as text: its `*` and `>` are covered by wildcards only. So a subscription
 * to `orders.*` is covered by `orders.*` and `orders.>`, and one to `orders.>` by `orders.*` too. A subject with an empty token is
 * covered by nothing, not even by `>`.
 */
enum Shape {
  Exact,
  Rest,
  Tokens,
}

export class Pattern {
  /** Never modified. */
  readonly subject: Uint8Array;
  private readonly shape: Shape;
  /** The bytes before the first wildcard. */
  private readonly fixedSize: number;
  /** The bytes after them; starts at a token. */
  private readonly tail: Uint8Array;

  /** Sizes of the shortest and the longest subject that it covers, in bytes. */
  get sizeMin(): number {
    return this.shape === Shape.Exact ? this.fixedSize : this.fixedSize + 1;
  }

  get sizeMax(): number {
    return this.shape === Shape.Exact ? this.fixedSize : Number.MAX_SAFE_INTEGER;
  }

  /** Offset of the last byte before the first wildcard that is no dot; -1: there is none. */
  get lastFixedAt(): number {
    return this.shape === Shape.Exact ? this.fixedSize - 1 : Math.max(this.fixedSize - 2, -1);
  }

  /** @param subject valid: no empty token, nothing after `>`; kept, not copied */
  constructor(subject: Uint8Array) {
    this.subject = subject;
    this.fixedSize = fixedSize(subject);
    this.tail = subject.subarray(this.fixedSize);
    this.shape = this.tail.length === 0 ? Shape.Exact : this.tail[0] === FULL ? Shape.Rest : Shape.Tokens;
  }

  /** @param source borrowed for the call */
  covers(source: Uint8Array, start: number, end: number): boolean {
    const fixed = this.fixedSize;
    const size = end - start;
    if (this.shape === Shape.Exact) return size === fixed && sameBytes(this.subject, 0, source, start, fixed);
    if (size <= fixed || !sameBytes(this.subject, 0, source, start, fixed)) return false;
    if (this.shape === Shape.Tokens && !matchesLiteral(this.tail, source, start + fixed, end)) return false;
    return !hasEmptyToken(source, start + fixed, end);
  }
}

function fixedSize(subject: Uint8Array): number {
  let at = 0;
  while (at < subject.length) {
    const stop = tokenEnd(subject, at, subject.length);
    if (hasWildcard(subject, at, stop)) return at;
    at = stop + 1;
  }
  return subject.length;
}

function hasEmptyToken(source: Uint8Array, start: number, end: number): boolean {
  let tokenStart = start;
  for (let at = start; at < end; at++) {
    if (source[at] !== DOT) continue;
    if (at === tokenStart) return true;
    tokenStart = at + 1;
  }
  return tokenStart === end;
}
