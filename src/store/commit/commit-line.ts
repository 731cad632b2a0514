/**
 * The changes of one store in their order, and up to which of them everything is durable.
 *
 *   changes      … 15  16  17 ┃ 18  19  20 …        durable = 17: the sync that covers 18 is under way, or has not begun
 *   files          4.blk──────── 4.blk 5.blk          one change can be in several files, each file has several changes
 *   steps                    unlink after 16, barrier 20
 * A change has a position: 1, 2, 3 … A store counts everything it does, messages and removals. Files are synced in parallel and end in any order;
 * `durable` rises over a change when everything before it is durable too, so that acknowledgements leave in the order of the changes. The owner is
 * told once per sync, not per change, and no promise exists per change.
 *
 * Steps are what may happen only after a commit: unlink, truncate, rename. They run one after the other, in the order in which they were handed in.
 * A barrier is a step that is a change itself: it begins when all changes before it are durable, and those after it count as durable only after it.
 *
 * Relaxed lines (an explicit `sync_interval`, `persist_mode: async`) sync some time after the first change, or when a file has enough bytes that are
 * not synced; their owner does not wait for `durable`. A step, or `sync`, makes even these sync at once.
 */
import { assert } from "../../base/assert/assert.ts";
import { CommitFile, type FileLine } from "./commit-file.ts";
import type { CommitService, Drainable, Syncable } from "./commit-service.ts";

/** Methods are called from events of the disk, never within a call of the line. */
export interface CommitObserver {
  /** All changes up to `position` are durable. Called once per sync or barrier that raised it. */
  onDurable(position: number): void;
  /** A sync or a step failed. Called once. No step runs after it, and no change from the failed one on becomes durable. */
  onFailure(error: Error): void;
}

export interface RelaxedSync {
  /** How long after a change its sync begins at the latest. */
  readonly intervalMs: number;
  /** A file with this many bytes that are not synced is synced at once. */
  readonly bytesMax: number;
}

/** Bytes of one file that a relaxed line leaves unsynced at most. */
export const RELAXED_BYTES_MAX = 16 * 1024 * 1024;

