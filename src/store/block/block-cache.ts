/**
 * Keeps the content of blocks in memory, for all stores of a server, within one budget. The least recently used content is dropped; a block that is
 * being written keeps its content as long as others can go.
 */
import type { Clock } from "../../base/clock/clock.ts";
import type { Block } from "./block.ts";
import type { BlockData } from "./block-data.ts";

export const CACHE_BYTES_MAX = 256 * 1024 * 1024;
/** Content that nobody used for two intervals is dropped. Source: formats §10.11. */
const SWEEP_MS = 5_000;

export class BlockCache {
  private readonly clock: Clock;
  private readonly bytesMax: number;
  private readonly blocks = new Set<Block>();
  private bytes = 0;
  private uses = 0;
  /** `uses` at the sweep before the last one, and at the last one. */
  private readonly marks = [0, 0];
  private cancelSweep: (() => void) | null = null;

  constructor(clock: Clock, bytesMax = CACHE_BYTES_MAX) {
    this.clock = clock;
    this.bytesMax = bytesMax;
  }

  /** Bytes of the content in memory. */
  get size(): number {
    return this.bytes;
  }

  /** Keeps the content of a block. */
  put(block: Block, data: BlockData): void {
    block.data = data;
    this.blocks.add(block);
    this.bytes += data.memory;
    this.use(data);
    this.shrink(block);
    this.cancelSweep ??= this.clock.after(SWEEP_MS, () => this.sweep(), false);
  }

  use(data: BlockData): void {
    data.used = ++this.uses;
  }

  /** The content of a block has grown. @param before its memory before */
  grown(block: Block, before: number): void {
    const { data } = block;
    if (data === null) return;
    this.bytes += data.memory - before;
    this.use(data);
    if (this.bytes > this.bytesMax) this.shrink(block);
  }

  drop(block: Block): void {
    if (!this.blocks.delete(block)) return;
    this.bytes -= block.data!.memory;
    block.data = null;
  }

  stop(): void {
    this.cancelSweep?.();
    this.cancelSweep = null;
    for (const block of [...this.blocks]) this.drop(block);
  }

  private shrink(kept: Block): void {
    while (this.bytes > this.bytesMax && this.blocks.size > 1) {
      let oldest: Block | null = null;
      for (const block of this.blocks) if (block !== kept && (oldest === null || block.data!.used < oldest.data!.used)) oldest = block;
      if (oldest === null) return;
      this.drop(oldest);
    }
  }

  private sweep(): void {
    this.cancelSweep = null;
    const [idleSince] = this.marks as [number, number];
    for (const block of [...this.blocks]) if (block.data!.used <= idleSince) this.drop(block);
    this.marks.shift();
    this.marks.push(this.uses);
    if (this.blocks.size > 0) this.cancelSweep = this.clock.after(SWEEP_MS, () => this.sweep(), false);
  }
}
