/**
 * Memory for the messages of all memory stores of a server: chunks of one size, which stores take and give back.
 *
 *   take ── a free chunk, or a new one          give ── back to the free ones, or to the garbage collector when `FREE_MAX` are free
 * A stream that replaces its messages all the time uses the same chunks again, so it makes no work for the garbage collector. Chunks are not
 * zeroed: users write before they read. Small stores have smaller chunks, which are not pooled.
 */
export const CHUNK_BYTES = 256 * 1024;
/** Free chunks that are kept: 8 MiB. */
const FREE_MAX = 32;

/** A piece of memory with its live share. Records are appended until it is full; its memory is given back when no record is live. */
export class Chunk {
  readonly numbers: Float64Array;
  readonly words: Int32Array;
  /** Bytes that records were written to, from the start on. */
  used = 0;
  /** Bytes of live records. */
  live = 0;
  /** It stands in the list of chunks that are worth a compaction. */
  listed = false;

  /** @param bytes its buffer has the same size and begins at a multiple of 8 */
  constructor(readonly bytes: Buffer) {
    this.numbers = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 3);
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  }
}

export class ChunkPool {
  private readonly free: Chunk[] = [];

  /** @param size bytes, a multiple of 8 */
  take(size: number): Chunk {
    const free = size === CHUNK_BYTES ? this.free.pop() : undefined;
    return free ?? new Chunk(Buffer.allocUnsafeSlow(size));
  }

  /** The caller and its borrowers must not use the chunk any more. */
  give(chunk: Chunk): void {
    if (chunk.bytes.length !== CHUNK_BYTES || this.free.length >= FREE_MAX) return;
    chunk.used = 0;
    chunk.live = 0;
    chunk.listed = false;
    this.free.push(chunk);
  }
}
