import type { ImportStep, MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { LocalPublisher } from "../../messaging/fanout/local-publisher.ts";
import { setHeader } from "../../messaging/header/header-write.ts";
import { isJetStreamReply } from "../../messaging/subject/jetstream-subject.ts";
import { TRACE_DESTINATION, TRACE_DISABLED } from "../../messaging/trace/trace-headers.ts";

/** One step of a message between accounts: a service import, or the answer to one. */
export interface ImportVia {
  /** The service export of this step; null: none. Compared by identity. */
  readonly export: object | null;
  /** Whether the requester's details are shared. */
  readonly share: boolean;
  /** Messages of this step carry the server's own Nats-Request-Info header. */
  readonly addsRequestInfo: boolean;
}

/** Whether the batch already passed this export, so that publishing it again would make a loop. */
export function importCameThrough(batch: MessageBatch, wanted: object | null): boolean {
  for (let step = batch.imported; step !== null; step = step.before) if ((step.via as ImportVia).export === wanted) return true;
  return false;
}

/** The step that message `index` takes. */
export function stepOf(via: ImportVia, batch: MessageBatch, index: number): ImportStep {
  const { imported, source } = batch;
  const jetStreamReply = (imported?.jetStreamReply ?? false) || isJetStreamReply(source, batch.replyStart(index), batch.replyEnd(index));
  return { via, before: imported, jetStreamReply };
}

/** A message to publish in another account. */
export interface Crossing {
  readonly batch: MessageBatch;
  readonly index: number;
  readonly to: { readonly publisher: LocalPublisher };
  /** In the target account. */
  readonly subject: Uint8Array;
  /** In the target account. */
  readonly reply: Uint8Array;
  /** Replaces the message's header; null keeps it. */
  readonly header: Uint8Array | null;
  readonly step: ImportStep;
}

/** Publishes the message in the other account. @returns whether it had a receiver */
export function cross({ batch, index, to, subject, reply, header, step }: Crossing): boolean {
  return to.publisher.republish(batch, index, subject, reply, header, step) > 0;
}

/** The same for a traced message, when the other account does not allow traces: the trace stops here. */
export function crossUntraced({ batch, index, to, subject, reply, header, step }: Crossing): boolean {
  if (batch.trace!.only) return false;
  const disabled = setHeader(header ?? batch.header(index), TRACE_DESTINATION, TRACE_DISABLED);
  return to.publisher.republish(batch, index, subject, reply, disabled, step, false) > 0;
}
