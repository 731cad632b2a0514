/** Whose certificate is not among the pinned ones any more has no place here. */
import type { Client } from "../connection/client.ts";
import type { Logger } from "../log/logger.ts";
import { CloseReason } from "../protocol/close-reason.ts";
import type { TlsContext } from "../transport/tls/tls-context.ts";
import type { TransportType } from "../transport/transport.ts";

/** @param contexts of the listeners that clients came by */
export function closeUnpinned(
  connections: ReadonlyMap<number, Client>,
  contexts: Readonly<Record<TransportType, TlsContext | null>>,
  log: Logger,
): void {
  let closed = 0;
  for (const client of [...connections.values()]) {
    const { tls, type } = client.transport;
    const context = contexts[type];
    if (tls === null || context === null || context.isPinned(tls.peerCertificates[0] ?? null)) continue;
    client.close(CloseReason.TlsHandshakeError);
    closed++;
  }
  if (closed > 0) log.notice(`Disconnect ${closed} clients due to pinned certs reload`);
}
