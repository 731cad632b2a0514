/**
 * Questions about all messages of a file store, or about all of its subjects. Whatever the subject table knows is answered without reading blocks.
 * Jobs pause, and the store may change meanwhile: what is added or removed then may or may not be counted.
 */

import { compareTimes } from "../../base/clock/nanoseconds.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import { Message } from "../contract/message.ts";
import { COLD, Read } from "../contract/message-store.ts";
import { SubjectFilters } from "../contract/subject-filters.ts";
import { MatchingSubjects } from "../subjects/matching-subjects.ts";
import { NO_SUBJECT } from "../subjects/subject-table.ts";
import { idOf, subjectBytes } from "../subjects/subject-totals.ts";
import { PAUSED } from "../subjects/subject-walk.ts";
import { FileScan } from "./file-scan.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

/** As `MessageStore.sequenceAt`: the block by its times, then a search in the block. */
export function sequenceAt(stored: StoredBlocks, timeHigh: number, timeLow: number): number | typeof COLD {
  const { blocks, state } = stored;
  if (state.messages === 0) return state.lastSequence + 1;
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { lastTimeHigh, lastTimeLow } = blocks[middle];
    if (compareTimes(lastTimeHigh, lastTimeLow, timeHigh, timeLow) < 0) low = middle + 1;
    else high = middle;
  }
  const block = blocks[low];
  if (block === undefined) return state.lastSequence + 1;
  const message = new Message();
  let first = Math.max(block.firstSequence, state.firstSequence);
  let last = block.lastSequence;
  let answer = last + 1;
  while (first <= last) {
    const middle = first + Math.floor((last - first) / 2);
    const sequence = stored.deleted.nextMissing(middle);
    if (sequence > block.lastSequence) {
      last = middle - 1;
      continue;
    }
    const read = stored.reading.load(sequence, message);
    if (read === Read.Cold) return COLD;
    if (read === Read.Found && compareTimes(message.timeHigh, message.timeLow, timeHigh, timeLow) >= 0) {
      answer = sequence;
      last = middle - 1;
    } else first = sequence + 1;
  }
  if (answer <= block.lastSequence) return answer;
  return Math.min(stored.deleted.nextMissing(block.lastSequence + 1), state.lastSequence + 1);
}

/** As `MessageStore.lastMatching`. */
export function* lastMatching(stored: StoredBlocks, filter: string, atMost: number): Job<number> {
  const filters = filter === ">" ? null : new SubjectFilters([filter]);
  if (filters?.literal && atMost >= stored.state.lastSequence) {
    const id = idOf(stored.subjects, filters.patterns[0]);
    return id === NO_SUBJECT ? 0 : yield* lastOfSubject(stored, id);
  }
  return yield* firstOfScan(stored, new FileScan(stored, filters, atMost, -1));
}

function* firstOfScan(stored: StoredBlocks, scan: FileScan): Job<number> {
  while (true) {
    const read = scan.advance();
    if (read === Read.Found) return scan.found;
    if (read === Read.Missing) return 0;
    if (read === Read.Cold) yield stored.loader.warm();
    else yield PAUSE;
  }
}

function* lastOfSubject(stored: StoredBlocks, id: number): Job<number> {
  while (stored.subjects.isUsed(id)) {
    const last = stored.subjectEnds.lastOf(id);
    if (last !== COLD) return last;
    yield stored.loader.warm();
  }
  return 0;
}

/** As `MessageStore.countFrom`. */
export function* countFrom(
  stored: StoredBlocks,
  sequence: number,
  filters: SubjectFilters | null,
  onlyLast: boolean,
): Job<{ messages: number; upTo: number }> {
  const { deleted, state } = stored;
  const upTo = state.lastSequence;
  if (state.messages === 0 || sequence > upTo) return { messages: 0, upTo };
  const isWhole = sequence <= state.firstSequence;
  if (filters === null && isWhole) return { messages: onlyLast ? stored.subjects.size : state.messages, upTo };
  if (filters === null && !onlyLast) return { messages: upTo - sequence + 1 - deleted.countBetween(sequence, upTo), upTo };
  const pace = new Pace();
  let messages = 0;
  if (isWhole || onlyLast) {
    const matching = new MatchingSubjects(stored, filters?.texts ?? [">"]);
    for (let id = matching.next(); id !== NO_SUBJECT; id = matching.next()) {
      if (id === PAUSED) {
        yield* matching.resume();
        continue;
      }
      if (!onlyLast) messages += stored.subjects.totalOf(id);
      else if (isWhole || (yield* lastOfSubject(stored, id)) >= sequence) messages++;
      if (pace.due()) yield PAUSE;
    }
    return { messages, upTo };
  }
  const scan = new FileScan(stored, filters, sequence, 1);
  while (true) {
    const read = scan.advance();
    if (read === Read.Missing || (read === Read.Found && scan.found > upTo)) return { messages, upTo };
    if (read === Read.Found) messages++;
    if (read === Read.Cold) yield stored.loader.warm();
    else if (read === Read.Paused || pace.due()) yield PAUSE;
  }
}

/** As `MessageStore.lastPerSubject`. */
export function* lastPerSubject(stored: StoredBlocks, filters: readonly string[], upTo: number, most: number): Job<number[] | null> {
  const matching = new MatchingSubjects(stored, filters);
  const atMost = upTo === 0 ? stored.state.lastSequence : upTo;
  const found: number[] = [];
  const pace = new Pace();
  for (let id = matching.next(); id !== NO_SUBJECT; id = matching.next()) {
    if (id === PAUSED) yield* matching.resume();
    else {
      let last = yield* lastOfSubject(stored, id);
      if (last > atMost) last = yield* firstOfScan(stored, FileScan.ofSubject(stored, subjectBytes(stored.subjects, id), atMost, -1));
      if (last !== 0) found.push(last);
      if (most > 0 && found.length > most) return null;
      if (pace.due()) yield PAUSE;
    }
  }
  return found.sort((a, b) => a - b);
}

/** As `MessageStore.deleted`. */
export function* deletedSequences({ deleted, state }: StoredBlocks): Job<number[]> {
  const runs: number[] = [];
  const pace = new Pace();
  if (state.messages === 0) return runs;
  for (let first = deleted.next(state.firstSequence); first !== 0 && first <= state.lastSequence; ) {
    const end = deleted.nextMissing(first);
    runs.push(first, end - first);
    first = deleted.next(end);
    if (pace.due()) yield PAUSE;
  }
  return runs;
}
