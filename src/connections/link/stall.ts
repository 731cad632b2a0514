/**
 * Fast producers wait for slow consumers, for bounded times.
 *
 *   consumer: output over 75 % of max_pending, or 256 KiB while all consumers together hold more than 64 MiB
 *                                             ─ admit() ─▶ marks the batch: "wait 2 ms per message" (5 ms at the limit)
 *   producer: afterFlush() ─▶ reading suspended ─▶ timer, or the consumer's output fell below 75 % ─▶ continues reading
 * The limit is 10 ms for each 64 KiB of input, for all consumers together, so a consumer that never reads delays its producers only briefly: it
 * reaches max_pending and is closed.
 * One class has both roles, because a connection may have both.
 * Source: reference, core §1.10.
 */

import { assert } from "../../base/assert/assert.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { goDuration } from "../../base/go/duration.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { FLAG_STALLED } from "./connection-flag.ts";
import type { LinkHost } from "./host.ts";
import { type LoggedConnection, logLimited } from "./limited-log.ts";
import type { Outbound } from "./outbound.ts";
import type { ReadLoop } from "./read-loop.ts";

const STALL_MS = 2;
/** The consumer is at its limit. */
const STALL_AT_LIMIT_MS = 5;
/** Stalls of one producer for each 64 KiB that it sends. */
const STALL_TOTAL_MS = 10;
const READ_BYTES = 64 * 1024;
/** Stalls longer than this are reported as a warning. */
const WARN_MS = 5;
const STALLED = "Producer was stalled for a total of";

/** The connection, as its stall needs it: any link with a read loop. */
export interface StallOwner extends LoggedConnection {
  flags: number;
  /** Times a producer was stalled because of this connection. */
  stalls: number;
  readonly host: LinkHost;
  readonly outbound: Outbound;
  readonly reading: ReadLoop;
  readonly inBytes: number;
  readonly closed: boolean;
  logDebug(text: string): void;
}

export class Stall {
  private readonly owner: StallOwner;
  private timer: WheelTimer | null = null;
  private startedAt = 0;
  /** The last stall was for a consumer near its limit. Earlier stalls only save memory: the log does not warn of them. */
  private nearLimit = false;
  private spentMs = 0;
  /** The chunk of the read loop to which `spentMs` belongs; the next chunk has a new budget. */
  private chunk = 0;
  /** The owner's `inBytes` at the beginning of the budget. */
  private budgetFrom = 0;
  /** As a producer: the consumer for which it waits. */
  private waitsFor: Stall | null = null;
  /** As a consumer: the producers that wait for this connection's output. */
  private waiting: Set<Stall> | null = null;

  constructor(owner: StallOwner) {
    this.owner = owner;
  }

  /**
   * As a slow consumer: decides whether it takes `count` messages of a batch, and marks the batch so that the producer stalls for the same time
   * as if it were stalled message by message.
   * @returns false to drop them (`no_fast_producer_stall`)
   */
  admit(batch: MessageBatch, count: number): boolean {
    const { host, outbound } = this.owner;
    if (!host.options.fastProducerStall) return !outbound.nearLimit;
    const ms = outbound.pendingBytes >= host.options.pendingBytesMax ? STALL_AT_LIMIT_MS : STALL_MS;
    batch.stallMs = Math.min(STALL_TOTAL_MS, batch.stallMs + ms * count);
    batch.stalledBy = this;
    return true;
  }

  /** As a producer, after a batch was delivered: suspends reading if a consumer has marked the batch. */
  afterFlush(batch: MessageBatch): void {
    if (batch.stallMs === 0) return;
    const consumer = batch.stalledBy as Stall;
    const wanted = batch.stallMs;
    batch.stallMs = 0;
    batch.stalledBy = null;
    const { owner } = this;
    if (consumer === this || owner.closed) return;
    this.renewBudget();
    const ms = Math.min(wanted, STALL_TOTAL_MS - this.spentMs);
    if (ms <= 0) return;
    assert(this.waitsFor === null, "a stalled producer waits for one consumer");
    this.nearLimit = consumer.owner.outbound.nearLimit;
    consumer.owner.stalls++;
    owner.host.counters.stalls++;
    owner.reading.suspend(FLAG_STALLED);
    this.startedAt = owner.host.turn.clock.monotonic();
    this.waitsFor = consumer;
    consumer.waiting ??= new Set();
    consumer.waiting.add(this);
    this.timer ??= new WheelTimer(() => this.onTimeout());
    owner.host.turn.timers.set(this.timer, ms);
  }

  /** Starts a new budget for a new chunk, and for every 64 KiB of a long chunk. */
  private renewBudget(): void {
    const { reading, inBytes } = this.owner;
    if (this.chunk !== reading.chunk) {
      this.chunk = reading.chunk;
      this.spentMs = 0;
      this.budgetFrom = reading.inBytesBefore;
    }
    if (inBytes - this.budgetFrom < READ_BYTES) return;
    this.budgetFrom = inBytes;
    this.warn();
    this.spentMs = 0;
  }

  /** As a consumer, after its output has drained or was dropped: its producers continue. */
  releaseProducers(): void {
    const waiting = this.waiting;
    if (waiting === null) return;
    this.waiting = null;
    for (const producer of waiting) producer.end();
  }

  /** The connection is closed. */
  stop(): void {
    if (this.timer !== null) this.owner.host.turn.timers.cancel(this.timer);
    this.owner.flags &= ~FLAG_STALLED;
    this.forgetConsumer();
  }

  private forgetConsumer(): void {
    this.waitsFor?.waiting?.delete(this);
    this.waitsFor = null;
  }

  private onTimeout(): void {
    this.owner.logDebug("Timed out of fast producer stall");
    this.end();
    this.owner.host.turn.end();
  }

  /** As a producer: continues reading. */
  private end(): void {
    const { owner } = this;
    if ((owner.flags & FLAG_STALLED) === 0) return;
    owner.flags &= ~FLAG_STALLED;
    this.forgetConsumer();
    const { timers, clock } = owner.host.turn;
    timers.cancel(this.timer!);
    this.spentMs += clock.monotonic() - this.startedAt;
    owner.reading.resumeLater();
  }

  private warn(): void {
    if (this.spentMs < WARN_MS || !this.nearLimit) return;
    logLimited(this.owner, "warn", `${STALLED} ${goDuration(Math.round(this.spentMs) * 1e6)}`, STALLED);
  }
}
