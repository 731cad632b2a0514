/**
 * Bodies of requests: whether there is one, and its value.
 *
 *   isJson           the body begins like an object or a list; requests with an optional body ignore any other one
 *   isEmptyRequest   nothing, `{}`, or an object without members
 *   decodeRequest    strict: an unknown field or wrong type is error 10025; lax (`strict: false` in the configuration): decoded as far as possible
 * Source: jetstream §1.1.
 */
import { decodeJson, decodeJsonStrictly } from "../../base/go/json-decode.ts";
import { JsonError, JsonSyntaxError } from "../../base/go/json-error.ts";
import type { Shape } from "../../base/go/json-shape.ts";
import { JsonObject, parseJsonTree } from "../../base/go/json-tree.ts";
import { type ApiError, apiError } from "../error/api-error.ts";

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;

export function isJson(body: Uint8Array): boolean {
  for (const byte of body) {
    if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) continue;
    return byte === OPEN_BRACE || byte === OPEN_BRACKET;
  }
  return false;
}

export function isEmptyRequest(body: Uint8Array): boolean {
  if (body.length === 0 || (body.length === 2 && body[0] === OPEN_BRACE && body[1] === CLOSE_BRACE)) return true;
  if (!isJson(body)) return false;
  try {
    const tree = parseJsonTree(body);
    return tree instanceof JsonObject && tree.names.length === 0;
  } catch (error) {
    if (error instanceof JsonError) return false;
    throw error;
  }
}

export interface DecodedRequest<T> {
  /** Null: refused. */
  readonly value: T | null;
  /** What is wrong with the body, for the log, although lax decoding may have accepted it; null: nothing. */
  readonly fault: string | null;
  readonly error: ApiError | null;
}

/** An empty body gives the zero value. */
export function decodeRequest<T>(shape: Shape<T>, body: Uint8Array, strict: boolean): DecodedRequest<T> {
  const strictly = outcome(() => decodeJsonStrictly(shape, body), textWithOffset);
  if (strictly.fault === null) return { ...strictly, error: null };
  if (strict) return { ...strictly, error: apiError("InvalidJSON", { err: strictly.fault }) };
  const laxly = outcome(
    () => decodeJson(shape, body),
    fault => fault.message,
  );
  const error = laxly.fault === null ? null : apiError("InvalidJSON", { err: laxly.fault });
  return { value: laxly.value, fault: strictly.fault, error };
}

type Outcome<T> = { readonly value: T; readonly fault: null } | { readonly value: null; readonly fault: string };

function outcome<T>(decode: () => T, textOf: (fault: JsonError) => string): Outcome<T> {
  try {
    return { value: decode(), fault: null };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { value: null, fault: textOf(error) };
  }
}

function textWithOffset(fault: JsonError): string {
  return fault instanceof JsonSyntaxError && fault.offset !== null ? `${fault.message} at offset ${fault.offset}` : fault.message;
}
