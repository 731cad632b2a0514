/**
 * The common part of connections of every kind: identity, state, input, output, keepalive, totals and end. Each kind extends this class and
 * gives its commands their meaning.
 *
 *   open ── close(reason) ──▶ closed ── farewell written, or given up ──▶ transport gone
 * The first close reason is kept. Closing removes the connection from interest and registry at once. Its transport is ended when the queued
 * output is written, at the latest after the write deadline.
 */
import { encode } from "../../base/bytes/ascii.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Logger } from "../../base/log/logger.ts";
import { CLOSE_TEXTS, CloseReason, skipsFlush } from "../../wire/protocol/close-reason.ts";
import { type ConnectionKind, KIND_TEXTS } from "../../wire/protocol/connection-kind.ts";
import { REFUSALS, Refusal } from "../../wire/protocol/refusal.ts";
import type { SocketEvents, Transport } from "../../wire/transport/transport.ts";
import { FLAG_CLOSED, FLAG_CONNECT_RECEIVED, FLAG_GONE, FLAG_TRACE } from "./connection-flag.ts";
import type { LinkHost } from "./host.ts";
import { Keepalive, type KeepaliveOwner } from "./keepalive.ts";
import { Outbound, type OutboundOwner } from "./outbound.ts";
import type { ReadLoop, ReadLoopOwner } from "./read-loop.ts";
import { Stall, type StallOwner } from "./stall.ts";

/** How long a peer's kernel may take to acknowledge the last output after the server has ended its own side. */
const LINGER_MS = 2_000;

const OK_LINE = encode("+OK\r\n");
const PING_LINE = encode("PING\r\n");
const PONG_LINE = encode("PONG\r\n");

export abstract class Connection implements SocketEvents, OutboundOwner, KeepaliveOwner, ReadLoopOwner, StallOwner {
  readonly id: number;
  readonly kind: ConnectionKind;
  readonly host: LinkHost;
  readonly transport: Transport;
  readonly log: Logger;
  readonly outbound: Outbound;
  readonly keepalive: Keepalive;
  readonly stall: Stall;
  flags = 0;
  /** Wall clock, ms. */
  readonly startedAt: number;
  lastActivityAt: number;
  stoppedAt = 0;
  closeReason: CloseReason | 0 = 0;
  inMessages = 0;
  inBytes = 0;
  outMessages = 0;
  outBytes = 0;
  /** Times a producer was stalled because of this connection. */
  stalls = 0;
  /** Number of commands of the current read that changed interest: they count as activity. */
  interestChanges = 0;
  private committedMessages = 0;
  private committedBytes = 0;
  private farewell: WheelTimer | null = null;
  private transportGone = false;
  /** The peer has gone. The connection is closed for this reason when its input is parsed; 0: the peer is there. */
  private closeAfterInput: CloseReason | 0 = 0;
  /** `transport.end` or `terminate` is running; sockets report their close within that call. */
  private closingTransport = false;

  /** @param log the part of the log that lines about this connection belong to */
  constructor(host: LinkHost, transport: Transport, id: number, kind: ConnectionKind, log: Logger) {
    this.host = host;
    this.transport = transport;
    this.id = id;
    this.kind = kind;
    this.log = log;
    this.startedAt = host.turn.clock.now();
    this.lastActivityAt = this.startedAt;
    const { pendingBytesMax, writeDeadlineMs } = host.options;
    this.outbound = new Outbound(host.turn, transport, this, { pendingBytesMax, writeDeadlineMs });
    this.keepalive = new Keepalive(this);
    this.stall = new Stall(this);
  }

  /** Its name in log lines. */
  abstract readonly label: string;
  abstract readonly loggedAccount: string;
  abstract readonly loggedUser: string;
  /** Created by the kind, with a parser for its protocol. */
  abstract readonly reading: ReadLoop;
  /** The parser refused a command. */
  abstract onCommandRefused(refusal: Refusal): void;
  abstract readonly commandUnfinished: boolean;
  abstract finishCommand(): boolean;
  /** Adds the messages of one read to the totals of the kind. The totals of connection and server are already updated. */
  protected abstract countReceived(messages: number, bytes: number): void;
  /** Removes it from accounts and registries; called once. */
  protected abstract onClosing(reason: CloseReason): void;
  /** The peer is gone, but its input is handled before the connection is closed. It gets nothing any more: its interest can be removed. */
  protected abstract onPeerGone(): void;
  /** Called once, at last: the transport is closed too. */
  protected abstract onTransportClosed(): void;

