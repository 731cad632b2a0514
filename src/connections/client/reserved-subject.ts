import { encode, startsWith } from "../../base/bytes/ascii.ts";

/**
 * Subjects that clients may not use, exactly those: gateway replies, and RAFT outside the system account, for publishing; service,
 * gateway and acknowledgement replies as replies. `$SYS.` and `$JS.` are open to whoever has permission.
 */
const GATEWAY_REPLY = encode("_GR_.");
const GATEWAY_REPLY_OLD = encode("$GR.");
const RAFT = encode("$NRG.");
const SERVICE_REPLY = encode("_R_.");
const JETSTREAM_ACK = encode("$JS.ACK.");

const UNDERSCORE = 0x5f;
const DOLLAR = 0x24;

/** @param system the client is bound to the system account */
export function isReservedSubject(source: Uint8Array, start: number, end: number, system: boolean): boolean {
  const first = source[start];
  if (first !== UNDERSCORE && first !== DOLLAR) return false;
  return isGatewayReply(source, start, end) || (!system && startsWith(source, start, end, RAFT));
}

export function isReservedReply(source: Uint8Array, start: number, end: number): boolean {
  const first = source[start];
  if (first !== UNDERSCORE && first !== DOLLAR) return false;
  return (
    startsWith(source, start, end, SERVICE_REPLY) || startsWith(source, start, end, JETSTREAM_ACK) || isGatewayReply(source, start, end)
  );
}

/** The prefix alone is an ordinary subject. */
function isGatewayReply(source: Uint8Array, start: number, end: number): boolean {
  const size = end - start;
  return (
    (size > GATEWAY_REPLY.length && startsWith(source, start, end, GATEWAY_REPLY)) ||
    (size > GATEWAY_REPLY_OLD.length && startsWith(source, start, end, GATEWAY_REPLY_OLD))
  );
}
