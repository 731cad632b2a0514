import { SPACE, TAB } from "../../base/bytes/ascii.ts";

/**
 * Splits the arguments of a line at spaces and tabs.
 * @param bounds receives start and end of each argument; its length limits how many are looked at (two numbers for each)
 * @returns the number of arguments found, at most `bounds.length / 2`
 */
export function splitArguments(source: Buffer, start: number, end: number, bounds: Int32Array): number {
  const most = bounds.length >> 1;
  let count = 0;
  let at = start;
  while (at < end) {
    while (at < end && (source[at] === SPACE || source[at] === TAB)) at++;
    if (at >= end || count === most) break;
    bounds[count * 2] = at;
    while (at < end && source[at] !== SPACE && source[at] !== TAB) at++;
    bounds[count * 2 + 1] = at;
    count++;
  }
  return count;
}
