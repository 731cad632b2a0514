import type { Level, Subsystem } from "./level.ts";

/** Where lines end up: standard error, a file, a syslog. It bounds what waits in it, and never makes the caller wait for a disk or a peer. */
export interface LogSink {
  /** @param now wall clock, ms with fractions */
  add(level: Level, text: string, now: number, subsystem: Subsystem): void;
  /** Writes what waits before it returns, as far as that is possible: the process is about to end. */
  flush(): void;
  /** Nothing is added any more; what waits is still written. */
  close(): void;
}
