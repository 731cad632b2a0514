/**
 * Shapes of JSON: how a field is read, its value when absent, and how it is written. A structure is a table with one row per field, used for
 * reading and writing. The compiler derives the type from it, or checks that every field of a given type has a row.
 *
 *   const PURGE = structure("server.JSApiStreamPurgeRequest", { seq: uint64, filter: text, keep: uint64 });
 *   type Purge = Decoded<typeof PURGE>;                                   { seq: number | bigint; filter: string; keep: number | bigint }
 * Reading follows Go's decoder:
 * - names match exactly, otherwise in any case; unknown names are skipped, or are an error when the decoder is strict
 * - null changes nothing, except that it empties lists, maps and optional values
 * - a value of another type is an error and is never converted; reading continues, and the first error is reported at the end
 * - a repeated member is read over the result of the first: structures, lists and maps are merged, other values are replaced
 * Writing follows Go's encoder: fields in the order of the rows, without empty ones.
 * Source: encoding/json (behaviour).
 */
import type { JsonDecoder } from "./json-decoder.ts";
import { JsonError } from "./json-error.ts";
import { JsonList, JsonNumber, JsonObject, type JsonTree } from "./json-tree.ts";
import { exactInteger, rawNumber } from "./json-writer.ts";

export interface Shape<T> {
  /** Go's name of the type, for error texts. */
  readonly type: string;
  /** The value when the field is absent. */
  zero(): T;
  /**
   * @param previous the field's current value; not modified
   * @returns the new value; `previous` when the tree has another type, which is reported to the decoder
   * @throws JsonError a type with its own parser (a time, an enumeration) refuses the value: reading ends at once
   */
  read(tree: JsonTree, previous: T, decoder: JsonDecoder): T;
  write(value: T): unknown;
  /** Whether the value is omitted when it is written. */
  isEmpty(value: T): boolean;
}

/** The type of a shape's values. */
export type Decoded<S> = S extends Shape<infer T> ? T : never;

export interface Field<T> {
  readonly name: string;
  readonly shape: Shape<T>;
  /** Written even when empty. */
  readonly always: boolean;
  /** Structures that Go embeds on the way to the field, outermost first: error texts name them. */
  readonly embedded: readonly string[];
}

export type Rows<T> = { readonly [K in keyof T]-?: Field<T[K]> };

/** Rows by their JSON names, which are also the names of the fields. */
export type NamedRows<T> = { readonly [K in keyof T]-?: Shape<T[K]> | Field<T[K]> };

export function field<T>(name: string, shape: Shape<T>, written: "always" | "unless empty" = "unless empty"): Field<T> {
  return { name, shape, always: written === "always", embedded: [] };
}

/** The rows of a structure that Go embeds in another one. */
export function embedded<T extends object>(name: string, rows: Rows<T>): Rows<T> {
  const entries = Object.entries<Field<unknown>>(rows as Record<string, Field<unknown>>);
  return Object.fromEntries(entries.map(([key, row]) => [key, { ...row, embedded: [name, ...row.embedded] }])) as unknown as Rows<T>;
}

/** An absent list, as opposed to an empty list `[]`. All absent lists are this object. */
const ABSENT: readonly never[] = Object.freeze([]);

export function isAbsent(list: readonly unknown[]): boolean {
  return list === ABSENT;
}

/** @param type Go's name of a type whose values are strings */
export function textOf(type: string): Shape<string> {
  return {
    type,
    zero: () => "",
    read: (tree, previous, decoder) => {
      if (tree === null) return previous;
      return typeof tree === "string" ? tree : decoder.mismatch(tree, type, previous);
    },
    write: value => value,
    isEmpty: value => value === "",
  };
}

export const text = textOf("string");

export const flag: Shape<boolean> = {
  type: "bool",
  zero: () => false,
  read(tree, previous, decoder) {
    if (tree === null) return previous;
    return typeof tree === "boolean" ? tree : decoder.mismatch(tree, "bool", previous);
  },
  write: value => value,
  isEmpty: value => !value,
};

/** Integers with at most this many characters, including the sign, are exact as a number. */
const SAFE_CHARACTERS = 15;
const DIGITS = /^-?\d+$/;

