import type { Logger } from "./logger.ts";
import { printable } from "./printable.ts";

/**
 * The log of an embedding program, made safe to call in the middle of a delivery: an error that it throws is thrown again in a microtask,
 * where it is the program's own uncaught error and leaves the server in order. Its texts have no control characters.
 */
export function guardedLog(log: Logger): Logger {
  const guarded =
    (write: (text: string) => void) =>
    (text: string): void => {
      try {
        write(printable(text));
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    };
  return {
    get debugEnabled() {
      return log.debugEnabled;
    },
    get traceEnabled() {
      return log.traceEnabled;
    },
    notice: guarded(text => log.notice(text)),
    warn: guarded(text => log.warn(text)),
    error: guarded(text => log.error(text)),
    fatal: guarded(text => log.fatal(text)),
    debug: guarded(text => log.debug(text)),
    trace: guarded(text => log.trace(text)),
    warnRateLimited: guarded(text => log.warnRateLimited(text)),
  };
}
