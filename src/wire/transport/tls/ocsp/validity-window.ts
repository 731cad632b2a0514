/** Whether a response is currently valid, within the allowed clock skew. */
import { goTime } from "../../../../base/go/time.ts";
import type { OcspResponse } from "./ocsp-response.ts";
import type { OcspLog, OcspPeerRules } from "./ocsp-rules.ts";

/** @param nowMs wall clock */
export function isCurrent({ thisUpdateMs, nextUpdateMs }: OcspResponse, rules: OcspPeerRules, nowMs: number, log: OcspLog): boolean {
  const skewMs = rules.allowedClockSkewMs;
  const notCurrent = (what: string, ms: number) => {
    log.debug(`OCSP response ${what} [${goTime(ms)}] is before now [${goTime(nowMs)}] with clockskew [${skewMs / 1000}s]`);
    return false;
  };
  if (nextUpdateMs !== null && nextUpdateMs < nowMs - skewMs) return notCurrent("NextUpdate", nextUpdateMs);
  const expiryMs = thisUpdateMs + rules.cacheTtlWhenNextUpdateUnsetMs;
  if (nextUpdateMs === null && expiryMs < nowMs - skewMs) return notCurrent("cache expiry", expiryMs);
  if (thisUpdateMs > nowMs + skewMs) return notCurrent("ThisUpdate", thisUpdateMs); // the reference's text, although the time is after now
  return true;
}
