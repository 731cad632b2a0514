/**
 * A subject transform: it changes subjects that the source covers to the form of the destination. Compiled once, applied to bytes.
 *
 *   orders.*.*.>  →  new.$2.{{partition(3,1)}}.>
 *
 *   tokens   orders   eu   17   a.b       one pass compares the subject with the source and stores the positions of its tokens
 *                     │1   │2   │tail
 *   steps    "new." · token 2 · "." · partition of token 1 · "." · tail      texts between the functions are joined when compiling
 *
 * Works on bytes instead of strings, because a mapping is applied to every message of its account, and bytes of the read buffer need no
 * decoding. Sizes and positions count bytes, so a character of several bytes can be split.
 *
 * A step reads only tokens that `locate` or `cut` found in the same call; neither subjects nor results are kept.
 * Source: core §5.6; reference server, subject_transform.go (behaviour with its peculiarities: see `split` and `tokenOf`).
 */
import { DOT, decode, encode, FULL, STAR, writeDecimal } from "../../base/bytes/ascii.ts";
import type { Random } from "../../base/random/random.ts";
import { sameBytes } from "../subject/byte-hash.ts";
import { tokenEnd } from "../subject/subject.ts";
import { type DestinationToken, parseDestinationToken, TokenKind } from "./destination-token.ts";
import { PARTITION_HASH_START, partitionHashStep } from "./partition-hash.ts";
import { transformError } from "./transform-error.ts";

export { TransformError } from "./transform-error.ts"; // what `compile` throws

/** Longest number that a function writes, in bytes. */
const NUMBER_BYTES_MAX = 10;
/** A further kind of step: the rest of the subject, at the position of the source's `>`. */
const TAIL = -1;

interface Step {
  readonly kind: TokenKind | typeof TAIL;
  /** Index of the source's token that it reads; 0 if it reads none. */
  readonly token: number;
  /** Tokens from which a partition is computed; empty: the whole subject. */
  readonly tokens: readonly number[];
  readonly number: number;
  /** Text to copy, or the delimiter. */
  readonly bytes: Uint8Array;
}

export class SubjectTransform {
  /** The source as compiled; an empty one became `>`. */
  readonly source: string;
  readonly destination: string;
  /** Whether the result for one subject may differ each time. */
  readonly isRandom: boolean;
  private readonly sourceTokens: readonly Uint8Array[];
  private readonly steps: readonly Step[];
  /** Positions of the current subject's tokens, as many as the source has. */
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  private start = 0;
  private end = 0;

  private constructor(source: string, destination: string, sourceTokens: readonly string[], steps: readonly Step[]) {
    this.source = source;
    this.destination = destination;
    this.sourceTokens = sourceTokens.map(encode);
    this.steps = steps;
    this.isRandom = steps.some(({ kind, number }) => kind === TokenKind.Random && Math.abs(number) > 1);
    this.starts = new Int32Array(sourceTokens.length);
    this.ends = new Int32Array(sourceTokens.length);
  }

  /**
   * @param source subject, wildcards allowed; empty: every subject
   * @throws TransformError  with the reference's text
   */
  static compile(source: string, destination: string): SubjectTransform {
    return SubjectTransform.build(source === "" ? ">" : source, destination, false);
  }

  /** For imports: only the function `wildcard` is allowed, and the destination must use all wildcards of the source. */
  static compileStrict(source: string, destination: string): SubjectTransform {
    return SubjectTransform.build(source === "" ? ">" : source, destination, true);
  }

  /** Whether the source covers the subject. The subject may contain wildcards: `*` is covered by `*` or `>`, `>` only by `>`. */
  matches(source: Uint8Array, start: number, end: number): boolean {
    return this.locate(source, start, end);
  }

  /**
   * Writes the transformed subject.
   * @returns the offset after it in `target`; -1 if the source does not cover the subject or `target` is too small (see `resultBytesMax`): then
   *   the bytes of `target` from `at` on are undefined
   */
  transform(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number, random: Random): number {
    return this.locate(source, start, end) ? this.write(source, target, at, random) : -1;
  }

