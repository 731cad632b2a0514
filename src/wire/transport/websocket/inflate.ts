/**
 * Compressed messages, in both directions: raw deflate, each message for itself (no context is taken over).
 *
 * A compressed message says nothing of its size, so what comes out is bounded: inflating stops at the limit, not after it.
 */
import { nodeZlib } from "../../../base/runtime/late-module.ts";

/** What a sender leaves out at the end of a message, then an empty last block: a message that does not end in itself is corrupt. */
export const DEFLATE_TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff]);
const SYNC_FLUSH_BYTES = 4;

/** Output for small messages; larger ones take several of them. */
const CHUNK_BYTES = 16 * 1024;

export const TOO_LARGE = "maximum payload exceeded";

/**
 * Inflates one message.
 * @param message compressed, with `DEFLATE_TAIL` behind it; what stands behind a block that says it is the last one is ignored
 * @returns what came out, or what is wrong as text
 */
export function inflateMessage(message: Uint8Array, bytesMax: number): Buffer | string {
  try {
    return nodeZlib().inflateRawSync(message, { maxOutputLength: bytesMax, chunkSize: CHUNK_BYTES });
  } catch (error) {
    const { code, message: text } = error as NodeJS.ErrnoException;
    return code === "ERR_BUFFER_TOO_LARGE" ? TOO_LARGE : `flate: ${text}`;
  }
}

/** Compresses as fast as it goes; the result lacks the end that every message has. */
export function deflateMessage(bytes: Uint8Array): Buffer {
  const { constants, deflateRawSync } = nodeZlib();
  const all = deflateRawSync(bytes, { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH });
  return all.subarray(0, all.length - SYNC_FLUSH_BYTES);
}
