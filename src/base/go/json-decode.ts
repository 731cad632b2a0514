/**
 * Decodes JSON into a shape as Go's `encoding/json` decodes it into a typed value, with its error texts.
 *
 *   bytes ─ json-tree ─▶ tree ─ shape.read ─▶ value
 *     └ not JSON: JsonSyntaxError  └ the first wrong type or, when strict, unknown field: JsonError, after everything was read
 * Source: encoding/json (behaviour).
 */
import { decodeTree, JsonDecoder } from "./json-decoder.ts";
import { JsonError } from "./json-error.ts";
import type { Shape } from "./json-shape.ts";
import { type JsonTree, parseJsonStream, parseJsonTree } from "./json-tree.ts";

/**
 * Decodes one value like Go's `Unmarshal`: unknown fields are skipped.
 * @param initial fields that the JSON does not name keep its values
 * @throws JsonError
 */
export function decodeJson<T>(shape: Shape<T>, json: Uint8Array | string, initial = shape.zero()): T {
  return decodeTree(shape, parseJsonTree(json), initial);
}

/**
 * Decodes into an existing object. An error in one field does not affect the others, which are set, as in Go.
 * @returns null, or Go's error text
 */
export function decodeInto<T extends object>(shape: Shape<T>, json: Uint8Array | string, target: T): string | null {
  let tree: JsonTree;
  try {
    tree = parseJsonTree(json);
  } catch (error) {
    if (error instanceof JsonError) return error.message;
    throw error;
  }
  const decoder = new JsonDecoder(false);
  Object.assign(target, shape.read(tree, target, decoder));
  return decoder.fault === null ? null : decoder.fault.message;
}

/**
 * Decodes a stream of values like Go's `Decoder`, until its end: each value is decoded over the result of the previous ones; an empty stream
 * gives the zero value. Unknown fields are an error. Requests to JetStream are decoded this way.
 * @throws JsonError `json: unknown field "x"` and the errors of `decodeJson`; a syntax error has an offset, unless the stream ended early
 */
export function decodeJsonStrictly<T>(shape: Shape<T>, json: Uint8Array | string): T {
  let value = shape.zero();
  for (const tree of parseJsonStream(json)) {
    const decoder = new JsonDecoder(true);
    value = shape.read(tree, value, decoder);
    if (decoder.fault !== null) throw decoder.fault;
  }
  return value;
}
