/**
 * The JSON of a CONNECT for the trace log: values of secret fields are replaced by `[REDACTED]`.
 *
 * Field names match in upper and lower case, as when CONNECT is read. Secrets in invalid JSON are redacted too, because operators trace broken
 * clients. A JWT counts as a secret, because it may be a bearer token.
 */
const SECRETS = /("(?:pass[^"\s:=]*|auth_token[^"\s:=]*|sig|proxy_sig|nkey|jwt)"?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^\s",}\]]+)/gi;
/** Strings, and whether a colon follows, which makes them field names. An unfinished string ends with the text, so one pass is enough. */
const STRINGS = /"((?:[^"\\]|\\.)*)(?:"(\s*:)?|\\?$)/gs;

export function withoutSecrets(json: string): string {
  // A name with escapes could hide a secret field, so nothing is shown.
  for (const [, text, isName] of json.matchAll(STRINGS)) if (isName !== undefined && text.includes("\\")) return '"[REDACTED]"';
  return json.replace(SECRETS, '$1"[REDACTED]"');
}
