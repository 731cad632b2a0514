/**
 * What the rooms need of a log. Text is built only where the level is on: hot paths ask `traceEnabled` first.
 */
export interface Logger {
  readonly debugEnabled: boolean;
  readonly traceEnabled: boolean;
  notice(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  fatal(text: string): void;
  debug(text: string): void;
  trace(text: string): void;
  /** Like warn, but the same text at most once a second. */
  warnRateLimited(text: string): void;
}
