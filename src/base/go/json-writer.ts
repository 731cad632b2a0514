/**
 * Writes JSON like Go's encoder, because tools compare and parse it: `<`, `>`, `&` and the line separators of JavaScript are escaped, and
 * there is no newline at the end. Bytes that are not UTF-8 become `\ufffd`. Numbers with a fraction are written alike in both languages.
 */
const ESCAPES: Record<string, string> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029" };
/** Matches half a surrogate pair as written by `JSON.stringify`, and escaped backslashes, which may look like its start. */
const LONE_SURROGATE = /(\\\\)|\\ud[89a-f][0-9a-f]{2}/g;

/** For answers over HTTP. @param indent spaces per level; 0: one line */
export function goJson(value: unknown, indent = 2): string {
  return escapeGoJson(JSON.stringify(value, null, indent));
}

/** On one line, for messages. */
export function compactGoJson(value: unknown): string {
  return escapeGoJson(JSON.stringify(value));
}

/** Adds the escapes that `JSON.stringify` omits. These characters occur in strings only. */
export function escapeGoJson(json: string): string {
  const text = json.includes("\\ud") ? json.replace(LONE_SURROGATE, (found, backslashes) => (backslashes ? found : "\\ufffd")) : json;
  return text.replace(/[<>&\u2028\u2029]/g, character => ESCAPES[character]);
}

/** A number for a field that is written, with exactly the digits of the text. */
export function rawNumber(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

/** The same for an integer; needed only beyond 2^53. */
export function exactInteger(value: number | bigint): unknown {
  return typeof value === "number" ? value : rawNumber(String(value));
}
