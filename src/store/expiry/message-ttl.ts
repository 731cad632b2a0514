/** The header `Nats-TTL`: seconds, a Go duration, or `never`. Source: reference, jetstream §4.1. */
import type { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import { parseGoDuration } from "../../base/go/duration.ts";

/** Not a time to live. */
export const INVALID_TTL = -2;
export const NEVER_EXPIRES = -1;
const NANOS_PER_SECOND = 1_000_000_000n;
const DIGITS = /^\d{1,15}$/;

/** 292 years; what lives longer does not end. */
const SECONDS_MAX = 9_223_372_036;
const NANOS = 1_000_000_000;
const TWO_12 = 2 ** 12;
const TWO_20 = 2 ** 20;
const TWO_32 = 2 ** 32;
const HIGH_MAX = 0x7fff_ffff;

/** @returns seconds; 0: none; `NEVER_EXPIRES`; `INVALID_TTL` */
export function parseMessageTtl(text: string): number {
  if (text === "") return 0;
  if (text.toLowerCase() === "never") return NEVER_EXPIRES;
  const duration = parseGoDuration(text);
  if (typeof duration === "bigint") return duration < NANOS_PER_SECOND ? INVALID_TTL : Number(duration / NANOS_PER_SECOND);
  return DIGITS.test(text) ? Number(text) : INVALID_TTL;
}

/**
 * Computes when a time to live ends.
 * @param timeHigh time of the message, nanoseconds since 1970
 * @param seconds as `parseMessageTtl` returns them
 * @returns false: it does not end; `into` is not changed
 */
export function endOfTtl(timeHigh: number, timeLow: number, seconds: number, into: Nanoseconds): boolean {
  if (seconds <= 0 || seconds > SECONDS_MAX) return false;
  // Exact in doubles: seconds = upper × 2^20 + lower, and upper × 10^9 × 2^20 is divided at 2^32.
  const upper = Math.floor(seconds / TWO_20) * NANOS;
  const lower = (seconds % TWO_20) * NANOS;
  const low = timeLow + lower + (upper % TWO_12) * TWO_20;
  const high = timeHigh + Math.floor(upper / TWO_12) + Math.floor(low / TWO_32);
  if (high > HIGH_MAX) return false;
  into.set(high, low % TWO_32);
  return true;
}
