/** Parses and prints values like Go's strconv, for flags, the configuration file and monitoring parameters. */
import { quote } from "../bytes/ascii.ts";
import { bytesOfText } from "./text.ts";

/** `%q`: in double quotes, with Go's escapes. */
export function quoted(text: string): string {
  return quote(Buffer.from(bytesOfText(text), "latin1"));
}

/** `strconv.ParseBool`; null for anything else. */
export function parseGoBool(text: string): boolean | null {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  return null;
}

export type IntegerFault = "invalid syntax" | "value out of range";

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;
export const UINT64_MAX = 2n ** 64n - 1n;

/** Digits, with a sign unless `least` is 0. @returns a bigint if a number cannot hold the value exactly */
export function parseExact(text: string, least: bigint, most: bigint): number | bigint | IntegerFault {
  if (!(least === 0n ? /^\d+$/ : /^[+-]?\d+$/).test(text)) return "invalid syntax";
  const exact = BigInt(text.replace(/^\+/, ""));
  if (exact < least || exact > most) return "value out of range";
  const value = Number(exact);
  return Number.isSafeInteger(value) ? value : exact;
}

const LITERAL = /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)$/;

/** Parses a 64-bit integer in Go's notation: also hexadecimal, octal and binary, with `_` between digits. */
export function parseGoInteger(text: string): number | IntegerFault {
  const match = LITERAL.exec(text);
  if (match === null) return "invalid syntax";
  const digits = match[2].replaceAll("_", "");
  const size = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = match[1] === "-" ? -size : size;
  return value > INT64_MAX || value < INT64_MIN ? "value out of range" : Number(value);
}
