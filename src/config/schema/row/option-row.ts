/**
 * A row of the option table. One row serves the library, the command line, the configuration file, reload and the reference page.
 */
import type { AuthOptions } from "../../../auth/users/listener-rules.ts";
import type { Shape } from "../given/shape.ts";
import { type Field, field } from "./field.ts";
import type { FlagRow } from "./flag-row.ts";
import type { Reader } from "./reader.ts";

export interface Row<T> {
  /** Names in the configuration file, separated by spaces, the first one canonical. Empty: no field of its own there. */
  readonly names: string;
  /** How a value of the file becomes the option's; null: no field of its own. */
  readonly reader: Reader<T> | null;
  /** How a value that a program gives becomes the option's. May be left out for a text or a boolean. */
  readonly given?: Shape<T>;
  readonly initial: T;
  /** 0 means the initial value, as in the reference. */
  readonly zeroIsDefault?: true;
  /** Checks a complete value by itself; the order among all checks is that of `option-check.ts`. @returns the refusal, or null */
  readonly check?: (value: T) => string | null;
  /** What it is, with its unit; shown by the reference page. */
  readonly text: string;
  /** Flags that set it. */
  readonly flags?: readonly FlagRow<T>[];
  /** Whether a reload may change it. */
  readonly reload: "live" | "fixed";
  /** The reload rule in the reference page, where `reload` alone does not say it. */
  readonly reloadText?: string;
  /** Which changes a reload refuses, of an option that is live. @returns the refusal, or null */
  readonly refuse?: (before: T, after: T) => string | null;
  /** Which changes a reload takes, of an option that is fixed. */
  readonly mayChange?: (before: ReloadFacts, after: ReloadFacts) => boolean;
  /** The values that a reload compares and shows, where they are not the option itself. */
  readonly compared?: (before: ReloadFacts, after: ReloadFacts) => readonly [old: unknown, fresh: unknown];
  /** The reference's name of it, for refusals of a reload. */
  readonly goName: string;
  /** The value as the reference prints it; as Go prints the value itself when not set. */
  readonly shown?: (value: T) => string;
  /** The default in the reference page, where it is not the initial value as it is. */
  readonly initialText?: string;
  /** The fields of its block. */
  readonly fields?: readonly Field<never>[];
}

/** Options that decide about the reload of other options. */
export interface ReloadFacts extends Pick<AuthOptions, "accounts" | "authorization" | "noAuthUser" | "systemAccount"> {
  readonly host: string;
  readonly httpHost: string | null;
  readonly httpsHost: string | null;
}

/** The initial value of a text or a boolean says its type; the compiler asks all other rows for a shape. */
type ShapeNeeded<T> = [T] extends [boolean | string] ? unknown : { readonly given: Shape<T> };
type NumbersOnly<T> = [T] extends [number] ? unknown : { readonly zeroIsDefault?: never };

export type OptionRow<T> = Row<T> & ShapeNeeded<T> & NumbersOnly<T>;

export function option<T>(row: OptionRow<T>): Row<T> {
  return row;
}

/** The parts of a row that make its field of the file. */
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