  get closed(): boolean {
    return (this.flags & FLAG_CLOSED) !== 0;
  }

  get tracing(): boolean {
    return (this.flags & FLAG_TRACE) !== 0;
  }

  setFlag(flag: number, on: boolean): void {
    if (on) this.flags |= flag;
    else this.flags &= ~flag;
  }

  // Input

  onData(chunk: Buffer): void {
    if (!this.closed) this.reading.onData(chunk);
  }

  /** Adds the messages of this read to the totals. */
  commitRead(): void {
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
    this.countReceived(messages, bytes);
  }

  /** The peer has ended its side. As in the reference the connection is closed then, once its output is written. */
  onEnd(): void {
    if (this.awaitInput(CloseReason.ClientClosed)) return;
    this.close(CloseReason.ClientClosed);
    this.host.turn.end();
  }

  /** The peer has gone: what was received from it before is parsed first. @returns false if everything is parsed */
  private awaitInput(reason: CloseReason): boolean {
    if (this.closed || !this.reading.holdsInput) return false;
    if (this.closeAfterInput === 0) this.closeAfterInput = reason;
    return true;
  }

  onInputParsed(): void {
    if (this.closeAfterInput !== 0) this.close(this.closeAfterInput);
  }

  onReadFailed(text: string): void {
    if (this.closed) return;
    this.logError(`read error: ${text}`);
    this.close(CloseReason.ReadError, true);
    this.host.turn.end();
  }

  get pingIntervalMs(): number {
    return this.host.options.pingIntervalMs;
  }

  onStale(): void {
    const { counters } = this.host;
    counters.staleConnections++;
    counters.staleConnectionsOf[this.kind]++;
    this.refuse(Refusal.StaleConnection);
  }

  // Output

  sendOk(): void {
    if (this.tracing) this.traceOut("OK", "");
    this.outbound.append(OK_LINE, 0, OK_LINE.length);
  }

  sendPing(): void {
    if (this.tracing) this.traceOut("PING", "");
    this.outbound.append(PING_LINE, 0, PING_LINE.length);
  }

  sendPong(): void {
    if (this.tracing) this.traceOut("PONG", "");
    this.outbound.append(PONG_LINE, 0, PONG_LINE.length);
  }

  sendError(text: string): void {
    if (this.tracing) this.traceOut("-ERR", text);
    this.outbound.appendText(`-ERR '${text}'\r\n`);
  }

  /** Sends the error of a refusal and closes the connection, as the row of the refusal says. */
  refuse(refusal: Refusal): void {
    if (this.closed) return;
    const row = REFUSALS[refusal];
    if (row.error !== null) this.sendError(row.error);
    if (row.close !== null) this.close(row.close);
  }

  onDrain(): void {
    this.outbound.onDrain();
    this.host.turn.end();
  }

  onStallReleased(): void {
    this.stall.releaseProducers();
  }

  onWriteError(): void {
    if (this.closed) {
      this.outbound.abandon();
      this.terminate();
    } else this.close(CloseReason.WriteError);
  }

  onPendingBytesExceeded(limit: number): void {
    if (this.closed) return;
    this.countSlowConsumer();
    this.logNotice(`Slow Consumer Detected: MaxPending of ${limit} Exceeded`);
    this.close(CloseReason.SlowConsumerPendingBytes);
  }

  onWriteDeadline(tookSome: boolean, chunks: number, bytes: number): void {
    const seconds = this.host.options.writeDeadlineMs / 1000;
    const again = this.outbound.slow ? "State" : "Detected";
    if (!this.closed) {
      this.logNotice(`Slow Consumer ${again}: WriteDeadline of ${seconds}s exceeded with ${chunks} chunks of ${bytes} total bytes.`);
    }
    this.onDeadlineMissed(tookSome);
  }