/** @returns a number if it is a safe integer, otherwise a bigint; null: not an integer in this range */
function readInteger(text: string, least: bigint, most: bigint): number | bigint | null {
  if (!DIGITS.test(text)) return null;
  if (text.length <= SAFE_CHARACTERS) {
    const value = Number(text) + 0; // no -0
    return value < least || value > most || (least === 0n && text.startsWith("-")) ? null : value;
  }
  const exact = BigInt(text);
  if (exact < least || exact > most || (least === 0n && text.startsWith("-"))) return null;
  const value = Number(exact);
  return Number.isSafeInteger(value) ? value : exact;
}

/** @param type Go's name of an integer type with values from `least` to `most`, all of them safe integers in JavaScript */
function smallInteger(type: string, least: number, most: number): Shape<number> {
  return nearestInteger(type, BigInt(least), BigInt(most));
}

/** Beyond 2^53 the nearest number of JavaScript. For limits, where so large values make no difference. */
function nearestInteger(type: string, least: bigint, most: bigint): Shape<number> {
  return {
    type,
    zero: () => 0,
    read(tree, previous, decoder) {
      if (tree === null) return previous;
      if (!(tree instanceof JsonNumber)) return decoder.mismatch(tree, type, previous);
      const value = readInteger(tree.text, least, most);
      return value === null ? decoder.numberMismatch(tree, type, previous) : Number(value);
    },
    write: value => (Number.isSafeInteger(value) ? value : exactInteger(clamped(value, least, most))),
    isEmpty: value => value === 0,
  };
}

/** Limits a value to the range, because a rounded number may be outside of it. @throws JsonError the value has a fraction */
function clamped(value: number, least: bigint, most: bigint): bigint {
  if (!Number.isInteger(value)) throw new JsonError(`${value} is not an integer`);
  const exact = BigInt(value);
  return exact < least ? least : exact > most ? most : exact;
}

/** Exact: a number up to 2^53, a bigint beyond. */
function exact64(type: string, least: bigint, most: bigint): Shape<number | bigint> {
  return {
    type,
    zero: () => 0,
    read(tree, previous, decoder) {
      if (tree === null) return previous;
      if (!(tree instanceof JsonNumber)) return decoder.mismatch(tree, type, previous);
      return readInteger(tree.text, least, most) ?? decoder.numberMismatch(tree, type, previous);
    },
    write: exactInteger,
    isEmpty: value => value === 0,
  };
}

const INT64_LEAST = -(2n ** 63n);
const INT64_MOST = 2n ** 63n - 1n;
const UINT64_MOST = 2n ** 64n - 1n;

export const int64 = exact64("int64", INT64_LEAST, INT64_MOST);
export const uint64 = exact64("uint64", 0n, UINT64_MOST);
export const int = exact64("int", INT64_LEAST, INT64_MOST);
/** `time.Duration`: nanoseconds. */
export const duration = exact64("time.Duration", INT64_LEAST, INT64_MOST);
export const int32 = smallInteger("int32", -(2 ** 31), 2 ** 31 - 1);
export const uint8 = smallInteger("uint8", 0, 255);

/** @param type Go's name of a signed 64-bit type */
export function nearestInt(type: string): Shape<number> {
  return nearestInteger(type, INT64_LEAST, INT64_MOST);
}

/** @param type Go's name of an unsigned 64-bit type */
export function nearestUint(type: string): Shape<number> {
  return nearestInteger(type, 0n, UINT64_MOST);
}

export const float64: Shape<number> = {
  type: "float64",
  zero: () => 0,
  read(tree, previous, decoder) {
    if (tree === null) return previous;
    if (!(tree instanceof JsonNumber)) return decoder.mismatch(tree, "float64", previous);
    const value = Number(tree.text);
    return Number.isFinite(value) ? value : decoder.numberMismatch(tree, "float64", previous);
  },
  write: value => (Object.is(value, -0) ? rawNumber("-0") : value),
  isEmpty: value => value === 0,
};

/** @param type Go's name, if the type has its own */
export function list<T>(item: Shape<T>, type = `[]${item.type}`): Shape<readonly T[]> {
  return {
    type,
    zero: () => ABSENT,
    read(tree, previous, decoder) {
      if (tree === null) return ABSENT;
      if (!(tree instanceof JsonList)) return decoder.mismatch(tree, type, previous);
      return tree.items.map((one, index) => item.read(one, index < previous.length ? previous[index] : item.zero(), decoder));
    },
    write: values => (isAbsent(values) ? null : values.map(value => item.write(value))),
    isEmpty: values => values.length === 0,
  };
}

