/**
 * Commit service: makes what stores have written durable, outside the event loop. One per server.
 *
 *   CommitLine (one per store)                                    CommitService (one per server)
 *     CommitFile 4.blk: 17..25 waiting, 12..16 under way  ──┐
 *     CommitFile 5.blk: 26..30 waiting                    ──┼──▶ queue, first in first out ──▶ at most `syncsMax` syncs at once
 *     CommitFile msgs/ (a directory): 26 under way        ──┘
 * Per file one sync is under way and one waits: everything that is written meanwhile shares the next one, so under load a sync covers many messages
 * and idle disks answer at once. A file that waits again is queued behind all others, so a busy stream delays a quiet one by at most one round.
 *
 * `syncsMax` is half of the threads of the runtime's pool (base/runtime/thread-pool.ts): a sync occupies a thread for as long as the medium needs,
 * and the other half stays free for reads. bench/micro/disk.ts has the throughput per number of syncs at once.
 */
import { assert } from "../../base/assert/assert.ts";
import type { Clock } from "../../base/clock/clock.ts";

/** What the service syncs: an open file (`DiskFile`), a directory, or other work that must be complete before a change counts as durable. */
export interface Syncable {
  /** Makes everything that was changed before the call durable. */
  sync(): Promise<void>;
}

/** A file in the queue. */
export interface SyncTask {
  /** Starts the sync, and calls `CommitService.finished` when it has ended. */
  start(): void;
}

/** Something that can have changes that are not durable. */
export interface Drainable {
  drain(): Promise<void>;
}

/** Entries of the queue that are used up, before they are dropped. */
const USED_MAX = 1024;

export class CommitService {
  /** Syncs under way. */
  running = 0;
  private readonly queue: SyncTask[] = [];
  private head = 0;
  private readonly lines = new Set<Drainable>();

  /**
   * @param clock for lines whose syncs may be late
   * @param syncsMax syncs at once, at least 1
   */
  constructor(
    readonly clock: Clock,
    private readonly syncsMax: number,
  ) {
    assert(syncsMax >= 1, "at least one sync can run", syncsMax);
  }

  /** Syncs that wait for a thread. */
  get waiting(): number {
    return this.queue.length - this.head;
  }

  /** Makes all changes of all stores durable, also those whose sync may be late. Rejects if one of them has failed, after the others. */
  async drain(): Promise<void> {
    const results = await Promise.allSettled([...this.lines].map(line => line.drain()));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  // Used by CommitLine and CommitFile

  add(line: Drainable): void {
    this.lines.add(line);
  }

  remove(line: Drainable): void {
    this.lines.delete(line);
  }

  /** Starts the sync now or when others have ended. A task is in the queue once. */
  enqueue(task: SyncTask): void {
    this.queue.push(task);
    this.startNext();
  }

  finished(): void {
    this.running--;
    assert(this.running >= 0, "no more syncs end than have begun", this.running);
    this.startNext();
  }

  // Internal

  private startNext(): void {
    const { queue } = this;
    while (this.running < this.syncsMax && this.head < queue.length) {
      const task = queue[this.head++];
      this.running++;
      task.start();
    }
    if (this.head === queue.length) {
      queue.length = 0;
      this.head = 0;
    } else if (this.head > USED_MAX) {
      queue.copyWithin(0, this.head);
      queue.length -= this.head;
      this.head = 0;
    }
  }
}
