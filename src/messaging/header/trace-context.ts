/**
 * Whether a `traceparent` says that its request is followed: four fields, of which the last is two hexadecimal digits with the lowest bit set.
 * The reference reads them as a signed byte, so that 80 and above say nothing; a plus sign is a digit's place.
 * Source: www.w3.org/TR/trace-context; reference, core §9.6.
 */
const FOLLOWED = /^[^-]*-[^-]*-[^-]*-(?:[0-7]|\+)[13579bdfBDF]$/;

export function isFollowed(traceParent: string): boolean {
  return FOLLOWED.test(traceParent);
}