  /** Size in bytes of the longest possible result for a subject of `length` bytes. */
  resultBytesMax(length: number): number {
    let size = 0;
    for (const { kind, bytes } of this.steps) size += kind === TokenKind.Text ? bytes.length : 2 * length + NUMBER_BYTES_MAX;
    return size;
  }

  /**
   * Transforms a subject without checking that the source matches it. Used by imports, which know that it does. Wildcards of their
   * subscriptions are kept (`orders.*` becomes `new.*` by `orders.* → new.$1`). A missing token is empty.
   */
  transformText(subject: string, random: Random): string {
    const source = encode(subject);
    this.cut(source);
    const target = Buffer.allocUnsafe(this.resultBytesMax(source.length));
    return decode(target, 0, this.write(source, target, 0, random));
  }

  /**
   * The reverse transform, from results to subjects. Null if there is none, because the destination has functions other than `wildcard`, or
   * another number of wildcards than the source. As in the reference, the destination may name a wildcard more than once.
   */
  reverse(): SubjectTransform | null {
    const placeholders: number[] = []; // the source's token for each `*` of the reversed source
    for (const { kind, token } of this.steps) if (kind === TokenKind.Wildcard) placeholders.push(token);
    const wildcards = this.source.split(".").flatMap((token, index) => (token === "*" ? [index] : []));
    if (placeholders.length !== wildcards.length || placeholders.some(token => !wildcards.includes(token))) return null;
    const eachOnce = new Set(placeholders).size === placeholders.length;
    const source = this.destination.split(".").map(token => (isWildcard(token) ? "*" : token));
    const destination = this.source.split(".");
    for (const [passed, token] of wildcards.entries()) {
      destination[token] = `$${1 + (eachOnce ? placeholders.indexOf(token) : wildcards.indexOf(placeholders[passed]))}`;
    }
    try {
      return SubjectTransform.compileStrict(source.join("."), destination.join("."));
    } catch {
      return null;
    }
  }

  private static build(source: string, destination: string, strict: boolean): SubjectTransform {
    const sourceTokens = tokensOf(source);
    const destinationTokens = tokensOf(destination);
    if (sourceTokens === null || destinationTokens === null || destinationTokens.includes("*")) throw transformError("invalidSubject");
    const hasTail = sourceTokens.at(-1) === ">";
    if (hasTail !== (destinationTokens.at(-1) === ">")) throw transformError("invalidSubject");
    const wildcards = sourceTokens.flatMap((token, index) => (token === "*" ? [index] : []));
    const parsed = destinationTokens.map(token => {
      const call = parseDestinationToken(token);
      checkFunction(token, call, wildcards.length, hasTail, strict);
      return { token, call };
    });
    const named = parsed.reduce((count, { call }) => count + call.indexes.length, 0);
    if (strict && wildcards.length > 0 && named < wildcards.length) throw transformError("notAllWildcards", destination);
    // Without wildcards a partition is always computed from the whole subject.
    const steps = stepsOf(parsed, index => tokenOf(index, wildcards), wildcards.length > 0 || hasTail);
    return new SubjectTransform(source, destination, sourceTokens, steps);
  }

  /** Finds the tokens. @returns false when the source does not match the subject */
  private locate(source: Uint8Array, start: number, end: number): boolean {
    const { sourceTokens, starts, ends } = this;
    this.start = start;
    this.end = end;
    let at = start;
    for (let index = 0; index < sourceTokens.length; index++) {
      if (at > end) return false;
      const pattern = sourceTokens[index];
      const single = pattern.length === 1 ? pattern[0] : 0;
      const stop = tokenEnd(source, at, end);
      starts[index] = at;
      ends[index] = stop;
      if (single === FULL) return true;
      if (stop === at || (stop - at === 1 && source[at] === FULL)) return false;
      if (single !== STAR && (stop - at !== pattern.length || !sameBytes(source, at, pattern, 0, pattern.length))) return false;
      at = stop + 1;
    }
    return at > end;
  }

