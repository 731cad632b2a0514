/**
 * Questions that the subject table of a store answers alone, the same for every kind of store. The table is read anew after a pause, because a
 * store that is cleared gets another one.
 */
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import type { SubjectPage, SubjectTotal } from "../contract/message-store.ts";
import type { SubjectFilters } from "../contract/subject-filters.ts";
import { MatchingSubjects, type OrderedSubjects } from "./matching-subjects.ts";
import { NO_SUBJECT, type SubjectTable } from "./subject-table.ts";
import { PAUSED } from "./subject-walk.ts";

/** The id of a literal subject; `NO_SUBJECT`: it has no messages. */
export function idOf(subjects: SubjectTable, subject: Uint8Array): number {
  return subject.length === 0 ? NO_SUBJECT : subjects.find(subject, 0, subject.length);
}

export function matchesFilters(subjects: SubjectTable, id: number, filters: SubjectFilters): boolean {
  const start = subjects.startOf(id);
  return filters.matches(subjects.bytesOf(id), start, start + subjects.sizeOf(id));
}

/** The bytes of a subject, borrowed until the next change. */
export function subjectBytes(subjects: SubjectTable, id: number): Uint8Array {
  const start = subjects.startOf(id);
  return subjects.bytesOf(id).subarray(start, start + subjects.sizeOf(id));
}

/** As `MessageStore.subjectTotals`. */
export function* subjectTotals(owner: OrderedSubjects, filter: string, skipped: number, most: number): Job<SubjectPage> {
  const matching = new MatchingSubjects(owner, [filter]);
  const totals: SubjectTotal[] = [];
  const pace = new Pace();
  let found = 0;
  for (let id = matching.next(); id !== NO_SUBJECT; id = matching.next()) {
    if (id === PAUSED) yield* matching.resume();
    else {
      const { subjects } = owner;
      if (found++ >= skipped && totals.length < most) {
        totals.push({ subject: Buffer.from(subjectBytes(subjects, id)).toString(), messages: subjects.totalOf(id) });
      }
      if (pace.due()) yield PAUSE;
    }
  }
  return { totals, found };
}

/** Number of messages that match. */
export function* countMatching(owner: OrderedSubjects, filters: SubjectFilters): Job<number> {
  if (filters.literal) {
    const { subjects } = owner;
    const id = idOf(subjects, filters.patterns[0]);
    return id === NO_SUBJECT ? 0 : subjects.totalOf(id);
  }
  const pace = new Pace();
  let sum = 0;
  for (let id = owner.subjects.next(NO_SUBJECT); id !== NO_SUBJECT; id = owner.subjects.next(id)) {
    if (matchesFilters(owner.subjects, id, filters)) sum += owner.subjects.totalOf(id);
    if (pace.due()) yield PAUSE;
  }
  return sum;
}
