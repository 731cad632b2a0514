/** Codes and texts of WebSocket close frames. Source: reference, core §9.1.2. */
import { isUtf8 } from "node:buffer";
import { CLOSE_TEXTS, CloseReason } from "../../protocol/close-reason.ts";
import { CONTROL_BYTES_MAX } from "./frame.ts";

export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_PROTOCOL_ERROR = 1002;
export const CLOSE_INVALID_DATA = 1007;
export const CLOSE_POLICY_VIOLATION = 1008;
export const CLOSE_TOO_BIG = 1009;
export const CLOSE_INTERNAL_ERROR = 1011;
export const CLOSE_TLS_HANDSHAKE = 1015;

const TEXT_BYTES_MAX = CONTROL_BYTES_MAX - 2;

/** Close reasons with a specific code; all others use the code for an internal error. */
const CODES = new Map<CloseReason, number>([
  [CloseReason.ClientClosed, CLOSE_NORMAL],
  [CloseReason.AuthenticationTimeout, CLOSE_POLICY_VIOLATION],
  [CloseReason.AuthenticationViolation, CLOSE_POLICY_VIOLATION],
  [CloseReason.SlowConsumerPendingBytes, CLOSE_POLICY_VIOLATION],
  [CloseReason.SlowConsumerWriteDeadline, CLOSE_POLICY_VIOLATION],
  [CloseReason.MaxAccountConnectionsExceeded, CLOSE_POLICY_VIOLATION],
  [CloseReason.MaxConnectionsExceeded, CLOSE_POLICY_VIOLATION],
  [CloseReason.MaxControlLineExceeded, CLOSE_POLICY_VIOLATION],
  [CloseReason.MaxSubscriptionsExceeded, CLOSE_POLICY_VIOLATION],
  [CloseReason.MissingAccount, CLOSE_POLICY_VIOLATION],
  [CloseReason.AuthenticationExpired, CLOSE_POLICY_VIOLATION],
  [CloseReason.Revocation, CLOSE_POLICY_VIOLATION],
  [CloseReason.TlsHandshakeError, CLOSE_TLS_HANDSHAKE],
  [CloseReason.ParseError, CLOSE_PROTOCOL_ERROR],
  [CloseReason.ProtocolViolation, CLOSE_PROTOCOL_ERROR],
  [CloseReason.BadClientProtocolVersion, CLOSE_PROTOCOL_ERROR],
  [CloseReason.MaxPayloadExceeded, CLOSE_TOO_BIG],
  [CloseReason.WriteError, CLOSE_GOING_AWAY],
  [CloseReason.ReadError, CLOSE_GOING_AWAY],
  [CloseReason.StaleConnection, CLOSE_GOING_AWAY],
  [CloseReason.ServerShutdown, CLOSE_GOING_AWAY],
]);

export function closeCodeOf(reason: CloseReason): number {
  return CODES.get(reason) ?? CLOSE_INTERNAL_ERROR;
}

/** Payload of the close frame for this reason. */
export function closePayloadOf(reason: CloseReason): Buffer {
  return closePayload(closeCodeOf(reason), CLOSE_TEXTS[reason]);
}

/** Code and text; a text too long for a control frame is cut and ends in `...`. */
export function closePayload(code: number, text: string): Buffer {
  let bytes = Buffer.from(text);
  if (bytes.length > TEXT_BYTES_MAX) bytes = Buffer.concat([bytes.subarray(0, TEXT_BYTES_MAX - 3), Buffer.from("...")]);
  const payload = Buffer.allocUnsafe(2 + bytes.length);
  payload.writeUInt16BE(code);
  payload.set(bytes, 2);
  return payload;
}

/** Codes that a peer may send: 1004, 1005, 1006 and 1015 are never sent, 1016 to 2999 are reserved. */
export function isValidCloseCode(code: number): boolean {
  if (code === 1004 || code === 1005 || code === 1006 || code === CLOSE_TLS_HANDSHAKE) return false;
  return (code >= 1000 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/**
 * Payload of the answer to a peer's close frame: the same code and text, or 1007 when the text is not UTF-8; empty when there was no code.
 * A string describes what is wrong with the frame.
 */
export function closeAnswer(payload: Buffer): Buffer | string {
  if (payload.length === 0) return payload;
  if (payload.length === 1) return "close frame payload cannot be 1 byte";
  const code = payload.readUInt16BE(0);
  if (!isValidCloseCode(code)) return `invalid close status code ${code}`;
  if (!isUtf8(payload.subarray(2))) return closePayload(CLOSE_INVALID_DATA, "invalid utf8 body in close frame");
  return payload;
}
