/**
 * The server's presence in the system account: one subscriber for all its services, and the events that it publishes.
 *
 *   operator ─▶ $SYS.REQ.… ─▶ system account's interest ─▶ LocalSubscriber ─▶ RequestQueue ─▶ server-services, account-services …
 *   hooks of the server ─▶ Events, Statsz ─▶ system account's interest ─▶ operator
 * Without a system account there is none of it. The account is the same for as long as the server runs: no reload may change it.
 * Source: reference, core §8.
 */
import type { Account } from "../../accounts/account/account.ts";
import { decode } from "../../base/bytes/ascii.ts";
import type { Client } from "../../connections/client/client.ts";
import { LocalSubscriber } from "../../messaging/batch/local-subscriber.ts";
import type { CloseReason } from "../../wire/protocol/close-reason.ts";
import type { Refusal } from "../../wire/protocol/refusal.ts";
import { accountServices, allAccountsStatz } from "./account-services.ts";
import { Events } from "./events.ts";
import { Replier } from "./replier.ts";
import { RequestQueue, type ServiceHandler, ServiceRequest } from "./request.ts";
import { countForRequester, countForServer, tellUser } from "./requester-services.ts";
import { Sender } from "./sender.ts";
import { ownServices, type ServiceParts, serverServices, tellStats } from "./server-services.ts";
import { Statsz } from "./statsz.ts";
import type { SystemHost } from "./system-host.ts";

export class SystemAccount {
  readonly events: Events;
  private readonly host: SystemHost;
  private readonly queue: RequestQueue;
  private readonly subscriber: LocalSubscriber;
  private readonly statsz: Statsz;
  private readonly parts: ServiceParts;
  private stopped = false;

  constructor(host: SystemHost, account: Account) {
    this.host = host;
    const sender = new Sender(host);
    this.events = new Events(host, sender, account);
    this.statsz = new Statsz(host, sender);
    this.queue = new RequestQueue(host.log, () => host.turn.end());
    const { queue } = this;
    this.parts = {
      host,
      sender,
      replier: new Replier(host, sender),
      statsz: this.statsz,
      guard(request, part) {
        queue.guard(request, part);
        host.turn.end();
      },
    };
    this.subscriber = new LocalSubscriber(account, (error, { subject }) =>
      host.log.error(`System service ${decode(subject)} failed: ${(error as Error).stack ?? error}`),
    );
    this.subscribe();
  }

  /** From here on it tells of itself. */
  start(): void {
    this.statsz.start();
  }

  /** Tells that the server leaves, and is silent from then on: also of the clients that it closes now. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.events.leaves();
    this.parts.sender.stop();
    this.statsz.stop();
    this.queue.stop();
    this.subscriber.close();
  }

  private subscribe(): void {
    const { parts } = this;
    const { id } = this.host.identity;
    this.on("$SYS.REQ.ACCOUNT.NSUBS", countForServer(parts));
    this.on("$SYS.REQ.SERVER.PING", request => tellStats(parts, request));
    for (const [name, handler] of serverServices(parts)) {
      this.on(`$SYS.REQ.SERVER.${id}.${name}`, handler);
      this.on(`$SYS.REQ.SERVER.PING.${name}`, handler);
    }
    for (const [name, handler] of accountServices(parts, this.events)) this.on(`$SYS.REQ.ACCOUNT.*.${name}`, handler);
    this.on("$SYS.REQ.USER.*.INFO", tellUser(parts));
    this.on("$SYS.REQ.ACCOUNT.PING.STATZ", allAccountsStatz(parts));
    this.on("$SYS.DEBUG.SUBSCRIBERS", countForRequester(parts));
    for (const [name, handler] of ownServices(parts)) this.on(`$SYS.REQ.SERVER.${id}.${name}`, handler);
  }

  private on(subject: string, handler: ServiceHandler): void {
    this.subscriber.subscribe(subject, null, (batch, index) => this.queue.push(new ServiceRequest(batch, index), handler));
  }

  // What the server is told by its connections

  onAuthenticated(client: Client): void {
    this.events.connected(client);
  }

  onAuthenticationFailed(client: Client, refusal: Refusal, told: boolean): void {
    this.events.refused(client, refusal, told);
  }

  onConnectionClosed(client: Client, reason: CloseReason): void {
    this.events.disconnected(client, reason);
  }

  onConnectionsChanged(account: Account): void {
    this.events.connectionsChanged(account);
  }
}
