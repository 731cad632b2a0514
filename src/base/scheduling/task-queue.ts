/**
 * Limits how many long tasks are in progress: up to `activeMax` of them share the scheduler, others wait for their turn.
 * Each task in progress holds its intermediate results in memory, and the more there are, the later all of them finish.
 */
import type { Scheduler, Task } from "./scheduler.ts";

export interface TaskQueueLimits {
  readonly activeMax: number;
  /** Most waiting tasks; further ones are refused. */
  readonly waitingMax: number;
}

export class TaskQueue {
  private active = 0;
  private waiting: Task[] = [];

  constructor(
    private readonly scheduler: Pick<Scheduler, "add">,
    private readonly limits: TaskQueueLimits,
  ) {}

  /** @returns false if too many tasks are waiting; the task is refused then */
  start(task: Task): boolean {
    if (this.active >= this.limits.activeMax && this.waiting.length >= this.limits.waitingMax) return false;
    this.resume(task);
    return true;
  }

  /** Continues a task that has stopped in between. It may wait again, but is never refused. */
  resume(task: Task): void {
    if (this.active >= this.limits.activeMax) this.waiting.push(task);
    else this.run(task);
  }

  private runNext(): void {
    this.active--;
    const next = this.waiting.shift();
    if (next !== undefined) this.run(next);
  }

  private run(task: Task): void {
    this.active++;
    this.scheduler.add({
      work: () => {
        let more = false;
        try {
          more = task.work();
        } finally {
          if (!more) this.runNext(); // also after an error, so that a defect does not take a place for ever
        }
        return more;
      },
    });
  }
}
