/**
 * What a user of a file store was told, and what must be there after a crash: compares a store that was opened again with it.
 *
 *   message   told stored, no removal begun  ─▶ must be there, with its bytes
 *             told stored, removal begun     ─▶ may be there; told removed ─▶ must not
 *             not told                       ─▶ may be there, with its bytes
 */
import type { DrivenStore } from "./driven-store.ts";

interface Known {
  readonly payload: string;
  /** Position of the change that stored it, and of the one that removes it; null: none has begun. */
  readonly stored: number;
  removed: number | null;
}

export class CrashModel {
  private readonly messages = new Map<number, Known>();
  /** Changes up to this position were told to the user. */
  private told = 0;
  private toldSequence = 0;

  /** @param tellsEarly a planted defect: the user is told before the disk has answered */
  constructor(private readonly tellsEarly = false) {}

  stored(sequence: number, payload: string, store: DrivenStore): void {
    this.messages.set(sequence, { payload, stored: store.store.applied, removed: null });
  }

  /** A removal begins. @param matches of the messages that it removes */
  removing(matches: (sequence: number, payload: string) => boolean): void {
    for (const [sequence, known] of this.messages) if (matches(sequence, known.payload)) known.removed ??= Number.POSITIVE_INFINITY;
  }

  /** The removal was applied. */
  removed(store: DrivenStore): void {
    for (const known of this.messages.values()) if (known.removed === Number.POSITIVE_INFINITY) known.removed = store.store.applied;
  }

  /** Notes what the user may know now. */
  tell({ store }: DrivenStore): void {
    this.told = this.tellsEarly ? store.applied : store.durable;
    for (const [sequence, { stored }] of this.messages) if (stored <= this.told) this.toldSequence = Math.max(this.toldSequence, sequence);
  }

  /** Compares the store that was opened after the crash. @returns what is wrong; empty: nothing. Afterwards the model is as the store. */
  async compare(store: DrivenStore): Promise<string> {
    for (const [sequence, known] of this.messages) {
      const found = (await store.load(sequence))?.payload ?? null;
      const isTold = known.stored <= this.told;
      const isGone = known.removed !== null && known.removed <= this.told;
      if (found !== null && found !== known.payload) return `message ${sequence} has other bytes`;
      if (found !== null && isGone) return `message ${sequence} is back`;
      if (found === null && isTold && known.removed === null) return `message ${sequence} is lost`;
      if (found === null) this.messages.delete(sequence);
    }
    if (store.state.lastSequence < this.toldSequence) return `the last sequence is ${store.state.lastSequence}, ${this.toldSequence} was used`;
    // What was being stored when the power failed may be there too.
    const there = (await store.scan(null, 0, 1)).length;
    if (store.state.messages !== there) return `${store.state.messages} messages are counted, ${there} are there`;
    const subjects = (await store.subjectTotals(">")).reduce((sum, { messages }) => sum + messages, 0);
    if (subjects !== there) return `${subjects} messages are counted by subject, ${there} are there`;
    for (const [sequence, known] of this.messages) this.messages.set(sequence, { payload: known.payload, stored: 0, removed: null });
    this.told = 0;
    return "";
  }
}
