/**
 * What an open file store does now and then, in the background: keeps `index.db` current, and the file of marks durable and short.
 *
 *   every two minutes, if something has changed ─▶ index.db ─▶ marks
 * Source of the interval: the reference server.
 */
import type { StoredBlocks } from "./stored-blocks.ts";

const INTERVAL_MS = 2 * 60 * 1000;

export class StoreUpkeep {
  private cancel: (() => void) | null = null;
  private running: Promise<void> | null = null;
  private isStopped = false;

  constructor(private readonly stored: StoredBlocks) {}

  start(): void {
    const { clock } = this.stored.parts.commits;
    this.cancel = clock.after(INTERVAL_MS, () => this.begin(), false);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancel?.();
    await this.running;
  }

  /** The work of one interval. */
  async run(): Promise<void> {
    const { marks, saving } = this.stored;
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
