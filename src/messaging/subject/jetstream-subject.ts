/** Subjects of JetStream with an effect, with their first tokens as the reference distinguishes them. Source: core §5.4, §4.7. */
import { encode, startsWith } from "../../base/bytes/ascii.ts";
import { tokenEnd } from "./subject.ts";

const DOLLAR = 0x24;
const JETSTREAM = encode("$JS.");
const API = encode("API");
/** Second tokens of subjects with an effect other than an API request. */
const OTHERS = ["ACK", "FC", "SNAPSHOT", "EVENT"].map(token => encode(token));

/** Whether it is a reply that only JetStream uses: `$JS.` and at least one more byte. */
export function isJetStreamReply(source: Uint8Array, start: number, end: number): boolean {
  return end - start > JETSTREAM.length && source[start] === DOLLAR && startsWith(source, start, end, JETSTREAM);
}

/** Whether JetStream acts on messages with this subject: an API request, an acknowledgement, flow control, a snapshot, or an event. */
export function isJetStreamSubject(source: Uint8Array, start: number, end: number): boolean {
  if (source[start] !== DOLLAR) return false;
  return secondTokenIn(source, start, end, OTHERS) || isJetStreamRequest(source, start, end);
}

/** Whether it is a request to the JetStream API, also of a domain: `$JS.API.…` or `$JS.<domain>.API.…`. */
export function isJetStreamRequest(source: Uint8Array, start: number, end: number): boolean {
  if (!startsWith(source, start, end, JETSTREAM)) return false;
  const second = start + JETSTREAM.length;
  const secondEnd = tokenEnd(source, second, end);
  if (isToken(source, second, secondEnd, API)) return true;
  return secondEnd < end && isToken(source, secondEnd + 1, tokenEnd(source, secondEnd + 1, end), API);
}

function secondTokenIn(source: Uint8Array, start: number, end: number, tokens: readonly Uint8Array[]): boolean {
  if (!startsWith(source, start, end, JETSTREAM)) return false;
  const second = start + JETSTREAM.length;
  const secondEnd = tokenEnd(source, second, end);
  return tokens.some(token => isToken(source, second, secondEnd, token));
}

function isToken(source: Uint8Array, start: number, end: number, token: Uint8Array): boolean {
  return end - start === token.length && startsWith(source, start, end, token);
}

const RESERVED_PREFIXES = ["_R_.", "_GR_."].map(prefix => encode(prefix));

/** Whether the server must not publish there for a user: a request to JetStream, or an answer of a service import. Source: jetstream §1.12. */
export function isReservedDestination(source: Uint8Array, start: number, end: number): boolean {
  return RESERVED_PREFIXES.some(prefix => startsWith(source, start, end, prefix)) || isJetStreamSubject(source, start, end);
}
