/** What a stream's configuration asks of its store. */
import type { StoreLimits } from "../../store/contract/store-limits.ts";
import type { Integer, StreamConfig } from "../config/stream-config.ts";

const NANOS_PER_SECOND = 1e9;

export function storeLimitsOf(config: StreamConfig): StoreLimits {
  return {
    messagesMax: limitOf(config.messagesMax),
    bytesMax: limitOf(config.bytesMax),
    messagesPerSubjectMax: limitOf(config.messagesPerSubjectMax),
    ageMaxNs: BigInt(config.ageMaxNs),
    discard: config.discard,
    discardNewPerSubject: config.discardNewPerSubject,
    allowTtl: config.allowTtl,
    markerTtlSeconds: Math.floor(Number(config.markerTtlNs) / NANOS_PER_SECOND),
  };
}

/** A limit above 2^53 is none. */
function limitOf(limit: Integer): number {
  return typeof limit === "number" ? limit : -1;
}
