import { encode, startsWith } from "../../base/bytes/ascii.ts";
import { isJetStreamReply } from "../../messaging/subject/jetstream-subject.ts";

/**
 * Subjects that clients may not use, and no others: gateway replies, and outside the system account RAFT subjects, for publishing;
 * replies of services and gateways and all JetStream subjects as replies, so that no answer becomes a JetStream request.
 * Publishing to `$SYS.` and `$JS.` only needs permission. core §1.5.
 */
const GATEWAY_REPLY = encode("_GR_.");
const GATEWAY_REPLY_OLD = encode("$GR.");
const RAFT = encode("$NRG.");
const SERVICE_REPLY = encode("_R_.");

const UNDERSCORE = 0x5f;
const DOLLAR = 0x24;

/** Whether clients may not publish on this subject. @param system the client is bound to the system account */
export function isReservedSubject(source: Uint8Array, start: number, end: number, system: boolean): boolean {
  const first = source[start];
  if (first !== UNDERSCORE && first !== DOLLAR) return false;
  return isGatewayReply(source, start, end) || (!system && startsWith(source, start, end, RAFT));
}

/** Whether clients may not use this subject as a reply. */
export function isReservedReply(source: Uint8Array, start: number, end: number): boolean {
  const first = source[start];
  if (first !== UNDERSCORE && first !== DOLLAR) return false;
  return startsWith(source, start, end, SERVICE_REPLY) || isJetStreamReply(source, start, end) || isGatewayReply(source, start, end);
}

/** A prefix alone, without further bytes, is an ordinary subject. */
function isGatewayReply(source: Uint8Array, start: number, end: number): boolean {
  const size = end - start;
  return (
    (size > GATEWAY_REPLY.length && startsWith(source, start, end, GATEWAY_REPLY)) ||
    (size > GATEWAY_REPLY_OLD.length && startsWith(source, start, end, GATEWAY_REPLY_OLD))
  );
}
