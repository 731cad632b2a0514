/**
 * What becomes of a client whose command was refused: what it is told, what the log says of it and when, whether it is closed.
 * Cold, and in the reference's order: logs are read by scripts.
 */
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { REFUSALS, Refusal } from "../../wire/protocol/refusal.ts";
import type { Client } from "./client.ts";
import { isUnproven, logRefusedLogin } from "./client-admission.ts";

/** What stands in the log instead of the details, which were logged before. */
const READ_ERRORS = new Map<Refusal, string>([
  [Refusal.MaxPayloadExceeded, "maximum payload exceeded"],
  [Refusal.AuthorizationViolation, "authentication error"],
  [Refusal.MaxControlLineExceeded, "maximum control line exceeded"],
]);

/** The parser gave up on a command. */
export function refuseCommand(client: Client, refusal: Refusal): void {
  if (client.closed || refusal === Refusal.Closed) return;
  const { detail } = client.parser;
  const { error, close } = REFUSALS[refusal];
  logRefusedLogin(client, refusal);
  if (refusal === Refusal.MaxPayloadExceeded) client.logError(detail);
  if (client.transport.type === "websocket") return refuseMessage(client, refusal, detail);
  if (error !== null) client.sendError(error);
  // As the reference has it: what breaks the protocol is logged before the close, other texts behind it.
  const explains = !isUnproven(refusal) && refusal !== Refusal.MaxPayloadExceeded;
  const text = refusal === Refusal.UnknownOperation ? `Client ${detail}` : detail || (error ?? "");
  if (explains && close === CloseReason.ProtocolViolation && text !== "") client.logError(text);
  if (close !== null) client.close(close);
  if (explains && close !== CloseReason.ProtocolViolation && text !== "") client.logError(text);
}

/** Over a WebSocket, whose messages fail to be read then: the reference says so in its log, and in most cases in the reason. */
function refuseMessage(client: Client, refusal: Refusal, detail: string): void {
  const { error, close } = REFUSALS[refusal];
  if (close === CloseReason.ProtocolViolation) {
    if (error !== null) client.sendError(error);
    client.close(CloseReason.ReadError, true);
  } else client.refuse(refusal);
  const known = READ_ERRORS.get(refusal);
  client.logError(`read error: ${known ?? (refusal === Refusal.UnknownOperation ? `Client ${detail}` : detail || error)}`);
}
