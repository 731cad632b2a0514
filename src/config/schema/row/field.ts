/**
 * Blocks: the top level of the file, `tls { }`, `websocket { }` and the others. Each has a table of its fields.
 *
 * A field writes its value into a draft, because one field may set several options (`listen`) and several fields one option (`cert_file`
 * and `key_file`).
 * Fields are read in the order of the file; an error in one does not stop the others from being read.
 */

import { quoted } from "../../../base/go/strconv.ts";
import type { ConfigMap, ConfigValue } from "../../language/config-value.ts";
import { nearestName } from "./nearest-name.ts";
import { ConfigFault, type Problems } from "./problems.ts";
import type { ReadContext, Reader } from "./reader.ts";

export interface Field<Draft> {
  /** Lower case, the first one canonical. */
  readonly names: readonly string[];
  /** The type of its values, as the reference page shows it. */
  readonly type: string;
  /** The default, as the reference page shows it; empty: none. */
  readonly initial: string;
  readonly text: string;
  /** The option that the field sets, or whose reload rule applies; none for a field of a block. */
  readonly option?: string;
  /** The fields of a block, for the reference page. */
  readonly fields?: readonly Field<never>[];
  /** The unsupported feature of a refused field; null for a supported field. */
  readonly missing: string | null;
  /** @throws ConfigFault  the value cannot be used */
  set(draft: Draft, value: ConfigValue, context: ReadContext): void;
}

/** @param names separated by spaces, the first one canonical */
export function field<Draft, T>(
  names: string,
  { type, read }: Reader<T>,
  text: string,
  put: (draft: Draft, value: T) => void,
  extra: { readonly initial?: string; readonly option?: string; readonly fields?: readonly Field<never>[] } = {},
): Field<Draft> {
  const { initial = "", ...rest } = extra;
  const set: Field<Draft>["set"] = (draft, value, context) => put(draft, read(value, context));
  return { names: names.split(" "), type, initial, text, missing: null, ...rest, set };
}

/**
 * A field of nats-server that this server does not support: refused by name, unless its value is off or empty.
 * @param feature the unsupported feature
 */
export function missingField(names: string, feature: string, isOff = isOffOrEmpty): Field<unknown> {
  return {
    names: names.split(" "),
    type: "",
    initial: "",
    text: "",
    missing: feature,
    set(_draft, value, { key }) {
      if (!isOff(value)) throw new ConfigFault(`${quoted(key)} is not supported yet (${feature})`);
    },
  };
}

/** Whether a value is off or empty. */
export function isOffOrEmpty({ data }: ConfigValue): boolean {
  if (data instanceof Map) return data.size === 0;
  return Array.isArray(data) ? data.length === 0 : data === false || data === "" || data === 0n;
}

/** The error text for an unknown key. */
export type UnknownText = (key: string) => string;

const unknownField: UnknownText = key => `unknown field ${quoted(key)}`;

/** The fields of a block by all their names. Built once, because a file may have thousands of such blocks. */
export type FieldTable<Draft> = ReadonlyMap<string, Field<Draft>>;

export function fieldTable<Draft>(fields: readonly Field<Draft>[]): FieldTable<Draft> {
  return new Map(fields.flatMap(one => one.names.map(name => [name, one] as const)));
}

/**
 * Reads a block into a draft. Errors are added to `problems`.
 * @param unknown the error text for unknown keys; null: the usual text
 * @param variables an unknown key is accepted when a `$variable` refers to it
 */
export function readBlock<Draft>(
  map: ConfigMap,
  fields: readonly Field<Draft>[] | FieldTable<Draft>,
  draft: Draft,
  problems: Problems,
  unknown: UnknownText | null = null,
  variables = unknown === null,
): void {
  const named = fields instanceof Map ? (fields as FieldTable<Draft>) : fieldTable(fields as readonly Field<Draft>[]);
  for (const [key, value] of map) {
    const found = named.get(key.toLowerCase());
    if (found === undefined) {
      if (!variables || !value.usedAsVariable) problems.error(value, unknownWithHint(key, [...named.keys()], unknown ?? unknownField));
      continue;
    }
    try {
      found.set(draft, value, { problems, key });
    } catch (fault) {
      if (!(fault instanceof ConfigFault)) throw fault;
      problems.error(fault.at ?? value, fault.message);
    }
  }
}

function unknownWithHint(key: string, names: readonly string[], unknown: UnknownText): string {
  const nearest = nearestName(key.toLowerCase(), names);
  return nearest === null ? unknown(key) : `${unknown(key)}; did you mean ${quoted(nearest)}?`;
}
