/** How long a condition may take to come true before a test gives up on it: generous, for a busy machine; less than a test has. */
const PATIENCE_MS = 60_000;

/**
 * Waits until a condition is true, for as long as the event loop has to turn for it.
 * @throws with `what()` when it does not become true
 */
export async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timeout: ${what()}`);
    await Bun.sleep(1); // the poll interval of the condition; the loop turns meanwhile
  }
}