interface Step {
  /** Begins when `durable` has reached this. */
  readonly after: number;
  /** Of a barrier: this change and later ones are not durable before it is complete. */
  readonly holdsFrom: number | null;
  readonly work: () => Promise<void> | void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class CommitLine implements Drainable, FileLine {
  /** All changes up to this one are durable. */
  durable: number;
  /** The last change that the line was told of. */
  registered: number;
  failure: Error | null = null;
  /** The first change that has bytes in no file yet: it does not become durable with those that it already has in files. 0: none. */
  stagedFrom = 0;
  private readonly dirty: CommitFile[] = [];
  private readonly steps: Step[] = [];
  private stepRuns = false;
  private waiters: Waiter[] = [];
  private cancelTimer: (() => void) | null = null;

  /**
   * @param position of the last change that is durable already
   * @param relaxed null: each change is synced at once
   */
  constructor(
    private readonly service: CommitService,
    private readonly observer: CommitObserver,
    position: number,
    private relaxed: RelaxedSync | null,
  ) {
    this.durable = position;
    this.registered = position;
    service.add(this);
  }

  /** A file in which changes will be written. Nothing needs to be closed: the line knows a file only while it has changes that are not durable. */
  open(target: Syncable): CommitFile {
    return new CommitFile(this.service, this, target);
  }

  /**
   * The changes up to this one, as far as the line was not told of them, have no bytes that must be synced. If nothing is pending, `durable` rises at
   * once, without a call of the observer. May run steps.
   */
  advance(position: number): void {
    this.register(position, position);
    this.durable = Math.max(this.durable, this.reached());
    this.runSteps();
    this.endWaiting();
  }

  /**
   * Runs `work` once the changes up to `position` are durable and earlier steps are complete; later changes do not wait for it. It may run within
   * this call. An error of it freezes the line, so it must handle those that do no harm.
   */
  afterDurable(position: number, work: () => Promise<void> | void): void {
    this.addStep({ after: position, holdsFrom: null, work });
  }

  /**
   * Runs `work` as the change at `position`, once all changes before it are durable. It and later changes become durable with its completion.
   * It may run within this call.
   */
  barrier(position: number, work: () => Promise<void> | void): void {
    const first = this.register(position, position);
    this.addStep({ after: first - 1, holdsFrom: first, work });
  }

  /** Syncs all changes now, whatever the policy. */
  sync(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
    for (const file of this.dirty) file.request();
  }

  /** Changes when syncs begin. null: at once, also for what waits now. */
  setRelaxed(relaxed: RelaxedSync | null): void {
    this.relaxed = relaxed;
    this.sync();
  }

  /** Resolves when everything registered is durable and all steps are complete. Rejects if the line has failed or fails. */
  drain(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
      this.sync();
      this.endWaiting();
    });
  }

  /** Forgets the line. The caller has drained it, or gives up what is not durable. */
  close(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
    this.steps.length = 0;
    this.service.remove(this);
  }

  /** Freezes the line: a write failed, or a sync that another called. What was written correctly before may still become durable; no step runs. */
  fail(error: Error): void {
    if (this.failure !== null) return;
    this.failure = error;
    this.observer.onFailure(error);
    this.endWaiting();
  }

  // Used by CommitFile

  register(first: number, last: number): number {
    assert(first <= last && first > this.durable, "a change that is durable is not written again", first, this.durable);
    const from = Math.min(first, this.registered + 1);
    this.registered = Math.max(this.registered, last);
    return from;
  }

  addDirty(file: CommitFile): void {
    this.dirty.push(file);
    this.startTimer();
  }

  startTimer(): void {
    const { relaxed } = this;
    if (relaxed === null || this.cancelTimer !== null) return;
    this.cancelTimer = this.service.clock.after(relaxed.intervalMs, () => this.sync(), false);
  }

  removeDirty(file: CommitFile): void {
    const index = this.dirty.indexOf(file);
    assert(index !== -1, "a file with changes is listed");
    this.dirty[index] = this.dirty.at(-1)!;
    this.dirty.pop();
  }

  isDue(bytesWaiting: number): boolean {
    return this.relaxed === null || bytesWaiting >= this.relaxed.bytesMax || this.steps.length > 0 || this.waiters.length > 0;
  }

  settle(): void {
    const durable = this.reached();
    if (durable > this.durable) {
      this.durable = durable;
      this.observer.onDurable(durable);
    }
    this.runSteps();
    this.endWaiting();
  }

  // Internal

  /** Up to which change nothing is pending. A file whose sync failed stays pending. */
  private reached(): number {
    let durable = this.stagedFrom === 0 ? this.registered : Math.min(this.registered, this.stagedFrom - 1);
    for (const file of this.dirty) durable = Math.min(durable, file.firstPending - 1);
    for (const { holdsFrom } of this.steps) {
      if (holdsFrom === null) continue;
      durable = Math.min(durable, holdsFrom - 1);
      break;
    }
    return durable;
  }

  private addStep(step: Step): void {
    if (this.failure !== null) return;
    this.steps.push(step);
    this.sync();
    this.runSteps();
  }

  private runSteps(): void {
    const step = this.steps[0];
    if (step === undefined || this.stepRuns || this.failure !== null || step.after > this.durable) return;
    this.stepRuns = true;
    void this.run(step);
  }

  private async run(step: Step): Promise<void> {
    try {
      await step.work();
    } catch (error) {
      this.stepRuns = false;
      this.fail(error as Error);
      return;
    }
    this.stepRuns = false;
    if (this.steps[0] === step) this.steps.shift();
    this.settle();
  }

  private endWaiting(): void {
    const { failure, waiters } = this;
    if (waiters.length === 0) return;
    const isDone = this.durable === this.registered && this.steps.length === 0 && this.dirty.length === 0;
    if (failure === null && !isDone) return;
    this.waiters = [];
    for (const { resolve, reject } of waiters) {
      if (failure === null) resolve();
      else reject(failure);
    }
  }
}
