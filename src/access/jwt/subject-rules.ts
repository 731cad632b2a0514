/**
 * The JWT library's own rules for subjects. They are weaker than the server's: a wildcard may be part of a token, and of all characters only
 * spaces are refused.
 * Source: nats-io/jwt v2, types.go (behaviour).
 */
import { quoted } from "../../base/go/strconv.ts";
import type { ValidationResults } from "./validation.ts";

export function validateSubject(subject: string, results: ValidationResults): void {
  if (subject === "") return results.addError("subject cannot be empty");
  if (subject.includes(" ")) results.addError(`subject ${quoted(subject)} cannot have spaces`);
  if (subject.startsWith(".") || subject.endsWith(".")) results.addError(`subject ${quoted(subject)} cannot start or end with a \`.\``);
  if (subject.includes("..")) results.addError(`subject ${quoted(subject)} cannot contain consecutive \`.\``);
}

export function hasWildcards(subject: string): boolean {
  const tokens = subject.split(".");
  return tokens.includes("*") || tokens[tokens.length - 1] === ">";
}

/** Whether every subject that matches `subject` also matches `other`. */
export function isContainedIn(subject: string, other: string): boolean {
  return areContainedIn(subject.split("."), other.split("."));
}

/** The same for subjects split into tokens. */
export function areContainedIn(mine: readonly string[], others: readonly string[]): boolean {
  const last = others.length - 1;
  if (mine.length < others.length || (mine.length > others.length && others[last] !== ">")) return false;
  for (let index = 0; index <= last; index++) {
    const token = others[index];
    if (token !== mine[index] && token !== "*" && !(token === ">" && index === last)) return false;
  }
  return true;
}

const INTEGER = /^[+-]?\d+$/;

/** N of `$N`; null for any other token. */
function referenceOf(token: string): number | null {
  return token.length > 1 && token[0] === "$" && INTEGER.test(token.slice(1)) ? Number(token.slice(1)) : null;
}

function wildcardCount(subject: string): number {
  return subject.split(".").filter(token => token === "*").length;
}

/** `local` with `$1` and `*` in place of the wildcards of `subject`. */
export function validateLocalSubject(local: string, subject: string, results: ValidationResults): void {
  validateSubject(local, results);
  if (subject === "") results.addError("subject cannot be empty");
  if (local.includes(" ")) results.addError(`subject ${quoted(local)} cannot have spaces`);
  if (endsInRest(local) !== endsInRest(subject)) results.addError("both, renaming subject and subject, need to end or not end in >");
  const wildcards = wildcardCount(subject);
  let references = wildcardCount(local);
  for (const reference of local.split(".").map(referenceOf)) {
    if (reference === null) continue;
    if (reference <= wildcards) references++;
    else results.addError(`Reference $${reference} in ${quoted(local)} reference * in ${quoted(subject)} that do not exist`);
  }
  if (references !== wildcards) results.addError("subject does not contain enough * or reference wildcards $[0-9]");
}

function endsInRest(subject: string): boolean {
  return subject === ">" || subject.endsWith(".>");
}

/** A local subject with `*` for `$1`. */
export function withoutReferences(local: string): string {
  return local
    .split(".")
    .map(token => (referenceOf(token) === null ? token : "*"))
    .join(".");
}
