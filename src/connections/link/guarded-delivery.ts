/**
 * Deliveries to special subscriptions: those with a filter of denied subjects, and those that see the messages of a stream import under other
 * subjects.
 *
 *   batch ── view: under the subjects of this account ──▶ viewed batch ── filter: runs of allowed messages ──▶ receiver.deliverAll
 */
import { type MessageBatch, STRIDE_SHIFT, SUBJECT_END, SUBJECT_START } from "../../messaging/batch/message-batch.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import type { Turn } from "./turn.ts";

/** The connection that owns the subscription. */
export interface GuardedReceiver {
  readonly host: { readonly turn: Turn };
  /** Takes messages that passed view and filter. @returns how many it took */
  deliverAll(subscription: Subscription, batch: MessageBatch, from: number, to: number): number;
}

/** As `Sink.deliver`, for subscriptions that are `special`. @returns how many messages the receiver took */
export function deliverGuarded(
  receiver: GuardedReceiver,
  subscription: Subscription,
  batch: MessageBatch,
  from: number,
  to: number,
): number {
  const { view } = subscription;
  if (view === null) return deliverAllowed(receiver, subscription, batch, from, to);
  // Messages that came through a service import do not belong to a stream of this account.
  if (batch.imported !== null) return 0;
  const { turn } = receiver.host;
  const viewed = turn.takeViewed();
  const inner = viewed.fill(batch, from, to, view);
  const taken = deliverAllowed(receiver, subscription, inner, 0, to - from);
  batch.takeStall(inner);
  turn.giveViewed(viewed);
  return taken;
}

function deliverAllowed(receiver: GuardedReceiver, subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
  const { filter } = subscription;
  // Often the sizes of the subjects decide: no message of the batch can be denied.
  if (filter === null || batch.namesBytesMax < filter.sizeMin) return receiver.deliverAll(subscription, batch, from, to);
  const { fields, subjectSource } = batch;
  const { byteAt, byteThere, sizeMin, sizeMax } = filter;
  let taken = 0;
  let runStart = from;
  // The filter is called once for consecutive messages on one subject.
  let lastStart = -1;
  let allowed = true;
  for (let index = from; index < to; index++) {
    const field = index << STRIDE_SHIFT;
    const start = fields[field + SUBJECT_START];
    if (start !== lastStart) {
      const end = fields[field + SUBJECT_END];
      const size = end - start;
      const differs = size < sizeMin || size > sizeMax || (byteAt !== -1 && subjectSource[start + byteAt] !== byteThere);
      allowed = differs || filter.allows(subjectSource, start, end);
      lastStart = start;
    }
    if (allowed) continue;
    if (index > runStart) taken += receiver.deliverAll(subscription, batch, runStart, index);
    runStart = index + 1;
  }
  if (to > runStart) taken += receiver.deliverAll(subscription, batch, runStart, to);
  return taken;
}
