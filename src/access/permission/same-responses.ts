import type { ResponsePermission } from "./permission-options.ts";

/** Whether two say the same: a reload or a new claim that changes nothing here shall not end what may still be answered. */
export function sameResponses(a: ResponsePermission | null, b: ResponsePermission | null): boolean {
  if (a === null || b === null) return a === b;
  return a.messagesMax === b.messagesMax && a.expiresMs === b.expiresMs;
}
