/** Time that a condition may take to become true: generous, for a busy machine, and less than the time limit of a test. */
const LIMIT_MS = 60_000;

/**
 * Waits until a condition is true.
 * @throws with `what()` when it does not become true
 */
export async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timeout: ${what()}`);
    await Bun.sleep(1); // the poll interval of the condition; the loop turns meanwhile
  }
}
