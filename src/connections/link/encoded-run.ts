/**
 * A run of messages encoded as MSG or HMSG lines, kept in scratch space for the next receiver that needs exactly the same bytes.
 *
 * The fields describe the messages of which the bytes consist. There is one per event loop, in the `Turn`.
 */
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";

/** Encoded output of one batch: 1,024 messages of 64 bytes with their lines fit; larger batches are encoded in pieces. */
export const SCRATCH_BYTES = 128 * 1024;
/** Copies in words may write fewer bytes than this beyond the end. */
export const SCRATCH_SLACK_BYTES = 16;

export class EncodedRun {
  batch: MessageBatch | null = null;
  /** Version of the batch; -1: the scratch space holds other bytes. */
  version = -1;
  from = 0;
  to = 0;
  /** The receivers support headers. */
  headers = false;
  sid: Uint8Array | null = null;
  /** Bytes in the scratch space. */
  size = 0;
  /** Of those, bytes of payload and headers. */
  payloadBytes = 0;
}
