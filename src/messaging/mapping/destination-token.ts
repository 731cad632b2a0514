/**
 * One token of a transform's destination: text that is copied, a placeholder, or a function.
 *
 *   orders          text                          $2            the second `*` of the source
 *   {{wildcard(2)}} the same                      {{left(1,3)}} a function with arguments
 *
 * Each word of a function's name may begin with an upper or lower case letter, and white space may surround name and argument list. The call
 * need not fill the braces: the token only has to begin with `{{`, end with `}}` and contain a call. Arguments are separated by commas and the
 * white space after them, so a comma cannot be a delimiter. Subjects are split at dots before, so no argument contains a dot.
 * Source: core §5.6; reference server, subject_transform.go (behaviour).
 */
import { trimmed } from "../../base/go/trim.ts";
import { callsAccountFunction, looksLikeFunction } from "./account-functions.ts";
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
  /** Numbers of wildcards of the source, as written; 1 is the first. They may be out of range, zero or negative. */
  readonly indexes: readonly bigint[];
  /** Size, position, upper limit or number of partitions: 32 bits, signed. */
  readonly number: number;
  /** The delimiter of `split`. */
  readonly delimiter: string;
}

type ReadArguments = (token: string, given: readonly string[]) => Omit<DestinationToken, "kind">;

const SPACES = "[\\t\\n\\f\\r ]*";
const SEPARATOR = /,[\t\n\f\r ]*/;
const TEXT: DestinationToken = { kind: TokenKind.Text, indexes: [], number: -1, delimiter: "" };

/** In the order in which they are searched in a token. */
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

/** @throws TransformError  the token looks like a function but names an unknown one, or its arguments are wrong */
export function parseDestinationToken(token: string): DestinationToken {
  if (token.length > 1 && token.startsWith("$")) {
    const index = parseInteger(token.slice(1), 64);
    return index === null ? TEXT : { ...TEXT, kind: TokenKind.Wildcard, indexes: [index] };
  }
  if (!looksLikeFunction(token)) return TEXT;
  if (callsAccountFunction(token)) throw transformError("notAvailable", token); // where it has a value it was replaced before
  for (const { kind, call, read } of FUNCTIONS) {
    const found = call.exec(token);
    if (found !== null) return { ...read(token, found[1].split(SEPARATOR)), kind };
  }
  throw transformError("unknownFunction", token);
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
  if (given.length !== 1) throw transformError("notEnoughArguments", token); // the reference has the same text for too many
  return { ...TEXT, number: ceilingOf(token, given[0]) };
}

function mustBeTwo(token: string, given: readonly string[]): void {
  if (given.length < 2) throw transformError("notEnoughArguments", token);
  if (given.length > 2) throw transformError("tooManyArguments", token);
}

/** At most 2^31 - 1. Of numbers below -2^31 only the low 32 bits count, as in the reference. */
function ceilingOf(token: string, text: string): number {
  const value = integerOf(token, text, 64);
  if (value > 0x7fff_ffffn) throw transformError("invalidArgument", token);
  return Number(BigInt.asIntN(32, value));
}

function integerOf(token: string, text: string, bits: number): bigint {
  const value = parseInteger(
    trimmed(text, code => code === 32),
    bits,
  );
  if (value === null) throw transformError("invalidArgument", token);
  return value;
}

/** Decimal digits with an optional sign. @returns null for other texts, and for numbers of more bits */
function parseInteger(text: string, bits: number): bigint | null {
  if (!/^[+-]?[0-9]+$/.test(text)) return null;
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return BigInt.asIntN(bits, value) === value ? value : null;
}
