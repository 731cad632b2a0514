/**
 * A configuration file as a tree. Every value has its position in the file, for errors.
 *
 * Integers are 64 bits wide and therefore `bigint`; a `number` is a float.
 */

/** `YYYY-MM-DDTHH:MM:SSZ`. No option accepts a time, but the digest contains it. */
export class ZuluTime {
  constructor(readonly text: string) {}
}

export type ConfigData = string | bigint | number | boolean | ZuluTime | ConfigValue[] | ConfigMap;

/** In the order of the file; a repeated key has the position of its last occurrence. Keys are case-sensitive: `Port` is not `port`. */
export type ConfigMap = Map<string, ConfigValue>;

export interface ConfigValue {
  readonly data: ConfigData;
  /** Name of the file: as given by the user for the main file, directory plus include name for included files. */
  readonly file: string;
  /** Counted from 1. The line of the key for a value in a map, of the value itself in an array. */
  line: number;
  /** Bytes from the start of the line, counted from 0 on the first line and from 1 on all others, as in the reference. */
  column: number;
  /** A `$name` refers to this value, so its key may be any name, not only an option. */
  usedAsVariable: boolean;
}

/** `<file>:<line>:<column>` */
export function placeOf({ file, line, column }: ConfigValue): string {
  return `${file}:${line}:${column}`;
}

/** Go's name of the type, for error texts. */
export function goTypeOf(data: ConfigData): string {
  if (typeof data === "string") return "string";
  if (typeof data === "bigint") return "int64";
  if (typeof data === "number") return "float64";
  if (typeof data === "boolean") return "bool";
  if (data instanceof ZuluTime) return "time.Time";
  return Array.isArray(data) ? "[]interface {}" : "map[string]interface {}";
}

/** The value as Go prints it, for error texts. Lists and maps, which Go prints as addresses, are shown by type only. */
export function goShown(data: ConfigData): string {
  return typeof data === "object" ? (data instanceof ZuluTime ? data.text : goTypeOf(data)) : String(data);
}

/** A syntax error, or a file that cannot be read. Reading stops at the first such error, as in the reference. */
export class LanguageError extends Error {
  override name = "LanguageError";
}
