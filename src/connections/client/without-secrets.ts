/**
 * The JSON of a CONNECT, fit for a trace log. Names match in any case, as they do where it is read, and what is no JSON is shown without
 * its secrets too: clients are traced because something is wrong with them. A JWT counts as one: a bearer token is nothing else.
 */
const SECRETS = /("(?:pass[^"\s:=]*|auth_token[^"\s:=]*|sig|proxy_sig|nkey|jwt)"?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^\s",}\]]+)/gi;
/** Strings from the first quote on, and whether they are names. Each ends somewhere, so the text is walked through once. */
const STRINGS = /"((?:[^"\\]|\\.)*)(?:"(\s*:)?|\\?$)/gs;

export function withoutSecrets(json: string): string {
  // A name may be spelled with escapes, which nobody does who has nothing to hide.
  for (const [, text, isName] of json.matchAll(STRINGS)) if (isName !== undefined && text.includes("\\")) return '"[REDACTED]"';
  return json.replace(SECRETS, '$1"[REDACTED]"');
}
