/**
 * Tokens in files, between lines of dashes:
 *
 *   -----BEGIN NATS USER JWT-----           a line that ends in three dashes, and has three more before them
 *   eyJ0eXAiOiJKV1QiLCJhbGciOiJl…           one line of letters, digits, `-._=`
 *   ------END NATS USER JWT------           a line that begins and ends in three dashes
 * The words between the dashes have no meaning: the first such item is the token. Read line by line, because the usual regular expression
 * takes quadratic time for a line of dashes.
 * Source: nats-io/jwt v2, creds_utils.go (behaviour).
 */

const DASHES = "---";
const ITEM = /^[\w\-.=]+$/;

/** The start of every encoded token. */
export const TOKEN_PREFIX = "eyJ";

/** The token of a credentials file or a decorated token; any other text is returned as it is. */
export function tokenInFile(text: string): string {
  const lines = text.split("\n");
  for (let at = 0; at + 2 < lines.length; at++) {
    const begin = withoutReturn(lines[at]);
    const item = withoutReturn(lines[at + 1]);
    const isLast = at + 2 === lines.length - 1;
    const end = isLast ? lines[at + 2] : withoutReturn(lines[at + 2]);
    if (isFence(begin) && ITEM.test(item) && end.startsWith(DASHES) && isFence(end)) return item;
  }
  return text;
}

function isFence(line: string): boolean {
  const first = line.indexOf(DASHES);
  return line.endsWith(DASHES) && first !== -1 && first <= line.length - 2 * DASHES.length;
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
