/**
 * Command line flags, parsed like Go's flag package:
 *
 *   -p 4222   --p=4222   -D   -D=false   --   words
 * Integers beyond 2^53 are the nearest one that a number can hold exactly. One dash or two, no joined letters. The first word that is not a flag, or `--`, ends the flags. Errors have Go's texts.
 */
import { encode, quote } from "../bytes/ascii.ts";
import { parseGoBool, parseGoInteger } from "./strconv.ts";

/** `verification`: a switch that may also have the value `optional`, in any case. */
export type FlagKind = "switch" | "verification" | "integer" | "text";

export interface GivenFlag {
  /** As given, without dashes. */
  readonly name: string;
  readonly value: boolean | number | string;
}

export type ParsedFlags = { readonly flags: readonly GivenFlag[]; readonly words: readonly string[] } | { readonly error: string };

/** @param kindOf the kind of value that a flag takes; undefined: no such flag */
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
    const isSwitch = kind === "switch" || kind === "verification";
    if (isSwitch) text ??= "true";
    else if (text === undefined && at < args.length) text = args[at++];
    if (text === undefined) return { error: `flag needs an argument: -${name}` };
    const value = readValue(kind, text);
    if (typeof value === "object") {
      const what = isSwitch ? "invalid boolean value" : "invalid value";
      return { error: `${what} ${quote(encode(text))} for ${isSwitch ? "" : "flag "}-${name}: ${value.fault}` };
    }
    flags.push({ name, value });
  }
  return { flags, words: args.slice(at) };
}

interface Fault {
  readonly fault: string;
}

function readValue(kind: FlagKind, text: string): boolean | number | string | Fault {
  if (kind === "text") return text;
  if (kind === "switch") return parseGoBool(text) ?? { fault: "parse error" };
  if (kind === "verification") {
    if (text.toLowerCase() === "optional") return "optional";
    const parse = `strconv.ParseBool: parsing ${quote(encode(text))}: invalid syntax`;
    return parseGoBool(text) ?? { fault: `expected true, false, or optional: ${parse}` };
  }
  const value = parseGoInteger(text);
  if (typeof value === "number") return Math.max(Number.MIN_SAFE_INTEGER, Math.min(value, Number.MAX_SAFE_INTEGER));
  return { fault: value === "invalid syntax" ? "parse error" : value };
}
