/**
 * A walk over the messages of a memory store, in ascending or descending order, with filters or without.
 *
 *   no filter          the index's next message
 *   one literal        the list of its subject: `following` is the next message of it. Rows are searched only when the walk begins in the middle
 *   other filters      row by row; whether a subject matches is remembered by id, so most rows cost the comparison of a number
 * Not a merge of the lists of all subjects that match: it pays off only when few messages match, and then costs memory per subject. A step stops
 * with `Paused` after `STEP_ROWS` rows, so that a search through millions of messages holds up nobody.
 */
import type { Message } from "../contract/message.ts";
import { type MessageScan, Read } from "../contract/message-store.ts";
import type { SubjectFilters } from "../contract/subject-filters.ts";
import { NO_SUBJECT } from "../subjects/subject-table.ts";
import { COMPARED, MATCHES, Verdicts } from "../subjects/verdicts.ts";
import type { Segment } from "./segment.ts";
import type { StoredMessages } from "./stored-messages.ts";

/** Rows that one step looks at; a subject that is compared with filters counts as one more per filter. About 50 µs. */
const STEP_ROWS = 4096;

export class MemoryScan implements MessageScan {
  /** The sequence that `advance` found. */
  found = 0;
  /** For a literal: no message of the subject is between `expected` and this sequence. It holds while `position` is `expected`. */
  private following = 0;
  private expected = -1;
  private rewinds = 0;
  private readonly verdicts: Verdicts | null;
  private readonly literal: Uint8Array | null;

  constructor(
    private readonly stored: StoredMessages,
    filters: SubjectFilters | null,
    public position: number,
    private readonly direction: 1 | -1,
  ) {
    const isLiteral = filters?.literal === true && filters.patterns.length === 1;
    this.literal = isLiteral ? filters.patterns[0] : null;
    this.verdicts = filters === null || isLiteral || filters.texts.includes(">") ? null : new Verdicts(stored, filters);
  }

  step(into: Message): Read {
    const read = this.advance();
    if (read === Read.Found) this.stored.read(into);
    return read;
  }

  /** A step without reading the message: the index stands on it, and its sequence is `found`. */
  advance(): Read {
    if (this.literal !== null) return this.advanceInList(this.literal);
    if (this.verdicts !== null) return this.search(this.verdicts);
    const { index } = this.stored;
    const { direction, position } = this;
    if (!(direction === 1 ? index.seekAtOrAfter(position) : index.seekAtOrBefore(position))) return this.end();
    return this.find(index.sequence);
  }

  private find(sequence: number): Read {
    this.found = sequence;
    this.position = sequence + this.direction;
    return Read.Found;
  }

  private end(): Read {
    this.position = this.direction === 1 ? Math.max(this.position, this.stored.state.lastSequence + 1) : 0;
    return Read.Missing;
  }

  private advanceInList(subject: Uint8Array): Read {
    const { direction, stored } = this;
    const { index, subjects } = stored;
    const id = subjects.find(subject, 0, subject.length);
    if (id === NO_SUBJECT) return this.end();
    const first = subjects.firstSequenceOf(id);
    const last = subjects.lastSequenceOf(id);
    const follows = this.position === this.expected && this.rewinds === stored.rewinds;
    let from = follows ? this.following : this.position;
    if (direction === 1 ? from > last : from < first) return this.end();
    from = direction === 1 ? Math.max(from, first) : Math.min(from, last);
    if (!index.seek(from) || index.segment.subject[index.row] !== id) {
      const read = this.searchRows(from, id, null);
      if (read !== Read.Found) return read;
    }
    const { row, segment } = index;
    const { lastSequence } = stored.state;
    this.following = direction === 1 ? segment.next[row] || lastSequence + 1 : segment.previous[row];
    this.find(index.sequence);
    this.expected = this.position;
    this.rewinds = stored.rewinds;
    return Read.Found;
  }

  private search(verdicts: Verdicts): Read {
    verdicts.begin();
    return this.searchRows(this.position, NO_SUBJECT, verdicts);
  }

  /** Looks at rows from a sequence on. @param id a subject; `NO_SUBJECT`: those that `verdicts` accept */
  private searchRows(from: number, id: number, verdicts: Verdicts | null): Read {
    const { direction } = this;
    const { index } = this.stored;
    let budget = STEP_ROWS;
    let sequence = from;
    while (direction === 1 ? index.seekAtOrAfter(sequence) : index.seekAtOrBefore(sequence)) {
      const { segment } = index;
      const { chunk, subject } = segment;
      const end = direction === 1 ? segment.rows : -1;
      let row = index.row;
      for (; row !== end && budget > 0; row += direction) {
        budget--;
        if (chunk[row] === 0) continue;
        if (verdicts === null) {
          if (subject[row] === id) return this.stop(segment, row);
        } else {
          const answer = verdicts.of(subject[row]);
          if ((answer & MATCHES) !== 0) return this.stop(segment, row);
          if ((answer & COMPARED) !== 0) budget -= verdicts.cost;
        }
      }
      sequence = row !== end ? segment.sequenceOf(row) : direction === 1 ? segment.end : segment.first - 1;
      if (budget > 0) continue;
      this.position = sequence;
      return Read.Paused;
    }
    return this.end();
  }

  private stop(segment: Segment, row: number): Read {
    const { index } = this.stored;
    index.segment = segment;
    index.row = row;
    return this.find(segment.sequenceOf(row));
  }
}
