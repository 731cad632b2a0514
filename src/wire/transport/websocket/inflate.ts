/**
 * Compressed messages, in both directions: raw deflate, each message on its own (no context takeover).
 *
 * A compressed message does not contain its inflated size, so it is inflated in pieces: the reader stops at its limit, and others get their
 * turn between two pieces. node:zlib inflates whole messages only; the handle below its stream writes into a given buffer until that is full,
 * and costs a tenth for small messages (bench/micro/websocket.ts).
 */
import { assert } from "../../../base/assert/assert.ts";
import { nodeZlib } from "../../../base/runtime/late-module.ts";

/** The tail that senders leave out, followed by an empty final block; a message that still does not end is corrupt. */
export const DEFLATE_TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff]);
/** A byte behind the final block, which is read only if the message has not ended there. */
const GUARD_BYTES = 1;
/** What a message needs behind its last byte. */
export const INFLATE_TAIL = Buffer.concat([DEFLATE_TAIL, Buffer.alloc(GUARD_BYTES)]);
const SYNC_FLUSH_BYTES = 4;

/** Largest piece. */
export const PIECE_BYTES = 64 * 1024;
/** Inflaters kept for later messages; each takes about 45 KB. */
const IDLE_INFLATERS_MAX = 8;

export const TOO_LARGE = "maximum payload exceeded";

/** The part of node:zlib's internal handle that is used. */
interface ZlibHandle {
  onerror: (message: string) => void;
  writeSync(flush: number, input: Uint8Array, at: number, size: number, output: Uint8Array, outputAt: number, outputSize: number): void;
  reset(): void;
}

/** Inflates messages, one after the other, piece by piece. */
class Inflater {
  private readonly handle: ZlibHandle;
  /** After a call: free bytes of the output, unread bytes of the input. */
  private readonly left: Uint32Array;
  private readonly flush = nodeZlib().constants.Z_SYNC_FLUSH;
  private error = "";

  constructor() {
    const { _handle, _writeState } = nodeZlib().createInflateRaw() as unknown as { _handle: ZlibHandle; _writeState: Uint32Array };
    assert(typeof _handle?.writeSync === "function" && _writeState.length === 2, "node:zlib has a handle that writes synchronously");
    this.handle = _handle;
    this.left = _writeState;
    this.handle.onerror = message => (this.error = message);
  }

  begin(): void {
    this.error = "";
    this.handle.reset();
  }

  /** @returns bytes written into `output`; the message is over when they are fewer than `outputSize` */
  next(message: InflatingMessage, output: Uint8Array, outputSize: number): number {
    const { input, at } = message;
    const size = input.length - at;
    this.handle.writeSync(this.flush, input, at, size, output, 0, outputSize);
    if (this.error !== "") {
      message.error = `flate: ${this.error}`;
      return 0;
    }
    message.at = input.length - this.left[1];
    const written = outputSize - this.left[0];
    if (written < outputSize && message.at === input.length) message.error = "flate: unexpected EOF";
    return written;
  }
}

/** A message that is being inflated. */
export interface InflatingMessage {
  /** Compressed, followed by `INFLATE_TAIL`; bytes after a block marked final are ignored. */
  readonly input: Uint8Array;
  readonly inflater: Inflater;
  at: number;
  error: string;
}

/** Inflates the messages of all connections of a listener. */
export class Inflating {
  private readonly idle: Inflater[] = [];
  private readonly output = Buffer.allocUnsafeSlow(PIECE_BYTES);

  /** @param input a compressed message, followed by `INFLATE_TAIL`; kept until it is inflated */
  begin(input: Uint8Array): InflatingMessage {
    const inflater = this.idle.pop() ?? new Inflater();
    inflater.begin();
    return { input, inflater, at: 0, error: "" };
  }

  /**
   * Inflates up to `sizeMax` bytes, at most `PIECE_BYTES`.
   * @returns a new buffer, shorter than `sizeMax` when the message has ended or is corrupt: `error` tells then
   */
  next(message: InflatingMessage, sizeMax: number): Buffer {
    const size = message.inflater.next(message, this.output, Math.min(sizeMax, PIECE_BYTES));
    const piece = Buffer.allocUnsafeSlow(size);
    this.output.copy(piece, 0, 0, size);
    return piece;
  }

  /** The message is inflated, or given up. */
  end({ inflater }: InflatingMessage): void {
    if (this.idle.length < IDLE_INFLATERS_MAX) this.idle.push(inflater);
  }
}

/** Compresses at the fastest level; the result lacks the tail that every message has. */
export function deflateMessage(bytes: Uint8Array): Buffer {
  const { constants, deflateRawSync } = nodeZlib();
  const all = deflateRawSync(bytes, { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH });
  return all.subarray(0, all.length - SYNC_FLUSH_BYTES);
}
