/** What the checks of a stream's configuration share. */
import { type ApiError, apiError } from "../error/api-error.ts";
import type { TieredLimits } from "./account-limits.ts";
import type { Integer, StreamConfig } from "./stream-config.ts";

/** What a configuration is checked against. */
export interface StreamRules {
  /** The account's limits. */
  readonly limits: TieredLimits;
  /** The server's limit `duplicate_window`, nanoseconds; 0: none. */
  readonly duplicateWindowMaxNs: Integer;
  /** Configuration of a stream of the account; null: there is none. */
  configOf(name: string): StreamConfig | null;
}

/** A configuration while it is being normalised; the parts that it refers to are replaced, never changed. */
export type Draft = { -readonly [K in keyof StreamConfig]: StreamConfig[K] };

/** Of streams and consumers. */
export const NAME_BYTES_MAX = 255;

/** Names of streams and consumers: not empty, without white space, dots, wildcards and path separators. */
export function isValidAssetName(name: string): boolean {
  return name !== "" && !/[ \t\r\n\f.*>\\/]/.test(name);
}

export function invalidConfig(text: string): ApiError {
  return apiError("StreamInvalidConfig", { err: text });
}

export function pedanticError(text: string): ApiError {
  return apiError("Pedantic", { err: text });
}

/**
 * Sequences are numbers of JavaScript, so a stream cannot begin beyond 2^53 - 1. A refusal of our own: the reference counts up to 2^64 - 1.
 * @param config valid
 */
export function checkFirstSequence({ firstSequence }: StreamConfig): ApiError | null {
  return typeof firstSequence === "bigint"
    ? invalidConfig(`first sequence is too large, maximum allowed is ${Number.MAX_SAFE_INTEGER}`)
    : null;
}
