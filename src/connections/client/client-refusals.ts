/**
 * Handles commands that the parser refused: the client's error, the log lines, and whether the client is closed.
 * Not a hot path. The order of the log lines is that of the reference, because scripts read logs.
 */
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { REFUSALS, Refusal } from "../../wire/protocol/refusal.ts";
import type { Client } from "./client.ts";
import { isUnproven, logRefusedLogin } from "./client-admission.ts";

/** Log texts of refusals whose details were already logged. */
const READ_ERRORS = new Map<Refusal, string>([
  [Refusal.MaxPayloadExceeded, "maximum payload exceeded"],
  [Refusal.AuthorizationViolation, "authentication error"],
  [Refusal.MaxControlLineExceeded, "maximum control line exceeded"],
]);

/** Called when the parser refused a command: sends the error, logs, closes. */
export function refuseCommand(client: Client, refusal: Refusal): void {
  if (client.closed || refusal === Refusal.Closed) return;
  const { detail } = client.parser;
  const { error, close } = REFUSALS[refusal];
  logRefusedLogin(client, refusal);
  if (refusal === Refusal.MaxPayloadExceeded) client.logError(detail);
  if (client.transport.type === "websocket") return refuseMessage(client, refusal, detail);
  if (error !== null) client.sendError(error);
  // As in the reference: protocol violations are logged before the close, other refusals after it.
  const explains = !isUnproven(refusal) && refusal !== Refusal.MaxPayloadExceeded;
  const text = refusal === Refusal.UnknownOperation ? `Client ${detail}` : detail || (error ?? "");
  if (explains && close === CloseReason.ProtocolViolation && text !== "") client.logError(text);
  if (close !== null) client.close(close);
  if (explains && close !== CloseReason.ProtocolViolation && text !== "") client.logError(text);
}

/** Over a WebSocket the reference reports a refusal as a read error: in its log, and for protocol violations in the close reason. */
function refuseMessage(client: Client, refusal: Refusal, detail: string): void {
  const { error, close } = REFUSALS[refusal];
  if (close === CloseReason.ProtocolViolation) {
    if (error !== null) client.sendError(error);
    client.close(CloseReason.ReadError, true);
  } else client.refuse(refusal);
  const known = READ_ERRORS.get(refusal);
  client.logError(`read error: ${known ?? (refusal === Refusal.UnknownOperation ? `Client ${detail}` : detail || error)}`);
}
