/**
 * The subjects on which a client may always publish, by the numbers (stamps) that they have in the cache of its account's interest.
 *
 *   allowedStamps   [-1, 2049, 2, -1, …]     a stamp is at its low bits; -1: none
 * A client that publishes on many subjects in turn asks once per message, and an access to this array answers. Everything else (patterns, the
 * decision cache) is asked only about subjects that are not in it.
 * A stamp names one subject within an epoch of the interest. In the next epoch, in another account and with other permissions all are forgotten.
 * The array is a field of the client, and the check is written out where it is asked: an object in between costs 3 ns (bench/micro/publishing.ts).
 */

/** A power of two; twice the size of the interest's cache. */
const SLOTS = 2048;
export const STAMP_MASK = SLOTS - 1;
/** Clients get an array of their own after this number of questions that it could not answer: they publish on many subjects. */
const CREATED_AFTER = 256;

/** Of clients that have no array yet. Never written. */
export const NO_STAMPS = new Int32Array(SLOTS).fill(-1);

export interface StampHolder {
  /** `allowedStamps[stamp & STAMP_MASK] === stamp`: the subject is allowed, if `stampEpoch` is that of the interest. */
  allowedStamps: Int32Array;
  stampEpoch: number;
  /** Questions that `allowedStamps` did not answer, while it is `NO_STAMPS`. */
  stampsMissed: number;
}

/** The interest of the holder's account, after the look-up of a subject. */
export interface StampSource {
  /** Of that subject; 0: it has none. */
  readonly matchedStamp: number;
  readonly stampEpoch: number;
}

/** Whether it is known that the holder may always publish on the subject. */
export function isStampAllowed({ allowedStamps, stampEpoch }: StampHolder, source: StampSource): boolean {
  const stamp = source.matchedStamp;
  return allowedStamps[stamp & STAMP_MASK] === stamp && stampEpoch === source.stampEpoch;
}

/** Remembers that the holder may always publish on the subject. */
export function allowStamp(holder: StampHolder, source: StampSource): void {
  const stamp = source.matchedStamp;
  const epoch = source.stampEpoch;
  if (stamp === 0) return;
  if (holder.allowedStamps === NO_STAMPS) {
    if (++holder.stampsMissed <= CREATED_AFTER) return;
    holder.allowedStamps = new Int32Array(SLOTS).fill(-1);
  } else if (holder.stampEpoch !== epoch) holder.allowedStamps.fill(-1);
  holder.stampEpoch = epoch;
  holder.allowedStamps[stamp & STAMP_MASK] = stamp;
}

/** Called when the holder's account or permissions change. */
export function forgetStamps(holder: StampHolder): void {
  if (holder.allowedStamps !== NO_STAMPS) holder.allowedStamps.fill(-1);
}
