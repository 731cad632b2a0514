/**
 * Rotated log files: their names, and the removal of old ones.
 *
 *   nats.log                                the current one
 *   nats.log.2026.11.24.14.22.02.815756001  rotated at that time; names sort by time
 */

import { readdirSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { quoted } from "../go/strconv.ts";

const STAMP = /^\d{4}\.\d{2}\.\d{2}\.\d{2}\.\d{2}\.\d{2}\.\d{9}$/;

/** @param now wall clock, ms with fractions @param nanos makes names within one microsecond unique, 0 to 999 */
export function backupPath(path: string, now: number, nanos: number): string {
  const date = new Date(now);
  const two = (value: number) => String(value).padStart(2, "0");
  const micros = Math.floor((now % 1_000) * 1_000);
  const fraction = String(micros * 1_000 + nanos).padStart(9, "0");
  const day = `${String(date.getFullYear()).padStart(4, "0")}.${two(date.getMonth() + 1)}.${two(date.getDate())}`;
  return `${path}.${day}.${two(date.getHours())}.${two(date.getMinutes())}.${two(date.getSeconds())}.${fraction}`;
}

/**
 * Removes the oldest backups of a log file.
 * @param most number of files to keep, including the current one
 * @param report called with a log line for each removed file
 */
export function purgeBackups(path: string, most: number, report: (level: "INF" | "ERR", text: string) => void): void {
  const name = basename(path);
  const directory = dirname(path);
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    return report(
      "ERR",
      `Unable to read directory ${quoted(directory)} for log purge (${(error as Error).message}), will attempt next rotation`,
    );
  }
  const backups = names.filter(entry => entry.startsWith(`${name}.`) && STAMP.test(entry.slice(name.length + 1))).sort();
  for (const backup of backups.slice(0, Math.max(0, backups.length - (most - 1)))) {
    try {
      unlinkSync(join(directory, backup));
    } catch (error) {
      return report("ERR", `Unable to remove backup log file ${quoted(backup)} (${(error as Error).message}), will attempt next rotation`);
    }
    report("INF", `Purged log file ${quoted(backup)}`);
  }
}
