/** Connection limits of accounts, applied to connected clients after a reload. */

import type { Client } from "../../connections/client/client.ts";
import { logLimited } from "../../connections/link/limited-log.ts";
import { REFUSALS, Refusal } from "../../wire/protocol/refusal.ts";

/** Closes the newest clients of each account that has more than its limit allows. */
export function closeSurplusOfAccounts(connections: ReadonlyMap<number, Client>): void {
  for (const client of [...connections.values()].reverse()) {
    const account = client.registered;
    if (account === null || account.limits.connectionsMax === -1 || account.connections <= account.limits.connectionsMax) continue;
    logLimited(client, "error", REFUSALS[Refusal.MaxAccountConnectionsExceeded].error!);
    client.refuse(Refusal.MaxAccountConnectionsExceeded);
  }
}
