/**
 * Shapes of JSON: how a field is read, what it is when nobody wrote it, how it is written. One table of rows per structure serves reading
 * and writing, and the compiler sees to it that every field of the interface has its row.
 *
 *   const RANGE = structure<TimeRange>({ start: field("start", text), end: field("end", text) });
 * Reading is what Go's decoder does:
 * - names match exactly, else in any case; unknown ones are skipped
 * - null changes nothing but lists, which it empties; a value of another type is an error, and never converted
 * - a member that is repeated is read over what the first one left: structures and lists are merged, all else is replaced
 * Writing is what Go's encoder does: the order of the rows, and nothing for what is empty.
 * Source: encoding/json (behaviour).
 */
import { JsonList, JsonNumber, JsonObject, type JsonTree } from "./json-tree.ts";
import { JwtError } from "./jwt-error.ts";

export interface Shape<T> {
  /** What the field is when nobody wrote it. */
  zero(): T;
  /**
   * @param previous what the field holds; stays as it is
   * @param where name of the field, for the error
   * @throws JwtError
   */
  read(tree: JsonTree, previous: T, where: string): T;
  write(value: T): unknown;
  /** Left out by a row that does not insist. */
  isEmpty(value: T): boolean;
}

interface Field<T> {
  readonly name: string;
  readonly shape: Shape<T>;
  /** Written even when it is empty. */
  readonly always: boolean;
}

export type Rows<T> = { readonly [K in keyof T]-?: Field<T[K]> };

export function field<T>(name: string, shape: Shape<T>, written: "always" | "unless empty" = "unless empty"): Field<T> {
  return { name, shape, always: written === "always" };
}

/** A list that nobody wrote, unlike one that was written as `[]`: the same as every other such list. */
const ABSENT: readonly never[] = Object.freeze([]);

export function isAbsent(list: readonly unknown[]): boolean {
  return list === ABSENT;
}

export const text: Shape<string> = {
  zero: () => "",
  read(tree, previous, where) {
    if (tree === null) return previous;
    return typeof tree === "string" ? tree : mismatch(tree, "string", where);
  },
  write: value => value,
  isEmpty: value => value === "",
};

export const flag: Shape<boolean> = {
  zero: () => false,
  read(tree, previous, where) {
    if (tree === null) return previous;
    return typeof tree === "boolean" ? tree : mismatch(tree, "bool", where);
  },
  write: value => value,
  isEmpty: value => !value,
};

/** As many digits are exact whatever they are. */
const SAFE_DIGITS = 15;

/** Beyond 2^53 the nearest number that JavaScript has; what is out of the field's range is an error. */
function integer(type: string, least: bigint, most: bigint): Shape<number> {
  const digits = least < 0n ? /^-?\d+$/ : /^\d+$/;
  return {
    zero: () => 0,
    read(tree, previous, where) {
      if (tree === null) return previous;
      if (!(tree instanceof JsonNumber) || !digits.test(tree.text)) return mismatch(tree, type, where);
      const value = Number(tree.text) + 0; // no -0
      if (tree.text.length > SAFE_DIGITS || value < least || value > most) {
        const exact = BigInt(tree.text);
        if (exact < least || exact > most) return mismatch(tree, type, where);
      }
      return value;
    },
    write: value => (Number.isSafeInteger(value) ? value : rawInteger(value, least, most)),
    isEmpty: value => value === 0,
  };
}

/** Digits, where JavaScript would round on (`9223372036854776000`) and leave the range. */
function rawInteger(value: number, least: bigint, most: bigint): unknown {
  if (!Number.isInteger(value)) throw new JwtError(`${value} is no integer`);
  const exact = BigInt(value);
  const within = exact < least ? least : exact > most ? most : exact;
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(within));
}

