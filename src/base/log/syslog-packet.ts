/**
 * Formats one syslog message like Go's log/syslog:
 *
 *   <29>Nov 24 14:22:02 nats-server[4711]: Server is ready                      to the local daemon
 *   <5>2026-11-24T14:22:02+01:00 host nats-server[4711]: Server is ready        to a remote daemon
 * The number is facility × 8 + severity. Facility: daemon locally and kern (0) remotely, as in the reference.
 */

import type { Level } from "./level.ts";
import { printable, printableList } from "./printable.ts";

const DAEMON = 3 << 3;
const SEVERITY: Record<Level, number> = { FTL: 2, ERR: 3, WRN: 4, INF: 5, TRC: 5, DBG: 7 };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export interface SyslogSender {
  /** Name of the program. */
  readonly tag: string;
  readonly pid: number;
  /** Host name of this machine; null for messages to the local daemon. */
  readonly host: string | null;
}

/** @param now wall clock, ms */
export function syslogPacket({ tag, pid, host }: SyslogSender, level: Level, given: string, now: number): string {
  const date = new Date(now);
  const text = level === "FTL" ? printableList(given) : printable(given);
  const line = text.endsWith("\n") ? text : `${text}\n`;
  if (host === null) return `<${DAEMON | SEVERITY[level]}>${stamp(date)} ${tag}[${pid}]: ${line}`;
  return `<${SEVERITY[level]}>${localTime(date)} ${host} ${tag}[${pid}]: ${line}`;
}

/** `Nov  4 14:22:02` */
function stamp(date: Date): string {
  return `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2, " ")} ${clock(date)}`;
}

/** RFC 3339 in seconds, with the local offset. */
function localTime(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const zone = offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${two(Math.trunc(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${clock(date)}${zone}`;
}

function clock(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
