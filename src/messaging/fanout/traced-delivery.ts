/**
 * What becomes of a traced message at one receiver: delivered as without a trace, and told to the trace.
 *
 *   FanOut.give ─▶ deliverTraced ─┬─▶ Sink.deliver
 *                                 └─▶ MessageTrace: where it was seen, why it was not delivered
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
 * @returns whether it was taken; true too where the message is only traced and would have been
 */
export function deliverTraced(subscription: Subscription, batch: MessageBatch, trace: MessageTrace, silenced: boolean): boolean {
  const { sink, view } = subscription;
  let subject: Uint8Array = batch.subjectSource.subarray(batch.subjectStart(0), batch.subjectEnd(0));
  if (view !== null) {
    // A service's messages are not a stream of its account.
    if (batch.imported !== null) return false;
    subject = seenSubject(batch, view);
    trace.addStreamExport(sink.traced?.accountName ?? "", decode(subject));
    if (!view.allowTrace) return trace.only || (!silenced && deliverUntraced(subscription, batch, trace));
  }
  const { traced } = sink;
  if (traced === undefined) return !silenced && sink.deliver(subscription, batch, 0, 1) > 0;
  const { delivered, deliveredMax } = subscription;
  const exceeded = deliveredMax > 0 && delivered >= deliveredMax;
  const error = refusalBefore(subscription, subject, silenced);
  if (error !== "") return tell(trace, subscription, traced, error);
  if (trace.only || sink.deliver(subscription, batch, 0, 1) > 0) {
    tell(trace, subscription, traced, "");
    return true;
  }
  if (exceeded) return tell(trace, subscription, traced, ERROR_UNSUBSCRIBED);
  return tell(trace, subscription, traced, traced.closed ? ERROR_CLIENT_CLOSED : ERROR_NOT_STALLED);
}

/** Why it is not even tried; empty: it is. */
function refusalBefore({ closed, filter }: Subscription, subject: Uint8Array, silenced: boolean): string {
  if (silenced) return ERROR_NO_ECHO;
  if (filter !== null && !filter.allows(subject, 0, subject.length)) return ERROR_DENIED;
  return closed ? ERROR_SUBSCRIPTION_CLOSED : "";
}

/** To an account that does not allow traces. */
function deliverUntraced(subscription: Subscription, batch: MessageBatch, trace: MessageTrace): boolean {
  batch.trace = null;
  try {
    return subscription.sink.deliver(subscription, batch, 0, 1) > 0;
  } finally {
    batch.trace = trace;
  }
}

function tell(trace: MessageTrace, { subject, queue }: Subscription, receiver: TracedReceiver, error: string): false {
  trace.addEgress(receiver, decode(subject), queue === null ? "" : decode(queue), error);
  return false;
}

function seenSubject(batch: MessageBatch, view: SubjectView): Uint8Array {
  for (let size = SUBJECT_BYTES_MIN; ; size *= 2) {
    const bytes = Buffer.allocUnsafe(size);
    const end = view.write(batch.subjectSource, batch.subjectStart(0), batch.subjectEnd(0), bytes, 0);
    if (end !== -1) return bytes.subarray(0, end);
  }
}
