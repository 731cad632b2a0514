/**
 * Times as Go prints and reads them: RFC 3339, with as many digits of the fraction as needed.
 * Source: time.Time.MarshalJSON, UnmarshalJSON (behaviour).
 */
import { quoted } from "./strconv.ts";

/** In UTC. @param ms wall clock; fractions are dropped */
export function goTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0*Z$/, "Z");
}

/** A time to the nanosecond, and the zone that it was written in. */
export interface Timestamp {
  /** Since 1970, UTC; negative before. */
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
  /** East of UTC. */
  readonly offsetMinutes: number;
}

/** Go's zero: the first second of the year 1. */
export const ZERO_TIME: Timestamp = { seconds: -62_135_596_800, nanoseconds: 0, offsetMinutes: 0 };

/** `2026-01-02T03:04:05.000000006+02:00` */
export function timestampText({ seconds, nanoseconds, offsetMinutes }: Timestamp): string {
  const local = new Date((seconds + offsetMinutes * 60) * 1000).toISOString().slice(0, "2026-01-02T03:04:05".length);
  const fraction = nanoseconds === 0 ? "" : `.${String(nanoseconds).padStart(9, "0").replace(/0+$/, "")}`;
  if (offsetMinutes === 0) return `${local}${fraction}Z`;
  const size = Math.abs(offsetMinutes);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${local}${fraction}${offsetMinutes < 0 ? "-" : "+"}${two(Math.trunc(size / 60))}:${two(size % 60)}`;
}

const LAYOUT = "2006-01-02T15:04:05Z07:00";

/** Parts of the layout in their order: Go's name, pattern, and the name and limits of the range. */
const PARTS: readonly {
  readonly layout: string;
  readonly pattern: RegExp;
  readonly range?: readonly [name: string, least: number, most: number];
}[] = [
  { layout: "2006", pattern: /^\d{4}/ },
  { layout: "-", pattern: /^-/ },
  { layout: "01", pattern: /^\d{2}/, range: ["month", 1, 12] },
  { layout: "-", pattern: /^-/ },
  { layout: "02", pattern: /^\d{2}/, range: ["day", 0, 31] },
  { layout: "T", pattern: /^T/ },
  { layout: "15", pattern: /^\d{1,2}/, range: ["hour", 0, 23] },
  { layout: ":", pattern: /^:/ },
  { layout: "04", pattern: /^\d{2}/, range: ["minute", 0, 59] },
  { layout: ":", pattern: /^:/ },
  { layout: "05", pattern: /^\d{2}(?:[.,]\d+)?/, range: ["second", 0, 59] },
];
const ZONE = /^(?:Z|([+-])(\d{2}):(\d{2}))/;

/** As lenient as Go: accepts an hour of one digit and a comma before the fraction. @returns the time, or Go's error text */
export function parseTimestamp(text: string): Timestamp | string {
  const failed = (detail: string) => `parsing time ${quoted(text)}${detail}`;
  const missing = (layout: string, rest: string) => failed(` as ${quoted(LAYOUT)}: cannot parse ${quoted(rest)} as ${quoted(layout)}`);
  const fields: string[] = [];
  let rest = text;
  for (const { layout, pattern, range } of PARTS) {
    const found = pattern.exec(rest)?.[0];
    if (found === undefined) return missing(layout, rest);
    if (range !== undefined && (Number(found) < range[1] || Math.trunc(Number(found)) > range[2]))
      return failed(`: ${range[0]} out of range`);
    rest = rest.slice(found.length);
    if (/\d/.test(found)) fields.push(found);
  }
  const zone = ZONE.exec(rest);
  if (zone === null) return missing("Z07:00", rest);
  const behind = rest.slice(zone[0].length);
  if (behind !== "") return failed(`: extra text: ${quoted(behind)}`);
  const [year, month, day, hour, minute] = fields.map(Number);
  if (day < 1 || day > daysIn(year, month)) return failed(": day out of range");
  const [, sign = "+", hours = "0", minutes = "0"] = zone;
  if (Number(hours) > 24) return failed(": time zone offset hour out of range");
  if (Number(minutes) > 60) return failed(": time zone offset minute out of range");
  const offsetMinutes = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) + 0;
  const [second, fraction = ""] = fields[5].split(/[.,]/);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, Number(second));
  return {
    seconds: date.getTime() / 1000 - offsetMinutes * 60,
    nanoseconds: Number(fraction.slice(0, 9).padEnd(9, "0")),
    offsetMinutes,
  };
}

function daysIn(year: number, month: number): number {
  const last = new Date(0);
  last.setUTCFullYear(year, month, 0);
  return last.getUTCDate();
}
