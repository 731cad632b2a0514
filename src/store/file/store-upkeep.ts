/**
 * What an open file store does now and then, in the background: rewrites sparse blocks, keeps `index.db` current, and the file of marks durable
 * and short.
 *
 *   every two minutes, if something has changed ─▶ sparse blocks ─▶ index.db ─▶ marks
 * Source of the interval: the reference server. Stores that were opened together have different intervals, so that they do not all write at once.
 */
import type { StoredBlocks } from "./stored-blocks.ts";

const INTERVAL_MS = 2 * 60 * 1000;
const SPREAD_MS = 30 * 1000;

export class StoreUpkeep {
  private cancel: (() => void) | null = null;
  private running: Promise<void> | null = null;
  private isStopped = false;
  private readonly intervalMs: number;

  constructor(private readonly stored: StoredBlocks) {
    const random = new Uint16Array(1);
    stored.parts.fillRandom(new Uint8Array(random.buffer));
    this.intervalMs = INTERVAL_MS + Math.floor((random[0] / 2 ** 16) * SPREAD_MS);
  }

  start(): void {
    this.cancel = this.stored.parts.commits.clock.after(this.intervalMs, () => this.begin(), false);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancel?.();
    await this.running;
  }

  /** The work of one interval. */
  async run(): Promise<void> {
    const { marks, rewriting, saving } = this.stored;
    rewriting.compactAll();
    await rewriting.idle();
    await saving.save();
    if (marks.file.needsRewrite) await marks.file.rewrite();
    else await marks.file.sync();
  }

  private begin(): void {
    this.running = this.run().finally(() => {
      this.running = null;
      if (!this.isStopped) this.start();
    });
  }
}