export const int64 = integer("int64", -(2n ** 63n), 2n ** 63n - 1n);
export const uint64 = integer("uint64", 0n, 2n ** 64n - 1n);
export const uint8 = integer("uint8", 0n, 255n);

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    zero: () => ABSENT,
    read(tree, previous, where) {
      if (tree === null) return ABSENT;
      if (!(tree instanceof JsonList)) return mismatch(tree, "array", where);
      return tree.items.map((one, index) => item.read(one, index < previous.length ? previous[index] : item.zero(), where));
    },
    write: values => (isAbsent(values) ? null : values.map(value => item.write(value))),
    isEmpty: values => values.length === 0,
  };
}

/** An object whose names are data. */
export function map<T>(value: Shape<T>): Shape<ReadonlyMap<string, T>> {
  return {
    zero: () => new Map(),
    read(tree, previous, where) {
      if (tree === null) return new Map();
      if (!(tree instanceof JsonObject)) return mismatch(tree, "object", where);
      const merged = new Map(previous);
      for (const [index, name] of tree.names.entries()) merged.set(name, value.read(tree.values[index], value.zero(), where));
      return merged;
    },
    write: values => Object.fromEntries(sortedKeys(values).map(key => [key, value.write(values.get(key)!)])),
    isEmpty: values => values.size === 0,
  };
}

/** By bytes, as Go sorts what it writes. */
export function sortedKeys(values: ReadonlyMap<string, unknown>): string[] {
  return [...values.keys()].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

export function structure<T extends object>(rows: Rows<T>, zeroed: Partial<T> = {}): Shape<T> {
  const keys = Object.keys(rows) as (keyof T)[];
  const exact = new Map(keys.map(key => [rows[key].name, key]));
  const folded = new Map(keys.toReversed().map(key => [foldName(rows[key].name), key])); // the first row of a name wins
  return {
    zero() {
      const value = {} as T;
      for (const key of keys) value[key] = rows[key].shape.zero();
      return Object.assign(value, zeroed);
    },
    read(tree, previous, where) {
      if (tree === null) return previous;
      if (!(tree instanceof JsonObject)) return mismatch(tree, "object", where);
      const value = { ...previous };
      for (const [index, name] of tree.names.entries()) {
        const key = exact.get(name) ?? folded.get(foldName(name));
        if (key !== undefined) value[key] = rows[key].shape.read(tree.values[index], value[key], rows[key].name);
      }
      return value;
    },
    write(value) {
      const written: Record<string, unknown> = {};
      for (const key of keys) {
        const { name, shape, always } = rows[key];
        if (always || !shape.isEmpty(value[key])) written[name] = shape.write(value[key]);
      }
      return written;
    },
    isEmpty: () => false,
  };
}

/** null when nobody wrote it. */
export function optional<T>(shape: Shape<T>): Shape<T | null> {
  return {
    zero: () => null,
    read: (tree, previous, where) => (tree === null ? null : shape.read(tree, previous ?? shape.zero(), where)),
    write: value => (value === null ? null : shape.write(value)),
    isEmpty: value => value === null,
  };
}

/** Letters that Unicode folds to ASCII ones, besides the other case. */
export function foldName(name: string): string {
  return name.replaceAll("\u017f", "s").replaceAll("\u212a", "k").toLowerCase();
}

export function mismatch(tree: JsonTree, type: string, where: string): never {
  throw new JwtError(`json: cannot unmarshal ${kindOf(tree)} into Go struct field ${where} of type ${type}`);
}

function kindOf(tree: JsonTree): string {
  if (tree instanceof JsonNumber) return `number ${tree.text.slice(0, 40)}`;
  if (tree instanceof JsonList) return "array";
  if (tree instanceof JsonObject) return "object";
  return typeof tree === "boolean" ? "bool" : typeof tree === "string" ? "string" : "null";
}

const ESCAPES: Record<string, string> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029" };

/** One line, escaped as Go escapes. */
export function goJsonText(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, character => ESCAPES[character]); // they occur in strings only
}
