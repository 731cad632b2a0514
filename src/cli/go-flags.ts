/**
 * Flag syntax of Go's flag package, which everyone who starts a nats-server is used to:
 *
 *   -p 4222   --p=4222   -D   -D=false   --   words
 * One dash or two, no joined letters. The first word that is no flag, or `--`, ends the flags. Errors have Go's texts.
 */
import { encode, quote } from "../bytes/ascii.ts";

export type FlagKind = "switch" | "integer" | "text";

export interface GivenFlag {
  /** As it was written, without dashes. */
  readonly name: string;
  readonly value: boolean | number | string;
}

export type ParsedFlags = { readonly flags: readonly GivenFlag[]; readonly words: readonly string[] } | { readonly error: string };

/** @param kindOf what a flag of this name takes; undefined for one that does not exist */
export function parseGoFlags(args: readonly string[], kindOf: (name: string) => FlagKind | undefined): ParsedFlags {
  const flags: GivenFlag[] = [];
  let at = 0;
  while (at < args.length) {
    const arg = args[at];
    if (arg.length < 2 || !arg.startsWith("-")) break;
    at++;
    if (arg === "--") break;
    const body = arg.slice(arg.startsWith("--") ? 2 : 1);
    if (body.startsWith("-") || body.startsWith("=")) return { error: `bad flag syntax: ${arg}` };
    const equals = body.indexOf("=");
    const name = equals === -1 ? body : body.slice(0, equals);
    let text = equals === -1 ? undefined : body.slice(equals + 1);
    const kind = kindOf(name);
    if (kind === undefined) return { error: `flag provided but not defined: -${name}` };
    if (kind === "switch") text ??= "true";
    else if (text === undefined && at < args.length) text = args[at++];
    if (text === undefined) return { error: `flag needs an argument: -${name}` };
    const value = readValue(kind, text);
    if (value instanceof Error) {
      const what = kind === "switch" ? "invalid boolean value" : "invalid value";
      return { error: `${what} ${quote(encode(text))} for ${kind === "switch" ? "" : "flag "}-${name}: ${value.message}` };
    }
    flags.push({ name, value });
  }
  return { flags, words: args.slice(at) };
}

function readValue(kind: FlagKind, text: string): boolean | number | string | Error {
  if (kind === "text") return text;
  if (kind === "switch") return parseGoBool(text) ?? new Error("parse error");
  return parseGoInteger(text);
}

/** `strconv.ParseBool`; null for anything else. */
export function parseGoBool(text: string): boolean | null {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  return null;
}

const INTEGER = /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)$/;
const INT64_MAX = 2n ** 63n - 1n;

/** A 64 bit integer in Go's notation: also hexadecimal, octal and binary, with `_` between digits. */
function parseGoInteger(text: string): number | Error {
  const match = INTEGER.exec(text);
  if (match === null) return new Error("parse error");
  const digits = match[2].replaceAll("_", "");
  const size = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = match[1] === "-" ? -size : size;
  if (value > INT64_MAX || value < -INT64_MAX - 1n) return new Error("value out of range");
  return Number(value);
}