  /** Finds the tokens without checking them. */
  private cut(source: Uint8Array): void {
    const { starts, ends } = this;
    const end = source.length;
    this.start = 0;
    this.end = end;
    let at = 0;
    for (let index = 0; index < starts.length; index++) {
      starts[index] = Math.min(at, end);
      ends[index] = at < end ? tokenEnd(source, at, end) : end;
      at = ends[index] + 1;
    }
  }

  private write(source: Uint8Array, target: Uint8Array, at: number, random: Random): number {
    const { steps } = this;
    let next = at;
    for (let index = 0; index < steps.length && next !== -1; index++) next = this.writeStep(steps[index], source, target, next, random);
    return next;
  }

  private writeStep(step: Step, source: Uint8Array, target: Uint8Array, at: number, random: Random): number {
    const { kind, number, bytes } = step;
    const start = this.starts[step.token];
    const end = this.ends[step.token];
    const size = end - start;
    // With a size out of range the whole token is used.
    const fits = number > 0 && number < size;
    switch (kind) {
      case TokenKind.Text:
        return copy(bytes, 0, bytes.length, target, at);
      case TokenKind.Wildcard:
        return copy(source, start, end, target, at);
      case TAIL:
        return copy(source, this.starts[this.starts.length - 1], this.end, target, at);
      case TokenKind.Partition:
        return number === 0 ? writeNumber(target, at, 0) : writeNumber(target, at, this.hash(step, source) % (number >>> 0));
      case TokenKind.Random:
        return number === 0 ? writeNumber(target, at, 0) : writeNumber(target, at, (random.nextUint32() >>> 1) % Math.abs(number));
      case TokenKind.Left:
        return copy(source, start, fits ? start + number : end, target, at);
      case TokenKind.Right:
        return copy(source, fits ? end - number : start, end, target, at);
      case TokenKind.Split:
        return split(source, start, end, bytes, target, at);
      case TokenKind.SplitFromLeft:
        return pieces(source, start, end, fits ? number : size, size, target, at);
      case TokenKind.SplitFromRight:
        return pieces(source, start, end, fits ? size - number : size, size, target, at);
      case TokenKind.SliceFromLeft:
        return pieces(source, start, end, fits ? number : size, fits ? number : size, target, at);
      case TokenKind.SliceFromRight:
        return pieces(source, start, end, fits ? size % number || number : size, fits ? number : size, target, at);
    }
  }

  /** FNV-1a, 32 bits, unsigned. */
  private hash({ tokens }: Step, source: Uint8Array): number {
    let hash = PARTITION_HASH_START;
    if (tokens.length === 0) for (let at = this.start; at < this.end; at++) hash = partitionHashStep(hash, source[at]);
    for (let index = 0; index < tokens.length; index++) {
      const end = this.ends[tokens[index]];
      for (let at = this.starts[tokens[index]]; at < end; at++) hash = partitionHashStep(hash, source[at]);
    }
    return hash >>> 0;
  }
}

function checkFunction(token: string, { kind, indexes }: DestinationToken, wildcards: number, hasTail: boolean, strict: boolean): void {
  if (wildcards === 0 && !hasTail) {
    const usable = kind === TokenKind.Text || kind === TokenKind.Partition || kind === TokenKind.Random;
    if (!usable) throw transformError("indexOutOfRange", token);
    return;
  }
  if (strict && kind !== TokenKind.Text && kind !== TokenKind.Wildcard) throw transformError("notForImports", token);
  const wrong = indexes.find(index => index > wildcards);
  if (wrong !== undefined) throw transformError("indexOutOfRange", `${token}: [${wrong}]`);
}

/** The index of a wildcard's token in the source. 0 and negative numbers give the first token, as in the reference. */
function tokenOf(index: bigint, wildcards: readonly number[]): number {
  return index < 1n ? 0 : wildcards[Number(index) - 1];
}

