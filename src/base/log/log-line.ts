/**
 * Formats log lines as the reference does:
 *
 *   [4711] 2026/11/24 14:22:02.815756 [INF] Server is ready
 *   pid    local time or UTC, µs      label, coloured on a terminal
 * The text up to the second is cached, so a line costs a few string joins and no Date. Source: core §9.4.
 */

import type { Level } from "./level.ts";
import type { LineFormat } from "./log-sink.ts";
import { printable, printableList } from "./printable.ts";

/** SGR colour codes of terminals. */
const COLORS: Record<Level, string> = { INF: "32", DBG: "36", WRN: "0;93", ERR: "31", FTL: "31", TRC: "33" };

export interface LineStyle {
  readonly pid: number;
  readonly time: boolean;
  readonly utc: boolean;
  readonly colors: boolean;
}

export class LogLine implements LineFormat {
  private readonly style: LineStyle;
  private readonly prefix: string;
  private readonly labels: Record<Level, string>;
  /** The second for which `secondText` is cached. */
  private second = Number.NaN;
  private secondText = "";

  constructor(style: LineStyle) {
    this.style = style;
    this.prefix = `[${style.pid}] `;
    const label = (level: Level) => (style.colors ? `[\x1b[${COLORS[level]}m${level}\x1b[0m] ` : `[${level}] `);
    const levels = Object.keys(COLORS) as Level[];
    this.labels = Object.fromEntries(levels.map(level => [level, label(level)])) as Record<Level, string>;
  }

  /** @param now wall clock, ms with fractions; ignored when lines have no time */
  text(level: Level, given: string, now: number): string {
    const text = level === "FTL" ? printableList(given) : printable(given);
    const end = text.endsWith("\n") ? "" : "\n"; // lists of configuration errors end their lines themselves
    if (!this.style.time) return `${this.prefix}${this.labels[level]}${text}${end}`;
    const second = Math.floor(now / 1000);
    if (second !== this.second) {
      this.second = second;
      this.secondText = secondText(new Date(second * 1000), this.style.utc);
    }
    const micros = Math.min(999_999, Math.floor((now - second * 1000) * 1000));
    return `${this.prefix}${this.secondText}.${String(micros).padStart(6, "0")} ${this.labels[level]}${text}${end}`;
  }
}

/** `2026/11/24 14:22:02` */
export function secondText(date: Date, utc: boolean): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const [year, month, day, hour, minute, second] = utc
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${String(year).padStart(4, "0")}/${two(month + 1)}/${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`;
}
