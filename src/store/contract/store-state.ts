/** What a store holds. Times are nanoseconds since 1970 (base/clock/nanoseconds.ts); both halves are 0 without a message. */
export class StoreState {
  messages = 0;
  /** As the store counts them: file records with their overhead; in memory subject, headers and payload plus 16. */
  bytes = 0;
  /** The first sequence that holds a message. Emptied: the last one plus 1. Never used: 0. */
  firstSequence = 0;
  firstTimeHigh = 0;
  firstTimeLow = 0;
  /** The last sequence that was used. */
  lastSequence = 0;
  lastTimeHigh = 0;
  lastTimeLow = 0;
  /** Subjects that have messages. */
  subjects = 0;
  /** Sequences between first and last without a message. */
  deleted = 0;
  /** Sequences whose messages were lost by damage, ascending, and the bytes lost. Empty: none. */
  lostSequences: number[] = [];
  lostBytes = 0;
}
