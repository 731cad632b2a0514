/** Severity of log lines. */

/** The reference's labels. */
export type Level = "INF" | "DBG" | "WRN" | "ERR" | "FTL" | "TRC";

/** Values of `log_level_override`, quietest first; each level includes the previous ones. */
export const LEVEL_NAMES = ["error", "warn", "info", "debug", "trace"] as const;
export type LevelName = (typeof LEVEL_NAMES)[number];

/** Subsystems whose level can be set separately. */
export const SUBSYSTEMS = ["server", "client", "websocket", "monitor"] as const;
export type Subsystem = (typeof SUBSYSTEMS)[number];

const RANK: Record<Level, number> = { FTL: 0, ERR: 0, WRN: 1, INF: 2, DBG: 3, TRC: 4 };

/** Decides which lines are written. */
export class Threshold {
  readonly debug: boolean;
  readonly trace: boolean;
  private readonly rank: number;

  private constructor(rank: number, debug: boolean, trace: boolean) {
    this.rank = rank;
    this.debug = debug;
    this.trace = trace;
  }

  /** Levels from the switches `debug` and `trace`, which are independent. */
  static ofSwitches(debug: boolean, trace: boolean): Threshold {
    return new Threshold(RANK.INF, debug, trace);
  }

  static ofName(name: LevelName): Threshold {
    const rank = LEVEL_NAMES.indexOf(name);
    return new Threshold(rank, rank >= RANK.DBG, rank >= RANK.TRC);
  }

  shows(level: Level): boolean {
    return level === "DBG" ? this.debug : level === "TRC" ? this.trace : RANK[level] <= this.rank;
  }
}
