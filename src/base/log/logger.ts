import type { Subsystem } from "./level.ts";

/**
 * The log as used by all parts. Text is built only when the level is enabled: hot paths check `traceEnabled` first.
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
  /** Like `warn`, but the same text at most once per second. */
  warnRateLimited(text: string): void;
}

/** Options of the log: core §9.4. */
export interface LogOptions {
  readonly debug: boolean;
  readonly trace: boolean;
  readonly logTime: boolean;
  readonly logTimeUtc: boolean;
  readonly logFile: string | null;
  /** Size at which the file is rotated, bytes; 0: no limit. */
  readonly logSizeLimit: number;
  /** Files to keep, including the current one; 0: all. */
  readonly logFilesMax: number;
  readonly syslog: boolean;
  readonly remoteSyslog: string | null;
  readonly logFormat: "text" | "json";
  readonly logLevelOverrides: Readonly<Record<string, string>>;
}

/** A log that follows the options at a reload. A log given by the embedding program need not. */
export interface ConfigurableLogger extends Logger {
  /**
   * Opens the destination named by the options, without switching to it yet.
   * @returns a function that switches to it and cannot fail
   * @throws with the reference's text when the destination cannot be opened
   */
  prepare(options: LogOptions): () => void;
  /** SIGUSR1: opens the file again, because it was moved away. */
  reopen(): void;
  /** The log of one subsystem, with its own level if the options set one. */
  of(subsystem: Subsystem): Logger;
}

/** The log of one subsystem. */
export function logOf(log: Logger, subsystem: Subsystem): Logger {
  return isConfigurable(log) ? log.of(subsystem) : log;
}

export function isConfigurable(log: Logger): log is ConfigurableLogger {
  return "prepare" in log;
}
