import type { Subsystem } from "./level.ts";

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

/** What a log is made of: the options of core §9.4. */
export interface LogOptions {
  readonly debug: boolean;
  readonly trace: boolean;
  readonly logTime: boolean;
  readonly logTimeUtc: boolean;
  readonly logFile: string | null;
  /** Bytes; 0: no limit. */
  readonly logSizeLimit: number;
  /** The current one included; 0: all. */
  readonly logFilesMax: number;
  readonly syslog: boolean;
  readonly remoteSyslog: string | null;
  readonly logFormat: "text" | "json";
  readonly logLevelOverrides: Readonly<Record<string, string>>;
}

/** A log that follows the options, which reload may change. A log that a program hands in need not. */
export interface ConfigurableLogger extends Logger {
  /**
   * Opens what the options name, and changes nothing yet.
   * @returns what goes over to it, and may not fail
   * @throws with the reference's text when it cannot be opened
   */
  prepare(options: LogOptions): () => void;
  /** USR1: the file is opened anew, as somebody moved it away. */
  reopen(): void;
  /** The same log as a part of the server writes it: with a level of its own, if the options give it one. */
  of(subsystem: Subsystem): Logger;
}

/** The log as a part of the server writes it. */
export function logOf(log: Logger, subsystem: Subsystem): Logger {
  return isConfigurable(log) ? log.of(subsystem) : log;
}

export function isConfigurable(log: Logger): log is ConfigurableLogger {
  return "prepare" in log;
}
