import type { Logger } from "./logger.ts";

/** The library's default log: prints nothing. */
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
