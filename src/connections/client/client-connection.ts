/**
 * A client's connection: turns the bytes that it reads into commands.
 *
 *   transport ─ onData ─▶ read-loop.ts ─▶ parser ─┬─ messages ─▶ publisher.ts ─▶ account's interest ─▶ Sink.deliver of every receiver
 *                                                 └─ lines ────▶ client-commands.ts
 * The steps before the protocol (handshakes, INFO, the time to authenticate) are in client-admission.ts.
 */
import { decode } from "../../base/bytes/ascii.ts";
import { UnitsOf } from "../../base/scheduling/work-meter.ts";
import type { ClientInfo } from "../../messaging/batch/originator.ts";
import type { CloseReason } from "../../wire/protocol/close-reason.ts";
import type { CommandSink } from "../../wire/protocol/command-sink.ts";
import { PAYLOAD_UNLIMITED, Parser } from "../../wire/protocol/parser.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { VERB_TABLES, Verb } from "../../wire/protocol/verb-table.ts";
import type { Transport, TransportEvents, TransportRefusal } from "../../wire/transport/transport.ts";
import { FLAG_CONNECT_RECEIVED, FLAG_FIRST_PONG_SENT, FLAG_INTRODUCED, FLAG_TRACE, FLAG_YIELDED } from "../link/connection-flag.ts";
import { ReadLoop } from "../link/read-loop.ts";
import { applyLimits, cancelExpiry, enterGlobal, leaveAccount } from "./binding.ts";
import { Client, type ClientHost } from "./client.ts";
import { becomeReady, beginProtocol, clearAuthTimer, greet, turnAway } from "./client-admission.ts";
import { admitAnonymous, handleConnect, handleInfo, handlePeerError, handleSub, handleUnsub } from "./client-commands.ts";
import { clientInfo } from "./client-info.ts";
import { labelOf, loggedUserOf } from "./client-label.ts";
import { refuseCommand } from "./client-refusals.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { Publisher } from "./publisher.ts";

export class ClientConnection extends Client implements CommandSink, TransportEvents {
  readonly parser: Parser;
  readonly reading: ReadLoop;
  readonly publisher: Publisher;

  /** @param settings settings that differ from the server's; null: none */
  constructor(host: ClientHost, transport: Transport, id: number, settings: ConnectionSettings | null = null) {
    super(host, transport, id, settings);
    const { options, turn } = host;
    const { controlLineBytesMax, payloadBytesMax } = options;
    const payloadLimit = payloadBytesMax < 0 ? PAYLOAD_UNLIMITED : payloadBytesMax;
    this.parser = new Parser(this, turn.batch, VERB_TABLES[this.kind], controlLineBytesMax, payloadLimit);
    this.reading = new ReadLoop(this, this.parser);
    this.publisher = new Publisher(this, turn.batch);
  }

  /** Sends INFO, unless the peer's handshake comes first. */
  open(): void {
    enterGlobal(this);
    applyLimits(this);
    this.logDebug("Client connection created");
    if (!this.transport.handshakesFirst) this.sendInfo("accept");
    if (!this.transport.handshaking) beginProtocol(this);
  }

  /** Built when a log line needs it, so that ten thousand connections do not keep one each. */
  get label(): string {
    return labelOf(this);
  }

  get loggedAccount(): string {
    return (this.flags & FLAG_INTRODUCED) === 0 ? "" : this.account.label;
  }

  get loggedUser(): string {
    return loggedUserOf(this);
  }

  clientInfo(detailed: boolean): ClientInfo {
    return clientInfo(this, detailed);
  }

  followLimits(): void {
    this.parser.lineBytesMax = this.host.options.controlLineBytesMax;
    applyLimits(this);
  }

  followTraceLevel(): void {
    this.setFlag(FLAG_TRACE, this.log.traceEnabled);
    if ((this.flags & FLAG_CONNECT_RECEIVED) !== 0) this.followConnectOptions();
  }

  // TransportEvents before the protocol begins

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

  onRefused(refusal: TransportRefusal): void {
    if (!this.closed) turnAway(this, refusal);
    this.host.turn.end();
  }

  // CommandSink

  nextSubject(source: Buffer, start: number, end: number): boolean {
    return this.publisher.next(source, start, end);
  }

  openBatch(source: Buffer): void {
    this.publisher.open(source);
  }

  flushMessages(): void {
    const { count } = this.host.turn.batch;
    if (!this.publisher.flush()) this.reading.suspend(FLAG_YIELDED);
    this.reading.charge(UnitsOf.flush + (count >> 1));
  }

  checkMessage(source: Buffer, subjectStart: number, subjectEnd: number, headerSize: number, size: number): Refusal {
    return this.publisher.check(source, subjectStart, subjectEnd, headerSize, size);
  }

  onMessageLine(verb: Verb, source: Buffer, start: number, end: number): void {
    if (this.tracing && verb !== Verb.Hmsg) this.traceIn(verb === Verb.Pub ? "PUB" : "HPUB", decode(source, start, end));
  }

  onMessage(source: Buffer): Refusal {
    if (!this.publisher.publish(source)) this.reading.suspend(FLAG_YIELDED);
    this.reading.charge(UnitsOf.line);
    return Refusal.None;
  }

  onLine(verb: Verb, source: Buffer, start: number, end: number): Refusal {
    this.reading.charge(verb === Verb.Connect ? UnitsOf.login : UnitsOf.line);
    const { meter } = this.host.turn;
    const refusal = this.handleLine(verb, source, start, end);
    if (verb === Verb.Connect && this.connect.sig !== "") meter.done += UnitsOf.signature;
    return refusal;
  }

  private handleLine(verb: Verb, source: Buffer, start: number, end: number): Refusal {
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
    this.reading.charge(UnitsOf.ping);
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

  onUnauthenticated(): Refusal {
    return admitAnonymous(this);
  }

  onCommandRefused(refusal: Refusal): void {
    refuseCommand(this, refusal);
  }

  // Reading

  get commandUnfinished(): boolean {
    return this.publisher.unfinished;
  }

  finishCommand(): boolean {
    return this.publisher.resume();
  }

  // End

  protected onClosing(reason: CloseReason): void {
    clearAuthTimer(this);
    leaveAccount(this);
    this.host.onConnectionClosed(this, reason);
    this.subscriptions.removeAll();
    cancelExpiry(this);
  }
}
