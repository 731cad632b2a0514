/** A page of a list: `offset` and `limit` of a request. */

export interface Page {
  /** As shown in the answer; exact beyond 2^53. */
  readonly offset: number | bigint;
  readonly limit: number | bigint;
  /** Indices of the first item and after the last one. */
  readonly start: number;
  readonly end: number;
}

/** @param offset below 0: 0 @param limit not above 0: `limitInitial` */
export function pageOf(offset: number | bigint, limit: number | bigint, limitInitial: number): Page {
  const from = offset < 0 ? 0 : offset;
  const size = limit <= 0 ? limitInitial : limit;
  return { offset: from, limit: size, start: Number(from), end: Number(from) + Number(size) };
}
