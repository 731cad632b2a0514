/**
 * Reads a header block as Go's `textproto` does. The reference looks up `Uber-Trace-Id` and similar headers this way. Keys are made
 * canonical (`traceparent` is `Traceparent`), a line that begins with a blank continues the line before, and one malformed line makes the
 * whole block unreadable.
 */
import { trimmedBlanks } from "../../base/go/trim.ts";

export type MimeHeader = ReadonlyMap<string, readonly string[]>;

const KEY = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const KEY_WITH_BLANKS = /^[ !#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters except the tab. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for them
const NOT_IN_VALUES = /[\x00-\x08\x0a-\x1f\x7f]/;

/** @returns null if a line is not a field, or the closing blank line is missing */
export function readMimeHeader(block: Uint8Array): MimeHeader | null {
  const lines = linesOf(block);
  if (lines === null) return null;
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const key = canonicalKey(line.slice(0, Math.max(0, colon)));
    const value = line.slice(colon + 1);
    if (key === null || NOT_IN_VALUES.test(value)) return null;
    const values = fields.get(key);
    const trimmed = value.replace(/^[ \t]+/, "");
    if (values === undefined) fields.set(key, [trimmed]);
    else values.push(trimmed);
  }
  return fields;
}

/** The lines after the version, with continued lines joined. */
function linesOf(block: Uint8Array): string[] | null {
  const text = Buffer.from(block.buffer, block.byteOffset, block.length).toString("latin1");
  const all = text.split(/\r?\n/).slice(1);
  const end = all.indexOf("");
  if (end === -1 || end === all.length - 1) return null;
  const lines: string[] = [];
  for (const line of all.slice(0, end)) {
    if (!/^[ \t]/.test(line)) {
      if (!line.includes(":")) return null;
      lines.push(trimmedBlanks(line));
    } else if (lines.length === 0) return null;
    else lines[lines.length - 1] += ` ${trimmedBlanks(line)}`;
  }
  return lines.map(line => Buffer.from(line, "latin1").toString("utf8"));
}

function canonicalKey(key: string): string | null {
  if (KEY.test(key)) return key.toLowerCase().replace(/(^|-)[a-z]/g, letter => letter.toUpperCase());
  return KEY_WITH_BLANKS.test(key) ? key : null;
}
