/**
 * Shapes convert a value given by a program into the value of an option. A shape checks the type, completes missing fields, and refuses
 * unknown fields with their place: `accounts[0].users[1].pass`. It never changes the given value.
 */
import { OptionError } from "../row/problems.ts";
import { unknownOption } from "./unknown-option.ts";

export interface Shape<T> {
  /** The type, as shown in the page of options. */
  readonly type: string;
  /** The fields of an object, or of the objects in a list; null for other values. */
  readonly fields: ShapeFields | null;
  /** @param where place of the value, for errors @throws OptionError */
  complete(value: unknown, where: string): T;
}

export interface ShapeField {
  readonly type: string;
  readonly initial: unknown;
  readonly fields: ShapeFields | null;
}

export type ShapeFields = Readonly<Record<string, ShapeField>>;

export function shape<T>(type: string, complete: Shape<T>["complete"], fields: ShapeFields | null = null): Shape<T> {
  return { type, fields, complete };
}

function plain<T>(type: "string" | "boolean" | "number"): Shape<T> {
  return shape(type, (value, where) => {
    if (typeof value !== type) throw new OptionError(`option "${where}" must be a ${type}`);
    return value as T;
  });
}

export const text = plain<string>("string");
export const boolean = plain<boolean>("boolean");
const number = plain<number>("number");

/** An integer, also negative, that JavaScript represents exactly. */
export const integer: Shape<number> = shape("integer", (value, where) => {
  const given = number.complete(value, where);
  if (!Number.isSafeInteger(given)) throw new OptionError(`option "${where}" must be an integer`);
  return given;
});

/** An integer of 0 or more: a size, a time, a count. */
export const natural: Shape<number> = shape("integer", (value, where) => {
  const given = integer.complete(value, where);
  if (given < 0) throw new OptionError(`option "${where}" cannot be negative`);
  return given;
});

export const port: Shape<number> = shape("port", (value, where) => {
  const given = integer.complete(value, where);
  if (given < 0 || given > 65_535) throw new OptionError(`invalid port ${given}`);
  return given;
});

export function orNull<T>({ type, fields, complete }: Shape<T>): Shape<T | null> {
  return shape(`${type} or null`, (value, where) => (value === null ? null : complete(value, where)), fields);
}

export function listOf<T>({ type, fields, complete }: Shape<T>): Shape<readonly T[]> {
  return shape(
    `list of ${type}s`,
    (value, where) => {
      if (!Array.isArray(value)) throw new OptionError(`option "${where}" must be an array`);
      return value.map((one, at) => complete(one, `${where}[${at}]`));
    },
    fields,
  );
}

/** An object with arbitrary names. */
export function mapOf<T>({ type, complete }: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return shape(`map of ${type}s`, (value, where) => {
    const entries = Object.entries(objectIn(value, where));
    return Object.fromEntries(entries.map(([name, one]) => [name, complete(one, `${where}.${name}`)]));
  });
}

/** One of the given words. */
export function wordOf<T extends string>(...words: readonly T[]): Shape<T> {
  const quoted = words.map(word => `"${word}"`);
  const listed = quoted.length === 1 ? quoted[0]! : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
  return shape(quoted.join(", "), (value, where) => {
    if (words.includes(value as T)) return value as T;
    throw new OptionError(`option "${where}" must be ${listed}`);
  });
}

/** A shape for every field; the compiler reports a missing one. */
export type Shapes<T> = { readonly [K in keyof T]-?: Shape<T[K]> };

/** An object with known fields. Missing or undefined fields are taken from `initial`. */
export function objectOf<T extends object>(initial: T, shapes: Shapes<T>): Shape<T> {
  const rows = Object.entries(shapes) as [string, Shape<unknown>][];
  const defaults = initial as Readonly<Record<string, unknown>>;
  const fields = Object.fromEntries(rows.map(([name, row]) => [name, { type: row.type, fields: row.fields, initial: defaults[name] }]));
  return shape(
    "object",
    (value, where) => {
      const complete: Record<string, unknown> = { ...defaults };
      for (const [name, given] of Object.entries(objectIn(value, where))) {
        if (!Object.hasOwn(shapes, name)) throw new OptionError(unknownOption(name, `${where}.`, fields));
        if (given !== undefined) complete[name] = shapes[name as keyof T].complete(given, `${where}.${name}`);
      }
      return complete as T;
    },
    fields,
  );
}

/** @throws OptionError */
export function objectIn(value: unknown, where: string): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new OptionError(`option "${where}" must be an object`);
}
