/**
 * Parses JSON without loss: members in their order, including repeated ones, and numbers as text.
 *
 * `JSON.parse` keeps the last of two members with the same name and rounds integers. Go merges repeated objects, matches names in any case and
 * reads integers exactly. A token or request that two parsers read differently is a security risk.
 *
 * Nothing recurses, because a peer chooses the depth; it is limited to `JSON_DEPTH_MAX`, as in Go's decoder.
 * This parser only decides whether the text is JSON; `json-syntax.ts` finds Go's error text.
 * Source: encoding/json (behaviour).
 */
import { isUtf8 } from "node:buffer";
import { decode, latin1 } from "../bytes/ascii.ts";
import { JsonError, type JsonSyntaxError, JsonTypeError } from "./json-error.ts";
import { streamFault, syntaxFault } from "./json-syntax.ts";
import { textOfBytes } from "./text.ts";

export type JsonTree = null | boolean | string | JsonNumber | JsonList | JsonObject;

/** A number as its text, which is valid JSON. */
export class JsonNumber {
  constructor(readonly text: string) {}
}

export class JsonList {
  readonly items: JsonTree[] = [];
}

/** `names[i]` belongs to `values[i]`. */
export class JsonObject {
  readonly names: string[] = [];
  readonly values: JsonTree[] = [];
}

/** Levels of nesting; the limit of Go's decoder. */
export const JSON_DEPTH_MAX = 10_000;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A string without escapes and control characters: the common case, read in one step. */
const PLAIN_STRING = /"[^"\\\p{Cc}]*"/uy;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * @param json one value
 * @throws JsonSyntaxError the text is not JSON, or too deep
 */
export function parseJsonTree(json: Uint8Array | string): JsonTree {
  const reader = new JsonReader(textOf(json));
  try {
    return reader.document();
  } catch (error) {
    throw syntaxErrorOf(error, syntaxFault, json);
  }
}

/**
 * The values of a stream, in their order; none when there is only space.
 * @throws JsonSyntaxError when the next value is not JSON
 */
export function* parseJsonStream(json: Uint8Array | string): Generator<JsonTree> {
  const reader = new JsonReader(textOf(json));
  while (!reader.isAtEnd()) {
    let value: JsonTree;
    try {
      value = reader.value();
    } catch (error) {
      throw syntaxErrorOf(error, streamFault, json);
    }
    yield value;
  }
}

/** Text as Go's decoder reads it: each byte that is not UTF-8 becomes U+FFFD. */
function textOf(json: Uint8Array | string): string {
  if (typeof json === "string") return json;
  return isUtf8(json) ? decode(json) : textOfBytes(latin1(json, 0, json.length)).toWellFormed();
}

/** Thrown by the reader and caught in this file. */
class Malformed extends Error {}

function syntaxErrorOf(error: unknown, faultOf: (bytes: Uint8Array) => JsonSyntaxError | null, json: Uint8Array | string): unknown {
  if (!(error instanceof Malformed)) return error;
  return faultOf(typeof json === "string" ? Buffer.from(json) : json) ?? new JsonError("malformed JSON");
}

class JsonReader {
  private at = 0;
  /** Open lists and objects, outermost first. */
  private readonly open: (JsonList | JsonObject)[] = [];

  constructor(private readonly json: string) {}

  document(): JsonTree {
    const value = this.value();
    if (!this.isAtEnd()) throw new Malformed();
    return value;
  }

  isAtEnd(): boolean {
    this.skipSpace();
    return this.at >= this.json.length;
  }

  value(): JsonTree {
    for (;;) {
      const value = this.valueOrOpening();
      if (value === undefined) continue; // a list or an object began, and is not empty
      const whole = this.put(value);
      if (whole !== undefined) return whole;
    }
  }

  /** @returns a complete value; undefined: a list or an object that is not empty has begun */
  private valueOrOpening(): JsonTree | undefined {
    this.skipSpace();
    switch (this.json[this.at]) {
      case "{": {
        const value = this.enter(new JsonObject(), "}");
        if (value === undefined) this.name();
        return value;
      }
      case "[":
        return this.enter(new JsonList(), "]");
      case '"':
        return this.text();
      case "t":
        return this.literal("true", true);
      case "f":
        return this.literal("false", false);
      case "n":
        return this.literal("null", null);
      default:
        return this.number();
    }
  }

  private enter<T extends JsonList | JsonObject>(container: T, end: string): T | undefined {
    if (this.open.length >= JSON_DEPTH_MAX) throw new Malformed();
    this.at++;
    this.skipSpace();
    if (this.json[this.at] === end) {
      this.at++;
      return container;
    }
    this.open.push(container);
    return undefined;
  }

