/**
 * The fan-outs of one server. More than one is active only while code inside the process publishes during a delivery.
 *
 *   client's batch ─▶ fan-out ─▶ callback ─▶ publish ─▶ catchUp, then another fan-out ─▶ …
 * Fan-outs are kept by depth and reused, so that a delivery allocates nothing.
 */
import type { Random } from "../../base/random/random.ts";
import type { MessageBatch } from "../batch/message-batch.ts";
import type { Subscription } from "../batch/subscription.ts";
import type { MatchResult } from "../subject/match-result.ts";
import { DeliveryPlanner } from "./delivery-plan.ts";
import { FanOut, type FanOutPublisher } from "./fan-out.ts";

export class FanOutStack {
  private readonly random: Random;
  private readonly planner = new DeliveryPlanner();
  private readonly fanOuts: FanOut[] = [];
  private depth = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** Whether no delivery is active. */
  get isIdle(): boolean {
    return this.depth === 0;
  }

  /** See `FanOut.catchUp`: called before anything is published from inside the process, and before a connection closes. */
  catchUp(): void {
    // The outer fan-outs have caught up before this one began.
    if (this.depth > 0) this.fanOuts[this.depth - 1].catchUp();
  }

  /** See `FanOut.deliver`. */
  deliver(
    publisher: FanOutPublisher,
    batch: MessageBatch,
    from: number,
    to: number,
    result: MatchResult<Subscription>,
    generation: number,
  ): number {
    const { depth, fanOuts } = this;
    if (depth === fanOuts.length) fanOuts.push(new FanOut(this.planner, this.random));
    const fanOut = fanOuts[depth];
    this.depth++;
    try {
      return fanOut.deliver(publisher, batch, from, to, result, generation);
    } finally {
      this.depth--;
      fanOut.release();
    }
  }
}
