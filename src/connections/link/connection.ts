/**
 * What connections of every kind have: an identity, a state, output, and an end.
 *
 *   open ── close(reason) ──▶ closed ── farewell written, or given up ──▶ transport gone
 * The first reason given stays. Closing takes the connection out of everything at once (interest, registry); its transport goes when
 * what was queued is written, or at the latest after the write deadline.
 */
import { encode } from "../../base/bytes/ascii.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Logger } from "../../base/log/logger.ts";
import { CLOSE_TEXTS, CloseReason, skipsFlush } from "../../wire/protocol/close-reason.ts";
import { type ConnectionKind, KIND_TEXTS } from "../../wire/protocol/connection-kind.ts";
import { REFUSALS, type Refusal } from "../../wire/protocol/refusal.ts";
import type { Transport } from "../../wire/transport/transport.ts";
import { FLAG_CLOSED, FLAG_CONNECT_RECEIVED, FLAG_TRACE } from "./connection-flag.ts";
import type { ConnectionHost } from "./host.ts";
import { Outbound, type OutboundOwner } from "./outbound.ts";

/** How long a peer may take to end its side, once it has everything and we ended ours. */
const LINGER_MS = 2_000;

const OK_LINE = encode("+OK\r\n");
const PING_LINE = encode("PING\r\n");
const PONG_LINE = encode("PONG\r\n");

export abstract class Connection implements OutboundOwner {
  readonly id: number;
  readonly kind: ConnectionKind;
  readonly host: ConnectionHost;
  readonly transport: Transport;
  /** The part of the log that its lines belong to. */
  readonly log: Logger;
  readonly outbound: Outbound;
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
  private farewell: WheelTimer | null = null;
  private transportGone = false;

  constructor(host: ConnectionHost, transport: Transport, id: number, kind: ConnectionKind) {
    this.host = host;
    this.transport = transport;
    this.id = id;
    this.kind = kind;
    this.log = host.logOf(transport.type === "websocket" ? "websocket" : "client");
    this.startedAt = host.turn.clock.now();
    this.lastActivityAt = this.startedAt;
    const options = host.options;
    this.outbound = new Outbound(host.turn, transport, this, {
      pendingBytesMax: options.pendingBytesMax,
      writeDeadlineMs: options.writeDeadlineMs,
    });
  }

  /** How log lines name it. */
  abstract readonly label: string;
  /** Takes it out of accounts and registries; called once. */
  protected abstract onClosing(reason: CloseReason): void;
  /** A producer waits for this connection's output. */
  abstract onStallReleased(): void;

  get closed(): boolean {
    return (this.flags & FLAG_CLOSED) !== 0;
  }

  get tracing(): boolean {
    return (this.flags & FLAG_TRACE) !== 0;
  }

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
    const line = encode(`-ERR '${text}'\r\n`);
    this.outbound.append(line, 0, line.length);
  }

  /** Answers a refusal as its row says, and closes if it says so. */
  refuse(refusal: Refusal): void {
    if (this.closed) return;
    const row = REFUSALS[refusal];
    if (row.error !== null) this.sendError(row.error);
    if (row.close !== null) this.close(row.close);
  }

  get pingIntervalMs(): number {
    return this.host.options.pingIntervalMs;
  }

  /** @param flushes whether what is queued is still written: as the reason says, unless somebody knows that the peer still reads */
  close(reason: CloseReason, flushes = !skipsFlush(reason)): void {
    if (this.closed) return;
    this.flags |= FLAG_CLOSED;
    this.closeReason = reason;
    this.stoppedAt = this.host.turn.clock.now();
    this.logDebug(`${KIND_TEXTS[this.kind]} connection closed: ${CLOSE_TEXTS[reason]}`);
    this.onClosing(reason);
    if (this.transportGone) return this.outbound.abandon();
    if (!flushes) {
      this.outbound.abandon();
      this.transport.terminate();
      return;
    }
    this.farewell = new WheelTimer(() => this.transport.terminate());
    this.host.turn.timers.set(this.farewell, this.host.options.writeDeadlineMs);
    this.outbound.closeAfterFlush();
  }

  onFlushedForClose(): void {
    this.outbound.abandon();
    const lingers = lingersAfter(this.closeReason as CloseReason);
    if (this.farewell !== null) this.host.turn.timers.set(this.farewell, LINGER_MS);
    this.transport.end(lingers, this.closeReason as CloseReason);
  }

  onWriteError(): void {
    if (this.closed) {
      this.outbound.abandon();
      this.transport.terminate();
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

  /** Closes, the default for clients, or under policy `retry` lets the connection go on when it took something. */
  private onDeadlineMissed(tookSome: boolean): void {
    // Missed before it even said CONNECT: closed, but it consumed nothing.
    if (!this.outbound.slow && (this.flags & FLAG_CONNECT_RECEIVED) !== 0) this.countSlowConsumer();
    if (tookSome && !this.closed && this.host.options.writeTimeout === "retry") return;
    if (this.closed) {
      this.outbound.abandon();
      this.transport.terminate();
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

  /** The transport ended; called by the kind's `onClose`. */
  protected onTransportGone(error: Error | null): void {
    this.transportGone = true;
    if (this.farewell !== null) this.host.turn.timers.cancel(this.farewell);
    if (this.closed) this.outbound.abandon();
    else this.close(error === null ? CloseReason.ClientClosed : CloseReason.ReadError);
  }

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
 * Whether the peer may still be sending when we end. Not when it ended itself; and whoever is refused at the door must not hold a
 * descriptor, nor may stopping wait for anybody.
 */
function lingersAfter(reason: CloseReason): boolean {
  return reason !== CloseReason.ClientClosed && reason !== CloseReason.MaxConnectionsExceeded && reason !== CloseReason.ServerShutdown;
}
