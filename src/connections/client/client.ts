/**
 * A client connection: what is read becomes commands, what is subscribed becomes output.
 *
 *   transport ─ onData ─▶ parser ─┬─ messages ─▶ publisher.ts ─▶ account's interest ─▶ Sink.deliver of every receiver
 *                                 └─ lines ────▶ client-commands.ts
 *   Sink.deliver ─▶ deliver.ts ─▶ outbound ─▶ transport, at the end of the turn
 * Reading stops while an authentication is under way or the client is stalled (stall.ts): the rest of the chunk is kept, the socket
 * paused, and nothing behind is looked at, so order holds and what is held is bounded by one read of the transport.
 */

import type { ClientPermissions } from "../../access/permission/client-permissions.ts";
import type { Account } from "../../accounts/account/account.ts";
import { removeShadows } from "../../accounts/account/stream-import.ts";
import type { Authenticator, Login } from "../../auth/users/authenticator.ts";
import { decode, latin1 } from "../../base/bytes/ascii.ts";
import type { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { ClientInfo, Originator, RequestHeader } from "../../messaging/batch/originator.ts";
import type { Sink } from "../../messaging/batch/sink.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import type { TracedReceiver } from "../../messaging/trace/message-trace.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import type { CommandSink } from "../../wire/protocol/command-sink.ts";
import { type ConnectOptions, initialConnectOptions } from "../../wire/protocol/connect-options.ts";
import { ConnectionKind } from "../../wire/protocol/connection-kind.ts";
import { Parser } from "../../wire/protocol/parser.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { VERB_TABLES, Verb } from "../../wire/protocol/verb-table.ts";
import type { DoorRefusal, Transport, TransportEvents } from "../../wire/transport/transport.ts";
import { Connection } from "../link/connection.ts";
import {
  FLAG_AUTHENTICATING,
  FLAG_CLOSED,
  FLAG_CONNECT_RECEIVED,
  FLAG_ECHO,
  FLAG_FIRST_PONG_SENT,
  FLAG_HEADERS,
  FLAG_PAUSED,
  FLAG_PEDANTIC,
  FLAG_STALLED,
  FLAG_TRACE,
  FLAG_VERBOSE,
} from "../link/connection-flag.ts";
import { writeMessages } from "../link/deliver.ts";
import type { ConnectionHost } from "../link/host.ts";
import { Keepalive } from "../link/keepalive.ts";
import { Stall } from "../link/stall.ts";
import { traceDelivery } from "../link/trace.ts";
import { applyLimits, cancelExpiry, enterGlobal, leaveAccount } from "./binding.ts";
import { becomeReady, beginProtocol, clearAuthTimer, greet, turnAway } from "./client-admission.ts";
import { admitAnonymous, handleConnect, handleInfo, handlePeerError, handleSub, handleUnsub } from "./client-commands.ts";
import { clientInfo } from "./client-info.ts";
import { labelOf } from "./client-label.ts";
import { refuseCommand } from "./client-refusals.ts";
import type { Door } from "./door.ts";
import { deliverGuarded } from "./guarded-delivery.ts";
import { Publisher } from "./publisher.ts";

/** A read of this size is followed by another one at once. */
const BULK_BYTES_MIN = 256 * 1024;
const FURTHER_READS_MAX = 3;
/** Handling one read is expected to take less. */
const READ_REPORT_MS = 2_000;

export class Client extends Connection implements CommandSink, Sink, Originator, TransportEvents {
  mark = 0;
  readonly takesRuns = true;
  /** Where it publishes and subscribes. */
  account: Account;
  /** The account that counts it among its connections; null when none does any more. */
  registered: Account | null = null;
  /** Who it turned out to be; null before, and where nobody is asked. */
  login: Login | null = null;
  /** null: it may do everything. */
  permissions: ClientPermissions | null = null;
  requestHeader: RequestHeader | null = null;
  /** Some subjects are free there that are not elsewhere. */
  inSystemAccount = false;
  /** Publishing takes the longer way: permissions, or mappings of the account. */
  guarded = false;
  /** Most subscriptions; -1: no limit. */
  subscriptionsMax = -1;
  /** Times that it was asked who this is: an answer counts only while nobody has asked again. */
  asks = 0;
  /** Runs until its login does. */
  expiryTimer: WheelTimer | null = null;
  /** The trusted proxy that it came through; empty: none. */
  proxyKey = "";
  readonly connect: ConnectOptions = initialConnectOptions();
  /** By sid, as latin1 text of its bytes. */
  readonly subscriptions = new Map<string, Subscription>();
  readonly keepalive: Keepalive;
  readonly parser: Parser;
  readonly publisher: Publisher;
  readonly stall: Stall;
  readonly door: Door | null;
  /** Challenge sent in INFO; empty when none was needed. */
  nonce = "";
  /** Who it turned out to be, for logs and monitoring; empty when nobody in particular. */
  user = "";
  /** Commands of the current read that changed interest: they count as activity. */
  interestChanges = 0;
  /** INFO was sent. */
  greeted = false;
  /** Runs until it has proved who it is, where it must. */
  authTimer: WheelTimer | null = null;
  /** A chunk that was not parsed to its end, and what came after it. */
  private readonly unparsed: Buffer[] = [];
  private unparsedAt = 0;
  private committedMessages = 0;
  private committedBytes = 0;

  /** @param door what is different for those who came in by a listener with settings of its own; null: nothing */
  constructor(host: ConnectionHost, transport: Transport, id: number, door: Door | null = null) {
    super(host, transport, id, ConnectionKind.Client);
    const options = host.options;
    this.account = host.globalAccount;
    this.door = door;
    this.keepalive = new Keepalive(this, () => this.onStale());
    this.parser = new Parser(this, host.turn.batch, VERB_TABLES[this.kind], options.controlLineBytesMax, options.payloadBytesMax);
    this.publisher = new Publisher(this, host.turn.batch);
    this.stall = new Stall(this);
    this.flags |= FLAG_VERBOSE | FLAG_PEDANTIC | FLAG_ECHO;
    if (this.log.traceEnabled) this.flags |= FLAG_TRACE;
  }

  /** Greets the peer with INFO, unless its handshake comes first. */
  open(): void {
    enterGlobal(this);
    applyLimits(this);
    this.logDebug("Client connection created");
    if (!this.transport.handshakesFirst) this.sendInfo("accept");
    if (!this.transport.handshaking) beginProtocol(this);
  }

  /** Made when a line of the log needs it: ten thousand connections that nothing is said of keep none. */
  get label(): string {
    return labelOf(this);
  }

  get authRequired(): boolean {
    return this.authenticator.required;
  }

  /** Who decides about it. */
  get authenticator(): Authenticator {
    return this.host.authenticatorOf(this.transport.type);
  }

  override get pingIntervalMs(): number {
    return this.door?.pingIntervalMs ?? super.pingIntervalMs;
  }

  onPeerSilent(): void {
    greet(this);
    this.host.turn.end();
  }

  onReady(): void {
    if (!this.closed) becomeReady(this);
    this.host.turn.end();
  }

  onHandshakeStart(): void {
    this.logDebug("Starting TLS client connection handshake");
  }

  onRefused(refusal: DoorRefusal): void {
    if (!this.closed) turnAway(this, refusal);
    this.host.turn.end();
  }

  sendInfo(occasion: "accept" | "connected" | "change"): void {
    this.greeted = true;
    const line = this.host.infoLine(this, occasion);
    this.outbound.append(line, 0, line.length);
  }

  /** Async INFO goes to clients that understand it and have had their first PONG. */
  get takesAsyncInfo(): boolean {
    return (this.flags & FLAG_FIRST_PONG_SENT) !== 0 && this.connect.protocol >= 1;
  }

  onData(chunk: Buffer): void {
    if (this.closed) return;
    const turn = this.host.turn;
    const startedAt = turn.clock.now();
    turn.now = startedAt;
    if (this.unparsed.length > 0) this.unparsed.push(chunk);
    else this.read(chunk, 0);
    turn.end();
    if (chunk.length >= BULK_BYTES_MIN) this.readOn();
    const elapsedMs = turn.clock.now() - startedAt;
    if (elapsedMs >= READ_REPORT_MS) this.log.warn(`${this.label} - Readloop processing time: ${elapsedMs / 1000}s`);
  }

  /** The peer sends more than the loop brings at once: a few reads more, into a buffer that is used again. Bounded: others wait meanwhile. */
  private readOn(): void {
    const { turn } = this.host;
    for (let reads = 0; reads < FURTHER_READS_MAX && !this.closed && this.unparsed.length === 0; reads++) {
      const size = this.transport.readMore(turn.readBuffer);
      if (size === 0) return;
      const chunk = turn.readBuffer.subarray(0, size);
      this.read(chunk, 0);
      // What was not parsed must outlive the next read.
      if (this.unparsed[0] === chunk) this.unparsed[0] = Buffer.from(chunk);
      turn.end();
      if (size < BULK_BYTES_MIN) return;
    }
  }

  onDrain(): void {
    this.outbound.onDrain();
    this.host.turn.end();
  }

  onEnd(): void {
    // As in the reference: whoever stops sending is closed, once its output is written.
    this.close(CloseReason.ClientClosed);
    this.host.turn.end();
  }

  onReadFailed(text: string): void {
    if (this.closed) return;
    this.logError(`read error: ${text}`);
    this.close(CloseReason.ReadError, true);
    this.host.turn.end();
  }

  onClose(error: Error | null): void {
    this.onTransportGone(error);
    this.host.onTransportClosed(this);
    this.host.turn.end();
  }

  /** Parses on from where the parser was suspended. Called at the end of a turn. */
  resumeReading(): void {
    if (this.closed) return;
    this.parser.suspended = (this.flags & (FLAG_STALLED | FLAG_AUTHENTICATING)) !== 0;
    while (!this.parser.suspended && !this.closed && this.unparsed.length > 0) {
      const chunk = this.unparsed.shift()!;
      const at = this.unparsedAt;
      this.unparsedAt = 0;
      this.read(chunk, at);
    }
    if (!this.parser.suspended && !this.closed) this.readOnPaused();
  }

  /** Also when it is closed: the peer's end is not seen otherwise. */
  private readOnPaused(): void {
    if ((this.flags & FLAG_PAUSED) === 0) return;
    this.flags &= ~FLAG_PAUSED;
    this.transport.resume();
  }

  private read(chunk: Buffer, at: number): void {
    this.stall.beginRead(at);
    const reached = this.parser.parse(chunk, at);
    this.commit();
    if (reached < 0) return refuseCommand(this, -reached);
    if (reached === chunk.length || this.closed) return;
    // Suspended: the rest waits, before whatever came behind it.
    this.unparsed.unshift(chunk);
    this.unparsedAt = reached;
    if ((this.flags & FLAG_PAUSED) === 0) {
      this.flags |= FLAG_PAUSED;
      this.transport.pause();
    }
  }

  /** Adds what this read brought to the totals of server and account. */
  private commit(): void {
    const messages = this.inMessages - this.committedMessages;
    if (messages === 0 && this.interestChanges === 0) return;
    const bytes = this.inBytes - this.committedBytes;
    this.committedMessages = this.inMessages;
    this.committedBytes = this.inBytes;
    this.interestChanges = 0;
    const { counters, turn } = this.host;
    this.lastActivityAt = turn.now;
    this.keepalive.lastInAt = turn.clock.monotonic();
    if (messages === 0) return;
    counters.inMessages += messages;
    counters.inBytes += bytes;
    counters.inClientMessages += messages;
    counters.inClientBytes += bytes;
    this.account.traffic.inMessages += messages;
    this.account.traffic.inBytes += bytes;
  }

  // CommandSink

  nextSubject(source: Buffer, start: number, end: number): boolean {
    return this.publisher.next(source, start, end);
  }

  openBatch(source: Buffer): void {
    this.publisher.open(source);
  }

  flushMessages(): void {
    this.publisher.flush();
    this.stall.afterFlush();
  }

  checkMessage(source: Buffer, subjectStart: number, subjectEnd: number, headerSize: number, size: number): Refusal {
    return this.publisher.check(source, subjectStart, subjectEnd, headerSize, size);
  }

  onMessageLine(verb: Verb, source: Buffer, start: number, end: number): void {
    if (this.tracing && verb !== Verb.Hmsg) this.traceIn(verb === Verb.Pub ? "PUB" : "HPUB", decode(source, start, end));
  }

  onMessage(source: Buffer): Refusal {
    this.publisher.publish(source);
    this.stall.afterFlush();
    return Refusal.None;
  }

  onLine(verb: Verb, source: Buffer, start: number, end: number): Refusal {
    switch (verb) {
      case Verb.Sub:
        return handleSub(this, source, start, end);
      case Verb.Unsub:
        return handleUnsub(this, source, start, end);
      case Verb.Connect:
        return handleConnect(this, decode(source, start, end));
      case Verb.Info:
        return handleInfo(this, decode(source, start, end));
      case Verb.Err:
        return handlePeerError(this, decode(source, start, end));
      default:
        return Refusal.UnknownOperation;
    }
  }

  onPing(): void {
    if (this.tracing) this.traceIn("PING", "");
    this.sendPong();
    this.keepalive.lastInAt = this.host.turn.clock.monotonic();
    if ((this.flags & FLAG_CONNECT_RECEIVED) === 0 || (this.flags & FLAG_FIRST_PONG_SENT) !== 0) return;
    this.flags |= FLAG_FIRST_PONG_SENT;
    if (this.connect.protocol >= 1) this.sendInfo("connected");
  }

  onPong(): void {
    if (this.tracing) this.traceIn("PONG", "");
    this.keepalive.onPong();
  }

  /** Whoever says nothing of itself may be let in as somebody. */
  onUnauthenticated(): Refusal {
    return admitAnonymous(this);
  }

  /** What CONNECT settled decides whether messages may take the parser's loop. */
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

  /** The limits of the options have changed. */
  followLimits(): void {
    this.parser.lineBytesMax = this.host.options.controlLineBytesMax;
    applyLimits(this);
  }

  /** The log's level has changed. */
  followTraceLevel(): void {
    this.setFlag(FLAG_TRACE, this.log.traceEnabled);
    if ((this.flags & FLAG_CONNECT_RECEIVED) !== 0) this.followConnectOptions();
  }

  setFlag(flag: number, on: boolean): void {
    if (on) this.flags |= flag;
    else this.flags &= ~flag;
  }

  private onStale(): void {
    const { counters } = this.host;
    counters.staleConnections++;
    counters.staleConnectionsOf[this.kind]++;
    this.refuse(Refusal.StaleConnection);
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

  clientInfo(detailed: boolean): ClientInfo {
    return clientInfo(this, detailed);
  }

  askRoundTrip(): void {
    if (this.keepalive.roundTripMs === 0) this.keepalive.askRoundTrip();
  }

  // Sink

  get traced(): TracedReceiver {
    return this;
  }

  /** What it calls itself; empty: nothing. */
  get name(): string {
    return this.connect.name;
  }

  get accountName(): string {
    return this.account.name;
  }

  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    if ((this.flags & FLAG_CLOSED) !== 0 || subscription.closed) return 0;
    if (subscription.special) return deliverGuarded(this, subscription, batch, from, to);
    return this.deliverAll(subscription, batch, from, to);
  }

  /** Messages that nothing keeps from the subscription. */
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
    if (most > 0 && subscription.delivered >= most) this.removeSubscription(subscription);
    return count;
  }

  /** It was asked something: how far away it is matters now, and it may answer. */
  private noteReplies(batch: MessageBatch, from: number, to: number): void {
    if (this.keepalive.roundTripMs === 0) this.keepalive.askRoundTrip();
    const { permissions } = this;
    if (permissions === null || !permissions.tracksReplies) return;
    for (let index = from; index < to; index++) permissions.trackReply(batch.source, batch.replyStart(index), batch.replyEnd(index));
  }

  /** Takes a subscription out of the table and the account's interest. */
  removeSubscription(subscription: Subscription): void {
    if (subscription.closed) return;
    subscription.closed = true;
    // A shadow that has delivered its maximum: the subscription that it stands for goes on.
    if (subscription.view !== null) return;
    this.subscriptions.delete(latin1(subscription.sid, 0, subscription.sid.length));
    this.account.interest.remove(subscription);
    removeShadows(subscription);
    this.account.onSubscriptionRemoved(subscription.subject);
    if (this.tracing) this.traceRemoved(subscription);
  }

  private traceRemoved(subscription: Subscription): void {
    this.log.trace(`${this.label} - <-> [DELSUB ${decode(subscription.sid)}]`);
  }

  removeAllSubscriptions(): void {
    if (this.subscriptions.size === 0) return;
    const all = [...this.subscriptions.values()];
    for (const subscription of all) {
      subscription.closed = true;
      removeShadows(subscription);
      if (this.tracing) this.traceRemoved(subscription);
    }
    this.subscriptions.clear();
    this.account.interest.removeBatch(all);
    for (const { subject } of all) this.account.onSubscriptionRemoved(subject);
  }

  // End

  protected onClosing(reason: CloseReason): void {
    this.keepalive.stop();
    clearAuthTimer(this);
    this.stall.stop();
    this.unparsed.length = 0;
    this.parser.suspended = true; // whoever closes it in the middle of a read: nothing behind is looked at
    this.readOnPaused();
    leaveAccount(this);
    this.host.onConnectionClosed(this, reason);
    this.removeAllSubscriptions();
    cancelExpiry(this);
  }

  protected override countSlowConsumer(): void {
    super.countSlowConsumer();
    this.account.slowConsumers++;
  }

  onStallReleased(): void {
    this.stall.releaseProducers();
  }
}
