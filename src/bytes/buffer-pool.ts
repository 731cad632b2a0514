/**
 * Output chunks in three sizes. A connection holds one only while it has something to send, so ten thousand idle connections hold
 * none; the size it asks for follows its traffic (outbound.ts).
 *
 *   take(tier) ── a free chunk of that tier, or a new one
 *   give(chunk) ─ back to its tier, or to the garbage collector when that tier keeps enough
 * Chunks are not zeroed: whoever takes one writes before it reads.
 */
export const TIER_BYTES = [512, 4 * 1024, 64 * 1024] as const;
export const LARGEST_TIER = TIER_BYTES.length - 1;
export const LARGEST_CHUNK_BYTES = TIER_BYTES[LARGEST_TIER];

/** Free chunks kept per tier: 2 MiB, 4 MiB and 64 MiB at most. */
const FREE_MAX = [4096, 1024, 1024] as const;

export class BufferPool {
  private readonly free: Buffer[][] = [[], [], []];
  /** Chunks in the hands of connections, for tests and monitoring. */
  taken = 0;

  take(tier: number): Buffer {
    this.taken++;
    return this.free[tier].pop() ?? Buffer.allocUnsafeSlow(TIER_BYTES[tier]);
  }

  give(chunk: Buffer): void {
    this.taken--;
    const tier = chunk.length === TIER_BYTES[2] ? 2 : chunk.length === TIER_BYTES[1] ? 1 : 0;
    const free = this.free[tier];
    if (free.length < FREE_MAX[tier]) free.push(chunk);
  }

  /** Lets go of half of what is free; called now and then, so that a burst's memory comes back. */
  trim(): void {
    for (const free of this.free) free.length = free.length >> 1;
  }
}
