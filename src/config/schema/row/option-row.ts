/**
 * A row of the option table. One row serves the library, the command line, the configuration file, reload and the reference page.
 */
import { type Field, field } from "./field.ts";
import type { FlagRow } from "./flag-row.ts";
import type { Reader } from "./reader.ts";

export interface OptionRow<T> {
  /** Names in the configuration file, separated by spaces, the first one canonical. Empty: no field of its own there. */
  readonly names: string;
  /** How a value of the file becomes the option's; null: no field of its own. */
  readonly reader: Reader<T> | null;
  readonly initial: T;
  /** What it is, with its unit; shown by the reference page. */
  readonly text: string;
  /** Flags that set it. */
  readonly flags?: readonly FlagRow<T>[];
  /** Whether a reload may change it. */
  readonly reload: "live" | "fixed";
  /** How the reference calls it when a reload may not. */
  readonly goName: string;
  /** The value as the reference prints it; as Go prints the value itself when not set. */
  readonly shown?: (value: T) => string;
  /** What of it may not be changed by a reload, where the rest may. @returns the refusal, or null */
  readonly refuse?: (before: T, after: T) => string | null;
  /** The default in the reference page, where it is not the initial value as it is. */
  readonly initialText?: string;
  /** The fields of its block. */
  readonly fields?: readonly Field<never>[];
}

export function option<T>(row: OptionRow<T>): OptionRow<T> {
  return row;
}

/** What the file needs of a row, whatever its type. */
type FileRow = Pick<OptionRow<unknown>, "names" | "reader" | "initial" | "text" | "initialText" | "fields">;

/** The fields of the file that set one option each. */
export function optionFields(rows: Readonly<Record<string, FileRow>>): Field<Record<string, unknown>>[] {
  return Object.entries(rows).flatMap(([name, { names, reader, text, initial, initialText, fields }]) => {
    if (names === "" || reader === null) return [];
    const extra = { initial: initialText ?? initialShown(initial), ...(fields === undefined ? {} : { fields }) };
    return [field<Record<string, unknown>, unknown>(names, reader, text, (draft, value) => (draft[name] = value), extra)];
  });
}

function initialShown(initial: unknown): string {
  if (initial === null || initial === "" || (typeof initial === "object" && Object.keys(initial).length === 0)) return "";
  return String(initial);
}
