/**
 * A row of the option table. One row serves the library, the command line, the configuration file, reload and the reference page.
 */
import type { AuthOptions } from "../../../auth/users/listener-rules.ts";
import type { Shape } from "../given/shape.ts";
import { type Field, field } from "./field.ts";
import type { FlagRow } from "./flag-row.ts";
import type { Reader } from "./reader.ts";

export interface Row<T> {
  /**
   * Names of the field in the configuration file, separated by spaces; the first one is canonical. Empty: no field of the file sets only this
   * option.
   */
  readonly names: string;
  /** Reads a value of the file; null if `names` is empty. */
  readonly reader: Reader<T> | null;
  /** Completes and checks a value given by a program. Not needed for a text or a boolean. */
  readonly given?: Shape<T>;
  readonly initial: T;
  /** 0 means the initial value, as in the reference. */
  readonly zeroIsDefault?: true;
  /** Checks a complete value; `option-check.ts` has the order of all checks. @returns the error, or null */
  readonly check?: (value: T) => string | null;
  /** Description with the unit, for the reference page. */
  readonly text: string;
  /** Flags that set the option. */
  readonly flags?: readonly FlagRow<T>[];
  /** Whether a reload may change the option. */
  readonly reload: "live" | "fixed";
  /** Text of the reload rule for the reference page, if it is more than the value of `reload`. */
  readonly reloadText?: string;
  /** For a live option: the changes that a reload refuses. @returns the error, or null */
  readonly refuse?: (before: T, after: T, facts: ReloadChange) => string | null;
  /** For a fixed option: the changes that a reload accepts. */
  readonly mayChange?: (before: ReloadFacts, after: ReloadFacts) => boolean;
  /** The values that a reload compares and shows, if they differ from the option's value. */
  readonly compared?: (before: ReloadFacts, after: ReloadFacts) => readonly [old: unknown, fresh: unknown];
  /** The reference's name of the option, for errors of a reload. An option of ours alone has a name in the same style. */
  readonly goName: string;
  /** The value as the reference prints it; by default as Go prints the value. */
  readonly shown?: (value: T) => string;
  /** Text of the default for the reference page, if it differs from the initial value. */
  readonly initialText?: string;
  /** The fields of its block. */
  readonly fields?: readonly Field<never>[];
}

/** The options before and after a reload. */
export interface ReloadChange {
  readonly before: ReloadFacts;
  readonly after: ReloadFacts;
}

/** Options on which the reload rules of other options depend. */
export interface ReloadFacts extends Pick<AuthOptions, "accounts" | "authorization" | "noAuthUser" | "systemAccount"> {
  readonly host: string;
  readonly httpHost: string | null;
  readonly httpsHost: string | null;
  readonly jetStream: { readonly enabled: boolean };
}

/** Rows of text and boolean options need no shape, because the initial value has their type. All other rows need one. */
type ShapeNeeded<T> = [T] extends [boolean | string] ? unknown : { readonly given: Shape<T> };
type NumbersOnly<T> = [T] extends [number] ? unknown : { readonly zeroIsDefault?: never };

export type OptionRow<T> = Row<T> & ShapeNeeded<T> & NumbersOnly<T>;

/** A row with a check. `option` keeps this type, so that `option-check.ts` does not compile before its order has the row. */
export type CheckedRow<T> = Row<T> & Checked<T>;

export interface Checked<T> {
  readonly check: (value: T) => string | null;
}

export function option<T>(row: OptionRow<T> & Checked<T>): CheckedRow<T>;
export function option<T>(row: OptionRow<T> & { readonly check?: never }): Row<T>;
export function option<T>(row: OptionRow<T>): Row<T> {
  return row;
}

/** The parts of a row from which its field of the file is built. */
type FileRow = Pick<Row<unknown>, "names" | "reader" | "initial" | "text" | "initialText" | "fields">;

/** The fields of the file that set one option each. */
export function optionFields(rows: Readonly<Record<string, FileRow>>): Field<Record<string, unknown>>[] {
  return Object.entries(rows).flatMap(([name, { names, reader, text, initial, initialText, fields }]) => {
    if (names === "" || reader === null) return [];
    const extra = { option: name, initial: initialText ?? initialShown(initial), ...(fields === undefined ? {} : { fields }) };
    return [field<Record<string, unknown>, unknown>(names, reader, text, (draft, value) => (draft[name] = value), extra)];
  });
}

function initialShown(initial: unknown): string {
  if (initial === null || initial === "" || (typeof initial === "object" && Object.keys(initial).length === 0)) return "";
  return String(initial);
}
