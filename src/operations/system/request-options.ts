/**
 * Options in the body of a request, read as the reference's decoder reads them into its structures: names in any case, unknown ones skipped,
 * null changes nothing, a value of another type is an error that names the structure. The types are those of Go, as the texts name them.
 *
 *   CONNZ { ConnzOptions { offset: int … }, EventFilterOptions { tags: []string … } }
 *   {"offset":"x"} ─▶ json: cannot unmarshal string into Go struct field ConnzEventOptions.ConnzOptions.offset of type int
 * The first error is told, though what comes behind it is read too, as nothing is done with the options then.
 * Source: encoding/json (behaviour); reference, core §7, §8.3.
 */

import { foldName } from "../../access/jwt/json-shape.ts";
import { JsonList, JsonNumber, JsonObject, type JsonTree, parseJsonTree } from "../../access/jwt/json-tree.ts";
import { decode } from "../../base/bytes/ascii.ts";
import { syntaxFault } from "./json-syntax.ts";

interface GoValues {
  string: string;
  "server.SortOpt": string;
  bool: boolean;
  int: number;
  uint64: number;
  "server.ConnState": number;
  /** Nanoseconds. */
  "time.Duration": number;
  "[]string": readonly string[];
  /** Bytes in base64, as text; null: none were given. */
  "[]uint8": string | null;
}

export type GoType = keyof GoValues;
export type FieldTypes = Readonly<Record<string, GoType>>;
export type Values<F> = { -readonly [K in keyof F]: F[K] extends GoType ? GoValues[F[K]] : never };

/** A structure of options: its own fields, and those of structures that it embeds. */
export interface Structure<F extends FieldTypes> {
  readonly name: string;
  readonly fields: F;
  /** By field: the embedded structure that it belongs to, where there is one. */
  readonly parts: ReadonlyMap<string, string>;
}

export function structure<F extends FieldTypes>(name: string, fields: F): Structure<F> {
  return { name, fields, parts: new Map() };
}

/** @param parts the embedded structures by name */
export function embedding<P extends Readonly<Record<string, FieldTypes>>>(name: string, parts: P): Structure<Merged<P>> {
  const entries = Object.entries(parts).flatMap(([part, fields]) => Object.entries(fields).map(([field, type]) => ({ part, field, type })));
  return {
    name,
    fields: Object.fromEntries(entries.map(({ field, type }) => [field, type])) as Merged<P>,
    parts: new Map(entries.map(({ part, field }) => [field, part])),
  };
}

type Merged<P> = UnionToIntersection<P[keyof P]> & FieldTypes;
type UnionToIntersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never;

/** What was wrong with a request's body, in Go's words. */
export class BadRequest extends Error {
  override name = "BadRequest";
}

/**
 * @param body empty: nothing is asked for in particular
 * @throws BadRequest
 */
export function readRequest<F extends FieldTypes>(body: Uint8Array, into: Structure<F>): Values<F> {
  const fault = syntaxFault(body);
  if (fault !== null) throw new BadRequest(fault);
  const tree = parseJsonTree(decode(body));
  const values = emptyOf(into) as Record<string, unknown>;
  if (tree === null) return values as Values<F>;
  if (!(tree instanceof JsonObject)) {
    throw new BadRequest(`json: cannot unmarshal ${kindOf(tree)} into Go value of type server.${into.name}`);
  }
  const names = new Map(Object.keys(into.fields).map(name => [foldName(name), name]));
  let first: string | null = null;
  for (const [index, given] of tree.names.entries()) {
    const name = Object.hasOwn(into.fields, given) ? given : names.get(foldName(given));
    const value = tree.values[index];
    if (name === undefined || value === null) continue;
    const wrong = store(values, name, into.fields[name], value);
    if (wrong !== null) first ??= `json: cannot unmarshal ${wrong.kind} into Go struct field ${path(into, name)} of type ${wrong.type}`;
  }
  if (first !== null) throw new BadRequest(first);
  return values as Values<F>;
}

/** What it is when nobody asks for anything. */
export function emptyOf<F extends FieldTypes>({ fields }: Structure<F>): Values<F> {
  return Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, ZEROS[type]])) as Values<F>;
}

const ZEROS: { readonly [T in GoType]: GoValues[T] } = {
  string: "",
  "server.SortOpt": "",
  bool: false,
  int: 0,
  uint64: 0,
  "server.ConnState": 0,
  "time.Duration": 0,
  "[]string": [],
  "[]uint8": null,
};

function path<F extends FieldTypes>({ name, parts }: Structure<F>, field: string): string {
  const part = parts.get(field);
  return part === undefined ? `${name}.${field}` : `${name}.${part}.${field}`;
}

interface Mismatch {
  readonly kind: string;
  readonly type: string;
}

function store(values: Record<string, unknown>, name: string, type: GoType, tree: JsonTree): Mismatch | null {
  switch (type) {
    case "string":
    case "server.SortOpt":
    case "[]uint8":
      if (typeof tree !== "string") return { kind: kindOf(tree), type };
      values[name] = tree;
      return null;
    case "bool":
      if (typeof tree !== "boolean") return { kind: kindOf(tree), type };
      values[name] = tree;
      return null;
    case "[]string": {
      if (!(tree instanceof JsonList)) return { kind: kindOf(tree), type };
      values[name] = tree.items.map(item => (typeof item === "string" ? item : ""));
      const wrong = tree.items.find(item => item !== null && typeof item !== "string");
      return wrong === undefined ? null : { kind: kindOf(wrong), type: "string" };
    }
    default: {
      if (!(tree instanceof JsonNumber)) return { kind: kindOf(tree), type };
      if (!fits(tree.text, type === "uint64" ? 0n : -(2n ** 63n), type === "uint64" ? 2n ** 64n : 2n ** 63n)) {
        return { kind: `number ${tree.text}`, type };
      }
      values[name] = Number(tree.text);
      return null;
    }
  }
}

function fits(text: string, least: bigint, beyond: bigint): boolean {
  if (!/^-?\d{1,20}$/.test(text)) return false;
  const exact = BigInt(text);
  return exact >= least && exact < beyond && !(least === 0n && text.startsWith("-"));
}

function kindOf(tree: JsonTree): string {
  if (tree instanceof JsonNumber) return "number";
  if (tree instanceof JsonList) return "array";
  if (tree instanceof JsonObject) return "object";
  return typeof tree === "boolean" ? "bool" : "string";
}
