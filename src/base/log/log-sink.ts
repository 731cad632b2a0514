/** Interfaces of the log: a format turns a line into text, a sink is a destination of lines. */
import type { Level, Subsystem } from "./level.ts";

/** Formats log lines. */
export interface LineFormat {
  /**
   * @param now wall clock, ms with fractions
   * @returns the line including its end
   */
  text(level: Level, text: string, now: number, subsystem: Subsystem): string;
}

/** A destination of lines: standard error, a file, a syslog. Its queue is bounded, and it never makes the caller wait for a disk or a peer. */
export interface LogSink {
  /** @param now wall clock, ms with fractions */
  add(level: Level, text: string, now: number, subsystem: Subsystem): void;
  /** Writes waiting lines synchronously as far as possible, because the process is about to end. */
  flush(): void;
  /** Accepts no more lines; waiting ones are still written. */
  close(): void;
}