/** An object whose names are data. @param type Go's name, if the type has its own */
export function map<T>(value: Shape<T>, type = `map[string]${value.type}`): Shape<ReadonlyMap<string, T>> {
  return {
    type,
    zero: () => new Map(),
    read(tree, previous, decoder) {
      if (tree === null) return new Map();
      if (!(tree instanceof JsonObject)) return decoder.mismatch(tree, type, previous);
      const merged = new Map(previous);
      for (const [index, name] of tree.names.entries()) merged.set(name, value.read(tree.values[index], value.zero(), decoder));
      return merged;
    },
    write: values => Object.fromEntries(sortedKeys(values).map(key => [key, value.write(values.get(key)!)])),
    isEmpty: values => values.size === 0,
  };
}

/** Keys sorted by their bytes, as in Go's output. */
export function sortedKeys(values: ReadonlyMap<string, unknown>): string[] {
  return [...values.keys()].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

/**
 * @param type Go's name, with its package
 * @param zeroed values for absent fields, where they differ from the zero value of their shape
 */
export function structure<T extends object>(type: string, rows: NamedRows<T>, zeroed: Partial<T> = {}): Shape<T> {
  return new Structure(type, rows, zeroed);
}

interface Row<T> extends Field<unknown> {
  readonly key: keyof T;
}

class Structure<T extends object> implements Shape<T> {
  private readonly rows: readonly Row<T>[];
  private readonly exact: ReadonlyMap<string, Row<T>>;
  private readonly folded: ReadonlyMap<string, Row<T>>;
  /** Without the package; empty for a structure without a name. */
  private readonly name: string;

  constructor(
    readonly type: string,
    rows: NamedRows<T>,
    private readonly zeroed: Partial<T>,
  ) {
    this.name = type.startsWith("struct {") ? "" : type.slice(type.lastIndexOf(".") + 1);
    this.rows = Object.entries<Shape<unknown> | Field<unknown>>(rows as Record<string, Field<unknown>>).map(([key, row]) => ({
      ...("shape" in row ? row : field(key, row)),
      key: key as keyof T,
    }));
    this.exact = new Map(this.rows.map(row => [row.name, row]));
    this.folded = new Map(this.rows.toReversed().map(row => [foldName(row.name), row])); // for equal names the first row is used
  }

  zero(): T {
    const value = {} as T;
    for (const { key, shape } of this.rows) value[key] = shape.zero() as T[keyof T];
    return Object.assign(value, this.zeroed);
  }

  read(tree: JsonTree, previous: T, decoder: JsonDecoder): T {
    if (tree === null) return previous;
    if (!(tree instanceof JsonObject)) return decoder.mismatch(tree, this.type, previous);
    const value = { ...previous };
    const { names, values } = tree;
    for (let index = 0; index < names.length; index++) {
      const row = this.exact.get(names[index]) ?? this.folded.get(foldName(names[index]));
      if (row === undefined) {
        decoder.unknownField(names[index]);
        continue;
      }
      const outer = decoder.enterField(this.name, row);
      value[row.key] = row.shape.read(values[index], value[row.key], decoder) as T[keyof T];
      decoder.leaveField(outer, row);
    }
    return value;
  }

  write(value: T): unknown {
    const written: Record<string, unknown> = {};
    for (const { key, name, shape, always } of this.rows) {
      if (always || !shape.isEmpty(value[key])) written[name] = shape.write(value[key]);
    }
    return written;
  }

  isEmpty(): boolean {
    return false;
  }
}

/** null when absent: a pointer in Go. */
export function optional<T>(shape: Shape<T>): Shape<T | null> {
  return {
    type: `*${shape.type}`,
    zero: () => null,
    read: (tree, previous, decoder) => (tree === null ? null : shape.read(tree, previous ?? shape.zero(), decoder)),
    write: value => (value === null ? null : shape.write(value)),
    isEmpty: value => value === null,
  };
}

/** A field whose type is checked and whose value is dropped. */
export function ignored(shape: Shape<unknown>): Shape<undefined> {
  return {
    type: shape.type,
    zero: () => undefined,
    read: (tree, _previous, decoder) => void shape.read(tree, shape.zero(), decoder),
    write: () => undefined,
    isEmpty: () => true,
  };
}

/** Lower case; the two other letters that Unicode folds to ASCII (U+017F, U+212A) become `s` and `k`. */
export function foldName(name: string): string {
  return name.replaceAll("\u017f", "s").replaceAll("\u212a", "k").toLowerCase();
}
