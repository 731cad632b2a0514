/**
 * When a stream writes what its store has taken: at the end of the turn, or, while a sync of earlier messages runs, when that has ended.
 *
 *   turn 1 ─▶ write, sync ──────────── durable ─▶ write, sync ─ …
 *   turns 2, 3, 4 …: what they store is held  └ and is one write
 * Writing earlier would make nothing durable earlier, as a sync covers what was written before it began, and each event of a socket would cost a
 * write. More than `HELD_BYTES_MAX` is written at once, so that the next sync has less to wait for.
 */
import type { MessageStore } from "../../store/contract/message-store.ts";

/** Bytes that are held at most. */
export const HELD_BYTES_MAX = 24 * 1024;

export type PacedStore = Pick<MessageStore, "applied" | "durable" | "failure">;

export class WritePace {
  /** Bytes of messages that are not durable yet, or a little more: those of a write count until the sync after it has ended. */
  unsyncedBytes = 0;
  /** Something waits to be written. */
  private held = false;
  /** Bytes of messages since the last write. */
  private unwrittenBytes = 0;
  /** The last change of the first write that is not durable; 0: all that was written is durable. */
  private written = 0;
  private writtenBytes = 0;

  /** The store has taken a message of that size. */
  add(bytes: number): void {
    this.unsyncedBytes += bytes;
    this.unwrittenBytes += bytes;
  }

  /** The turn ends. @returns whether to write now */
  begin({ durable, failure }: PacedStore): boolean {
    this.held = this.written > durable && failure === null && this.unwrittenBytes < HELD_BYTES_MAX;
    return !this.held;
  }

  /** The store has written everything. */
  wrote({ applied, durable }: PacedStore): void {
    this.unwrittenBytes = 0;
    if (durable >= applied) this.settle(applied, durable);
    else if (this.written === 0) {
      this.written = applied;
      this.writtenBytes = this.unsyncedBytes;
    }
  }

  /** More has become durable. @returns whether to write what was held */
  onDurable({ applied, durable }: PacedStore): boolean {
    if (this.written === 0 || durable < this.written) return false;
    this.settle(applied, durable);
    return this.held;
  }

  private settle(applied: number, durable: number): void {
    this.unsyncedBytes = durable >= applied ? 0 : this.unsyncedBytes - this.writtenBytes;
    this.written = 0;
    this.writtenBytes = 0;
  }
}
