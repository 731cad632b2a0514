/**
 * JSON as it was written: members in their order, repeated ones too, and numbers as text.
 *
 * `JSON.parse` keeps the last of two members with one name and rounds integers. Claims are read by Go's rules, where a repeated object is
 * merged, names match in any case, and an integer is digits that fit 64 bits; a token that two readers understand differently is a hole.
 *
 * Nothing recurses: a peer chooses the depth, up to `JSON_DEPTH_MAX`, where Go's decoder gives up too.
 * Source: encoding/json (behaviour).
 */
import { JwtError } from "./jwt-error.ts";

export type JsonTree = null | boolean | string | JsonNumber | JsonList | JsonObject;

/** A number by its text, which is right JSON. */
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

/** As Go's decoder. */
export const JSON_DEPTH_MAX = 10_000;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A string without escapes: the usual one, taken whole. Control characters are left to the other way. */
const PLAIN_STRING = /"[^"\\\p{Cc}]*"/uy;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * @param json what is not UTF-8 must have become U+FFFD
 * @throws JwtError it is no JSON, or too deep
 */
export function parseJsonTree(json: string): JsonTree {
  return new JsonReader(json).document();
}

class JsonReader {
  private at = 0;
  /** Lists and objects that are open, outermost first. */
  private readonly open: (JsonList | JsonObject)[] = [];

  constructor(private readonly json: string) {}

  document(): JsonTree {
    for (;;) {
      const value = this.opening();
      if (value === undefined) continue; // a list or an object began, and is not empty
      const whole = this.put(value);
      if (whole === undefined) continue;
      this.skipSpace();
      if (this.at < this.json.length) this.fail("after top-level value");
      return whole;
    }
  }

  /** A value that is whole, or undefined when one began that has members. */
  private opening(): JsonTree | undefined {
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
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      default:
        return this.number();
    }
  }

  private enter<T extends JsonList | JsonObject>(container: T, end: string): T | undefined {
    if (this.open.length >= JSON_DEPTH_MAX) throw new JwtError("exceeded max depth");
    this.at++;
    this.skipSpace();
    if (this.json[this.at] === end) {
      this.at++;
      return container;
    }
    this.open.push(container);
    return undefined;
  }

  /** Gives a value to what is open, and closes what ends behind it. Returns the document when nothing is open any more. */
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
      if (next !== (isObject ? "}" : "]")) {
        this.at--;
        this.fail(isObject ? "after object key:value pair" : "after array element");
      }
      this.open.pop();
      whole = parent;
    }
    return whole;
  }

  /** `"name" :` of the object that is open. */
  private name(): void {
    this.skipSpace();
    if (this.json[this.at] !== '"') this.fail("looking for beginning of object key string");
    const name = this.text();
    this.skipSpace();
    if (this.json[this.at] !== ":") this.fail("after object key");
    this.at++;
    (this.open[this.open.length - 1] as JsonObject).names.push(name);
  }

  private word<T>(word: string, value: T): T {
    if (!this.json.startsWith(word, this.at)) this.fail(`in literal ${word}`);
    this.at += word.length;
    return value;
  }

  private number(): JsonNumber {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.json);
    if (match === null) this.fail("looking for beginning of value");
    this.at = NUMBER.lastIndex;
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

  /** Escapes are left to `JSON.parse`; half a surrogate pair becomes U+FFFD, as in Go. */
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
    throw new JwtError("unexpected end of JSON input");
  }

  private skipSpace(): void {
    for (; this.at < this.json.length; this.at++) {
      const code = this.json.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  private fail(where: string): never {
    if (this.at >= this.json.length) throw new JwtError("unexpected end of JSON input");
    throw new JwtError(`invalid character ${JSON.stringify(this.json[this.at])} ${where}`);
  }
}

function parsedString(literal: string): string {
  try {
    return (JSON.parse(literal) as string).toWellFormed();
  } catch {
    throw new JwtError("invalid character in string literal");
  }
}

/**
 * The value as `JSON.parse` gives it: a repeated member counts as its last.
 * @throws JwtError a number is too large for 64 bits of floating point
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
  if (!Number.isFinite(number)) throw new JwtError(`json: cannot unmarshal number ${tree.text.slice(0, 40)} into Go value of type float64`);
  return number;
}