  /** Closes the connection; under policy `retry` only if it took no part of the output. */
  private onDeadlineMissed(tookSome: boolean): void {
    // A connection that misses the deadline before its CONNECT does not count as a slow consumer.
    if (!this.outbound.slow && (this.flags & FLAG_CONNECT_RECEIVED) !== 0) this.countSlowConsumer();
    if (tookSome && !this.closed && this.host.options.writeTimeout === "retry") return;
    if (this.closed) {
      this.outbound.abandon();
      this.terminate();
    } else this.close(CloseReason.SlowConsumerWriteDeadline);
  }

  onSlowRecovered(elapsedMs: number, chunks: number, bytes: number): void {
    this.logNotice(`Slow Consumer Recovered: Flush took ${(elapsedMs / 1000).toFixed(3)}s with ${chunks} chunks of ${bytes} total bytes.`);
  }

  protected countSlowConsumer(): void {
    const { counters } = this.host;
    counters.slowConsumers++;
    counters.slowConsumersOf[this.kind]++;
  }

  // End

  /** @param flushes whether queued output is still written. By default the reason decides; a caller may know that the peer still reads */
  close(reason: CloseReason, flushes = !skipsFlush(reason)): void {
    if (this.closed) return;
    this.host.turn.fanOuts.catchUp(); // the current delivery may still have messages for it
    this.flags |= FLAG_CLOSED;
    this.closeReason = reason;
    this.stoppedAt = this.host.turn.clock.now();
    this.logDebug(`${KIND_TEXTS[this.kind]} connection closed: ${CLOSE_TEXTS[reason]}`);
    this.keepalive.stop();
    this.stall.stop();
    this.reading.stop();
    this.onClosing(reason);
    if (this.transportGone) {
      this.outbound.abandon();
      if ((this.flags & FLAG_GONE) !== 0) this.onTransportClosed();
      return;
    }
    if (!flushes) {
      this.outbound.abandon();
      this.terminate();
      return;
    }
    this.farewell = new WheelTimer(() => this.terminate());
    this.host.turn.timers.set(this.farewell, this.host.options.writeDeadlineMs);
    this.outbound.closeAfterFlush();
  }

  onFlushedForClose(): void {
    this.outbound.abandon();
    const lingers = lingersAfter(this.closeReason as CloseReason);
    if (this.farewell !== null) this.host.turn.timers.set(this.farewell, LINGER_MS);
    this.closingTransport = true;
    this.transport.end(lingers, this.closeReason as CloseReason);
    this.closingTransport = false;
  }

  onClose(error: Error | null): void {
    this.transportGone = true;
    if (this.farewell !== null) this.host.turn.timers.cancel(this.farewell);
    const reason = error === null ? CloseReason.ClientClosed : CloseReason.ReadError;
    if (this.awaitInput(reason)) {
      this.flags |= FLAG_GONE;
      this.outbound.abandon();
      this.onPeerGone();
    } else {
      if (this.closed) this.outbound.abandon();
      else this.close(this.closeAfterInput === 0 ? reason : this.closeAfterInput);
      this.onTransportClosed();
    }
    if (this.closingTransport) this.host.turn.endSoon();
    else this.host.turn.end();
  }

  /** The connection may be terminated during a delivery, or while its own commands are handled. So `onClose` must not end the turn then. */
  private terminate(): void {
    this.closingTransport = true;
    this.transport.terminate();
    this.closingTransport = false;
  }

  // Log

  traceIn(verb: string, text: string): void {
    this.log.trace(`${this.label} - <<- [${text === "" ? verb : `${verb} ${text}`}]`);
  }

  traceOut(verb: string, text: string): void {
    this.log.trace(`${this.label} - ->> [${text === "" ? verb : `${verb} ${text}`}]`);
  }

  logDebug(text: string): void {
    if (this.log.debugEnabled) this.log.debug(`${this.label} - ${text}`);
  }

  logNotice(text: string): void {
    this.log.notice(`${this.label} - ${text}`);
  }

  logError(text: string): void {
    this.log.error(`${this.label} - ${text}`);
  }
}

/**
 * Whether the transport waits until the peer's kernel has acknowledged the last output. Not if the peer has ended; and not if the connection
 * limit is reached or the server stops, because then the server must not wait for peers.
 */
function lingersAfter(reason: CloseReason): boolean {
  return reason !== CloseReason.ClientClosed && reason !== CloseReason.MaxConnectionsExceeded && reason !== CloseReason.ServerShutdown;
}
