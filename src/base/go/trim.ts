const TAB = 9;
const SPACE = 32;

/**
 * Removes characters from both ends in linear time. A regular expression such as `/ +$/` takes quadratic time for a text with many blanks
 * inside, which a peer can choose.
 * @param isBlank whether a UTF-16 code unit is removed
 */
export function trimmed(text: string, isBlank: (code: number) => boolean): string {
  let start = 0;
  let end = text.length;
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end--;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  return text.slice(start, end);
}

/** Removes spaces and tabs from both ends. */
export function trimmedBlanks(text: string): string {
  return trimmed(text, code => code === SPACE || code === TAB);
}
