/**
 * Assertions: conditions that always hold in a correct program. A broken assertion is a bug in this program, never a mistake of a peer or
 * an operator. The state in memory can then no longer be trusted, so the process stops instead of writing or delivering wrong data.
 * Assertions are active in production.
 *
 *   assert(pending >= 0, "bytes pending are not negative", pending);      →  Assertion broken: bytes pending are not negative: -5
 *   unreachable("every row of the table is known", row);
 * The text and the stack go to standard error, and the process exits at once with `ASSERTION_STATUS`.
 *
 * The same happens in a program that uses the server as a library, because only an exit keeps a wrong state off the disk. A program that
 * wants to decide itself listens: `process.on("bunatsAssertion", (error: AssertionBroken) => …)`. Then the listener is called, and the error
 * is thrown instead of exiting; the listener should stop the server. Tests observe broken assertions this way (test/doubles/broken-assertion.ts).
 */
import { writeSync } from "node:fs";

/** Exit status after a broken assertion (EX_SOFTWARE of sysexits.h). */
export const ASSERTION_STATUS = 70;
/** Event of `process` that a program may listen to; its argument is an `AssertionBroken`. */
export const ASSERTION_EVENT = "bunatsAssertion";

const STDERR = 2;

export class AssertionBroken extends Error {
  override name = "AssertionBroken";
}

/**
 * Stops the process unless the condition holds.
 * @param what the condition that must hold, as a sentence
 * @param first value for the error text, like `second`; evaluated on every call, so it must be a cheap expression
 */
export function assert(condition: boolean, what: string, first?: unknown, second?: unknown): asserts condition {
  if (!condition) stop(what, first, second);
}

/** Marks a place that the program must never reach: always stops. */
export function unreachable(what: string, first?: unknown, second?: unknown): never {
  stop(what, first, second);
}

function stop(what: string, first: unknown, second: unknown): never {
  const values = [first, second]
    .filter(value => value !== undefined)
    .map(value => (typeof value === "string" ? JSON.stringify(value) : String(value)));
  const error = new AssertionBroken(`Assertion broken: ${what}${values.length === 0 ? "" : `: ${values.join(", ")}`}`);
  if (process.listenerCount(ASSERTION_EVENT) === 0) {
    writeSync(STDERR, `${error.message}\n${error.stack ?? ""}\n`);
    process.exit(ASSERTION_STATUS);
  }
  (process as NodeJS.EventEmitter).emit(ASSERTION_EVENT, error);
  throw error;
}
