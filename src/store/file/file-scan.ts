/**
 * A walk over the messages of a file store, in ascending or descending order, with filters or without.
 *
 *   no filter      the next sequence that is not deleted
 *   one literal    a native search over the slots of a block for the subject's id; blocks before the subject's first one are passed over
 *   other filters  slot by slot; whether a subject matches is remembered by id
 * A step stops with `Cold` at a block that is not in memory, and with `Paused` after some blocks or slots.
 */
import type { Block } from "../block/block.ts";
import { type BlockData, NO_RECORD } from "../block/block-data.ts";
import type { Message } from "../contract/message.ts";
import { type MessageScan, Read } from "../contract/message-store.ts";
import type { SubjectFilters } from "../contract/subject-filters.ts";
import { NO_SUBJECT } from "../subjects/subject-table.ts";
import { COMPARED, MATCHES, Verdicts } from "../subjects/verdicts.ts";
import type { StoredBlocks } from "./stored-blocks.ts";

/** Slots that one step looks at. About 50 µs. */
const STEP_SLOTS = 4096;
/** Slots that a native search looks at in the same time. */
const SEARCH_SLOTS = 65_536;
/** Instead of a budget that is left. */
const FOUND = -1;

export class FileScan implements MessageScan {
  /** The sequence that `advance` found. */
  found = 0;
  private readonly verdicts: Verdicts | null;
  private literal: Uint8Array | null;

  /** Of the messages of one subject. @param subject copied */
  static ofSubject(stored: StoredBlocks, subject: Uint8Array, from: number, direction: 1 | -1): FileScan {
    const scan = new FileScan(stored, null, from, direction);
    scan.literal = Uint8Array.from(subject);
    return scan;
  }

  constructor(
    private readonly stored: StoredBlocks,
    filters: SubjectFilters | null,
    public position: number,
    private readonly direction: 1 | -1,
  ) {
    const isLiteral = filters?.literal === true && filters.patterns.length === 1;
    this.literal = isLiteral ? filters.patterns[0] : null;
    this.verdicts = filters === null || isLiteral || filters.texts.includes(">") ? null : new Verdicts(stored, filters);
  }

  step(into: Message): Read {
    const { position } = this;
    const read = this.advance();
    if (read !== Read.Found) return read;
    const loaded = this.stored.reading.load(this.found, into);
    if (loaded === Read.Cold) this.position = position;
    return loaded;
  }

  /** A step without reading the message: its sequence is `found`. */
  advance(): Read {
    const { state } = this.stored;
    if (this.direction === 1) this.position = Math.max(this.position, state.firstSequence, 1);
    else this.position = Math.min(this.position, state.lastSequence);
    if (state.messages === 0) return this.end();
    if (this.literal !== null) return this.advanceToSubject(this.literal);
    if (this.verdicts !== null) return this.search(this.verdicts);
    const next = this.nextStored(this.position);
    return next === 0 ? this.end() : this.find(next);
  }

  /** The next sequence, from one on, that has a message; 0: none. */
  private nextStored(from: number): number {
    const { deleted, state } = this.stored;
    if (this.direction === 1) {
      const next = deleted.nextMissing(from);
      return next > state.lastSequence ? 0 : next;
    }
    const previous = deleted.previousMissing(from);
    return previous < state.firstSequence ? 0 : previous;
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

  /** The block that has the next message; null: there is none. Moves `position` to that message. */
  private nextBlock(): Block | null {
    const next = this.nextStored(this.position);
    if (next === 0) return null;
    this.position = next;
    return this.stored.blockOf(next);
  }

  private advanceToSubject(subject: Uint8Array): Read {
    const { direction, stored } = this;
    const { subjects } = stored;
    const id = subject.length === 0 ? NO_SUBJECT : subjects.find(subject, 0, subject.length);
    if (id === NO_SUBJECT) return this.end();
    const first = subjects.firstSequenceOf(id);
    const last = subjects.lastSequenceOf(id);
    if (direction === 1) {
      if (last !== 0 && this.position > last) return this.end();
      this.position = Math.max(this.position, first);
    } else {
      if (first !== 0 && this.position < first) return this.end();
      if (last !== 0) this.position = Math.min(this.position, last);
    }
    let budget = SEARCH_SLOTS;
    for (let block = this.nextBlock(); block !== null; block = this.nextBlock()) {
      if (direction === 1 ? block.index > subjects.lastBlockOf(id) : block.index < subjects.firstBlockOf(id)) return this.end();
      if (direction === 1 && block.index < subjects.firstBlockOf(id)) {
        this.position = block.lastSequence + 1;
        continue;
      }
      const data = stored.dataOf(block);
      if (data === null) return Read.Cold;
      const sequence = direction === 1 ? data.nextOf(id, this.position) : data.previousOf(id, this.position);
      if (sequence !== 0) return this.find(sequence);
      budget -= data.slots;
      this.position = direction === 1 ? block.lastSequence + 1 : block.firstSequence - 1;
      if (budget <= 0) return Read.Paused;
    }
    return this.end();
  }

  private search(verdicts: Verdicts): Read {
    verdicts.begin();
    let budget = STEP_SLOTS;
    for (let block = this.nextBlock(); block !== null; block = this.nextBlock()) {
      const data = this.stored.dataOf(block);
      if (data === null) return Read.Cold;
      budget = this.searchBlock(block, data, verdicts, budget);
      if (budget === FOUND) return Read.Found;
      if (budget <= 0) return Read.Paused;
    }
    return this.end();
  }

  /** @returns the budget that is left, or `FOUND` */
  private searchBlock(block: Block, data: BlockData, verdicts: Verdicts, budgetBefore: number): number {
    const { direction } = this;
    const { base, offsets, subjects } = data;
    let budget = budgetBefore;
    const end = direction === 1 ? data.slots : -1;
    let slot = this.position - base;
    for (; slot !== end && budget > 0; slot += direction) {
      budget--;
      if (slot < 0 || slot >= data.slots) break;
      if (offsets[slot] === NO_RECORD) continue;
      const answer = verdicts.of(subjects[slot]);
      if ((answer & MATCHES) !== 0) {
        this.find(base + slot);
        return FOUND;
      }
      if ((answer & COMPARED) !== 0) budget -= verdicts.cost;
    }
    if (slot === end || slot < 0 || slot >= data.slots) this.position = direction === 1 ? block.lastSequence + 1 : block.firstSequence - 1;
    else this.position = base + slot;
    return Math.max(0, budget);
  }
}
