import type { MessageBatch } from "../delivery/message-batch.ts";
import type { ServiceExport } from "./service-export.ts";

/** What a message came through on its way to another account: a service import, or the answer to one. */
export interface ImportVia {
  readonly export: ServiceExport | null;
  /** Whether the requester is made known. */
  readonly share: boolean;
}

/** Whether the messages of a batch came through that export already: they would travel in circles. */
export function importCameThrough(batch: MessageBatch, wanted: ServiceExport | null): boolean {
  for (let step = batch.imported; step !== null; step = step.before) if ((step.via as ImportVia).export === wanted) return true;
  return false;
}
