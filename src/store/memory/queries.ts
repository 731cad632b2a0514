/**
 * Questions about all messages of a memory store, or about all of its subjects, that are answered from the subject table and the index: no message
 * is read. Jobs pause, and the store may change meanwhile: what is added or removed then may or may not be counted.
 */
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import { Read } from "../contract/message-store.ts";
import { SubjectFilters } from "../contract/subject-filters.ts";
import { MatchingSubjects } from "../subjects/matching-subjects.ts";
import { NO_SUBJECT } from "../subjects/subject-table.ts";
import { idOf } from "../subjects/subject-totals.ts";
import { PAUSED } from "../subjects/subject-walk.ts";
import { MemoryScan } from "./memory-scan.ts";
import type { StoredMessages } from "./stored-messages.ts";

/** As `MessageStore.sequenceAt`: a binary search, as times rise with sequences. */
export function sequenceAt(stored: StoredMessages, timeHigh: number, timeLow: number): number {
  const { index, state } = stored;
  let low = state.firstSequence;
  let high = state.lastSequence;
  let answer = state.lastSequence + 1;
  while (low <= high) {
    const middle = low + Math.floor((high - low) / 2);
    if (!index.seekAtOrAfter(middle)) {
      high = middle - 1;
      continue;
    }
    const { sequence } = index;
    if (stored.compareTime(timeHigh, timeLow) >= 0) {
      answer = sequence;
      high = middle - 1;
    } else low = sequence + 1;
  }
  return answer;
}

/** As `MessageStore.lastMatching`. */
export function* lastMatching(stored: StoredMessages, filter: string, atMost: number): Job<number> {
  const { index } = stored;
  if (filter === ">") return index.seekAtOrBefore(atMost) ? index.sequence : 0;
  const filters = new SubjectFilters([filter]);
  if (filters.literal) return lastOfSubject(stored, idOf(stored.subjects, filters.patterns[0]), atMost, 0);
  // What was found may be removed during a pause.
  for (let best = 0; ; best = 0) {
    const pace = new Pace();
    const matching = new MatchingSubjects(stored, [filter]);
    for (let id = matching.next(); id !== NO_SUBJECT; id = matching.next()) {
      if (id === PAUSED) yield* matching.resume();
      else {
        if (stored.subjects.lastSequenceOf(id) > best) best = lastOfSubject(stored, id, atMost, best);
        if (pace.due()) yield PAUSE;
      }
    }
    if (best === 0 || index.seek(best)) return best;
  }
}

/** As `MessageStore.countFrom`. */
export function* countFrom(
  stored: StoredMessages,
  sequence: number,
  filters: SubjectFilters | null,
  onlyLast: boolean,
): Job<{ messages: number; upTo: number }> {
  const { index, state } = stored;
  const upTo = state.lastSequence;
  const isWhole = sequence <= state.firstSequence;
  if (filters === null && isWhole) return { messages: onlyLast ? stored.subjects.size : state.messages, upTo };
  if (filters === null && !onlyLast) return { messages: index.countFrom(sequence), upTo };
  const pace = new Pace();
  let messages = 0;
  if (isWhole || onlyLast) {
    const matching = new MatchingSubjects(stored, filters?.texts ?? [">"]);
    for (let id = matching.next(); id !== NO_SUBJECT; id = matching.next()) {
      if (id === PAUSED) {
        yield* matching.resume();
        continue;
      }
      if (stored.subjects.lastSequenceOf(id) >= sequence) messages += onlyLast ? 1 : stored.subjects.totalOf(id);
      if (pace.due()) yield PAUSE;
    }
    return { messages, upTo };
  }
  const scan = new MemoryScan(stored, filters, sequence, 1);
  while (true) {
    const read = scan.advance();
    if (read === Read.Missing || (read === Read.Found && scan.found > upTo)) return { messages, upTo };
    if (read === Read.Found) messages++;
    if (read === Read.Paused || pace.due()) yield PAUSE;
  }
}

/** As `MessageStore.lastPerSubject`. */
export function* lastPerSubject(stored: StoredMessages, filters: readonly string[], upTo: number, most: number): Job<number[] | null> {
  const matching = new MatchingSubjects(stored, filters);
  const atMost = upTo === 0 ? stored.state.lastSequence : upTo;
  const found: number[] = [];
  const pace = new Pace();
  for (let id = matching.next(); id !== NO_SUBJECT; id = matching.next()) {
    if (id === PAUSED) yield* matching.resume();
    else {
      const last = lastOfSubject(stored, id, atMost, 0);
      if (last !== 0) found.push(last);
      if (most > 0 && found.length > most) return null;
      if (pace.due()) yield PAUSE;
    }
  }
  return found.sort((a, b) => a - b);
}

/** As `MessageStore.deleted`. */
export function* deleted(stored: StoredMessages): Job<number[]> {
  const { index, state } = stored;
  const runs: number[] = [];
  const pace = new Pace();
  let next = Math.max(1, state.firstSequence);
  while (next <= state.lastSequence) {
    const found = index.seekAtOrAfter(next) ? index.sequence : state.lastSequence + 1;
    if (found > next) runs.push(next, found - next);
    next = found + 1;
    if (pace.due()) yield PAUSE;
  }
  return runs;
}

/** The last sequence of a subject up to `atMost`; `least`: it is not above that. */
function lastOfSubject(stored: StoredMessages, id: number, atMost: number, least: number): number {
  if (id === NO_SUBJECT) return least;
  const { index, subjects } = stored;
  let sequence = subjects.lastSequenceOf(id);
  while (sequence > atMost && sequence > least) {
    index.seek(sequence);
    sequence = index.segment.previous[index.row];
  }
  return Math.max(sequence, least);
}
