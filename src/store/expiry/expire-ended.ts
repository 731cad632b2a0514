/** Removing the messages whose time to live has ended, in the order of their times, for both kinds of stores. */
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE } from "../../base/scheduling/sliced.ts";
import type { Deadlines } from "./deadlines.ts";

/** What became of a message whose time may have ended. */
export enum Ending {
  /** It is gone, or its deadline was corrected and noted again. */
  Done = 0,
  /** It stays for now, because its owner replaces it: ask again in a while. */
  Stays,
  /** Not in memory. */
  Cold,
}

export interface TtlOwner {
  /** Removes a message, if it is there and its time has ended. */
  end(sequence: number): Ending;
  /** Completes a part of the change. */
  changed(): void;
  /** As `MessageStore.warm`. */
  warm(): Promise<void>;
}

/** A message that stays is looked at again after that time, nanoseconds. */
const AGAIN_AFTER = 250_000_000;
const TWO_32 = 2 ** 32;

/** Entries that are taken together. */
const BATCH = 512;

/**
 * Takes messages by time, and those that ended together by sequence: markers follow in the order of the messages that they replace, as in the
 * reference. An entry is in `deadlines` whenever this pauses, so that a file that is written meanwhile is complete.
 */
export function* expireEnded(deadlines: Deadlines, nowHigh: number, nowLow: number, owner: TtlOwner): Job<void> {
  const batch = new Float64Array(Math.min(BATCH, deadlines.count));
  const againLow = nowLow + AGAIN_AFTER;
  while (true) {
    let count = 0;
    while (count < batch.length && deadlines.takeFirst(nowHigh, nowLow)) batch[count++] = deadlines.sequence;
    if (count === 0) return;
    batch.subarray(0, count).sort();
    let at = 0;
    let ending = Ending.Done;
    for (; at < count; at++) {
      ending = owner.end(batch[at]);
      if (ending === Ending.Cold) break;
      if (ending === Ending.Stays) deadlines.add(batch[at], againLow < TWO_32 ? nowHigh : nowHigh + 1, againLow % TWO_32);
    }
    for (; at < count; at++) deadlines.add(batch[at], nowHigh, nowLow);
    owner.changed();
    if (ending === Ending.Cold) yield owner.warm();
    else yield PAUSE;
  }
}

/** Entries without a message that one question drops. */
const DROPPED = 64;

/** When the first message ends, or earlier: nanoseconds since 1970 in `deadlines.timeHigh` and `timeLow`. @returns false: none does */
export function findFirstEnd(deadlines: Deadlines, has: (sequence: number) => boolean): boolean {
  for (let count = 0; count < DROPPED && deadlines.count > 0; count++) {
    deadlines.readFirst();
    if (has(deadlines.sequence)) return true;
    deadlines.takeFirst(deadlines.timeHigh, deadlines.timeLow);
  }
  return deadlines.count > 0;
}
