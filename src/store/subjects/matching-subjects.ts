/**
 * The subjects of a store that match any of some filters, each once, in the order of their bytes per filter: one walk after the other, and what an
 * earlier filter matches is passed over.
 *
 *   const matching = new MatchingSubjects(store, filters)
 *   for (let id = matching.next(); id !== NO_SUBJECT; id = matching.next()) {
 *     if (id === PAUSED) yield* matching.resume()
 *     else …                                     may change the store, and may yield; then the id may be of another subject
 *   }
 * As with `SubjectWalk`, subjects that come or go meanwhile may be met or not. It ends when the store was cleared.
 */
import { encode } from "../../base/bytes/ascii.ts";
import type { Sliced } from "../../base/scheduling/sliced.ts";
import { matchesLiteral } from "../../messaging/subject/subject-overlap.ts";
import type { SubjectOrder } from "./subject-order.ts";
import { NO_SUBJECT, type SubjectTable } from "./subject-table.ts";
import { PAUSED, type SubjectWalk } from "./subject-walk.ts";

/** A store, which replaces both when it is cleared. */
export interface OrderedSubjects {
  readonly subjects: SubjectTable;
  readonly order: SubjectOrder;
}

export class MatchingSubjects {
  private readonly table: SubjectTable;
  private readonly patterns: readonly Uint8Array[];
  private readonly walks: readonly SubjectWalk[];
  private current = 0;

  /** @param filters valid subjects, may have wildcards; at least one */
  constructor(
    private readonly owner: OrderedSubjects,
    filters: readonly string[],
  ) {
    const { order, subjects } = owner;
    this.table = subjects;
    this.patterns = filters.map(filter => Uint8Array.from(encode(filter)));
    this.walks = this.patterns.map(pattern => order.walk(pattern));
  }

  /** @returns an id; `PAUSED`: call `resume`; `NO_SUBJECT`: there is no further one */
  next(): number {
    if (this.owner.subjects !== this.table) return NO_SUBJECT;
    while (this.current < this.walks.length) {
      const id = this.walks[this.current].next();
      if (id === NO_SUBJECT) this.current++;
      else if (id === PAUSED || !this.wasMet(id)) return id;
    }
    return NO_SUBJECT;
  }

  *resume(): Sliced<void> {
    if (this.owner.subjects === this.table) yield* this.walks[this.current].resume();
  }

  /** Whether an earlier filter matches the subject. */
  private wasMet(id: number): boolean {
    if (this.current === 0) return false;
    const { table } = this;
    const start = table.startOf(id);
    const end = start + table.sizeOf(id);
    for (let index = 0; index < this.current; index++) {
      if (matchesLiteral(this.patterns[index], table.bytesOf(id), start, end)) return true;
    }
    return false;
  }
}
