/** The server's source of time. It is passed in, so that a simulation can replace it: no other code reads the runtime's clocks. */
export interface Clock {
  /** Wall clock, ms since 1970. */
  now(): number;
  /** Monotonic, ms with fractions; only differences are meaningful. */
  monotonic(): number;
  /**
   * Runs `task` once after about `delayMs`.
   * @param keepsAlive whether the process stays alive until then; default true
   * @returns cancels the task
   */
  after(delayMs: number, task: () => void, keepsAlive?: boolean): () => void;
  /** Runs `task` once after the event loop has looked at its sockets and timers. */
  afterEvents(task: () => void): void;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, task, keepsAlive = true) {
    const timer = setTimeout(task, delayMs);
    if (!keepsAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  afterEvents(task) {
    setImmediate(task);
  },
};
