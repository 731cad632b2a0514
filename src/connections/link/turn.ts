/**
 * What the connections of one event loop share while it handles one event: the batch being filled, scratch space for encoding, the
 * output pool, and the work for the end of the turn.
 *
 *   data event ─▶ parse ─▶ deliver … deliver ─▶ end(): phases Store, Deliver, Write, Close ─▶ a suspended reader continues ┐
 *                                                 ▲                                                                      │
 *                                                 └─────── until no reader waits, or a share of work is used up ◀─────────┘
 * Suspended readers continue one at a time, in the order of their requests: the messages of one are written before the next one is read.
 * Work that exceeds its share continues in a slice of the scheduler (base/scheduling): readers and other tasks first, then writes.
 * There is one turn per event loop, which all connections use: ten thousand connections need no buffers of their own, and two servers in a
 * process share nothing.
 */
import { assert } from "../../base/assert/assert.ts";
import { BufferPool } from "../../base/bytes/buffer-pool.ts";
import type { Clock } from "../../base/clock/clock.ts";
import { type TimingWheel, WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Random } from "../../base/random/random.ts";
import { Scheduler, type Task } from "../../base/scheduling/scheduler.ts";
import { SHARE_UNITS, type WorkMeter } from "../../base/scheduling/work-meter.ts";
import { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { ViewedBatch } from "../../messaging/batch/viewed-batch.ts";
import { FanOutStack } from "../../messaging/fanout/fan-out-stack.ts";
import { ByteVector } from "../../wire/transport/byte-vector.ts";
import { EncodedRun, SCRATCH_BYTES, SCRATCH_SLACK_BYTES } from "./encoded-run.ts";
import { type TurnPhase, TurnPhases, type TurnWork } from "./turn-phases.ts";

/** Size of `readBuffer`, bytes: the size of Bun's own reads. */
const READ_BYTES = 512 * 1024;

/** After a burst, half of the pool's free memory is released at this interval. */
const TRIM_MS = 5_000;

/** Unused batches that are kept. */
const SPARE_BATCHES_MAX = 8;
/** Shares for writing at the end of an event, and at the end of a slice. */
const WRITE_SHARES = 0.5;
const SLICE_WRITE_SHARES = 2;

export class Turn {
  readonly batch = new MessageBatch();
  readonly pool = new BufferPool(() => this.timers.set(this.trimTimer, TRIM_MS));
  readonly scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES + SCRATCH_SLACK_BYTES);
  readonly scratchView = new DataView(this.scratch.buffer, this.scratch.byteOffset, this.scratch.length);
  /** What `scratch` holds. */
  readonly run = new EncodedRun();
  /** Ranges of a run of large messages, for the connection that writes one. */
  readonly vector = new ByteVector();
  /** Wall clock at the start of the turn, ms. */
  now = 0;
  /** Messages and bytes that were delivered to connections and are not in the totals yet. */
  outMessages = 0;
  outBytes = 0;
  readonly clock: Clock;
  readonly timers: TimingWheel;
  readonly random: Random;
  readonly scheduler: Scheduler;
  /** The work of this event loop. */
  readonly meter: WorkMeter;
  readonly fanOuts: FanOutStack;
  /** For deliveries that continue later, see `holdBatch`. */
  private readonly spareBatches: MessageBatch[] = [];
  /** Unused batches; more than one only if deliveries nest. */
  private readonly viewed: ViewedBatch[] = [];
  private readonly trimTimer = new WheelTimer(() => this.pool.trim());
  private readSpace: Buffer | null = null;
  private wordsOf: Buffer | null = null;
  private words: DataView = this.scratchView;
  private readonly phases: TurnPhases;
  private readonly readers: Task[] = [];
  private endIsDue = false;
  /** Called when a task threw, at a moment when no delivery is active. The owner of the event loop may replace it. */
  onDefect = (error: Error): void => {
    throw error;
  };

  /** @param shareUnits size of a share of work, see `Scheduler` */
  constructor(clock: Clock, timers: TimingWheel, random: Random, shareUnits = SHARE_UNITS) {
    this.clock = clock;
    this.timers = timers;
    this.random = random;
    const loop = {
      defer: (code: () => void) => clock.afterEvents(code),
      monotonic: () => clock.monotonic(),
      endSlice: () => this.endSlice(),
      onDefect: (error: Error) => this.onDefect(error),
    };
    this.scheduler = new Scheduler(loop, shareUnits);
    this.meter = this.scheduler.meter;
    this.phases = new TurnPhases(this.meter);
    this.fanOuts = new FanOutStack(random, this.meter);
  }

  /** For reads after the first one of an event, see `Transport.readMore`. Allocated at the first use. */
  get readBuffer(): Buffer {
    this.readSpace ??= Buffer.allocUnsafeSlow(READ_BYTES);
    return this.readSpace;
  }

  /** The reader keeps `readBuffer`; the next user gets another one. */
  keepReadBuffer(): void {
    this.readSpace = null;
  }

  /** Moves the messages of `batch` to a batch of their own, for a delivery that continues later. Give it back with `giveBatch`. */
  holdBatch(): MessageBatch {
    const held = this.spareBatches.pop() ?? new MessageBatch();
    this.batch.moveTo(held);
    return held;
  }

  giveBatch(held: MessageBatch): void {
    held.clear();
    if (this.spareBatches.length < SPARE_BATCHES_MAX) this.spareBatches.push(held);
  }

  /** The bytes of a buffer as words. The last view is kept until the end of the turn, as one read serves many runs. */
  viewOf(source: Buffer): DataView {
    if (this.wordsOf !== source) {
      this.wordsOf = source;
      this.words = new DataView(source.buffer, source.byteOffset, source.length);
    }
    return this.words;
  }

  /** A batch for messages under the subjects of another account. Give it back with `giveViewed`. */
  takeViewed(): ViewedBatch {
    return this.viewed.pop() ?? new ViewedBatch();
  }

  giveViewed(viewed: ViewedBatch): void {
    assert(this.viewed[this.viewed.length - 1] !== viewed, "a viewed batch is given back once");
    viewed.batch.clear();
    this.viewed.push(viewed);
  }

  /** Adds work for a phase of the end of this turn. The caller makes sure that the same work is not added twice. */
  add(phase: TurnPhase, work: TurnWork): void {
    this.phases.add(phase, work);
  }

  /** `reader` continues at the end of the turn, never during a delivery, which uses the batch. */
  resumeLater(reader: Task): void {
    this.readers.push(reader);
  }

  /**
   * Ends the turn after the current code has returned to the event loop. For publishers inside the process, which may publish during a delivery
   * or outside of any event.
   */
  endSoon(): void {
    if (this.endIsDue) return;
    this.endIsDue = true;
    this.now = this.clock.now();
    queueMicrotask(() => {
      this.endIsDue = false;
      this.batch.clear(); // not empty only after an exception in a delivery
      this.endNow();
    });
  }

  /**
   * Runs the phases and the waiting readers until there is no more work. While a batch is being delivered, for example when a log function
   * of the embedding program calls the server, the turn ends later: a reader that continues would overwrite the batch.
   */
  end(): void {
    if (!this.fanOuts.isIdle) return this.endSoon();
    this.endNow();
  }

  private endNow(): void {
    this.wordsOf = null;
    const { meter, phases, readers, scheduler } = this;
    const { shareUnits } = scheduler;
    const { limit } = meter;
    meter.begin(WRITE_SHARES * shareUnits);
    phases.run();
    if (readers.length > 0) {
      const end = meter.done + shareUnits;
      while (readers.length > 0 && meter.done < end) {
        assert(this.fanOuts.isIdle, "no connection is read during a delivery");
        meter.limit = end;
        const reader = readers.shift()!;
        if (reader.work()) scheduler.add(reader);
        meter.begin(WRITE_SHARES * shareUnits);
        phases.run();
      }
      for (const reader of readers.splice(0)) scheduler.add(reader);
    }
    if (phases.hasCarried) scheduler.wake();
    meter.limit = limit;
  }

  /** The end of a slice of the scheduler. @returns whether there are writes for the next slice */
  private endSlice(): boolean {
    this.wordsOf = null;
    const { meter, phases } = this;
    meter.begin(SLICE_WRITE_SHARES * this.scheduler.shareUnits);
    phases.runCarried();
    phases.run();
    for (const reader of this.readers.splice(0)) this.scheduler.add(reader);
    return phases.hasCarried;
  }
}
