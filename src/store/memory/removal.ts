/**
 * Removing many messages of a memory store: purge, compact, truncate, and limits that became smaller. All are jobs. Each message that is removed is
 * a whole change, so a job that pauses leaves a store that is consistent and only holds more than it will at the end.
 * Source of behaviour: formats.md §10.12, §10.15.
 */
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE, Pace } from "../../base/scheduling/sliced.ts";
import { Read, RemovalReason } from "../contract/message-store.ts";
import { SubjectFilters } from "../contract/subject-filters.ts";
import { NO_SUBJECT } from "../subjects/subject-table.ts";
import { countMatching } from "../subjects/subject-totals.ts";
import { MemoryScan } from "./memory-scan.ts";
import type { StoredMessages } from "./stored-messages.ts";

/** As `MessageStore.purge`. @param changed called when a part is complete */
export function* purge(stored: StoredMessages, filter: string | null, below: number, keep: number, changed: () => void): Job<number> {
  if (below === 1) return 0;
  const filters = filter === null || filter === ">" ? null : new SubjectFilters([filter]);
  if (filters === null && keep === 0) return below === 0 ? purgeAll(stored, changed) : yield* compact(stored, below, changed);
  const end = below === 0 ? stored.state.lastSequence + 1 : below;
  let most = Number.POSITIVE_INFINITY;
  if (keep > 0) most = (filters === null ? stored.state.messages : yield* countMatching(stored, filters)) - keep;
  const scan = new MemoryScan(stored, filters, 0, 1);
  const pace = new Pace();
  let removed = 0;
  while (removed < most) {
    const read = scan.advance();
    if (read === Read.Missing || (read === Read.Found && scan.found >= end)) break;
    if (read === Read.Found) {
      stored.remove(scan.found, RemovalReason.Request);
      removed++;
      if (!pace.due()) continue;
      changed();
    } else if (scan.position >= end) break;
    yield PAUSE;
  }
  if (removed > 0) changed();
  return removed;
}

/** As `MessageStore.compact`. */
export function* compact(stored: StoredMessages, below: number, changed: () => void): Job<number> {
  const { state } = stored;
  if (below <= 0 || state.firstSequence > below) return 0;
  if (below > state.lastSequence) {
    const removed = state.messages;
    stored.clear();
    state.lastSequence = below - 1;
    stored.setEmptyFirst(below);
    return endCompact(stored, below, removed, changed);
  }
  const pace = new Pace();
  let removed = 0;
  while (state.messages > 0 && state.firstSequence < below) {
    stored.index.seek(state.firstSequence);
    stored.removeQuietly();
    removed++;
    if (!pace.due()) continue;
    changed();
    yield PAUSE;
  }
  return endCompact(stored, below, removed, changed);
}

/** As `MessageStore.truncate`. */
export function* truncate(stored: StoredMessages, above: number, changed: () => void): Job<void> {
  const { index, records, state } = stored;
  if (above >= state.lastSequence) return;
  const pace = new Pace();
  let at = state.lastSequence;
  while (index.seekAtOrBefore(at) && index.sequence > above) {
    at = index.sequence - 1;
    stored.removeQuietly();
    if (!pace.due()) continue;
    changed();
    yield PAUSE;
  }
  yield* stored.deadlines.dropAbove(above);
  index.cutAfter(above);
  stored.rewinds++;
  state.lastSequence = above;
  if (above === 0) {
    state.lastTimeHigh = 0;
    state.lastTimeLow = 0;
  } else if (index.seek(above)) {
    const { row, segment } = index;
    state.lastTimeHigh = records.timeHigh(segment.chunk[row], segment.offset[row]);
    state.lastTimeLow = records.timeLow(segment.chunk[row], segment.offset[row]);
  }
  if (state.messages === 0) stored.setEmptyFirst(above === 0 ? 0 : above + 1);
  changed();
}

/** Removes what the limits no longer allow: by number and bytes first, then by subject. Source: nats-server (behaviour). */
export function* enforceLimits(stored: StoredMessages, changed: () => void): Job<void> {
  const { limits, state } = stored;
  const pace = new Pace();
  const isAbove = () => {
    const { bytesMax, messagesMax } = limits;
    return (messagesMax > 0 && state.messages > messagesMax) || (bytesMax > 0 && state.bytes > bytesMax);
  };
  while (limits.discard === "old" && isAbove()) {
    stored.remove(state.firstSequence, RemovalReason.Limit);
    if (!pace.due()) continue;
    changed();
    yield PAUSE;
  }
  const most = limits.messagesPerSubjectMax;
  if (most > 0) {
    // Subjects that come meanwhile are limited when their messages are stored.
    for (let id = stored.subjects.next(NO_SUBJECT); id !== NO_SUBJECT; id = stored.subjects.next(id)) {
      while (stored.subjects.isUsed(id) && stored.subjects.totalOf(id) > most) {
        stored.remove(stored.subjects.firstSequenceOf(id), RemovalReason.Limit);
        if (!pace.due()) continue;
        changed();
        yield PAUSE;
      }
      if (!pace.due()) continue;
      changed();
      yield PAUSE;
    }
  }
  changed();
}

function purgeAll(stored: StoredMessages, changed: () => void): number {
  const { state } = stored;
  const removed = state.messages;
  stored.clear();
  stored.setEmptyFirst(state.lastSequence + 1);
  return endCompact(stored, state.firstSequence, removed, changed);
}

function endCompact(stored: StoredMessages, below: number, removed: number, changed: () => void): number {
  if (removed > 0) stored.observer.onRemovedBelow(below);
  changed();
  return removed;
}
