/** Time as the server sees it. Handed in, so that a simulation can bring its own. */
export interface Clock {
  /** Wall clock, ms since 1970. */
  now(): number;
  /** Monotonic, ms with fractions; only differences mean anything. */
  monotonic(): number;
  /** Runs `task` once after about `delayMs`. Returns what cancels it. */
  after(delayMs: number, task: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
