/**
 * An error of the JetStream API as a value: what a request is answered with, in its field `error`.
 *
 *   apiError("StreamNotFound")                        {"code":404,"err_code":10059,"description":"stream not found"}
 *   apiError("SequenceNotFound", { seq: 7 })          the compiler asks for the parts that the text leaves open
 *   wrapped("StreamCreate", "no space left")          an inner API error is passed on as it is; a text becomes the description
 * Source: jetstream §9.
 */
import { API_ERRORS } from "./api-error-table.ts";

export type ApiErrorName = keyof typeof API_ERRORS;

type OpenParts<T extends string> = T extends `${string}{${infer Part}}${infer Rest}` ? Part | OpenParts<Rest> : never;
type TextOf<N extends ApiErrorName> = (typeof API_ERRORS)[N]["text"];
type Parts<N extends ApiErrorName> = { readonly [P in OpenParts<TextOf<N>>]: string | number | bigint };
/** Nothing for an error whose text is complete. */
type Arguments<N extends ApiErrorName> = [OpenParts<TextOf<N>>] extends [never] ? [] : [parts: Parts<N>];

/** Errors whose text has exactly the open part `err`. */
export type WrappingErrorName = {
  [N in ApiErrorName]: [OpenParts<TextOf<N>>] extends ["err"] ? N : never;
}[ApiErrorName];

/** The fields have the names and the order of the answer, so the error can be written as JSON as it is. */
export class ApiError {
  /** @param code HTTP code @param description omitted from JSON if empty */
  constructor(
    readonly code: number,
    readonly err_code: number,
    readonly description: string,
  ) {}

  is(name: ApiErrorName): boolean {
    return this.err_code === API_ERRORS[name].code;
  }

  /** The form in logs and within other texts. */
  toString(): string {
    return `${this.description} (${this.err_code})`;
  }

  toJSON(): object {
    const { code, err_code, description } = this;
    return description === "" ? { code, err_code } : { code, err_code, description };
  }
}

const OPEN_PART = /\{(\w+)\}/g;

export function apiError<N extends ApiErrorName>(name: N, ...[parts]: Arguments<N>): ApiError {
  const { http, code, text } = API_ERRORS[name];
  if (parts === undefined) return new ApiError(http, code, text);
  const values = parts as Readonly<Record<string, string | number | bigint>>;
  return new ApiError(
    http,
    code,
    text.replace(OPEN_PART, (_found, part: string) => String(values[part])),
  );
}

/** Adds the name's code to a text. An API error has its own code and is returned unchanged. */
export function wrapped(name: WrappingErrorName, cause: ApiError | string): ApiError {
  return cause instanceof ApiError ? cause : apiError(name, { err: cause } as never);
}
