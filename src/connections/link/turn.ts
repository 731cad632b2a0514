/**
 * What the connections of one server share while the event loop handles one event: the batch being filled, scratch space for encoding,
 * the output pool, and the connections that have something to write.
 *
 *   data event ─▶ parse ─▶ deliver … deliver ─▶ end(): each dirty connection is written once, then the condemned are closed
 * One per server, handed to every connection, so that ten thousand of them hold no buffers of their own and two servers in a
 * process share nothing.
 */
import { BufferPool } from "../../base/bytes/buffer-pool.ts";
import type { Clock } from "../../base/clock/clock.ts";
import { type TimingWheel, WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Random } from "../../base/random/random.ts";
import { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { ByteVector } from "../../wire/transport/byte-vector.ts";
import { ViewedBatch } from "../client/guarded-delivery.ts";
import { EncodedRun } from "./deliver.ts";
import type { Outbound } from "./outbound.ts";

/** Encoded output of one batch: 1,024 messages of 64 bytes with their lines fit; larger batches are encoded in pieces. */
export const SCRATCH_BYTES = 128 * 1024;
/** Copies in words may pass the end by less than this. */
const SCRATCH_SLACK_BYTES = 16;

/** What one more read takes: as much as Bun's own. */
const READ_BYTES = 512 * 1024;

/** Between a burst and the first half of its memory given back. */
const TRIM_MS = 5_000;

/** A connection whose parser was suspended. */
export interface Resumable {
  resumeReading(): void;
}

export class Turn {
  readonly batch = new MessageBatch();
  readonly pool = new BufferPool(() => this.timers.set(this.trimTimer, TRIM_MS));
  readonly scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES + SCRATCH_SLACK_BYTES);
  readonly scratchView = new DataView(this.scratch.buffer, this.scratch.byteOffset, this.scratch.length);
  /** What `scratch` holds. */
  readonly run = new EncodedRun();
  /** Ranges of a run of large messages, for whoever writes one. */
  readonly vector = new ByteVector();
  /** Wall clock at the start of the turn, ms. */
  now = 0;
  /** Delivered to clients since `takeDelivered`. */
  outMessages = 0;
  outBytes = 0;
  /** Last mark given to sinks, see `Sink.mark`. */
  mark = 0;

  readonly clock: Clock;
  readonly timers: TimingWheel;
  readonly random: Random;
  /** Given back after use; more than one only where deliveries nest. */
  private readonly viewed: ViewedBatch[] = [];
  private readonly trimTimer = new WheelTimer(() => this.pool.trim());
  private readSpace: Buffer | null = null;
  private wordsOf: Buffer | null = null;
  private words: DataView = this.scratchView;
  private dirty: Outbound[] = [];
  private spare: Outbound[] = [];
  private readonly resumable: Resumable[] = [];
  private endsSoon = false;

  constructor(clock: Clock, timers: TimingWheel, random: Random) {
    this.clock = clock;
    this.timers = timers;
    this.random = random;
  }

  /** For reads beyond the first within one event, see `Transport.readMore`. Made when somebody sends that much. */
  get readBuffer(): Buffer {
    this.readSpace ??= Buffer.allocUnsafeSlow(READ_BYTES);
    return this.readSpace;
  }

  /** The bytes of a buffer as words. Kept for the last buffer asked for: a read serves many runs. */
  viewOf(source: Buffer): DataView {
    if (this.wordsOf !== source) {
      this.wordsOf = source;
      this.words = new DataView(source.buffer, source.byteOffset, source.length);
    }
    return this.words;
  }

  /** Room for messages as another account sees them. */
  takeViewed(): ViewedBatch {
    return this.viewed.pop() ?? new ViewedBatch();
  }

  giveViewed(viewed: ViewedBatch): void {
    viewed.batch.clear();
    this.viewed.push(viewed);
  }

  /** Called by an outbound that gets its first unwritten byte of the turn. */
  addDirty(outbound: Outbound): void {
    this.dirty.push(outbound);
  }

  /** `reader` goes on reading at the end of the turn: never from within a delivery, which holds the batch. */
  resumeLater(reader: Resumable): void {
    this.resumable.push(reader);
  }

  /**
   * Ends the turn when the code that runs now has returned to the event loop: for what in the process publishes, which may be called in
   * the middle of a delivery as well as outside of any event.
   */
  endSoon(): void {
    if (this.endsSoon) return;
    this.endsSoon = true;
    this.now = this.clock.now();
    queueMicrotask(() => {
      this.endsSoon = false;
      this.end();
    });
  }

  /**
   * Never called from within a delivery: a reader that goes on fills the batch that is being delivered.
   * Writes everything that became dirty. Writing may condemn connections, whose farewells become dirty in turn, or let stalled
   * readers go on, whose deliveries do.
   */
  end(): void {
    this.wordsOf = null;
    while (true) {
      this.flush();
      const reader = this.resumable.pop();
      if (reader === undefined) return;
      reader.resumeReading();
    }
  }

  private flush(): void {
    while (this.dirty.length > 0) {
      const dirty = this.dirty;
      this.dirty = this.spare;
      for (let i = 0; i < dirty.length; i++) dirty[i].endOfTurn();
      dirty.length = 0;
      this.spare = dirty;
    }
  }
}
