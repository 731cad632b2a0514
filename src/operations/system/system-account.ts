/**
 * The server's presence in the system account: one subscriber for all its services, and the events that it publishes.
 *
 *   operator ─▶ $SYS.REQ.… ─▶ system account's interest ─▶ ServiceEndpoints ─▶ RequestQueue ─▶ server-services, account-services …
 *   hooks of the server ─▶ Events, Statsz ─▶ system account's interest ─▶ operator
 * Without a system account it is not created. A reload cannot change the system account.
 * Source: reference, core §8.
 */
import type { Account } from "../../accounts/account/account.ts";
import { RequestQueue } from "../../services/request-queue.ts";
import { Sender } from "../../services/sender.ts";
import { SentTrace } from "../../services/sent-trace.ts";
import { ServiceEndpoints } from "../../services/service-endpoints.ts";
import type { CloseReason } from "../../wire/protocol/close-reason.ts";
import type { Refusal } from "../../wire/protocol/refusal.ts";
import type { MonitoredClient } from "../monitor/monitored-client.ts";
import { accountServices, allAccountsStatz } from "./account-services.ts";
import { Events } from "./events.ts";
import { type Guard, Replier } from "./replier.ts";
import { answerUserInfo, countForRequester, countForServer } from "./requester-services.ts";
import { answerStats, ownServices, type ServiceParts, serverServices } from "./server-services.ts";
import { Statsz } from "./statsz.ts";
import type { SystemHost } from "./system-host.ts";

/** Maximum number of waiting requests. */
const WAITING_MAX = 10_000;

export class SystemAccount {
  readonly events: Events;
  private readonly host: SystemHost;
  private readonly queue: RequestQueue;
  private readonly endpoints: ServiceEndpoints;
  private readonly statsz: Statsz;
  private readonly parts: ServiceParts;
  private stopped = false;

  constructor(host: SystemHost, account: Account) {
    this.host = host;
    const sender = new Sender(account, () => host.serverInfo(), new SentTrace(host));
    this.events = new Events(host, sender, account);
    this.statsz = new Statsz(host, sender);
    this.queue = new RequestQueue(host.log, () => host.turn.end(), { label: "System service", waitingMax: WAITING_MAX });
    const { queue } = this;
    const guard: Guard = (request, part) => {
      queue.guard(request, part);
      host.turn.end();
    };
    const { longAnswers } = host.monitoring;
    this.parts = { host, sender, replier: new Replier(host, sender, longAnswers, guard), statsz: this.statsz, guard };
    this.endpoints = new ServiceEndpoints(
      account,
      (error, subject) => host.log.error(`System service ${subject} failed: ${(error as Error).stack ?? error}`),
      (request, handler) => queue.push(request, handler),
    );
    this.subscribe();
  }

  /** Starts to publish statistics. */
  start(): void {
    this.statsz.start();
  }

  /** Events and services go on; only statistics are not published any more, because readers would count the server as present. */
  lameDuckStarted(): void {
    this.events.lameDuckStarted();
    this.statsz.stop();
  }

  /** Publishes that the server shuts down, and stops. Nothing is published about the clients that are closed afterwards. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.events.shuttingDown();
    this.parts.sender.stop();
    this.statsz.stop();
    this.queue.stop();
    this.endpoints.close();
  }

  private subscribe(): void {
    const { endpoints, parts } = this;
    const { id } = this.host.identity;
    endpoints.serve("$SYS.REQ.ACCOUNT.NSUBS", countForServer(parts));
    endpoints.serve("$SYS.REQ.SERVER.PING", request => answerStats(parts, request));
    for (const [name, handler] of serverServices(parts)) {
      endpoints.serve(`$SYS.REQ.SERVER.${id}.${name}`, handler);
      endpoints.serve(`$SYS.REQ.SERVER.PING.${name}`, handler);
    }
    for (const [name, handler] of accountServices(parts, this.events)) endpoints.serve(`$SYS.REQ.ACCOUNT.*.${name}`, handler);
    endpoints.serve("$SYS.REQ.USER.*.INFO", answerUserInfo(parts));
    endpoints.serve("$SYS.REQ.ACCOUNT.PING.STATZ", allAccountsStatz(parts));
    endpoints.serve("$SYS.DEBUG.SUBSCRIBERS", countForRequester(parts));
    for (const [name, handler] of ownServices(parts)) endpoints.serve(`$SYS.REQ.SERVER.${id}.${name}`, handler);
  }

  // Called by connections

  onAuthenticated(client: MonitoredClient): void {
    this.events.connected(client);
  }

  onAuthenticationFailed(client: MonitoredClient, refusal: Refusal, inAccount: boolean): void {
    this.events.refused(client, refusal, inAccount);
  }

  onConnectionClosed(client: MonitoredClient, reason: CloseReason): void {
    this.events.disconnected(client, reason);
  }

  onConnectionsChanged(account: Account): void {
    this.events.connectionsChanged(account);
  }
}
