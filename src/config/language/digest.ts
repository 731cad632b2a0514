/**
 * The digest of a configuration, shown by the start log, /varz and `-t`, so that operators see which file a server uses.
 *
 * It is the SHA-256 of the tree as Go's encoder writes JSON: keys sorted by their bytes, `<`, `>` and `&` escaped, a new line at the end.
 * Comments, order, spelling and defaults do not change the digest; values of variables and included files do.
 */
import { createHash } from "node:crypto";
import { bytesOfText, isInvalidByte } from "../../base/go/text.ts";
import { type ConfigData, type ConfigMap, ZuluTime } from "./config-value.ts";

export function digestOf(map: ConfigMap): string {
  return `sha256:${createHash("sha256")
    .update(`${goJsonOf(map)}\n`)
    .digest("hex")}`;
}

function goJsonOf(data: ConfigData): string {
  if (typeof data === "string") return goJsonString(data);
  if (typeof data === "number") return Object.is(data, -0) ? "-0" : String(data);
  if (typeof data === "bigint" || typeof data === "boolean") return String(data);
  if (data instanceof ZuluTime) return `"${data.text}"`;
  if (Array.isArray(data)) return `[${data.map(value => goJsonOf(value.data)).join(",")}]`;
  const sorted = [...data].map(([key, value]) => [key, bytesOfText(key), value] as const);
  sorted.sort(([, left], [, right]) => (left < right ? -1 : left > right ? 1 : 0));
  return `{${sorted.map(([key, , value]) => `${goJsonString(key)}:${goJsonOf(value.data)}`).join(",")}}`;
}

const NAMED = new Map([..."\b\f\n\r\t"].map((character, at) => [character.charCodeAt(0), `\\${"bfnrt"[at]}`]));
/** Characters that Go escapes to make JSON safe inside HTML. */
const IN_PAGES = new Set([..."<>&\u2028\u2029"].map(character => character.charCodeAt(0)));

function goJsonString(text: string): string {
  let json = '"';
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (character === '"' || character === "\\") json += `\\${character}`;
    else if (NAMED.has(code)) json += NAMED.get(code);
    else if (code < 0x20 || IN_PAGES.has(code)) json += `\\u${code.toString(16).padStart(4, "0")}`;
    else json += isInvalidByte(code) ? "\\ufffd" : character;
  }
  return `${json}"`;
}
