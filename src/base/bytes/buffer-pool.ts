/**
 * Output chunks in three sizes (tiers). A connection holds one only while it has something to send, so ten thousand idle connections hold
 * none; the requested size depends on its traffic (outbound.ts).
 *
 *   take(tier) ── a free chunk of that tier, or a new one
 *   give(chunk) ─ back to its tier, or to the garbage collector when the tier is full
 * Chunks are not zeroed: users write before they read.
 */
import { assert } from "../assert/assert.ts";

export const TIER_BYTES = [512, 4 * 1024, 64 * 1024] as const;
export const LARGEST_TIER = TIER_BYTES.length - 1;
export const LARGEST_CHUNK_BYTES = TIER_BYTES[LARGEST_TIER];

/** Free chunks kept per tier: 2 MiB, 4 MiB and 64 MiB at most. */
const FREE_MAX = [4096, 1024, 1024] as const;

/** Free bytes below this size are kept. */
const KEPT_BYTES = 1024 * 1024;

export class BufferPool {
  private readonly free: Buffer[][] = [[], [], []];
  private freeBytes = 0;
  /** `trim` was requested and has not run yet. */
  trimWanted = false;
  private readonly wantsTrim: () => void;

  /** @param wantsTrim called when much is free, to request a later call of `trim` */
  constructor(wantsTrim: () => void) {
    this.wantsTrim = wantsTrim;
  }

  /** Chunks held by connections, for tests and monitoring. */
  taken = 0;
  /** Their bytes. */
  takenBytes = 0;

  take(tier: number): Buffer {
    this.taken++;
    this.takenBytes += TIER_BYTES[tier];
    const chunk = this.free[tier].pop();
    if (chunk === undefined) return Buffer.allocUnsafeSlow(TIER_BYTES[tier]);
    this.freeBytes -= chunk.length;
    return chunk;
  }

  give(chunk: Buffer): void {
    assert(this.taken > 0, "no more chunks come back than were taken", this.taken);
    this.taken--;
    this.takenBytes -= chunk.length;
    const tier = chunk.length === TIER_BYTES[2] ? 2 : chunk.length === TIER_BYTES[1] ? 1 : 0;
    assert(chunk.length === TIER_BYTES[tier], "a chunk has the size of a tier", chunk.length);
    const free = this.free[tier];
    assert(free.length === 0 || free[free.length - 1] !== chunk, "a chunk comes back once", chunk.length);
    if (free.length >= FREE_MAX[tier]) return;
    free.push(chunk);
    this.freeBytes += chunk.length;
    if (this.freeBytes > KEPT_BYTES && !this.trimWanted) {
      this.trimWanted = true;
      this.wantsTrim();
    }
  }

  /** Releases half of the free chunks, so that memory returns after a burst, and requests another call while much is left. */
  trim(): void {
    for (const free of this.free) free.length = free.length >> 1;
    this.freeBytes = this.free.reduce((sum, free, tier) => sum + free.length * TIER_BYTES[tier], 0);
    this.trimWanted = this.freeBytes > KEPT_BYTES;
    if (this.trimWanted) this.wantsTrim();
  }
}
