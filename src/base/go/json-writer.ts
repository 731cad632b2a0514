/**
 * JSON as Go's encoder writes it, which tools compare and parse: `<`, `>`, `&` and the line separators of JavaScript are escaped, and there
 * is no newline at the end.
 */
const ESCAPES: Record<string, string> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029" };

/** @param indent spaces per level; 0: one line */
export function goJson(value: unknown, indent = 2): string {
  return escapeGoJson(JSON.stringify(value, null, indent));
}

/** On one line, for what leaves as a message. */
export function compactGoJson(value: unknown): string {
  return escapeGoJson(JSON.stringify(value));
}

/** What `JSON.stringify` made, with the escapes that it leaves out: such characters stand in strings only. */
export function escapeGoJson(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, character => ESCAPES[character]);
}
