/**
 * JSON read as the reference's decoder reads it into a typed structure: field names match in any case, unknown fields are skipped,
 * null changes nothing, and a value of another type is an error, not a conversion. Integers are digits only (`1e0` is none) and must
 * fit their field. Cold: CONNECT and INFO.
 */

/** The type of a field. `object` and `list` of strings are checked for shape only. */
export type JsonType = "string" | "bool" | "int" | "int32" | "uint64" | "byte" | "strings" | "bytes" | "permission";

export type JsonFields = Readonly<Record<string, JsonType>>;

const RANGES: Partial<Record<JsonType, readonly [bigint, bigint]>> = {
  int: [-(2n ** 63n), 2n ** 63n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  byte: [0n, 255n],
};

/** A number with the text it was written as. */
class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * @param take called for each known field, in the order written, with its canonical name; never with null
 * @returns null, or what was wrong
 */
export function readJson(json: string, structure: string, fields: JsonFields, take: (name: string, value: unknown) => void): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json, keepNumbers);
  } catch (error) {
    return json.trim() === "" ? "unexpected end of JSON input" : `invalid JSON: ${(error as Error).message}`;
  }
  if (parsed === null) return null;
  if (typeof parsed !== "object" || Array.isArray(parsed) || parsed instanceof NumberText) {
    return `json: cannot unmarshal ${kindOf(parsed)} into Go value of type server.${structure}`;
  }
  for (const [name, value] of Object.entries(parsed)) {
    const field = Object.hasOwn(fields, name) ? name : name.toLowerCase();
    if (!Object.hasOwn(fields, field) || value === null) continue;
    const type = fields[field];
    if (!fits(type, value)) return `json: cannot unmarshal ${kindOf(value)} into Go struct field ${structure}.${field} of type ${type}`;
    take(field, value instanceof NumberText ? Number(value.text) : value);
  }
  return null;
}

/** The standard library of types has no third argument yet. */
function keepNumbers(_name: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" ? new NumberText(context?.source ?? String(value)) : value;
}

function fits(type: JsonType, value: unknown): boolean {
  switch (type) {
    case "string":
    case "bytes":
      return typeof value === "string";
    case "bool":
      return typeof value === "boolean";
    case "strings":
      return Array.isArray(value) && value.every(item => item === null || typeof item === "string");
    case "permission":
      return isPermission(value);
    default: {
      if (!(value instanceof NumberText) || !/^-?\d+$/.test(value.text)) return false;
      const [least, most] = RANGES[type]!;
      const integer = BigInt(value.text);
      return integer >= least && integer <= most;
    }
  }
}

function isPermission(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof NumberText) return false;
  return Object.entries(value).every(([name, list]) => {
    const known = ["allow", "deny"].includes(name.toLowerCase());
    return !known || list === null || fits("strings", list);
  });
}

function kindOf(value: unknown): string {
  if (value instanceof NumberText) return `number ${value.text}`;
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}
