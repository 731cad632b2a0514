/**
 * A heap snapshot for Chrome's developer tools, without the secrets that are in memory: configured passwords and tokens, what clients sent to
 * log in, and everything that has the form of a private key, a seed or a JWT.
 *
 *   snapshot ─▶ list of all strings ─▶ secrets replaced ─▶ written back; the rest refers to strings by their number and stays as it is
 * Taking it stops the event loop, as any walk through the heap does.
 */

const STRINGS = Buffer.from('"strings":[');
const REDACTED = "[redacted]";
/** Seeds of nkeys, JWTs (a bearer JWT is a password), private keys in PEM. */
const SECRET_FORMS =
  /\bS[OAUNCX][A-Z2-7]{56}\b|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
/** Secret fields of a CONNECT. */
const SECRET_VALUES = /("(?:pass|auth_token|sig|proxy_sig|jwt)"\s*:\s*")(?:[^"\\]|\\.)*/gi;
/** Texts in which secrets stand beside other things: a configuration file, a CONNECT. */
const MAY_CONTAIN = /pass|token|secret|authorization/i;

/** @param secrets texts that must not appear; empty ones do not count */
export function heapProfile(secrets: Iterable<string>): Uint8Array {
  return withoutSecrets(Buffer.from(Bun.generateHeapSnapshot("v8", "arraybuffer")), new Set(secrets));
}

/** @param snapshot JSON in V8's format, in which the strings come last */
export function withoutSecrets(snapshot: Buffer, secrets: Set<string>): Uint8Array {
  secrets.delete("");
  const at = snapshot.lastIndexOf(STRINGS) + STRINGS.length - 1;
  const end = snapshot.lastIndexOf("]") + 1;
  const strings = JSON.parse(snapshot.toString("utf8", at, end)) as string[];
  const shown = JSON.stringify(strings.map(text => redacted(text, secrets)));
  return Buffer.concat([snapshot.subarray(0, at), Buffer.from(shown), snapshot.subarray(end)]);
}

function redacted(text: string, secrets: ReadonlySet<string>): string {
  if (secrets.has(text)) return REDACTED;
  let shown = text.length < 32 ? text : text.replace(SECRET_FORMS, REDACTED).replace(SECRET_VALUES, `$1${REDACTED}`);
  if (MAY_CONTAIN.test(shown)) for (const secret of secrets) shown = shown.replaceAll(secret, REDACTED);
  return shown;
}

/** Fields of options whose values are secrets. */
const SECRET_FIELDS: ReadonlySet<string> = new Set(["encryptionKey", "password", "previousEncryptionKey", "token"]);

/** The secrets among options. */
export function* secretsIn(options: unknown): Generator<string> {
  if (typeof options !== "object" || options === null) return;
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === "string") {
      if (SECRET_FIELDS.has(name)) yield value;
    } else yield* secretsIn(value);
  }
}
