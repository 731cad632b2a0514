/**
 * The fan-outs of one server. More than one is active only while code inside the process publishes during a delivery.
 *
 *   client's batch ─▶ fan-out ─▶ callback ─▶ publish ─▶ catchUp, then another fan-out ─▶ …
 * Fan-outs are kept by depth and reused, so that a delivery allocates nothing. A client's fan-out may stop when its share of work is used up: it
 * leaves the stack with its progress and returns when its turn comes again. Nested fan-outs do not stop.
 */
import { assert } from "../../base/assert/assert.ts";
import type { Random } from "../../base/random/random.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import type { MessageBatch } from "../batch/message-batch.ts";
import type { Subscription } from "../batch/subscription.ts";
import type { MatchResult } from "../subject/match-result.ts";
import { DeliveryPlanner } from "./delivery-plan.ts";
import { FanOut, type FanOutPublisher } from "./fan-out.ts";

/** Fan-outs that are kept: as many as publishes may nest, and some that have stopped before. */
const FAN_OUTS_MAX = 80;

/**
 * Most imports that a message passes through, one within the other. Each takes about 2 KB of the stack; twice as many still fit.
 * The same number as the reference's for chains of imports.
 */
export const CROSSINGS_NESTED_MAX = 1_024;

export class FanOutStack {
  private readonly random: Random;
  private readonly meter: WorkMeter;
  private readonly planner = new DeliveryPlanner();
  private readonly fanOuts: FanOut[] = [];
  private depth = 0;

  constructor(random: Random, meter: WorkMeter) {
    this.random = random;
    this.meter = meter;
  }

  /** Whether no delivery is active. */
  get isIdle(): boolean {
    return this.depth === 0;
  }

  /** No further import may be entered, see `CROSSINGS_NESTED_MAX`. */
  get isFull(): boolean {
    return this.depth >= CROSSINGS_NESTED_MAX;
  }

  /** See `FanOut.catchUp`: called before anything is published from inside the process, and before a connection closes. */
  catchUp(): void {
    // The outer fan-outs have caught up before this one began.
    if (this.depth > 0) this.fanOuts[this.depth - 1].catchUp();
  }

  /** Delivers messages `from` to `to` of a batch, see `FanOut.begin`. @returns number of deliveries, summed over messages and receivers */
  deliver(
    publisher: FanOutPublisher,
    batch: MessageBatch,
    from: number,
    to: number,
    result: MatchResult<Subscription>,
    generation: number,
  ): number {
    const fanOut = this.push();
    try {
      fanOut.begin(publisher, batch, from, to, result, generation, false);
      return fanOut.delivered;
    } finally {
      this.depth--;
      fanOut.release();
    }
  }

  /**
   * Delivers all messages of a batch as far as the share of work goes. Not during another delivery.
   * @returns null when all are delivered; otherwise the fan-out, for `resume`
   */
  deliverShare(publisher: FanOutPublisher, batch: MessageBatch, result: MatchResult<Subscription>, generation: number): FanOut | null {
    const fanOut = this.push();
    let complete = true;
    try {
      complete = fanOut.begin(publisher, batch, 0, batch.count, result, generation, this.depth === 1);
    } finally {
      this.depth--;
      if (complete) fanOut.release();
    }
    if (complete) return null;
    this.fanOuts.splice(0, 1);
    return fanOut;
  }

  /** Continues a delivery that stopped. @param batch holds its messages now @returns whether it is complete */
  resume(fanOut: FanOut, batch: MessageBatch): boolean {
    assert(this.depth === 0, "a delivery continues when no other one is active", this.depth);
    this.fanOuts.unshift(fanOut);
    this.depth++;
    let complete = true;
    try {
      complete = fanOut.resume(batch);
    } finally {
      this.depth--;
      if (complete) fanOut.release();
      if (!complete || this.fanOuts.length > FAN_OUTS_MAX) this.fanOuts.splice(0, 1);
    }
    return complete;
  }

  private push(): FanOut {
    const { depth, fanOuts } = this;
    if (depth === fanOuts.length) fanOuts.push(new FanOut(this.planner, this.random, this.meter));
    this.depth++;
    return fanOuts[depth];
  }
}
