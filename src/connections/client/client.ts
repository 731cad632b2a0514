/**
 * A client: its account, permissions and subscriptions, and how it receives messages.
 *
 *   account's interest ─▶ Client.deliver ─▶ view and filter, if any ─▶ deliverAll ─▶ deliver.ts ─▶ outbound
 * `client-connection.ts`, which extends this class, turns its bytes into commands. Code that acts on a client (binding, commands, admission,
 * monitoring) imports this file; this file does not import that code.
 */
import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import { NO_STAMPS, type StampHolder } from "../../access/permission/allowed-stamps.ts";
import type { ClientPermissions } from "../../access/permission/client-permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { Authenticator, Login, Verdict } from "../../auth/users/authenticator.ts";
import { decode, quote } from "../../base/bytes/ascii.ts";
import type { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Subsystem } from "../../base/log/level.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { ClientInfo, Originator, RequestHeader } from "../../messaging/batch/originator.ts";
import type { Sink, Subscription } from "../../messaging/batch/subscription.ts";
import type { TracedReceiver } from "../../messaging/trace/message-trace.ts";
import type { CloseReason } from "../../wire/protocol/close-reason.ts";
import { type ConnectOptions, initialConnectOptions } from "../../wire/protocol/connect-options.ts";
import { ConnectionKind } from "../../wire/protocol/connection-kind.ts";
import type { Parser } from "../../wire/protocol/parser.ts";
import { Refusal, refusalText } from "../../wire/protocol/refusal.ts";
import type { Transport, TransportType } from "../../wire/transport/transport.ts";
import { Connection } from "../link/connection.ts";
import {
  FLAG_CLOSED,
  FLAG_ECHO,
  FLAG_FIRST_PONG_SENT,
  FLAG_GONE,
  FLAG_HEADERS,
  FLAG_PEDANTIC,
  FLAG_TRACE,
  FLAG_VERBOSE,
} from "../link/connection-flag.ts";
import { writeMessages } from "../link/deliver.ts";
import { deliverGuarded } from "../link/guarded-delivery.ts";
import type { LinkHost, LinkOptions } from "../link/host.ts";
import { traceDelivery } from "../link/trace.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { SubscriptionTable } from "./subscription-table.ts";

/** Which INFO a client gets: at accept (with the nonce), as the answer to its first PING, or because something changed. */
export type InfoOccasion = "accept" | "connected" | "change";

/** Options that clients read in addition to those of every link. */
export interface ClientOptions extends LinkOptions {
  /** Longest line of a command, bytes. */
  readonly controlLineBytesMax: number;
  /** Largest message, headers included, bytes. */
  readonly payloadBytesMax: number;
  /** Subscriptions per client; 0: no limit. */
  readonly subscriptionsMax: number;
  /** Tokens of a subscription's subject; 0: no limit. */
  readonly subscriptionTokensMax: number;
  /** Messages may have headers. */
  readonly headers: boolean;
  /** How long a client may take to authenticate. */
  readonly authTimeoutMs: number;
}

/** The server, as clients need it. */
export interface ClientHost extends LinkHost {
  readonly options: ClientOptions;
  /** The log of a subsystem. */
  logOf(subsystem: Subsystem): Logger;
  readonly serverName: string;
  /** Empty: none. */
  readonly clusterName: string;
  /** The account of clients that have not authenticated, or need not. */
  readonly globalAccount: Account;
  /** null: there is none. */
  readonly systemAccount: Account | null;
  /** Decides which clients of this transport may connect. A reload may replace it. */
  authenticatorOf(type: TransportType): Authenticator;
  /** The description of the server for an event. It contains the number of the event, so each event needs a new one. */
  serverInfo(): object;
  infoLine(client: Client, occasion: InfoOccasion): Buffer;
  /** Authenticates the client by its CONNECT. A promise suspends the client until it settles; a rejection is a refusal. */
  authenticate(client: Client): Verdict | Promise<Verdict>;
  onAuthenticated(client: Client): void;
  /** @param told whether an event is published in the client's account; default: true */
  onAuthenticationFailed(client: Client, refusal: Refusal, told?: boolean): void;
  /** The number of connections bound to the account has changed. */
  onConnectionsChanged(account: Account): void;
  /** The connection is closed. Its subscriptions are removed afterwards; its last output may not be written yet. */
  onConnectionClosed(client: Client, reason: CloseReason): void;
  /** Its transport is closed too. */
  onTransportClosed(client: Client): void;
}

