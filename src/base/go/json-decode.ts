/**
 * Decodes JSON into a shape as Go's `encoding/json` decodes it into a typed value, with its error texts.
 *
 *   bytes ─ json-tree ─▶ tree ─ shape.read ─▶ value
 *     └ no JSON: JsonSyntaxError   └ the first wrong type or, when strict, unknown field: JsonError, after all was read
 * Source: encoding/json (behaviour).
 */
import { JsonError, JsonTypeError } from "./json-error.ts";
import type { Field, Shape } from "./json-shape.ts";
import { JsonList, JsonNumber, JsonObject, type JsonTree, parseJsonStream, parseJsonTree } from "./json-tree.ts";
import { quoted } from "./strconv.ts";

/**
 * One value, as Go's `Unmarshal` reads it: unknown fields are skipped.
 * @param initial fields that the JSON does not name keep its values
 * @throws JsonError
 */
export function decodeJson<T>(shape: Shape<T>, json: Uint8Array | string, initial = shape.zero()): T {
  return decodeTree(shape, parseJsonTree(json), initial);
}

/** The same of JSON that was parsed already. @throws JsonError */
export function decodeTree<T>(shape: Shape<T>, tree: JsonTree, initial = shape.zero()): T {
  const decoder = new JsonDecoder(false);
  const value = shape.read(tree, initial, decoder);
  if (decoder.fault !== null) throw decoder.fault;
  return value;
}

/**
 * Reads over what an object holds. What is wrong with one field leaves the others: they change, as in Go.
 * @returns null, or Go's text of what was wrong
 */
export function decodeInto<T extends object>(shape: Shape<T>, json: Uint8Array | string, target: T): string | null {
  let tree: JsonTree;
  try {
    tree = parseJsonTree(json);
  } catch (error) {
    if (error instanceof JsonError) return error.message;
    throw error;
  }
  const decoder = new JsonDecoder(false);
  Object.assign(target, shape.read(tree, target, decoder));
  return decoder.fault === null ? null : decoder.fault.message;
}

/**
 * A stream of values, as Go's `Decoder` reads it until the end: each is read over what the ones before it left, and no value at all leaves
 * the zero. Unknown fields are an error. Requests to JetStream are read like this.
 * @throws JsonError `json: unknown field "x"` and the errors of `decodeJson`; a syntax error has an offset, unless the stream ended early
 */
export function decodeJsonStrictly<T>(shape: Shape<T>, json: Uint8Array | string): T {
  let value = shape.zero();
  for (const tree of parseJsonStream(json)) {
    const decoder = new JsonDecoder(true);
    value = shape.read(tree, value, decoder);
    if (decoder.fault !== null) throw decoder.fault;
  }
  return value;
}

/** Where the decoder stands, and the first thing that was wrong. One per value. */
export class JsonDecoder {
  /** The first error; reading goes on after it. */
  fault: JsonError | null = null;
  /** Go's name of the innermost structure, without its package; null: none. */
  private structure: string | null = null;
  /** From the root to the field that is read. */
  private readonly path: string[] = [];

  constructor(private readonly isStrict: boolean) {}

  /** @returns `kept` */
  mismatch<T>(tree: JsonTree, type: string, kept: T): T {
    return this.wrong(kindOf(tree), type, kept);
  }

  /** A number that is none of this type: its text is part of the error. @returns `kept` */
  numberMismatch<T>({ text }: JsonNumber, type: string, kept: T): T {
    return this.wrong(`number ${text}`, type, kept);
  }

  private wrong<T>(value: string, type: string, kept: T): T {
    this.fault ??= new JsonTypeError(value, type, this.structure ?? "", this.path.slice());
    return kept;
  }

  unknownField(name: string): void {
    if (this.isStrict) this.fault ??= new JsonError(`json: unknown field ${quoted(name)}`);
  }

  /** Any other error after which reading goes on. */
  save(message: string): void {
    this.fault ??= new JsonError(message);
  }

  /** @returns what `leaveField` takes */
  enterField(structure: string, { embedded, name }: Field<unknown>): string | null {
    const outer = this.structure;
    this.structure = structure;
    for (const part of embedded) this.path.push(part);
    this.path.push(name);
    return outer;
  }

  leaveField(outer: string | null, { embedded }: Field<unknown>): void {
    this.structure = outer;
    this.path.length -= embedded.length + 1;
  }

  /**
   * Reads a part by its own rules, as Go does when a type's own method calls `Unmarshal`: never strict, and the first error is thrown.
   * @throws JsonError
   */
  nested<T>(shape: Shape<T>, tree: JsonTree, initial = shape.zero()): T {
    try {
      return decodeTree(shape, tree, initial);
    } catch (error) {
      throw error instanceof JsonTypeError ? error.within(this.structure ?? "", this.path) : error;
    }
  }
}

/** Go's word for the kind of a value. */
export function kindOf(tree: JsonTree): string {
  if (tree instanceof JsonNumber) return "number";
  if (tree instanceof JsonList) return "array";
  if (tree instanceof JsonObject) return "object";
  return typeof tree === "boolean" ? "bool" : typeof tree === "string" ? "string" : "null";
}
