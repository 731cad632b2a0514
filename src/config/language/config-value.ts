/**
 * A configuration file as a tree. Every value has its place in the file, for errors.
 *
 * Integers are 64 bits wide and therefore `bigint`; a `number` is a float.
 */

/** `YYYY-MM-DDTHH:MM:SSZ`. No option takes one; it counts for the digest. */
export class ZuluTime {
  constructor(readonly text: string) {}
}

export type ConfigData = string | bigint | number | boolean | ZuluTime | ConfigValue[] | ConfigMap;

/** In the order of the file; a key that was given again stands where it was given last. Keys are as written: `Port` is not `port`. */
export type ConfigMap = Map<string, ConfigValue>;

export interface ConfigValue {
  readonly data: ConfigData;
  /** As the file was named: by the user for the first one, by its directory and the include for others. */
  readonly file: string;
  /** From 1. Of the key for a value in a map, of the value itself in an array. */
  line: number;
  /** Bytes from the start of the line: from 0 on the first one and from 1 on all others, as the reference counts. */
  column: number;
  /** A `$name` refers to it, so its name need not be an option. */
  usedAsVariable: boolean;
}

/** `<file>:<line>:<column>` */
export function placeOf({ file, line, column }: ConfigValue): string {
  return `${file}:${line}:${column}`;
}

/** Go's name of the type, as operators read it in errors. */
export function goTypeOf(data: ConfigData): string {
  if (typeof data === "string") return "string";
  if (typeof data === "bigint") return "int64";
  if (typeof data === "number") return "float64";
  if (typeof data === "boolean") return "bool";
  if (data instanceof ZuluTime) return "time.Time";
  return Array.isArray(data) ? "[]interface {}" : "map[string]interface {}";
}

/** The value as Go prints it: operators read it in errors. Lists and maps, of which Go prints addresses, only by their type. */
export function goShown(data: ConfigData): string {
  return typeof data === "object" ? (data instanceof ZuluTime ? data.text : goTypeOf(data)) : String(data);
}

/** The text is not in the language, or a file cannot be read. Reading stops there, as in the reference. */
export class LanguageError extends Error {
  override name = "LanguageError";
}
