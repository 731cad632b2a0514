/**
 * A walk over the subjects that match a pattern, in ascending order of their bytes.
 *
 *   const walk = order.walk(pattern)
 *   for (let id = walk.next(); id !== NO_SUBJECT; id = walk.next()) {
 *     if (id === PAUSED) yield* walk.resume()
 *     else …                                     may change the table, and may yield
 *   }
 * `next` returns `PAUSED` at first, until the order is ready, and then about every 0.2 ms. Each subject is met at most once. One that is there from
 * the first `resume` to the end of the walk is met; one that comes or goes meanwhile, or both, may be met or not. For that, the walk remembers the
 * bytes of the last subject, and finds its place again by them when the sorted ids have changed.
 *
 * The range of a literal prefix is found by binary search; within it each subject is compared with the pattern. A pattern without wildcards needs no
 * order at all: its subject is looked up.
 */
import { FULL, startsWith } from "../../base/bytes/ascii.ts";
import { PAUSE, type Sliced } from "../../base/scheduling/sliced.ts";
import { hasWildcard, tokenEnd } from "../../messaging/subject/subject.ts";
import { matchesLiteral } from "../../messaging/subject/subject-overlap.ts";
import type { SortedIds } from "./sorted-ids.ts";
import { NO_SUBJECT, type SubjectTable } from "./subject-table.ts";

/** Instead of an id: call `resume`. */
export const PAUSED = -2;

/** Subjects that are looked at between two pauses. */
const SUBJECTS_PER_STEP = 512;

/** The order that a walk goes along, see subject-order.ts. */
interface WalkedOrder {
  readonly sorted: SortedIds;
  readonly isReady: boolean;
  /** A walk still needs the order. */
  touch(): void;
  /** Makes `isReady` true, with all subjects that the table has at the call. */
  settle(): Sliced<void>;
}

export class SubjectWalk {
  private readonly prefix: Uint8Array;
  /** The pattern is the prefix and `>`: all that begins so matches. */
  private readonly isPrefixOnly: boolean;
  private readonly isLiteral: boolean;
  /** The order has had all subjects since the walk began. */
  private isSettled = false;
  private isEnded = false;
  /** Place in the sorted ids, if they still have this version. */
  private version = -1;
  private leaf = 0;
  private index = 0;
  /** The subject that was looked at last. */
  private last = new Uint8Array(64);
  private lastSize = 0;
  private seen = 0;

  /** Use `SubjectOrder.walk`. */
  constructor(
    private readonly order: WalkedOrder,
    private readonly table: SubjectTable,
    private readonly pattern: Uint8Array,
  ) {
    this.isLiteral = !hasWildcard(pattern, 0, pattern.length);
    this.prefix = pattern.subarray(0, literalEnd(pattern));
    this.isPrefixOnly = pattern.length === this.prefix.length + 1 && pattern[pattern.length - 1] === FULL;
  }

  /** @returns an id; `PAUSED`; `NO_SUBJECT`: there is no further one */
  next(): number {
    if (this.isEnded) return NO_SUBJECT;
    if (this.isLiteral) {
      this.isEnded = true;
      return this.table.find(this.pattern, 0, this.pattern.length);
    }
    if (!this.isSettled || !this.order.isReady) return PAUSED;
    const { order, table } = this;
    const { sorted } = order;
    if (this.version !== sorted.version) this.findPlace();
    for (; this.seen < SUBJECTS_PER_STEP; this.index++) {
      if (this.index === sorted.sizeOf(this.leaf)) {
        this.leaf++;
        this.index = 0;
        if (sorted.sizeOf(this.leaf) === 0) return this.end();
      }
      const id = sorted.at(this.leaf, this.index);
      const bytes = table.bytesOf(id);
      const start = table.startOf(id);
      const end = start + table.sizeOf(id);
      this.seen++;
      this.remember(bytes, start, end);
      if (!startsWith(bytes, start, end, this.prefix)) return this.end();
      if (!this.isPrefixOnly && !matchesLiteral(this.pattern, bytes, start, end)) continue;
      this.index++;
      return id;
    }
    return PAUSED;
  }

  /** Pauses; gets the order ready when it is not. */
  *resume(): Sliced<void> {
    this.seen = 0;
    this.order.touch();
    if (!this.isSettled || !this.order.isReady) yield* this.order.settle();
    else yield PAUSE;
    this.isSettled = true;
  }

  private end(): typeof NO_SUBJECT {
    this.isEnded = true;
    return NO_SUBJECT;
  }

  private findPlace(): void {
    const { sorted } = this.order;
    if (this.lastSize === 0) sorted.seek(this.prefix, 0, this.prefix.length);
    else sorted.seekBehind(this.last, 0, this.lastSize);
    this.leaf = sorted.leaf;
    this.index = sorted.index;
    this.version = sorted.version;
  }

  private remember(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (size > this.last.length) this.last = new Uint8Array(2 * size);
    const { last } = this;
    for (let at = 0; at < size; at++) last[at] = bytes[start + at];
    this.lastSize = size;
  }
}

/** The number of bytes before the first token that is a wildcard; without one, of all. */
function literalEnd(pattern: Uint8Array): number {
  for (let start = 0; start < pattern.length; ) {
    const end = tokenEnd(pattern, start, pattern.length);
    if (hasWildcard(pattern, start, end)) return start;
    start = end + 1;
  }
  return pattern.length;
}
