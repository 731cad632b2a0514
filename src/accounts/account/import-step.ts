import type { ImportStep, MessageBatch } from "../../messaging/batch/message-batch.ts";
import { setHeader } from "../../messaging/header/header-write.ts";
import { TRACE_DESTINATION, TRACE_DISABLED } from "../../messaging/trace/trace-headers.ts";
import type { Account } from "./account.ts";
import type { ServiceExport } from "./service-export.ts";

/** What a message came through on its way to another account: a service import, or the answer to one. */
export interface ImportVia {
  readonly export: ServiceExport | null;
  /** Whether the requester is made known. */
  readonly share: boolean;
  /** What comes through it says in its headers who asked, in the server's own words. */
  readonly introduces: boolean;
}

/** Whether the messages of a batch came through that export already: they would travel in circles. */
export function importCameThrough(batch: MessageBatch, wanted: ServiceExport | null): boolean {
  for (let step = batch.imported; step !== null; step = step.before) if ((step.via as ImportVia).export === wanted) return true;
  return false;
}

/** A message on its way into another account. */
export interface Crossing {
  readonly batch: MessageBatch;
  readonly index: number;
  readonly to: Account;
  /** There. */
  readonly subject: Uint8Array;
  /** There. */
  readonly reply: Uint8Array;
  /** Instead of the message's own; null: that one. */
  readonly header: Uint8Array | null;
  readonly step: ImportStep;
}

/** Whether anybody took it. */
export function cross({ batch, index, to, subject, reply, header, step }: Crossing): boolean {
  return to.publisher.republish(batch, index, subject, reply, header, step) > 0;
}

/** The same for a message that is followed, into an account that does not want to be looked into. */
export function crossUnfollowed({ batch, index, to, subject, reply, header, step }: Crossing): boolean {
  if (batch.trace!.only) return false;
  const disabled = setHeader(header ?? batch.header(index), TRACE_DESTINATION, TRACE_DISABLED);
  return to.publisher.republish(batch, index, subject, reply, disabled, step, false) > 0;
}
