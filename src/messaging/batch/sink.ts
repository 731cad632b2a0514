import type { TracedReceiver } from "../trace/message-trace.ts";
import type { MessageBatch } from "./message-batch.ts";
import type { Subscription } from "./subscription.ts";

/**
 * The owner of subscriptions, who receives their messages: a client connection, a callback in the process, a service import; later a
 * route, a stream. Matching and fan-out know nothing else of it.
 */
export interface Sink {
  /** Scratch of the fan-out: tells whether it has met this sink. */
  mark: number;
  /**
   * True: `deliver` only queues output, so that nobody can see whether messages came one by one or as a run. False for code inside the
   * process, which may publish or change interest between two messages.
   */
  readonly takesRuns: boolean;

  /**
   * Takes messages `from` (inclusive) to `to` (exclusive) of the batch for one of its subscriptions. Synchronous: the batch's bytes
   * belong to the caller again when it returns. Limits and filters at delivery are the sink's own. A subscription without them
   * (`Subscription.special`) takes a run from its start.
   * @returns how many messages it took; 0 when it is closed, or every one was filtered out. A queue group then asks its next member.
   */
  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number;

  /** The server at the other end. Absent: it receives messages here. Its `deliver` is never called. */
  readonly remote?: RemotePeer;

  /** How traces call it. Absent for receivers in the process, which do not appear in traces. */
  readonly traced?: TracedReceiver;
}

/** A server that has subscribed for its own clients: gets each message once, whatever it matched there. */
export interface RemotePeer {
  /** Name of the leaf cluster that the subscription stands for; empty: none, or one without a name. */
  clusterOf(subscription: Subscription): string;

  /**
   * Takes messages `from` (inclusive) to `to` (exclusive), to be sent once each. Synchronous, as `Sink.deliver`.
   * @param subscription the first of its subscriptions that matched
   * @param queues names of the queue groups of which it shall serve one member each; borrowed until it returns
   * @returns how many it took
   */
  carry(subscription: Subscription, batch: MessageBatch, from: number, to: number, queues: readonly Uint8Array[]): number;
}
