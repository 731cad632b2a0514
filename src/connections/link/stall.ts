/**
 * Fast producers wait for slow consumers, for bounded times.
 *
 *   consumer: output over 75 % of max_pending ─ admit() ─▶ marks the batch: "wait 2 ms a message for me" (5 ms at the limit)
 *   producer: afterFlush() ─▶ parser suspended ─▶ timer, or the consumer's output fell under 75 % ─▶ reads on
 * At most 10 ms for each 64 KiB of input, whoever the consumers are, so one consumer that never reads delays nobody for long; it
 * runs into max_pending and is closed.
 * Both ends in one class, as every client is both.
 * Source: reference, core §1.10.
 */
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { Client } from "../client/client.ts";
import { FLAG_STALLED } from "./connection-flag.ts";

const STALL_MS = 2;
/** The consumer is at its limit. */
const STALL_AT_LIMIT_MS = 5;
/** Stalls of one producer for each 64 KiB that it sends. */
const STALL_TOTAL_MS = 10;
const READ_BYTES = 64 * 1024;
/** Stalls longer than this are worth a warning. */
const WARN_MS = 5;

export class Stall {
  private readonly client: Client;
  private timer: WheelTimer | null = null;
  private startedAt = 0;
  private spentMs = 0;
  /** Bytes of input that the spent time counts for. */
  private budgetFrom = 0;
  /** As a producer: whose output this client waits for. */
  private waitsFor: Stall | null = null;
  /** As a consumer: producers that wait for this client's output. */
  private waiting: Set<Client> | null = null;

  constructor(client: Client) {
    this.client = client;
  }

  /** A chunk is parsed from its start: a new budget. */
  beginRead(at: number): void {
    if (at === 0) {
      this.spentMs = 0;
      this.budgetFrom = this.client.inBytes;
    }
  }

  /**
   * As a consumer whose output is backed up: shall these messages be taken? Marks the batch so that its producer stalls, as long as it
   * would if it had been stalled message by message.
   * @param count messages of the batch
   * @returns false to drop them (`no_fast_producer_stall`)
   */
  admit(batch: MessageBatch, count: number): boolean {
    const { host, outbound } = this.client;
    if (!host.options.fastProducerStall) return false;
    const ms = outbound.pendingBytes >= host.options.pendingBytesMax ? STALL_AT_LIMIT_MS : STALL_MS;
    batch.stallMs = Math.min(STALL_TOTAL_MS, batch.stallMs + ms * count);
    batch.stalledBy = this.client;
    return true;
  }

  /** As a producer: the batch was delivered; wait if a consumer asked for it. */
  afterFlush(): void {
    const batch = this.client.host.turn.batch;
    if (batch.stallMs === 0) return;
    const consumer = batch.stalledBy as Client;
    const wanted = batch.stallMs;
    batch.stallMs = 0;
    batch.stalledBy = null;
    const client = this.client;
    if (consumer === client || client.closed) return;
    if (client.inBytes - this.budgetFrom >= READ_BYTES) {
      this.budgetFrom = client.inBytes;
      this.warn();
      this.spentMs = 0;
    }
    const ms = Math.min(wanted, STALL_TOTAL_MS - this.spentMs);
    if (ms <= 0) return;
    consumer.stalls++;
    client.host.counters.stalls++;
    client.flags |= FLAG_STALLED;
    client.parser.suspended = true;
    this.startedAt = client.host.turn.clock.monotonic();
    this.waitsFor = consumer.stall;
    this.waitsFor.waiting ??= new Set();
    this.waitsFor.waiting.add(client);
    this.timer ??= new WheelTimer(() => this.onTimeout());
    client.host.turn.timers.set(this.timer, ms);
  }

  /** As a consumer: the output drained, or is gone. */
  releaseProducers(): void {
    const waiting = this.waiting;
    if (waiting === null) return;
    this.waiting = null;
    for (const producer of waiting) producer.stall.end();
  }

  stop(): void {
    if (this.timer !== null) this.client.host.turn.timers.cancel(this.timer);
    this.client.flags &= ~FLAG_STALLED;
    this.forgetConsumer();
  }

  /** What that consumer's output does no longer concerns this client. */
  private forgetConsumer(): void {
    this.waitsFor?.waiting?.delete(this.client);
    this.waitsFor = null;
  }

  private onTimeout(): void {
    this.client.logDebug("Timed out of fast producer stall");
    this.end();
    this.client.host.turn.end();
  }

  private end(): void {
    const client = this.client;
    if ((client.flags & FLAG_STALLED) === 0) return;
    client.flags &= ~FLAG_STALLED;
    this.forgetConsumer();
    client.host.turn.timers.cancel(this.timer!);
    this.spentMs += client.host.turn.clock.monotonic() - this.startedAt;
    client.host.turn.resumeLater(client);
  }

  private warn(): void {
    if (this.spentMs < WARN_MS) return;
    this.client.log.warnRateLimited(`${this.client.label} - Producer was stalled for a total of ${this.spentMs.toFixed(3)}ms`);
  }
}
