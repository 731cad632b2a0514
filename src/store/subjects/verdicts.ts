/** Which subjects of a store match some filters: remembered by id, so that most messages of a scan cost the comparison of a number. */
import type { SubjectFilters } from "../contract/subject-filters.ts";
import { NO_SUBJECT, type SubjectTable } from "./subject-table.ts";
import { matchesFilters } from "./subject-totals.ts";

/** A power of two. */
const REMEMBERED_IDS = 1024;
/** Bits of an answer. */
export const MATCHES = 1;
export const COMPARED = 2;

/** A store, whose table is another one after it was cleared. */
export interface JudgedSubjects {
  readonly subjects: SubjectTable;
  /** Rises whenever a subject loses its id. */
  readonly subjectRemovals: number;
}

/** Remembers which ids match, until an id is freed: it may then belong to another subject. */
export class Verdicts {
  /** Work of one comparison. */
  readonly cost: number;
  private readonly ids = new Int32Array(REMEMBERED_IDS).fill(NO_SUBJECT);
  private readonly answers = new Uint8Array(REMEMBERED_IDS);
  private removals: number;

  constructor(
    private readonly store: JudgedSubjects,
    private readonly filters: SubjectFilters,
  ) {
    this.cost = filters.patterns.length;
    this.removals = store.subjectRemovals;
  }

  /** Call before a series of `of` without changes of the store. */
  begin(): void {
    const { subjectRemovals } = this.store;
    if (this.removals === subjectRemovals) return;
    this.removals = subjectRemovals;
    this.ids.fill(NO_SUBJECT);
  }

  /** `MATCHES`, and `COMPARED` when the answer was not known. */
  of(id: number): number {
    const slot = id & (REMEMBERED_IDS - 1);
    if (this.ids[slot] === id) return this.answers[slot];
    const answer = matchesFilters(this.store.subjects, id, this.filters) ? MATCHES : 0;
    this.ids[slot] = id;
    this.answers[slot] = answer;
    return answer | COMPARED;
  }
}
