/**
 * The JSON of a CONNECT for the trace log: values of secret fields are replaced by `[REDACTED]`.
 *
 * Field names match in any case, as they do when CONNECT is read. Text that is not valid JSON is redacted too, as broken clients are the
 * ones that get traced. A JWT counts as a secret, because it may be a bearer token.
 */
const SECRETS = /("(?:pass[^"\s:=]*|auth_token[^"\s:=]*|sig|proxy_sig|nkey|jwt)"?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^\s",}\]]+)/gi;
/** Strings, and whether a colon behind them makes them field names. An unfinished one ends with the text, so one pass is enough. */
const STRINGS = /"((?:[^"\\]|\\.)*)(?:"(\s*:)?|\\?$)/gs;

export function withoutSecrets(json: string): string {
  // A name with escapes could hide a secret field: nothing is shown then.
  for (const [, text, isName] of json.matchAll(STRINGS)) if (isName !== undefined && text.includes("\\")) return '"[REDACTED]"';
  return json.replace(SECRETS, '$1"[REDACTED]"');
}
