/**
 * The mapping rules of an account, and their checks in the order of the reference. The checks are the same for the configuration and for
 * claims; only the text before the reason differs.
 */

import { quoted } from "../../base/go/strconv.ts";
import { hasWildcardText, isValidSubjectText } from "../subject/subject-text.ts";
import { callsAccountFunction, looksLikeFunction, withAccountHashes } from "./account-functions.ts";
import { callsKnownFunction } from "./destination-token.ts";
import { SubjectTransform, TransformError } from "./subject-transform.ts";
import { transformError } from "./transform-error.ts";

/** A subject to which a part of the messages is sent instead. */
export interface MappingDestination {
  readonly subject: string;
  /** Percent of the messages. */
  readonly weight: number;
  /** Applies only in this cluster; empty: in clusters that no destination names. */
  readonly cluster: string;
}

export interface MappingRule {
  readonly source: string;
  readonly destinations: readonly MappingDestination[];
}

interface Problem {
  readonly text: string;
  readonly source: string;
  /** The destination that is wrong; null: the rule itself is wrong. */
  readonly destination: string | null;
}

/**
 * @param account its account, for account functions
 * @returns the reference's text for the configuration, without its beginning; null: the rule is valid
 */
export function checkMapping(rule: MappingRule, account: string): string | null {
  return problemOf(rule, account)?.text ?? remainderProblem(installedRule(rule, account));
}

/** The rule with literals in place of account functions. @throws TransformError */
export function installedRule({ source, destinations }: MappingRule, account: string): MappingRule {
  const accounts = { own: account, exporter: "" };
  return {
    source: withAccountHashes(source, accounts),
    destinations: destinations.map(one => ({ ...one, subject: withAccountHashes(one.subject, accounts) })),
  };
}

/**
 * The same for claims: `mapping "src": …` or `mapping "src" -> "dest": …`. As in the reference, this does not check whether the remaining
 * messages can keep their subject. `checkMapping` checks it when the claims are applied.
 */
export function checkClaimMapping(rule: MappingRule, account: string): string | null {
  const problem = problemOf(rule, account);
  if (problem === null) return null;
  const { text, source, destination } = problem;
  return `mapping ${quoted(source)}${destination === null ? "" : ` -> ${quoted(destination)}`}: ${text}`;
}

/**
 * Whether one subject can be mapped to another; also the check of stream and source transforms.
 * @returns the reference's text, or null
 */
export function checkDestination(source: string, destination: string): string | null {
  return textOf(() => {
    let full = false;
    for (const token of destination === "" ? [] : destination.split(".")) {
      if (token === "" || full) throw transformError("invalidTransform", token);
      if (looksLikeFunction(token)) {
        if (callsAccountFunction(token)) throw transformError("notAvailable", token);
        if (!callsKnownFunction(token)) throw transformError("unknownFunction", token);
      } else if (token === ">") {
        full = true;
      } else if (/[\t\n\f\r ]/.test(token)) {
        throw transformError("invalidTransform");
      }
    }
    SubjectTransform.compile(source, destination);
  });
}

/** The destination of the messages that remain after a list: their own subject. Null: they are dropped, or none remain. */
export function remainderOf(rule: MappingRule, destinations: MappingRule["destinations"]): { subject: string; weight: number } | null {
  const weight = 100 - destinations.reduce((sum, destination) => sum + destination.weight, 0);
  // If a rule lists its own source, the remaining messages are dropped.
  if (weight === 0 || rule.destinations.some(({ subject }) => subject === rule.source)) return null;
  if (!hasWildcardText(rule.source)) return { subject: rule.source, weight };
  let wildcards = 0;
  const subject = rule.source
    .split(".")
    .map(token => (token === "*" ? `$${++wildcards}` : token))
    .join(".");
  return { subject, weight };
}

/** The destination lists of a rule by cluster; the empty name holds the list for all other clusters. */
export function listsOf(rule: MappingRule): Map<string, MappingRule["destinations"]> {
  const lists = new Map<string, MappingRule["destinations"][number][]>([["", []]]);
  for (const destination of rule.destinations) {
    const list = lists.get(destination.cluster);
    if (list === undefined) lists.set(destination.cluster, [destination]);
    else list.push(destination);
  }
  return lists;
}

function problemOf(rule: MappingRule, account: string): Problem | null {
  const accounts = { own: account, exporter: "" };
  let { source } = rule;
  let destination: string | null = null;
  const refused = (text: string): Problem => ({ text, source, destination });
  try {
    source = withAccountHashes(source, accounts);
    if (!isValidSubjectText(source)) return refused("invalid subject");
    const seen = new Set<string>();
    const totals = new Map<string, number>();
    for (const given of rule.destinations) {
      destination = given.subject;
      const subject = withAccountHashes(given.subject, accounts);
      destination = null;
      if (seen.has(subject)) return refused(`duplicate entry for ${quoted(subject)}`);
      seen.add(subject);
      if (given.weight > 100) return refused("individual weights need to be <= 100");
      const total = (totals.get(given.cluster) ?? 0) + given.weight;
      totals.set(given.cluster, total);
      if (total > 100) return refused("total weight needs to be <= 100");
      const text = checkDestination(source, subject);
      if (text !== null) return { text, source, destination: subject };
    }
    return null;
  } catch (error) {
    if (error instanceof TransformError) return refused(error.message);
    throw error;
  }
}

/** Messages cannot keep their subject if tokens of the source look like functions. */
function remainderProblem(rule: MappingRule): string | null {
  for (const destinations of listsOf(rule).values()) {
    const remainder = remainderOf(rule, destinations);
    const text = remainder === null ? null : textOf(() => SubjectTransform.compile(rule.source, remainder.subject));
    if (text !== null) return text;
  }
  return null;
}

function textOf(attempt: () => unknown): string | null {
  try {
    attempt();
    return null;
  } catch (error) {
    if (error instanceof TransformError) return error.message;
    throw error;
  }
}
