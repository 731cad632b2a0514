/**
 * Names of JetStream domains. A domain is one token of the subjects of its API, `$JS.<domain>.API.>`.
 * Source: reference, jetstream.md §1.2.
 */
import { quoted } from "../../base/go/strconv.ts";
import { isValidSubjectText } from "../../messaging/subject/subject-text.ts";

/** Domains whose API could not be told apart from other subjects of JetStream. */
const RESERVED: ReadonlySet<string> = new Set(["ACK", "FC", "SNAPSHOT", "EVENT"]);

function subjectsOf(domain: string): string {
  return `$JS.${domain}.API.>`;
}

/** The error in the server's own domain; empty: no domain. @returns null: none */
export function domainFault(domain: string): string | null {
  if (domain === "") return null;
  const subjects = subjectsOf(domain);
  if (!isValidSubjectText(subjects)) return `invalid domain name: derived ${quoted(subjects)} is not a valid subject`;
  if (/[ \t\r\n\f.*>]/.test(domain)) return "invalid domain name: may not contain ., * or >";
  return RESERVED.has(domain) ? `invalid domain name: ${quoted(domain)} is reserved` : null;
}

/** Whether an account may be directed to this domain of another server. Tokens and wildcards are accepted, as in the reference. */
export function isDomainOfOther(domain: string): boolean {
  return domain === "" || (isValidSubjectText(subjectsOf(domain)) && !RESERVED.has(domain));
}
