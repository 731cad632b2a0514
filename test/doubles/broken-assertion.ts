/** Runs a part of a test that breaks an assertion; the test process continues. */
import { ASSERTION_EVENT, type AssertionBroken } from "../../src/base/assert/assert.ts";

/** @returns the text of the first assertion that `run` breaks; empty when it breaks none */
export function brokenAssertion(run: () => void): string {
  const texts: string[] = [];
  const listener = (error: AssertionBroken) => texts.push(error.message);
  const events = process as NodeJS.EventEmitter;
  events.on(ASSERTION_EVENT, listener);
  try {
    run();
  } catch (error) {
    if (texts.length === 0) throw error;
  } finally {
    events.removeListener(ASSERTION_EVENT, listener);
  }
  return texts[0] ?? "";
}
