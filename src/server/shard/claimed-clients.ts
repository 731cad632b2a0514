/**
 * The clients of accounts that claims define: applies new claims to those that are connected.
 *
 *   push, reload, expiry ─▶ ClaimsInstaller ─▶ follow, expire, renewStreams ─▶ after the current code ─▶ permissions, limits, closing
 * Claims may change in the middle of a delivery (a push is a message), so they are applied after the current code has returned: no client
 * loses permissions or its connection while one of its messages is being delivered.
 * Source: server/accounts.go, updateAccountClaimsWithRefresh (behaviour).
 */

import { isRevoked } from "../../access/jwt/trust.ts";
import type { CompiledPermissions } from "../../access/permission/compiled-permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import { claimedDenials } from "../../auth/callout/callout-denials.ts";
import type { AccountClients, ClaimsChange } from "../../auth/operator/operator-host.ts";
import { forEachInShares } from "../../base/scheduling/for-each.ts";
import {
  applyLimits,
  bind,
  expire,
  followAccount,
  renewShadows,
  reviewSubscriptions,
  shownUser,
  unitsToBind,
} from "../../connections/client/binding.ts";
import type { Client } from "../../connections/client/client.ts";
import { logLimited } from "../../connections/link/limited-log.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { REFUSALS, Refusal } from "../../wire/protocol/refusal.ts";
import type { OperatorServer } from "./operator-server.ts";

export class ClaimedClients implements AccountClients {
  private deferred: (() => void)[] = [];

  constructor(
    private readonly server: Pick<OperatorServer, "connections" | "followStreamImports" | "onAuthenticationFailed" | "turn">,
    private readonly permissions: CompiledPermissions,
  ) {}

  follow(change: ClaimsChange): void {
    this.defer(() => this.followNow(change));
  }

  renewStreams(accounts: ReadonlySet<Account>): void {
    if (accounts.size === 0) return;
    this.defer(() => this.renewNow(accounts));
  }

  expire(account: Account): void {
    this.defer(() => {
      if (!account.expired) return;
      this.forEach(this.connectedTo(account), client => expire(client, Refusal.AccountAuthenticationExpired));
    });
  }

  private defer(task: () => void): void {
    this.deferred.push(task);
    if (this.deferred.length > 1) return;
    queueMicrotask(() => {
      const tasks = this.deferred;
      this.deferred = [];
      for (const one of tasks) one();
      this.server.turn.end();
    });
  }

  private connectedTo(account: Account): Client[] {
    return [...this.server.connections.values()].filter(client => client.account === account && client.registered === account);
  }

  /** Applies the change, oldest client first: when an account has too many connections, the newest are closed. */
  private followNow(change: ClaimsChange): void {
    const { account, streamsChanged: others } = change;
    let count = 0;
    this.forEach(this.connectedTo(account), client => {
      if (client.closed || client.registered !== account) return;
      const limit = account.limits.connectionsMax;
      if (limit >= 0 && count >= limit) {
        logLimited(client, "error", REFUSALS[Refusal.MaxAccountConnectionsExceeded].error!);
        client.refuse(Refusal.MaxAccountConnectionsExceeded);
        return;
      }
      count++;
      this.followClaims(client, change);
    });
    if (others.size > 0) this.renewNow(others);
  }

  private renewNow(accounts: ReadonlySet<Account>): void {
    this.server.followStreamImports(accounts);
    const all = [...this.server.connections.values()];
    const concerned = all.filter(({ account }) => accounts.has(account));
    this.forEach(concerned, client => {
      if (!client.closed) renewShadows(client);
    });
  }

  private forEach(clients: readonly Client[], action: (client: Client) => void): void {
    forEachInShares(this.server.turn.scheduler, clients, unitsToBind, action);
  }

  private followClaims(client: Client, { account, claims, defaultPermissionsChanged, signerLeft }: ClaimsChange): void {
    const { login } = client;
    const claim = login?.claim ?? null;
    if (login?.followsDefaults && defaultPermissionsChanged) {
      const denied = claimedDenials(claims.nats.authorization.users, login);
      bind(client, { ...login, permissions: this.permissions.denying(account.defaultPermissions, denied) });
      reviewSubscriptions(client);
    } else {
      applyLimits(client);
      followAccount(client);
    }
    if (claim === null) return;
    const { nats } = claims;
    if (claim.bearer && nats.limits.disallowBearer) return this.refuseBearer(client);
    const checksIssueTime = nats.revocations.size > 0 || nats.limits.disallowBearer;
    if (checksIssueTime && (claim.issuedAt === 0 || isRevoked(nats.revocations, claim.subject, claim.issuedAt))) {
      return expire(client, Refusal.UserAuthenticationRevoked);
    }
    if (signerLeft?.(claim.issuerKey)) client.close(CloseReason.AuthenticationViolation);
  }

  private refuseBearer(client: Client): void {
    client.logDebug("Bearer User JWT not allowed");
    client.logError(`authentication error - ${shownUser(client)}`);
    this.server.onAuthenticationFailed(client, Refusal.AuthorizationViolation);
    client.refuse(Refusal.AuthorizationViolation);
  }
}
