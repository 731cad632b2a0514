/**
 * Deliveries that something stands in the way of: a filter of denied subjects, a stream import that shows subjects differently.
 *
 *   batch ── view: subjects as they are here ──▶ another batch ── filter: runs of what is allowed ──▶ Client.deliverAll
 * The messages stay where they are: only the subjects of the other batch lie in bytes of their own.
 */
import { type MessageBatch, STRIDE_SHIFT, SUBJECT_END, SUBJECT_START } from "../../messaging/batch/message-batch.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import type { Client } from "./client.ts";

/** Returns how many messages it took. */
export function deliverGuarded(client: Client, subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
  const { view } = subscription;
  if (view === null) return deliverAllowed(client, subscription, batch, from, to);
  // A service's messages are not a stream of its account.
  if (batch.imported !== null) return 0;
  const { turn } = client.host;
  const viewed = turn.takeViewed();
  const inner = viewed.fill(batch, from, to, view);
  const taken = deliverAllowed(client, subscription, inner, 0, to - from);
  if (inner.stallMs > 0) {
    batch.stallMs = Math.max(batch.stallMs, inner.stallMs);
    batch.stalledBy = inner.stalledBy;
    inner.stallMs = 0;
    inner.stalledBy = null;
  }
  turn.giveViewed(viewed);
  return taken;
}

function deliverAllowed(client: Client, subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
  const { filter } = subscription;
  if (filter === null) return client.deliverAll(subscription, batch, from, to);
  const { fields, subjectSource } = batch;
  const { sizeMin, sizeMax } = filter;
  let taken = 0;
  let runStart = from;
  // Messages in a row on one subject have one answer.
  let lastStart = -1;
  let allowed = true;
  for (let index = from; index < to; index++) {
    const field = index << STRIDE_SHIFT;
    const start = fields[field + SUBJECT_START];
    if (start !== lastStart) {
      const end = fields[field + SUBJECT_END];
      const size = end - start;
      allowed = size < sizeMin || size > sizeMax || filter.allows(subjectSource, start, end);
      lastStart = start;
    }
    if (allowed) continue;
    if (index > runStart) taken += client.deliverAll(subscription, batch, runStart, index);
    runStart = index + 1;
  }
  if (to > runStart) taken += client.deliverAll(subscription, batch, runStart, to);
  return taken;
}
