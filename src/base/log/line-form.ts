import type { Level, Subsystem } from "./level.ts";

/** Formats log lines. */
export interface LineForm {
  /**
   * @param now wall clock, ms with fractions
   * @returns the line including its end
   */
  text(level: Level, text: string, now: number, subsystem: Subsystem): string;
}
