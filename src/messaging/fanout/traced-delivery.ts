/**
 * Delivers a traced message to one receiver, as without a trace, and adds the result to the trace.
 *
 *   FanOut.give ─▶ deliverTraced ─┬─▶ Sink.deliver
 *                                 └─▶ MessageTrace: which receiver got it, or why not
 * Source: reference, core §9.6.
 */
import { decode } from "../../base/bytes/ascii.ts";
import type { MessageBatch } from "../batch/message-batch.ts";
import type { SubjectView, Subscription } from "../batch/subscription.ts";
import {
  ERROR_CLIENT_CLOSED,
  ERROR_DENIED,
  ERROR_NO_ECHO,
  ERROR_NOT_STALLED,
  ERROR_SUBSCRIPTION_CLOSED,
  ERROR_UNSUBSCRIBED,
  type MessageTrace,
  type TracedReceiver,
} from "../trace/message-trace.ts";

const SUBJECT_BYTES_MIN = 256;

/**
 * @param batch one message, with its trace
 * @param silenced the receiver published it and wants no echo
 * @returns whether the receiver took it; for a message that is only traced: whether it would have
 */
export function deliverTraced(subscription: Subscription, batch: MessageBatch, trace: MessageTrace, silenced: boolean): boolean {
  const { sink, view } = subscription;
  let subject: Uint8Array = batch.subjectSource.subarray(batch.subjectStart(0), batch.subjectEnd(0));
  if (view !== null) {
    // Messages that came through a service import are not part of a stream export.
    if (batch.imported !== null) return false;
    subject = seenSubject(batch, view);
    trace.addStreamExport(sink.traced?.accountName ?? sink.accountName ?? "", decode(subject));
    if (!view.allowTrace) return trace.only || (!silenced && deliverUntraced(subscription, batch, trace));
  }
  const { traced } = sink;
  if (traced === undefined) return !silenced && sink.deliver(subscription, batch, 0, 1) > 0;
  const { delivered, deliveredMax } = subscription;
  const exceeded = deliveredMax > 0 && delivered >= deliveredMax;
  const error = refusalBefore(subscription, subject, silenced);
  if (error !== "") return record(trace, subscription, traced, error);
  if (trace.only || sink.deliver(subscription, batch, 0, 1) > 0) {
    record(trace, subscription, traced, "");
    return true;
  }
  if (exceeded) return record(trace, subscription, traced, ERROR_UNSUBSCRIBED);
  return record(trace, subscription, traced, traced.closed ? ERROR_CLIENT_CLOSED : ERROR_NOT_STALLED);
}

/** Why the message is not handed to the sink; empty: it is. */
function refusalBefore({ closed, filter }: Subscription, subject: Uint8Array, silenced: boolean): string {
  if (silenced) return ERROR_NO_ECHO;
  if (filter !== null && !filter.allows(subject, 0, subject.length)) return ERROR_DENIED;
  return closed ? ERROR_SUBSCRIPTION_CLOSED : "";
}

/** Delivers in an account that does not allow traces. */
function deliverUntraced(subscription: Subscription, batch: MessageBatch, trace: MessageTrace): boolean {
  batch.trace = null;
  try {
    return subscription.sink.deliver(subscription, batch, 0, 1) > 0;
  } finally {
    batch.trace = trace;
  }
}

function record(trace: MessageTrace, { subject, queue }: Subscription, receiver: TracedReceiver, error: string): false {
  if (trace.isHeard) trace.addEgress(receiver, decode(subject), queue === null ? "" : decode(queue), error);
  return false;
}

function seenSubject(batch: MessageBatch, view: SubjectView): Uint8Array {
  for (let size = SUBJECT_BYTES_MIN; ; size *= 2) {
    const bytes = Buffer.allocUnsafe(size);
    const end = view.write(batch.subjectSource, batch.subjectStart(0), batch.subjectEnd(0), bytes, 0);
    if (end !== -1) return bytes.subarray(0, end);
  }
}