type ParsedToken = { token: string; call: DestinationToken };

function stepsOf(parsed: readonly ParsedToken[], tokenAt: (index: bigint) => number, hasWildcards: boolean): Step[] {
  const steps: Step[] = [];
  let text = "";
  const endText = () => {
    if (text !== "") steps.push({ kind: TokenKind.Text, token: 0, tokens: [], number: 0, bytes: encode(text) });
    text = "";
  };
  for (const [index, { token, call }] of parsed.entries()) {
    if (index > 0) text += ".";
    if (call.kind === TokenKind.Text && token !== ">") {
      text += token;
      continue;
    }
    endText();
    const kind = token === ">" ? TAIL : call.kind;
    const tokens = hasWildcards ? call.indexes.map(tokenAt) : [];
    steps.push({ kind, token: tokens[0] ?? 0, tokens, number: call.number, bytes: encode(call.delimiter) });
  }
  endText();
  return steps;
}

/** @returns null if the subject is invalid: a token is empty, or a token follows `>` */
function tokensOf(subject: string): string[] | null {
  const tokens = subject.split(".");
  const full = tokens.indexOf(">");
  return tokens.includes("") || (full !== -1 && full < tokens.length - 1) ? null : tokens;
}

function isWildcard(token: string): boolean {
  return parseDestinationToken(token).kind === TokenKind.Wildcard;
}

function copy(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  if (end - start > target.length - at) return -1;
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from];
  return at + (end - start);
}

function writeNumber(target: Uint8Array, at: number, value: number): number {
  return target.length - at < NUMBER_BYTES_MAX ? writeNumberTightly(target, at, value) : writeDecimal(target, at, value);
}

/** Near the end of the target: counts the digits first. */
function writeNumberTightly(target: Uint8Array, at: number, value: number): number {
  return target.length - at < String(value).length ? -1 : writeDecimal(target, at, value);
}

/** Writes the token with a dot after its first `first` bytes, and then after every `size` bytes. */
function pieces(source: Uint8Array, start: number, end: number, first: number, size: number, target: Uint8Array, at: number): number {
  let next = copy(source, start, start + first, target, at);
  for (let from = start + first; from < end && next !== -1; from += size) {
    next = copyPiece(source, from, Math.min(from + size, end), target, next, true);
  }
  return next;
}

/**
 * Writes the token's pieces between delimiters, joined by dots; empty pieces and their dots are omitted. As in the reference, a token that
 * begins with two or more delimiters gives a leading dot. An empty delimiter splits between characters.
 */
function split(source: Uint8Array, start: number, end: number, delimiter: Uint8Array, target: Uint8Array, at: number): number {
  let next = at;
  let from = start;
  for (let piece = 0; from <= end && next !== -1; piece++) {
    const stop = delimiter.length === 0 ? characterEnd(source, from, end) : delimiterStart(source, from, end, delimiter);
    const firstWasEmpty = piece === 1 && from - delimiter.length === start && delimiter.length > 0;
    if (stop > from) next = copyPiece(source, from, stop, target, next, piece > 0 && !firstWasEmpty);
    if (stop === end) break;
    from = stop + delimiter.length;
  }
  return next;
}

function copyPiece(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number, withDot: boolean): number {
  if (!withDot) return copy(source, start, end, target, at);
  if (at >= target.length) return -1;
  target[at] = DOT;
  return copy(source, start, end, target, at + 1);
}

function delimiterStart(source: Uint8Array, start: number, end: number, delimiter: Uint8Array): number {
  for (let at = start; at + delimiter.length <= end; at++) {
    if (sameBytes(source, at, delimiter, 0, delimiter.length)) return at;
  }
  return end;
}

function characterEnd(source: Uint8Array, start: number, end: number): number {
  let at = start + 1;
  while (at < end && (source[at] & 0xc0) === 0x80) at++;
  return Math.min(at, end);
}
