/**
 * Connections that used their share of work read on one after the other, one in each iteration of the event loop: however many there are,
 * other sockets, timers and signals wait for one share only.
 */
export class ReadingTurns {
  private readonly tasks: (() => void)[] = [];

  /** `task` runs in a later iteration of the event loop. */
  add(task: () => void): void {
    this.tasks.push(task);
    if (this.tasks.length === 1) setImmediate(() => this.next());
  }

  private next(): void {
    const task = this.tasks[0];
    try {
      task();
    } finally {
      this.tasks.shift();
      if (this.tasks.length > 0) setImmediate(() => this.next());
    }
  }
}
