/**
 * Delivery of a message that is followed: to the same receivers in the same order as without, and what becomes of it at each is told.
 * Publishers come here instead of their own loops, which know nothing of traces.
 * Source: reference, core §9.6.
 */
import { decode } from "../../base/bytes/ascii.ts";
import type { Random } from "../../base/random/random.ts";
import type { MessageBatch } from "../batch/message-batch.ts";
import type { SubjectView, Subscription } from "../batch/subscription.ts";
import type { MatchResult } from "../subject/match-result.ts";
import { type MessageSource, type QueueDelivery, selectQueueMember } from "../subject/queue-selection.ts";
import * as trace from "./message-trace.ts";

const SUBJECT_BYTES_MIN = 256;

/** @param batch one message, with its trace. @returns how many took it; one of whom a trace only tells counts */
export function deliverTraced(batch: MessageBatch, result: MatchResult<Subscription>, from: MessageSource, random: Random): number {
  const delivery = new TracedDelivery(batch, batch.trace!);
  let delivered = 0;
  for (const subscription of result.plain) if (delivery.tryDeliver(subscription)) delivered++;
  for (const group of result.groups) if (selectQueueMember(group, from, random, delivery) !== null) delivered++;
  return delivered;
}

class TracedDelivery implements QueueDelivery<Subscription> {
  constructor(
    private readonly batch: MessageBatch,
    private readonly trace: trace.MessageTrace,
  ) {}

  isEcho(): boolean {
    return false;
  }

  tryDeliver(subscription: Subscription): boolean {
    const { batch } = this;
    const { sink, view } = subscription;
    let subject: Uint8Array = batch.subjectSource.subarray(batch.subjectStart(0), batch.subjectEnd(0));
    if (view !== null) {
      // A service's messages are not a stream of its account.
      if (batch.imported !== null) return false;
      subject = seenSubject(batch, view);
      this.trace.addStreamExport(sink.traced?.accountName ?? "", decode(subject));
      if (!view.allowTrace) return this.trace.only || this.deliverUnfollowed(subscription);
    }
    return this.deliverFollowed(subscription, subject);
  }

  private deliverFollowed(subscription: Subscription, subject: Uint8Array): boolean {
    const { batch } = this;
    const { sink } = subscription;
    const { traced } = sink;
    if (this.isEchoTo(subscription)) {
      if (traced !== undefined) this.tell(subscription, traced, trace.ERROR_NO_ECHO);
      return false;
    }
    if (traced === undefined) return sink.deliver(subscription, batch, 0, 1) > 0;
    const { filter } = subscription;
    if (filter !== null && !filter.allows(subject, 0, subject.length)) return this.tell(subscription, traced, trace.ERROR_DENIED);
    if (subscription.closed) return this.tell(subscription, traced, trace.ERROR_SUBSCRIPTION_CLOSED);
    if (this.trace.only) {
      this.tell(subscription, traced, "");
      return true;
    }
    const { delivered, deliveredMax } = subscription;
    const exceeded = deliveredMax > 0 && delivered >= deliveredMax;
    if (sink.deliver(subscription, batch, 0, 1) > 0) {
      this.tell(subscription, traced, "");
      return true;
    }
    if (exceeded) return this.tell(subscription, traced, trace.ERROR_UNSUBSCRIBED);
    return this.tell(subscription, traced, traced.closed ? trace.ERROR_CLIENT_CLOSED : trace.ERROR_NOT_STALLED);
  }

  /** Into an account that does not want to be looked into. */
  private deliverUnfollowed(subscription: Subscription): boolean {
    if (this.isEchoTo(subscription)) return false;
    const { batch } = this;
    batch.trace = null;
    try {
      return subscription.sink.deliver(subscription, batch, 0, 1) > 0;
    } finally {
      batch.trace = this.trace;
    }
  }

  private tell({ subject, queue }: Subscription, receiver: trace.TracedReceiver, error: string): false {
    this.trace.addEgress(receiver, decode(subject), queue === null ? "" : decode(queue), error);
    return false;
  }

  private isEchoTo({ sink }: Subscription): boolean {
    const { originator } = this.batch;
    return originator !== null && originator.sink === sink && !originator.echo;
  }
}

function seenSubject(batch: MessageBatch, view: SubjectView): Uint8Array {
  for (let size = SUBJECT_BYTES_MIN; ; size *= 2) {
    const bytes = Buffer.allocUnsafe(size);
    const end = view.write(batch.subjectSource, batch.subjectStart(0), batch.subjectEnd(0), bytes, 0);
    if (end !== -1) return bytes.subarray(0, end);
  }
}
