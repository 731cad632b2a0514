/** The header that gives a message its own time to live, as a store finds it again in its records. Source: reference, jetstream §4.1. */
import { HeaderKey, headerText, headerValue } from "../../messaging/header/header-read.ts";
import { parseMessageTtl } from "../expiry/message-ttl.ts";

const TTL = new HeaderKey("Nats-TTL");
const MARKER_REASON = new HeaderKey("Nats-Marker-Reason");
const KV_OPERATION = new HeaderKey("KV-Operation");

/** Whether a header block has the key. */
export function hasTtl(bytes: Uint8Array, start: number, end: number): boolean {
  return headerValue(bytes, start, end, TTL) !== -1;
}

/** Seconds of the message's own time to live, as `parseMessageTtl` returns them; 0 without the key. */
export function ttlOf(bytes: Uint8Array, start: number, end: number): number {
  return start < end ? parseMessageTtl(headerText(bytes, start, end, TTL) ?? "") : 0;
}

/** The message never expires, not even by age. */
export function isForever(bytes: Uint8Array, start: number, end: number): boolean {
  return start < end && headerText(bytes, start, end, TTL)?.toLowerCase() === "never";
}

/** The message says that the subject's last message is gone. */
export function isMarker(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return false;
  if (headerText(bytes, start, end, MARKER_REASON)) return true;
  return headerText(bytes, start, end, KV_OPERATION) === "PURGE";
}
