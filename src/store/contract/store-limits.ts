/** What a store keeps. -1 means no limit. Part of a stream's configuration. */
export interface StoreLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
  readonly messagesPerSubjectMax: number;
  /** Nanoseconds as whole milliseconds times 10^6 would lose digits, so it is a bigint; 0n: messages do not expire by age. */
  readonly ageMaxNs: bigint;
  /** What happens to a message above a limit: `old` removes older messages; `new` refuses it (`MessageStore.check`). */
  readonly discard: "old" | "new";
  /** With `discard: "new"`: a message above `messagesPerSubjectMax` is refused too. */
  readonly discardNewPerSubject: boolean;
  /** Messages may have a time to live (`Nats-TTL`). */
  readonly allowTtl: boolean;
  /** A subject whose last message expired gets a marker that lives this long, seconds; 0: no markers. */
  readonly markerTtlSeconds: number;
}

export const NO_STORE_LIMITS: StoreLimits = {
  messagesMax: -1,
  bytesMax: -1,
  messagesPerSubjectMax: -1,
  ageMaxNs: 0n,
  discard: "old",
  discardNewPerSubject: false,
  allowTtl: false,
  markerTtlSeconds: 0,
};
