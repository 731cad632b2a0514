/**
 * The subjects of a table in the order of their bytes, for queries with wildcards: with a literal prefix they look at its range only.
 *
 *   absent ── first query ─▶ building (sorts all ids, in parts) ─▶ ready ── many changes without a query ─▶ absent
 *   ready:  sorted ids  +  tail: ids that were added since, inserted by the next query
 * A store whose subjects nobody asks for with wildcards pays nothing. While the order exists, a new subject costs an entry in the tail (5 ns), and
 * a subject that goes a search (0.3 to 1.5 µs). When all this since the last query has cost about as much as sorting anew, the order is dropped; so
 * it never costs more than twice the better choice.
 *
 * Queries are walks (subject-walk.ts). Subjects may come and go meanwhile. The order takes 5 to 9 bytes per subject, and 8 more while it is built.
 */
import type { Random } from "../../base/random/random.ts";
import { PAUSE, type Sliced } from "../../base/scheduling/sliced.ts";
import { SortedIds } from "./sorted-ids.ts";
import { sortSubjects } from "./subject-sort.ts";
import { NO_SUBJECT, type SubjectListener, type SubjectTable } from "./subject-table.ts";
import { SubjectWalk } from "./subject-walk.ts";

/** Ids that are inserted, or appended, between two pauses. */
const INSERTED_PER_STEP = 64;
const APPENDED_PER_STEP = 1_024;
/** The order of a small table is kept for at least that many changes. */
const CHANGES_MIN = 4_096;
const TAIL_MIN = 64;

export class SubjectOrder implements SubjectListener {
  /** Empty until the order is ready. */
  sorted: SortedIds;

  private isPresent = false;
  private building: Sliced<void> | null = null;
  /** One bit per id: it is in `sorted`, or among the ids that are being sorted. */
  private listed = new Uint32Array(0);
  /** Ids that were added and not inserted yet, from `tailStart` to `tailEnd` - 1. */
  private tail = new Uint32Array(0);
  private tailStart = 0;
  private tailEnd = 0;
  /** Number of ids that ever were put into the tail. */
  private added = 0;
  /** Changes since the last query. */
  private changes = 0;

  /** @param random chooses pivots; clients must not be able to predict it */
  constructor(
    private readonly table: SubjectTable,
    private readonly random: Random,
  ) {
    this.sorted = new SortedIds(table, 0);
  }

  /** Whether walks can go on: all subjects of the table are in `sorted`, but those that were added after the last `settle`. */
  get isReady(): boolean {
    return this.isPresent && this.building === null;
  }

  /**
   * Begins a walk over the subjects that match a pattern, in ascending order of their bytes.
   * @param pattern valid, may have wildcards; not modified until the end of the walk
   */
  walk(pattern: Uint8Array): SubjectWalk {
    return new SubjectWalk(this, this.table, pattern);
  }

  /** Brings all subjects that the table has now into `sorted`, and not those that come meanwhile. Several may run at once and help each other. */
  *settle(): Sliced<void> {
    const { added } = this;
    while (true) {
      this.touch();
      if (!this.isPresent) this.begin();
      if (this.building !== null) {
        const { building } = this;
        if (building.next().done && this.building === building) this.building = null;
      } else {
        this.insertTail();
        if (this.added - (this.tailEnd - this.tailStart) >= added) return;
      }
      yield PAUSE;
    }
  }

  /** A query still needs the order. */
  touch(): void {
    this.changes = 0;
  }

  /** For `SubjectTable`. */
  onAdded(id: number): void {
    if (this.tailEnd === this.tail.length) this.makeRoom();
    this.tail[this.tailEnd++] = id;
    this.added++;
    this.noteChange();
  }

  /** For `SubjectTable`. */
  onRemoving(id: number): void {
    // Without the bit it is in the tail only, where it is skipped later.
    if (this.isListed(id)) {
      this.setListed(id, false);
      this.sorted.remove(id);
    }
    this.noteChange();
  }

  private noteChange(): void {
    this.changes++;
    if (this.changes > CHANGES_MIN && this.changes > this.table.size / 2) this.drop();
  }

  private begin(): void {
    this.isPresent = true;
    this.table.listener = this;
    this.building = this.build();
  }

  private drop(): void {
    this.isPresent = false;
    this.table.listener = null;
    this.building = null;
    this.sorted = new SortedIds(this.table, this.sorted.version + 1);
    this.listed = new Uint32Array(0);
    this.clearTail();
  }

  /** Runs in parts; ends early, and without effect, when the order is dropped meanwhile, because nobody continues it then. */
  private *build(): Sliced<void> {
    const { sorted, table } = this;
    let ids = new Uint32Array(table.size);
    let count = 0;
    // Subjects that come from now on are in the tail. Those that get an id that is met here are in both; the bit tells.
    for (let id = table.next(-1); id !== NO_SUBJECT; id = table.next(id)) {
      if (count === ids.length) ids = enlarged(ids, table.size);
      this.setListed(id, true);
      ids[count++] = id;
      if (count % APPENDED_PER_STEP === 0) yield PAUSE;
    }
    const collected = ids.subarray(0, count);
    yield* sortSubjects(table, collected, this.random);
    for (let at = 0; at < count; at++) {
      if (this.isListed(collected[at])) sorted.append(collected[at]);
      if (at % APPENDED_PER_STEP === 0) yield PAUSE;
    }
  }

  /** Inserts a part of the tail. */
  private insertTail(): void {
    const { sorted, table } = this;
    const end = Math.min(this.tailEnd, this.tailStart + INSERTED_PER_STEP);
    while (this.tailStart < end) {
      const id = this.tail[this.tailStart++];
      if (!table.isUsed(id) || this.isListed(id)) continue;
      this.setListed(id, true);
      sorted.insert(id);
    }
    if (this.tailStart === this.tailEnd) this.clearTail();
  }

  private makeRoom(): void {
    const { tail, tailStart } = this;
    if (2 * tailStart > tail.length) {
      tail.copyWithin(0, tailStart, this.tailEnd);
      this.tailStart = 0;
      this.tailEnd -= tailStart;
    } else this.tail = enlarged(tail, TAIL_MIN);
  }

  private clearTail(): void {
    if (this.tail.length > TAIL_MIN) this.tail = new Uint32Array(0);
    this.tailStart = 0;
    this.tailEnd = 0;
  }

  private isListed(id: number): boolean {
    const word = id >> 5;
    return word < this.listed.length && ((this.listed[word] >>> (id & 31)) & 1) === 1;
  }

  private setListed(id: number, isListed: boolean): void {
    const word = id >> 5;
    if (word >= this.listed.length) this.listed = enlarged(this.listed, Math.max(word + 1, this.table.idLimit >> 5));
    if (isListed) this.listed[word] |= 1 << (id & 31);
    else this.listed[word] &= ~(1 << (id & 31));
  }
}

/** A copy with at least twice the room. */
function enlarged(numbers: Uint32Array, least: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(2 * numbers.length, least));
  larger.set(numbers);
  return larger;
}
