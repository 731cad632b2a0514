/**
 * One token of a transform's destination: text that is copied, a placeholder, or a function.
 *
 *   orders          text                          $2            the second `*` of the source
 *   {{wildcard(2)}} the same                      {{left(1,3)}} a function with arguments
 *
 * A function's name may begin each of its words in either case, and white space may stand around name and argument list. It need not
 * fill the braces: what matters is that the token begins with `{{`, ends with `}}` and holds a call. Arguments are cut at commas and the
 * white space behind them, so a comma cannot be a delimiter. The dots of a subject were cut before: no argument holds one.
 * Source: core §5.6; reference server, subject_transform.go (behaviour).
 */
import { transformError } from "./transform-error.ts";

export enum TokenKind {
  Text,
  Wildcard,
  Partition,
  SplitFromLeft,
  SplitFromRight,
  SliceFromLeft,
  SliceFromRight,
  Right,
  Left,
  Split,
  Random,
}

export interface DestinationToken {
  readonly kind: TokenKind;
  /** Which wildcards of the source, 1 being the first, as written: neither in range nor positive for sure. */
  readonly indexes: readonly bigint[];
  /** Size, position, ceiling or number of partitions: 32 bits with sign. */
  readonly number: number;
  /** The delimiter of `split`. */
  readonly delimiter: string;
}

type ReadArguments = (token: string, given: readonly string[]) => Omit<DestinationToken, "kind">;

const SPACES = "[\\t\\n\\f\\r ]*";
const SEPARATOR = /,[\t\n\f\r ]*/;
const TEXT: DestinationToken = { kind: TokenKind.Text, indexes: [], number: -1, delimiter: "" };

/** In the order in which a token is searched for them. */
const FUNCTIONS: readonly { kind: TokenKind; call: RegExp; read: ReadArguments }[] = [
  { kind: TokenKind.Wildcard, call: callOf("wildcard"), read: readIndex },
  { kind: TokenKind.Partition, call: callOf("partition"), read: readPartition },
  { kind: TokenKind.SplitFromLeft, call: callOf("splitFromLeft"), read: readIndexAndNumber },
  { kind: TokenKind.SplitFromRight, call: callOf("splitFromRight"), read: readIndexAndNumber },
  { kind: TokenKind.SliceFromLeft, call: callOf("sliceFromLeft"), read: readIndexAndNumber },
  { kind: TokenKind.SliceFromRight, call: callOf("sliceFromRight"), read: readIndexAndNumber },
  { kind: TokenKind.Right, call: callOf("right"), read: readIndexAndNumber },
  { kind: TokenKind.Left, call: callOf("left"), read: readIndexAndNumber },
  { kind: TokenKind.Split, call: callOf("split"), read: readIndexAndDelimiter },
  { kind: TokenKind.Random, call: callOf("random"), read: readCeiling },
];

/** @throws TransformError  it looks like a function and is none, or its arguments are wrong */
export function parseDestinationToken(token: string): DestinationToken {
  if (token.length > 1 && token.startsWith("$")) {
    const index = parseInteger(token.slice(1), 64);
    return index === null ? TEXT : { ...TEXT, kind: TokenKind.Wildcard, indexes: [index] };
  }
  if (!looksLikeFunction(token)) return TEXT;
  for (const { kind, call, read } of FUNCTIONS) {
    const found = call.exec(token);
    if (found !== null) return { ...read(token, found[1].split(SEPARATOR)), kind };
  }
  throw transformError("unknownFunction", token);
}

export function looksLikeFunction(token: string): boolean {
  return token.length > 4 && token.startsWith("{{") && token.endsWith("}}");
}

export function callsKnownFunction(token: string): boolean {
  return FUNCTIONS.some(({ call }) => call.test(token));
}

function callOf(name: string): RegExp {
  const eitherCase = name.replace(/^[a-z]|[A-Z]/g, letter => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
  return new RegExp(`\\{\\{${SPACES}${eitherCase}${SPACES}\\(([^\\n]*)\\)${SPACES}\\}\\}`);
}

function readIndex(token: string, given: readonly string[]): Omit<DestinationToken, "kind"> {
  if (given.length > 1) throw transformError("tooManyArguments", token);
  if (given[0] === "") throw transformError("notEnoughArguments", token);
  return { ...TEXT, indexes: [integerOf(token, given[0], 64)] };
}

function readPartition(token: string, given: readonly string[]): Omit<DestinationToken, "kind"> {
  const number = ceilingOf(token, given[0]);
  return { ...TEXT, number, indexes: given.slice(1).map(index => integerOf(token, index, 64)) };
}

function readIndexAndNumber(token: string, given: readonly string[]): Omit<DestinationToken, "kind"> {
  mustBeTwo(token, given);
  return { ...TEXT, indexes: [integerOf(token, given[0], 64)], number: Number(integerOf(token, given[1], 32)) };
}

function readIndexAndDelimiter(token: string, given: readonly string[]): Omit<DestinationToken, "kind"> {
  mustBeTwo(token, given);
  const indexes = [integerOf(token, given[0], 64)];
  if (given[1].includes(" ")) throw transformError("invalidArgument", token);
  return { ...TEXT, indexes, delimiter: given[1] };
}

function readCeiling(token: string, given: readonly string[]): Omit<DestinationToken, "kind"> {
  if (given.length !== 1) throw transformError("notEnoughArguments", token); // the reference's words for too many as well
  return { ...TEXT, number: ceilingOf(token, given[0]) };
}

function mustBeTwo(token: string, given: readonly string[]): void {
  if (given.length < 2) throw transformError("notEnoughArguments", token);
  if (given.length > 2) throw transformError("tooManyArguments", token);
}

/** At most 2^31 - 1; below -2^31 only its low 32 bits count, as in the reference. */
function ceilingOf(token: string, text: string): number {
  const value = integerOf(token, text, 64);
  if (value > 0x7fff_ffffn) throw transformError("invalidArgument", token);
  return Number(BigInt.asIntN(32, value));
}

function integerOf(token: string, text: string, bits: number): bigint {
  const value = parseInteger(text.replace(/^ +| +$/g, ""), bits);
  if (value === null) throw transformError("invalidArgument", token);
  return value;
}

/** Decimal digits, with a sign or without; null for anything else and for what does not fit. */
function parseInteger(text: string, bits: number): bigint | null {
  if (!/^[+-]?[0-9]+$/.test(text)) return null;
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return BigInt.asIntN(bits, value) === value ? value : null;
}
