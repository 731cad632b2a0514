/** The originator of an account's events: a participant without a connection. */
import type { ClientInfo, Originator, RequestHeader } from "../../messaging/batch/originator.ts";
import type { Sink } from "../../messaging/batch/subscription.ts";
import { ConnectionKind, KIND_TEXTS } from "../../wire/protocol/connection-kind.ts";
import type { AccountHost } from "./account-host.ts";

export class AccountClient implements Originator {
  readonly kind = ConnectionKind.Account;
  readonly echo = false;
  readonly infoVersion = 0;
  requestHeader: RequestHeader | null = null;
  /** Receives no messages. */
  readonly sink: Sink = { mark: 0, takesRuns: true, deliver: () => 0 };
  /** Unknown until requested. */
  private id = 0;
  private startedAt = 0;

  constructor(
    private readonly name: string,
    private readonly host: AccountHost,
  ) {}

  clientInfo(detailed: boolean): ClientInfo {
    const { host, name } = this;
    if (!detailed) return { acc: name };
    if (this.id === 0) {
      this.id = host.nextConnectionId();
      this.startedAt = host.clock.now();
    }
    return {
      acc: name,
      start: new Date(this.startedAt).toISOString(),
      id: this.id,
      server: host.serverName,
      cluster: host.clusterName,
      kind: KIND_TEXTS[this.kind],
    };
  }

  /** Without a connection there is no round trip to measure. */
  askRoundTrip(): void {}
}
