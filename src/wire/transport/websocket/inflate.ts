/**
 * Compressed messages, in both directions: raw deflate, each message on its own (no context takeover).
 *
 * A compressed message does not contain its inflated size, so inflating stops when the limit is reached.
 */
import { nodeZlib } from "../../../base/runtime/late-module.ts";

/** The tail that senders leave out, followed by an empty final block; a message that still does not end is corrupt. */
export const DEFLATE_TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff]);
const SYNC_FLUSH_BYTES = 4;

/** Size of an output chunk; larger messages take several. */
const CHUNK_BYTES = 16 * 1024;

export const TOO_LARGE = "maximum payload exceeded";

/**
 * Inflates one message.
 * @param message compressed, followed by `DEFLATE_TAIL`; bytes after a block marked final are ignored
 * @returns the inflated bytes, or the error as text
 */
export function inflateMessage(message: Uint8Array, bytesMax: number): Buffer | string {
  try {
    return nodeZlib().inflateRawSync(message, { maxOutputLength: bytesMax, chunkSize: CHUNK_BYTES });
  } catch (error) {
    const { code, message: text } = error as NodeJS.ErrnoException;
    return code === "ERR_BUFFER_TOO_LARGE" ? TOO_LARGE : `flate: ${text}`;
  }
}

/** Compresses at the fastest level; the result lacks the tail that every message has. */
export function deflateMessage(bytes: Uint8Array): Buffer {
  const { constants, deflateRawSync } = nodeZlib();
  const all = deflateRawSync(bytes, { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH });
  return all.subarray(0, all.length - SYNC_FLUSH_BYTES);
}
