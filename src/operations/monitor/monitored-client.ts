/** What monitoring, events and services read from a client, and the few things that they do to it. */
import type { ClientPermissions } from "../../access/permission/client-permissions.ts";
import type { RecordedClient } from "../../connections/client/connection-record.ts";
import type { CloseReason } from "../../wire/protocol/close-reason.ts";
import type { PeerCertificate } from "../../wire/transport/tls-state.ts";

export interface MonitoredClient extends RecordedClient {
  /** null: everything is allowed. */
  readonly permissions: Pick<ClientPermissions, "permissions"> | null;
  /** It understands INFO that is sent at any time, and has had its first PONG. */
  readonly takesAsyncInfo: boolean;
  /** Sends a PING if the round trip is unknown. It leaves at the end of the turn. */
  askRoundTrip(): void;
  logDebug(text: string): void;
  close(reason: CloseReason): void;
}

/** Certificates of a client's TLS connection; none without TLS. */
export function certificatesOf({ transport }: MonitoredClient): readonly PeerCertificate[] {
  return transport.tls?.peerCertificates ?? [];
}