export abstract class Client extends Connection implements Sink, Originator, StampHolder {
  declare readonly host: ClientHost;
  mark = 0;
  readonly takesRuns = true;
  /** The account in which it publishes and subscribes. */
  account: Account;
  /** The account that counts it among its connections; null: none. */
  registered: Account | null = null;
  /** Result of the last successful authentication; null before, and while the client logs in again. */
  login: Login | null = null;
  /** null: everything is allowed. */
  permissions: ClientPermissions | null = null;
  // Of subjects on which it may always publish (allowed-stamps.ts)
  allowedStamps = NO_STAMPS;
  stampEpoch = 0;
  stampsMissed = 0;
  requestHeader: RequestHeader | null = null;
  /** Clients of the system account may use some subjects that others may not. */
  inSystemAccount = false;
  /** Publishing must consider permissions, or mappings of the account. */
  guarded = false;
  /** Most subscriptions; -1: no limit. */
  subscriptionsMax = -1;
  /** Rises with each authentication; results of older ones are ignored. */
  authAttempt = 0;
  /** Runs until its login expires; null: no expiry. */
  expiryTimer: WheelTimer | null = null;
  /** Runs until it has authenticated, where that is required. */
  authTimer: WheelTimer | null = null;
  /** The trusted proxy through which it is connected; empty: none. */
  proxyKey = "";
  readonly connect: ConnectOptions = initialConnectOptions();
  readonly subscriptions = new SubscriptionTable(this);
  /** What is different for clients of its listener; null: nothing. */
  readonly settings: ConnectionSettings | null;
  /** Challenge sent in INFO; empty when none was needed. */
  nonce = "";
  /** Name and tags of its user's claims; kept until the next login. */
  nameTag = "";
  tags: readonly string[] = [];
  /** Its name in logs and monitoring, as authentication found it; empty: none. */
  user = "";
  /** INFO was sent. */
  greeted = false;
  abstract readonly parser: Parser;

  constructor(host: ClientHost, transport: Transport, id: number, settings: ConnectionSettings | null) {
    super(host, transport, id, ConnectionKind.Client, host.logOf(transport.type === "websocket" ? "websocket" : "client"));
    this.account = host.globalAccount;
    this.settings = settings;
    this.flags |= FLAG_VERBOSE | FLAG_PEDANTIC | FLAG_ECHO;
    if (this.log.traceEnabled) this.flags |= FLAG_TRACE;
  }

  /** The server's limits have changed. */
  abstract followLimits(): void;
  /** The log's level has changed. */
  abstract followTraceLevel(): void;
  abstract clientInfo(detailed: boolean): ClientInfo;

  get authenticator(): Authenticator {
    return this.host.authenticatorOf(this.transport.type);
  }

  get authRequired(): boolean {
    return this.authenticator.required;
  }

  /** How it is connected, by the names that users are allowed or denied. */
  get connectionType(): ConnectionType {
    const { inProcess, type } = this.transport;
    if (inProcess) return "IN_PROCESS";
    return type === "websocket" ? "WEBSOCKET" : "STANDARD";
  }

  override get pingIntervalMs(): number {
    return this.settings?.pingIntervalMs ?? super.pingIntervalMs;
  }

  sendInfo(occasion: InfoOccasion): void {
    this.greeted = true;
    const line = this.host.infoLine(this, occasion);
    this.outbound.append(line, 0, line.length);
  }

  /** Async INFO goes to clients that understand it and have had their first PONG. */
  get takesAsyncInfo(): boolean {
    return (this.flags & FLAG_FIRST_PONG_SENT) !== 0 && this.connect.protocol >= 1;
  }

