/** Time as the server sees it. Handed in, so that a simulation can bring its own: nothing else asks the runtime for the time. */
export interface Clock {
  /** Wall clock, ms since 1970. */
  now(): number;
  /** Monotonic, ms with fractions; only differences mean anything. */
  monotonic(): number;
  /**
   * Runs `task` once after about `delayMs`.
   * @param keepsAlive whether the process stays alive for it
   * @returns cancels it
   */
  after(delayMs: number, task: () => void, keepsAlive?: boolean): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, task, keepsAlive = true) {
    const timer = setTimeout(task, delayMs);
    if (!keepsAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};
