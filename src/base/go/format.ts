/** Values as Go's `%v` prints them. */

/** `true`, `5`, `text`, `[a b]`, `map[a:1 b:2]` with sorted keys; an empty text for null. */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return `[${value.map(goValue).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const pairs = Object.entries(value).map(([key, one]) => `${key}:${goValue(one)}`);
  return `map[${pairs.sort().join(" ")}]`;
}

/** A struct: its values in order, without names. */
export function goStruct(values: readonly unknown[]): string {
  return `{${values.map(goValue).join(" ")}}`;
}