  /** Applies the options of its CONNECT, which decide whether the parser may use the publish loop. */
  followConnectOptions(): void {
    const { connect, host } = this;
    const headers = host.options.headers && connect.headers;
    this.setFlag(FLAG_VERBOSE, connect.verbose);
    this.setFlag(FLAG_PEDANTIC, connect.pedantic);
    this.setFlag(FLAG_ECHO, connect.echo);
    this.setFlag(FLAG_HEADERS, headers);
    this.parser.headers = headers;
    this.parser.fast = !connect.verbose && !connect.pedantic && !this.tracing;
  }

  /** Sends the client the error that it may not publish on this subject. @returns the error */
  refusePublish(subjectSource: Uint8Array, start = 0, end = subjectSource.length): string {
    const text = quote(subjectSource, start, end);
    const error = refusalText(Refusal.PublishPermission, text);
    this.sendError(error);
    this.logError(`Publish Violation - Subject ${text}`);
    return error;
  }

  protected countReceived(messages: number, bytes: number): void {
    const { counters } = this.host;
    counters.inClientMessages += messages;
    counters.inClientBytes += bytes;
    const { traffic } = this.account;
    traffic.inMessages += messages;
    traffic.inBytes += bytes;
  }

  protected override countSlowConsumer(): void {
    super.countSlowConsumer();
    this.account.slowConsumers++;
  }

  /** Otherwise deliveries pass through its subscriptions, and take longer the more such clients there are. */
  protected onPeerGone(): void {
    this.subscriptions.removeAll();
  }

  protected onTransportClosed(): void {
    this.host.onTransportClosed(this);
  }

  // Originator

  get sink(): Sink {
    return this;
  }

  get echo(): boolean {
    return (this.flags & FLAG_ECHO) !== 0;
  }

  get infoVersion(): number {
    return this.keepalive.measurements;
  }

  askRoundTrip(): void {
    if (this.keepalive.roundTripMs === 0) this.keepalive.askRoundTrip();
  }

  // Sink

  get traced(): TracedReceiver {
    return this;
  }

  /** The name in its CONNECT; empty: none. */
  get name(): string {
    return this.connect.name;
  }

  get accountName(): string {
    return this.account.name;
  }

  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    if ((this.flags & (FLAG_CLOSED | FLAG_GONE)) !== 0 || subscription.closed) return 0;
    if (subscription.special) return deliverGuarded(this, subscription, batch, from, to);
    return this.deliverAll(subscription, batch, from, to);
  }

  /** Delivers messages that passed the subscription's filter. @returns how many it took */
  deliverAll(subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    if (this.outbound.stalling && batch.fromClient && !this.stall.admit(batch, to - from)) return 0;
    let stop = to;
    const most = subscription.deliveredMax;
    if (most > 0 && subscription.delivered + stop - from >= most) stop = from + Math.max(0, most - subscription.delivered);
    const count = stop - from;
    if (count > 0) {
      subscription.delivered += count;
      const bytes = writeMessages(this, subscription, batch, from, stop);
      this.outMessages += count;
      this.outBytes += bytes;
      if (batch.hasReplies) this.noteReplies(batch, from, stop);
      const turn = this.host.turn;
      this.lastActivityAt = turn.now;
      turn.outMessages += count;
      turn.outBytes += bytes;
      if (most > 0 && subscription.delivered >= most) {
        this.logDebug(`Auto-unsubscribe limit of ${most} reached for sid '${decode(subscription.sid)}'`);
      }
      if (this.tracing) traceDelivery(this, subscription, batch, from, stop);
    }
    if (most > 0 && subscription.delivered >= most) this.subscriptions.remove(subscription);
    return count;
  }

  /** Called after it got requests: measures its round trip, and tracks the replies that it may send. */
  private noteReplies(batch: MessageBatch, from: number, to: number): void {
    if (this.keepalive.roundTripMs === 0) this.keepalive.askRoundTrip();
    const { permissions } = this;
    if (permissions === null || !permissions.tracksReplies) return;
    for (let index = from; index < to; index++) permissions.trackReply(batch.source, batch.replyStart(index), batch.replyEnd(index));
  }

  onSubscriptionRemoved(subscription: Subscription): void {
    if (this.tracing) this.log.trace(`${this.label} - <-> [DELSUB ${decode(subscription.sid)}]`);
  }
}
