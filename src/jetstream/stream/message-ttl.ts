/** The header `Nats-TTL`: seconds, a Go duration, or `never`. Source: reference, jetstream §4.1. */
import { parseGoDuration } from "../../base/go/duration.ts";

/** Not a time to live. */
export const INVALID_TTL = -2;
export const NEVER_EXPIRES = -1;
const NANOS_PER_SECOND = 1_000_000_000n;
const DIGITS = /^\d{1,15}$/;

/** @returns seconds; 0: none; `NEVER_EXPIRES`; `INVALID_TTL` */
export function parseMessageTtl(text: string): number {
  if (text === "") return 0;
  if (text.toLowerCase() === "never") return NEVER_EXPIRES;
  const duration = parseGoDuration(text);
  if (typeof duration === "bigint") return duration < NANOS_PER_SECOND ? INVALID_TTL : Number(duration / NANOS_PER_SECOND);
  return DIGITS.test(text) ? Number(text) : INVALID_TTL;
}
