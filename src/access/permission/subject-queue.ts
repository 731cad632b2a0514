import { encode } from "../../base/bytes/ascii.ts";
import { isValidSubject } from "../../messaging/subject/subject.ts";

/**
 * Parses entries of permission lists: a subject, in subscribe lists also `<subject> <queue>` with any white space between.
 * Both must be valid subjects; a queue's name may hold wildcards like one.
 */
export interface SubjectQueue {
  readonly subject: string;
  /** null: the entry names no queue. */
  readonly queue: string | null;
}

/** White space as defined by Unicode, as the reference splits; JavaScript's `\s` lacks U+0085 and adds U+FEFF. */
const WHITE_SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** Splits at white space. */
export function words(text: string): string[] {
  return text.split(WHITE_SPACE).filter(word => word !== "");
}

/** @returns null when it is neither a subject nor a subject and a queue */
export function splitSubjectQueue(text: string): SubjectQueue | null {
  const [subject, queue = null, ...more] = words(text);
  if (subject === undefined || more.length > 0) return null;
  if (!isValidEntrySubject(subject) || (queue !== null && !isValidEntrySubject(queue))) return null;
  return { subject, queue };
}

export function joinSubjectQueue({ subject, queue }: SubjectQueue): string {
  return queue === null ? subject : `${subject} ${queue}`;
}

/** Whether the subject is valid in a permission: no empty token, nothing after `>`, no white space. */
export function isValidEntrySubject(subject: string): boolean {
  const bytes = encode(subject);
  return isValidSubject(bytes, 0, bytes.length);
}
