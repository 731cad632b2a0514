/**
 * Work that is done in parts and may wait for a disk: a generator. It yields `PAUSE` where other work may run, or a promise that it waits for.
 *
 *   *purge() { … if (meter.exhausted) yield PAUSE; … if (isCold) yield store.warm(); … return count }
 *   runJob(scheduler, purge()) ─▶ a share per round ─▶ Promise<count>
 */
import type { Scheduler, Task } from "./scheduler.ts";
import { PAUSE, STEP_UNITS } from "./sliced.ts";

/** Yields often, as `Sliced` (a pause counts as `STEP_UNITS` of work), or a promise; a rejection is thrown into the generator. */
export type Job<T> = Generator<typeof PAUSE | Promise<void>, T, void>;

class JobTask<T> implements Task {
  private failure: { readonly error: unknown } | null = null;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly job: Job<T>,
    private readonly resolve: (value: T) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  work(): boolean {
    const { meter } = this.scheduler;
    try {
      do {
        const { failure } = this;
        this.failure = null;
        const step = failure === null ? this.job.next() : this.job.throw(failure.error);
        if (step.done) {
          this.resolve(step.value);
          return false;
        }
        if (step.value !== PAUSE) {
          this.waitFor(step.value);
          return false;
        }
        meter.add(STEP_UNITS);
      } while (!meter.exhausted);
      return true;
    } catch (error) {
      this.reject(error);
      return false;
    }
  }

  private waitFor(promise: Promise<void>): void {
    promise.then(
      () => this.scheduler.add(this),
      error => {
        this.failure = { error };
        this.scheduler.add(this);
      },
    );
  }
}

/** Runs a job under the scheduler. It begins at the next slice. */
export function runJob<T>(scheduler: Scheduler, job: Job<T>): Promise<T> {
  return new Promise((resolve, reject) => scheduler.add(new JobTask(scheduler, job, resolve, reject)));
}
