/** How much a line matters. */

/** As the reference labels lines. */
export type Level = "INF" | "DBG" | "WRN" | "ERR" | "FTL" | "TRC";

/** What `log_level_override` may say, from the quietest on; each shows what stands before it, too. */
export const LEVEL_NAMES = ["error", "warn", "info", "debug", "trace"] as const;
export type LevelName = (typeof LEVEL_NAMES)[number];

/** Parts of the server whose level can be set apart. */
export const SUBSYSTEMS = ["server", "client", "websocket", "monitor"] as const;
export type Subsystem = (typeof SUBSYSTEMS)[number];

const RANK: Record<Level, number> = { FTL: 0, ERR: 0, WRN: 1, INF: 2, DBG: 3, TRC: 4 };

/** Which lines are shown. */
export class Threshold {
  readonly debug: boolean;
  readonly trace: boolean;
  private readonly rank: number;

  private constructor(rank: number, debug: boolean, trace: boolean) {
    this.rank = rank;
    this.debug = debug;
    this.trace = trace;
  }

  /** As the switches `debug` and `trace` say, each for itself. */
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
