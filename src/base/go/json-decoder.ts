/**
 * The state of a decoder while shapes (json-shape.ts) read a parsed value: the path to the current field, for error texts, and the
 * first error.
 * Source: encoding/json (behaviour).
 */
import { JsonError, JsonTypeError } from "./json-error.ts";
import { JsonList, JsonNumber, JsonObject, type JsonTree } from "./json-tree.ts";
import { quoted } from "./strconv.ts";

/** The reading half of a shape. */
export interface Readable<T> {
  zero(): T;
  read(tree: JsonTree, previous: T, decoder: JsonDecoder): T;
}

/** A field's part of a path. */
export interface FieldPlace {
  readonly name: string;
  /** Structures that Go embeds on the way to the field, outermost first. */
  readonly embedded: readonly string[];
}

/** Decodes one parsed value. @param initial fields that the JSON does not name keep its values @throws JsonError */
export function decodeTree<T>(shape: Readable<T>, tree: JsonTree, initial = shape.zero()): T {
  const decoder = new JsonDecoder(false);
  const value = shape.read(tree, initial, decoder);
  if (decoder.fault !== null) throw decoder.fault;
  return value;
}

/** The decoder's position and its first error. One per value. */
export class JsonDecoder {
  /** The first error; reading continues after it. */
  fault: JsonError | null = null;
  /** Go's name of the innermost structure, without its package; null: none. */
  private structure: string | null = null;
  /** Names from the root to the field being read. */
  private readonly path: string[] = [];

  constructor(private readonly isStrict: boolean) {}

  /** @returns `kept` */
  mismatch<T>(tree: JsonTree, type: string, kept: T): T {
    return this.typeError(kindOf(tree), type, kept);
  }

  /** A number that does not fit the type; the error contains its text. @returns `kept` */
  numberMismatch<T>({ text }: JsonNumber, type: string, kept: T): T {
    return this.typeError(`number ${text}`, type, kept);
  }

  private typeError<T>(value: string, type: string, kept: T): T {
    this.fault ??= new JsonTypeError(value, type, this.structure ?? "", this.path.slice());
    return kept;
  }

  unknownField(name: string): void {
    if (this.isStrict) this.fault ??= new JsonError(`json: unknown field ${quoted(name)}`);
  }

  /** Reports another error; reading continues. */
  report(message: string): void {
    this.fault ??= new JsonError(message);
  }

  /** @returns the argument for `leaveField` */
  enterField(structure: string, { embedded, name }: FieldPlace): string | null {
    const outer = this.structure;
    this.structure = structure;
    for (const part of embedded) this.path.push(part);
    this.path.push(name);
    return outer;
  }

  leaveField(outer: string | null, { embedded }: FieldPlace): void {
    this.structure = outer;
    this.path.length -= embedded.length + 1;
  }

  /**
   * Reads a part by its own rules, as Go does when a type's own method calls `Unmarshal`: never strict, and the first error is thrown.
   * @throws JsonError
   */
  nested<T>(shape: Readable<T>, tree: JsonTree, initial = shape.zero()): T {
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
