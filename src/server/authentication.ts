/** Asks who a client is: from a connection to a request, and from any failure to a refusal. */
import type { Authenticator, Verdict } from "../auth/authenticator.ts";
import type { Client } from "../connection/client.ts";
import { connectionTypeOf } from "../connection/connection-type.ts";
import type { Logger } from "../log/logger.ts";
import { Refusal } from "../protocol/refusal.ts";

/** @returns the verdict, or a promise of one that may be rejected, which is a refusal too */
export function askAuthenticator(authenticator: Authenticator, client: Client, log: Logger): Verdict | Promise<Verdict> {
  const { transport, connect, nonce, id, startedAt } = client;
  try {
    return authenticator.authenticate({
      connect,
      nonce,
      address: transport.remoteAddress,
      port: transport.remotePort,
      tls: transport.tls,
      connectionType: connectionTypeOf(transport),
      transport: transport.type,
      id,
      startedAt,
    });
  } catch (error) {
    log.error(`the authenticator failed: ${(error as Error).message}`);
    return Refusal.AuthorizationViolation;
  }
}
