/**
 * One file of a line, and which of the line's changes it still has to make durable.
 *
 *   written(17, 25) ─▶ waiting from 17 ─ a thread is free ─▶ under way from 17 ─ success ─▶ durable
 *                       written(26, 30) ─▶ waiting from 26        └─ failure ─▶ 17 stays pending for ever: nothing from it on is durable
 * After a failed sync the system has marked the lost pages as written, so a later sync of the same file would succeed and prove nothing. The file is
 * therefore never synced again; its store must be reopened, which reads what is really there.
 */
import { assert } from "../../base/assert/assert.ts";
import type { CommitService, Syncable, SyncTask } from "./commit-service.ts";

/** The line of a file (`CommitLine`), as its files use it. */
export interface FileLine {
  /** @returns the first change that this registration covers */
  register(first: number, last: number): number;
  /** The file has changes that are not durable. */
  addDirty(file: CommitFile): void;
  removeDirty(file: CommitFile): void;
  /** Whether a sync should begin at once. */
  isDue(bytesWaiting: number): boolean;
  /** What is not synced now must be later. */
  startTimer(): void;
  /** A sync ended. */
  settle(): void;
  /** A sync failed. */
  fail(error: Error): void;
}

export class CommitFile implements SyncTask {
  /** The sync that failed. */
  failure: Error | null = null;
  /** The first change that waits for a sync; 0: none. */
  private firstWaiting = 0;
  /** The first change of the sync under way, or of the one that failed; 0: none. */
  private firstRunning = 0;
  private bytesWaiting = 0;
  private queued = false;
  /** Another sync was asked for while one is under way. */
  private again = false;

  /** Use `CommitLine.open`. */
  constructor(
    private readonly service: CommitService,
    private readonly line: FileLine,
    private readonly target: Syncable,
  ) {}

  /** Has changes that are not durable. A descriptor must not be closed before. */
  get isDirty(): boolean {
    return this.firstRunning !== 0 || this.firstWaiting !== 0;
  }

  /** The first change that is not durable; 0: none. */
  get firstPending(): number {
    if (this.firstRunning === 0 || this.firstWaiting === 0) return this.firstRunning + this.firstWaiting;
    return Math.min(this.firstRunning, this.firstWaiting);
  }

  /**
   * The changes from `first` to `last` have been written into this file. Allocates nothing.
   * A change that touches two files is registered with both, in the same turn.
   * @param first not durable yet. Changes before it that the line was not told of count as part of it.
   * @param bytes that were written, for lines whose syncs may be late
   */
  written(first: number, last: number, bytes = 0): void {
    const from = this.line.register(first, last);
    if (!this.isDirty) this.line.addDirty(this);
    this.firstWaiting = this.firstWaiting === 0 ? from : Math.min(this.firstWaiting, from);
    this.bytesWaiting += bytes;
    if (this.line.isDue(this.bytesWaiting)) this.request();
  }

  /** Asks for a sync of what waits. */
  request(): void {
    if (this.queued || this.firstWaiting === 0) return;
    if (this.firstRunning !== 0) {
      this.again = true;
      return;
    }
    this.queued = true;
    this.service.enqueue(this);
  }

  /** Called by the service. */
  start(): void {
    assert(
      this.queued && this.firstRunning === 0 && this.firstWaiting !== 0,
      "one sync of a file is under way, and it has something to do",
    );
    this.queued = false;
    this.firstRunning = this.firstWaiting;
    this.firstWaiting = 0;
    this.bytesWaiting = 0;
    this.target.sync().then(this.onSynced, this.onFailed);
  }

  private readonly onSynced = (): void => {
    const { again, line } = this;
    this.firstRunning = 0;
    this.again = false;
    if (this.firstWaiting === 0) line.removeDirty(this);
    else if (again || line.isDue(this.bytesWaiting)) this.request();
    else line.startTimer();
    this.service.finished();
    line.settle();
  };

  private readonly onFailed = (error: Error): void => {
    this.failure = error;
    this.service.finished();
    this.line.fail(error);
  };
}
