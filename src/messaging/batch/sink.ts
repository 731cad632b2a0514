import type { TracedReceiver } from "../trace/message-trace.ts";
import type { MessageBatch } from "./message-batch.ts";
import type { Subscription } from "./subscription.ts";

/**
 * Whoever owns subscriptions and receives their messages: a client connection, a callback in the process; later a route, a stream,
 * a service import. Matching and delivery know nothing else of it.
 */
export interface Sink {
  /** Marked by the delivery to find sinks that a result names twice. */
  mark: number;
  /**
   * Does nothing at delivery but queue output, so nobody can see whether it got its messages one by one or as a run. False for
   * receivers in the process: they may publish or change interest between two messages.
   */
  readonly takesRuns: boolean;

  /**
   * Takes messages `from` (inclusive) to `to` (exclusive) of the batch for one of its subscriptions. Synchronous: the batch's bytes
   * are the caller's again when it returns. Limits and filters at delivery are the sink's own.
   * @returns how many messages it took; 0 when it is closed, or every one was filtered out. A queue group then asks its next member.
   */
  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number;

  /** How the trace of a message tells of it. Absent for receivers in the process, of which traces do not tell. */
  readonly traced?: TracedReceiver;
}
