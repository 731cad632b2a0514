/**
 * Permissions of a scoped signing key, filled in for one user:
 *
 *   "orders.{{name()}}.{{tag(region)}}.>"    user alice, tags region:eu and region:us
 *   → "orders.alice.eu.>", "orders.alice.us.>"
 *   name() subject() account-name() account-subject()    one value each
 *   tag(x) account-tag(x)                                 the value of every tag `x:value`: every combination is an entry
 * An invalid result is dropped from an allow list, but is an error in a deny list, because dropping it would allow the subject. For the same
 * reason an allow list that loses its last entry denies everything.
 *
 * When one entry of a list is a template, every entry must be a valid subject; an entry with a queue is not. `tag(` must be written in lower
 * case; otherwise no tag is found.
 * Source: server/auth.go, processUserPermissionsTemplate (behaviour); core §4.7.
 */

import { foldName } from "../../base/go/json-shape.ts";
import { quoted } from "../../base/go/strconv.ts";
import { trimmed } from "../../base/go/trim.ts";
import { isValidSubjectText } from "../../messaging/subject/subject-text.ts";
import type { Permissions } from "./claims.ts";
import { JwtError } from "./claims.ts";

/** Values that replace templates. */
export interface TemplateValues {
  readonly name: string;
  readonly subject: string;
  readonly accountName: string;
  readonly accountSubject: string;
  readonly userTags: readonly string[];
  readonly accountTags: readonly string[];
}

/** Entries of one list after its templates were filled in. */
export const TEMPLATE_SUBJECTS_MAX = 4096;

/** Replaces a missing tag; it makes the subject invalid. */
const NOTHING = " ";
const TEMPLATE = /\{\{([^}]+)\}\}/g;

/**
 * @returns the permissions with every template replaced; other fields are kept
 * @throws JwtError an operation that does not exist, a deny entry without a value, too many combinations
 */
export function applyTemplate<P extends Permissions>(permissions: P, values: TemplateValues): P {
  const { subscribe, publish } = permissions;
  const subscribeAllow = filledIn(subscribe.allow, values, false);
  const subscribeDeny = filledIn(subscribe.deny, values, true);
  const publishAllow = filledIn(publish.allow, values, false);
  const publishDeny = filledIn(publish.deny, values, true);
  return {
    ...permissions,
    subscribe: { allow: subscribeAllow, deny: denied(subscribe.allow, subscribeAllow, subscribeDeny) },
    publish: { allow: publishAllow, deny: denied(publish.allow, publishAllow, publishDeny) },
  };
}

function denied(before: readonly string[], allow: readonly string[], deny: readonly string[]): readonly string[] {
  return before.length > 0 && allow.length === 0 && !deny.includes(">") ? [...deny, ">"] : deny;
}

function filledIn(list: readonly string[], values: TemplateValues, isDeny: boolean): readonly string[] {
  if (!list.some(entry => entry.search(TEMPLATE) !== -1)) return list;
  const subjects: string[] = [];
  for (const entry of list) {
    const templates = [...entry.matchAll(TEMPLATE)].map(match => match[0]);
    const choices = templates.map(template => choicesOf(template, entry, values, isDeny));
    const hasTags = choices.some(choice => choice.isTag);
    const count = choices.reduce((product, { texts }) => product * texts.length, 1);
    if (hasTags && subjects.length + count > TEMPLATE_SUBJECTS_MAX) {
      throw new JwtError(`template expansion exceeds limit: ${TEMPLATE_SUBJECTS_MAX}`);
    }
    for (let combination = 0; combination < count; combination++) {
      const subject = combined(entry, templates, choices, combination);
      if (isValidSubjectText(subject)) subjects.push(subject);
      else if (isDeny) throw new JwtError("generated invalid subject");
    }
  }
  return subjects;
}

interface Choices {
  readonly texts: readonly string[];
  readonly isTag: boolean;
}

/** Combinations are counted like digits: the last template changes fastest. */
function combined(entry: string, templates: readonly string[], choices: readonly Choices[], combination: number): string {
  const picked: string[] = [];
  let rest = combination;
  for (let index = choices.length - 1; index >= 0; index--) {
    const { texts } = choices[index];
    picked[index] = texts[rest % texts.length];
    rest = Math.floor(rest / texts.length);
  }
  return templates.reduce((subject, template, index) => subject.replaceAll(template, () => picked[index]), entry);
}

/** Space around an operation, as Go defines it. */
const SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function choicesOf(template: string, entry: string, values: TemplateValues, isDeny: boolean): Choices {
  const operation = trimmed(template.slice(2, -2), code => SPACE.test(String.fromCharCode(code)));
  const folded = foldName(operation);
  if (folded === "name()") return one(values.name);
  if (folded === "subject()") return one(values.subject);
  if (folded === "account-name()") return one(values.accountName);
  if (folded === "account-subject()") return one(values.accountSubject);
  if (/^tag\(.*\)$/is.test(operation)) return tagged(values.userTags, tagName(operation, "tag("), entry, isDeny);
  if (/^account-tag\(.*\)$/is.test(operation)) return tagged(values.accountTags, tagName(operation, "account-tag("), entry, isDeny);
  throw new JwtError(`template operation in ${quoted(entry)}: ${quoted(operation)} is not defined`);
}

function one(text: string): Choices {
  return { texts: [text], isTag: false };
}

function tagName(operation: string, start: string): string {
  return operation.slice(operation.startsWith(start) ? start.length : 0, -1);
}

function tagged(tags: readonly string[], name: string, entry: string, isDeny: boolean): Choices {
  const prefix = `${name.toLowerCase()}:`;
  const texts = tags.filter(tag => tag.startsWith(prefix)).map(tag => tag.slice(prefix.length));
  if (texts.length > 0) return { texts, isTag: true };
  if (isDeny) throw new JwtError(`generated invalid subject ${quoted(entry)}: ${quoted(name)} is not defined`);
  return { texts: [NOTHING], isTag: true };
}
