/**
 * Formats log lines as JSON, one object per line, for log collectors:
 *
 *   {"time":"2026-11-24T14:22:02.815756Z","level":"info","pid":4711,"subsystem":"server","msg":"Server is ready"}
 */

import type { Level, Subsystem } from "./level.ts";
import type { LineFormat } from "./log-sink.ts";

const NAMES: Record<Level, string> = { INF: "info", DBG: "debug", WRN: "warn", ERR: "error", FTL: "fatal", TRC: "trace" };

export class JsonLine implements LineFormat {
  private readonly pid: number;
  private readonly time: boolean;

  constructor(pid: number, time: boolean) {
    this.pid = pid;
    this.time = time;
  }

  text(level: Level, text: string, now: number, subsystem: Subsystem): string {
    const time = this.time ? `"time":"${microTime(now)}",` : "";
    return `{${time}"level":"${NAMES[level]}","pid":${this.pid},"subsystem":"${subsystem}","msg":${JSON.stringify(text.trimEnd())}}\n`;
  }
}

/** RFC 3339 in UTC with microseconds. */
function microTime(now: number): string {
  const micros = Math.floor((now - Math.floor(now)) * 1000);
  return `${new Date(now).toISOString().slice(0, -1)}${String(micros).padStart(3, "0")}Z`;
}
