/**
 * Keeps the content of blocks in memory, for all stores of a server, within one budget. The least recently used content is dropped, never within a
 * call of a store: what it has looked at stays until it returns. Content that was read from a file stays until it is used, so that work which needs
 * several blocks at once has them in the end, however small the budget is.
 */
import type { Clock } from "../../base/clock/clock.ts";
import type { Block } from "./block.ts";
import { BlockData } from "./block-data.ts";

export const CACHE_BYTES_MAX = 256 * 1024 * 1024;
/** Content that nobody used for two intervals is dropped. Source: formats §10.11. */
const SWEEP_MS = 5_000;

/** Contents of recycled blocks that are kept, beside the budget. */
const SPARES_MAX = 2;

export class BlockCache {
  private readonly clock: Clock;
  private readonly bytesMax: number;
  private readonly blocks = new Set<Block>();
  /** Content of blocks that nobody read. */
  private readonly spare: BlockData[] = [];
  private bytes = 0;
  private uses = 0;
  /** `uses` at the sweep before the last one, and at the last one. */
  private readonly marks = [0, 0];
  private cancelSweep: (() => void) | null = null;
  private shrinks = false;

  constructor(clock: Clock, bytesMax = CACHE_BYTES_MAX) {
    this.clock = clock;
    this.bytesMax = bytesMax;
  }

  /** Bytes of the content in memory. */
  get size(): number {
    return this.bytes;
  }

  /** Content for a new block, empty. It has memory of a block that was recycled, if there is one. */
  empty(base: number): BlockData {
    const spare = this.spare.pop();
    if (spare === undefined) return BlockData.empty(base);
    spare.reuse(base);
    return spare;
  }

  /**
   * Gives up the content of a block that is complete, if nobody has read it. Its memory serves the next block: a stream that is only written to
   * then needs no new memory, which the system would have to clear page by page.
   */
  recycle(block: Block): void {
    const { data } = block;
    if (data === null || data.isRead) return;
    this.drop(block);
    if (this.spare.length < SPARES_MAX) this.spare.push(data);
  }

  /** Keeps the content of a block. @param isAwaited it was read because somebody wants to use it */
  put(block: Block, data: BlockData, isAwaited = false): void {
    block.data = data;
    this.blocks.add(block);
    this.bytes += data.memory;
    data.used = ++this.uses;
    data.isAwaited = isAwaited;
    this.shrinkLater();
    this.cancelSweep ??= this.clock.after(SWEEP_MS, () => this.sweep(), false);
  }

  /** Somebody reads the content. */
  use(data: BlockData): void {
    data.used = ++this.uses;
    data.isRead = true;
    data.isAwaited = false;
  }

  /** The content of a block has grown. @param before its memory before */
  grown(block: Block, before: number): void {
    const { data } = block;
    if (data === null) return;
    this.bytes += data.memory - before;
    data.used = ++this.uses;
    this.shrinkLater();
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
    this.spare.length = 0;
  }

  private shrinkLater(): void {
    if (this.shrinks || this.bytes <= this.bytesMax) return;
    this.shrinks = true;
    queueMicrotask(() => this.shrink());
  }

  private shrink(): void {
    this.shrinks = false;
    while (this.bytes > this.bytesMax) {
      let oldest: Block | null = null;
      for (const block of this.blocks) {
        const { isAwaited, used } = block.data!;
        if (!isAwaited && (oldest === null || used < oldest.data!.used)) oldest = block;
      }
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
    this.spare.length = 0;
    if (this.blocks.size > 0) this.cancelSweep = this.clock.after(SWEEP_MS, () => this.sweep(), false);
  }
}
