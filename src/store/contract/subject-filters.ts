/** Subjects with wildcards that select messages of a store. A message matches if one of them matches. */
import { encode } from "../../base/bytes/ascii.ts";
import { matchesLiteral } from "../../messaging/subject/subject-overlap.ts";

export class SubjectFilters {
  readonly texts: readonly string[];
  readonly patterns: readonly Uint8Array[];
  /** All patterns are without wildcards. */
  readonly literal: boolean;

  /** @param texts valid subjects, at least one */
  constructor(texts: readonly string[]) {
    this.texts = texts;
    this.patterns = texts.map(text => Uint8Array.from(encode(text)));
    this.literal = texts.every(text => text.split(".").every(token => token !== "*" && token !== ">"));
  }

  matches(subject: Uint8Array, start: number, end: number): boolean {
    for (const pattern of this.patterns) if (matchesLiteral(pattern, subject, start, end)) return true;
    return false;
  }
}
