/**
 * Makes a log line safe to show on a terminal: names, subjects and error texts come from peers, whose control characters could move the cursor,
 * change colours, or make up lines that the server never wrote. Tabs stay.
 *
 *   Client Error \x1b[2J        instead of clearing the screen
 * Only the lines of a stack, which begin with `    at `, stay lines of their own.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for them
const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]|\n(?! {4}at )(?!$)/;
const ALL_UNSAFE = new RegExp(UNSAFE, "g");
const NAMES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r" };

/** @returns the same text, unless it has control characters; a line feed at its end stays */
export function printable(text: string): string {
  return UNSAFE.test(text) ? text.replace(ALL_UNSAFE, escaped) : text;
}

/** The same for a text of several lines, such as the errors of a configuration. */
export function printableList(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return NAMES[character] ?? (code < 0x80 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
