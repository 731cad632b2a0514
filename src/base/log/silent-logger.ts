import type { Logger } from "./logger.ts";

/** The library's log unless the program asks for another one: nothing is printed. */
export const SILENT: Logger = {
  debugEnabled: false,
  traceEnabled: false,
  notice() {},
  warn() {},
  error() {},
  fatal() {},
  debug() {},
  trace() {},
  warnRateLimited() {},
};
