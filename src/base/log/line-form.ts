import type { Level, Subsystem } from "./level.ts";

/** How a line is written down. */
export interface LineForm {
  /**
   * @param now wall clock, ms with fractions
   * @returns the line, its end included
   */
  text(level: Level, text: string, now: number, subsystem: Subsystem): string;
}
