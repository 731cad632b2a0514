/**
 * What a file store does while the disk is full: it reports that once, looks for room now and then, and goes on by itself.
 *
 *   a write finds no space ─▶ begin ─ every second ─▶ reserve kept again? held records written? ─▶ messages are taken again
 * Meanwhile messages are refused that do not fit into what is reserved already; what was accepted before is held in memory by the active block.
 * Whoever must not act before that is on the disk waits with `written`. Other work that finds no space calls `makeRoom` and tries again.
 */
import type { Job } from "../../base/scheduling/job.ts";
import type { StoreObserver } from "../contract/message-store.ts";
import type { ActiveBlock } from "./active-block.ts";
import type { StoreParts } from "./store-parts.ts";

/** How often a store looks for room. */
const ROOM_INTERVAL_MS = 1000;

/** The store whose disk is full. */
export interface FullDiskOwner {
  readonly parts: StoreParts;
  readonly observer: StoreObserver;
  readonly active: ActiveBlock;
  readonly failure: Error | null;
  readonly closed: boolean;
}

export class FullDisk {
  private readonly stored: FullDiskOwner;
  /** The disk is full. */
  isFull = false;
  private isStopped = false;
  /** Waits of `written` and `makeRoom`. */
  private readonly waits: (() => void)[] = [];

  constructor(stored: FullDiskOwner) {
    this.stored = stored;
  }

  /** A write found no space. */
  begin(): void {
    if (this.isFull) return;
    this.isFull = true;
    this.stored.observer.onFailure(new Error("no space left on device"), true);
    this.lookForRoom();
  }

  /** Waits while a full disk does not take what was stored. Ends also when the store fails or is closed. */
  *written(): Job<void> {
    const { stored, waits } = this;
    while (stored.active.isHolding && stored.failure === null && !stored.closed) {
      yield new Promise<void>(resolve => waits.push(resolve));
    }
  }

  /** Gives up the reserve, or waits until there is room. @returns false: nobody looks for room any more, because the store fails or closes */
  async makeRoom(): Promise<boolean> {
    const { stored, waits } = this;
    if (this.isStopped) return false;
    this.begin();
    if (stored.parts.reserve.giveUp()) return true;
    await new Promise<void>(resolve => waits.push(resolve));
    return !this.isStopped && stored.failure === null && !stored.closed;
  }

  /** The store is being closed: nobody waits for room any more. */
  stop(): void {
    this.isStopped = true;
    this.endWaits();
  }

  /** The store failed or is closed, or there is room: whoever waits goes on. */
  endWaits(): void {
    for (const resolve of this.waits.splice(0)) resolve();
  }

  /** Asks again and again whether there is room, and then goes on. */
  private lookForRoom(): void {
    const { stored } = this;
    const { commits, reserve } = stored.parts;
    commits.clock.after(
      ROOM_INTERVAL_MS,
      async () => {
        if (stored.closed || stored.failure !== null) return;
        if (!(await reserve.restore()) || !stored.active.retry()) return this.lookForRoom();
        this.isFull = false;
        this.endWaits();
        stored.observer.onResumed();
      },
      false,
    );
  }
}