  /** Adds a value to the innermost open list or object, and closes those that end after it. @returns the document when none is open */
  private put(value: JsonTree): JsonTree | undefined {
    let whole = value;
    while (this.open.length > 0) {
      const parent = this.open[this.open.length - 1];
      const isObject = parent instanceof JsonObject;
      if (isObject) parent.values.push(whole);
      else parent.items.push(whole);
      this.skipSpace();
      const next = this.json[this.at++];
      if (next === ",") {
        if (isObject) this.name();
        return undefined;
      }
      if (next !== (isObject ? "}" : "]")) throw new Malformed();
      this.open.pop();
      whole = parent;
    }
    return whole;
  }

  /** `"name" :` of the object that is open. */
  private name(): void {
    this.skipSpace();
    if (this.json[this.at] !== '"') throw new Malformed();
    const name = this.text();
    this.skipSpace();
    if (this.json[this.at] !== ":") throw new Malformed();
    this.at++;
    (this.open[this.open.length - 1] as JsonObject).names.push(name);
  }

  private literal<T>(word: string, value: T): T {
    if (!this.json.startsWith(word, this.at)) throw new Malformed();
    this.at += word.length;
    return value;
  }

  private number(): JsonNumber {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.json);
    if (match === null) throw new Malformed();
    this.at = NUMBER.lastIndex;
    const next = this.json[this.at];
    if ((next === "." || next === "e" || next === "E") && isCutOff(match[0], next)) throw new Malformed();
    return new JsonNumber(match[0]);
  }

  private text(): string {
    PLAIN_STRING.lastIndex = this.at;
    if (PLAIN_STRING.test(this.json)) {
      const start = this.at + 1;
      this.at = PLAIN_STRING.lastIndex;
      return this.json.slice(start, this.at - 1);
    }
    return this.escapedText();
  }

  /** Escapes are decoded by `JSON.parse`; half a surrogate pair becomes U+FFFD, as in Go. */
  private escapedText(): string {
    const start = this.at;
    for (this.at++; this.at < this.json.length; this.at++) {
      const code = this.json.charCodeAt(this.at);
      if (code === BACKSLASH) this.at++;
      else if (code === QUOTE) {
        this.at++;
        return parsedString(this.json.slice(start, this.at));
      }
    }
    throw new Malformed();
  }

  private skipSpace(): void {
    for (; this.at < this.json.length; this.at++) {
      const code = this.json.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }
}

/** `1.` and `1e` are incomplete numbers, even when another value follows. */
function isCutOff(number: string, next: string): boolean {
  const hasExponent = /[eE]/.test(number);
  return next === "." ? !hasExponent && !number.includes(".") : !hasExponent;
}

function parsedString(literal: string): string {
  try {
    return (JSON.parse(literal) as string).toWellFormed();
  } catch {
    throw new Malformed();
  }
}

/**
 * The value as `JSON.parse` gives it: of repeated members the last is used.
 * @throws JsonTypeError a number is too large for 64 bits of floating point
 */
export function plainValue(tree: JsonTree): unknown {
  const done = new Map<JsonTree, unknown>();
  const work: JsonTree[] = [tree];
  while (work.length > 0) {
    const top = work[work.length - 1];
    const children = top instanceof JsonList ? top.items : top instanceof JsonObject ? top.values : [];
    const waiting = children.filter(child => isContainer(child) && !done.has(child));
    if (waiting.length > 0) work.push(...waiting);
    else {
      if (isContainer(top)) done.set(top, assembled(top, done));
      work.pop();
    }
  }
  return isContainer(tree) ? done.get(tree) : scalar(tree);
}

function isContainer(tree: JsonTree): boolean {
  return tree instanceof JsonList || tree instanceof JsonObject;
}

function assembled(tree: JsonTree, done: Map<JsonTree, unknown>): unknown {
  const member = (child: JsonTree) => (isContainer(child) ? done.get(child) : scalar(child));
  if (tree instanceof JsonList) return tree.items.map(member);
  const { names, values } = tree as JsonObject;
  return Object.fromEntries(names.map((name, index) => [name, member(values[index])])); // makes `__proto__` a member like others
}

function scalar(tree: JsonTree): unknown {
  if (!(tree instanceof JsonNumber)) return tree;
  const number = Number(tree.text);
  if (!Number.isFinite(number)) throw new JsonTypeError(`number ${tree.text}`, "float64", "", []);
  return number;
}
