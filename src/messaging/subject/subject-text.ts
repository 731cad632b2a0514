import * as rules from "./subject.ts";
import * as overlap from "./subject-overlap.ts";

/**
 * The checks of `subject.ts` and `subject-overlap.ts` for strings: configuration, APIs, logs. They copy the string to bytes each time, so
 * code that runs per message must not use them.
 */
const encoder = new TextEncoder();

/** @param checkRunes also refuse NUL, U+FFFD and lone surrogates */
export function isValidSubjectText(subject: string, checkRunes = false): boolean {
  const bytes = encoder.encode(subject); // a lone surrogate becomes U+FFFD here
  return rules.isValidSubject(bytes, 0, bytes.length, checkRunes);
}

export function isValidPublishSubjectText(subject: string): boolean {
  const bytes = encoder.encode(subject);
  return rules.isValidPublishSubject(bytes, 0, bytes.length);
}

export function hasWildcardText(subject: string): boolean {
  const bytes = encoder.encode(subject);
  return rules.hasWildcard(bytes, 0, bytes.length);
}

export function isSubsetText(subject: string, pattern: string): boolean {
  const a = encoder.encode(subject);
  const b = encoder.encode(pattern);
  return overlap.isSubset(a, 0, a.length, b, 0, b.length);
}

export function collideText(a: string, b: string): boolean {
  const first = encoder.encode(a);
  const second = encoder.encode(b);
  return overlap.collide(first, 0, first.length, second, 0, second.length);
}
