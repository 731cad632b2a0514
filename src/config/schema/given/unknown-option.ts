/** The error for an option that does not exist; it suggests a similar name. */
import { nearestName } from "../row/nearest-name.ts";

/** Names of options that exist in an object. */
export interface KnownOptions {
  readonly [name: string]: { readonly type: string; readonly fields: KnownOptions | null };
}

/**
 * @param where path of the object with the option, with a dot at the end; empty at the top level
 * @param fields the options that exist in that object
 */
export function unknownOption(name: string, where: string, fields: KnownOptions): string {
  const meant = nestedName(name, fields) ?? nearestName(name, Object.keys(fields));
  const refusal = `unknown option "${where}${name}"`;
  return meant === null ? refusal : `${refusal}; did you mean "${where}${meant}"?`;
}

/** A field with exactly this name one level deeper: `certFile` in `tls` belongs into `tls.certificates[0]`. */
function nestedName(name: string, fields: KnownOptions): string | null {
  for (const [parent, { type, fields: inner }] of Object.entries(fields)) {
    if (inner !== null && Object.hasOwn(inner, name)) return `${parent}${type.startsWith("list") ? "[0]" : ""}.${name}`;
  }
  return null;
}
