/**
 * `times` of a user: the hours of the day in which the user may be connected, in the time zone `times_location` or the server's own.
 *
 *   09:00:00 - 17:00:00   at 13:00: allowed, until 17:00
 *   22:00:00 - 06:00:00   over midnight: at 23:30 until 06:00 of the next day, at 05:00 until 06:00
 * Of several matching ranges the one that ends last applies. Both ends are exclusive.
 * Source: server/jwt.go, validateTimesAt; time.Date, time.LoadLocation (behaviour).
 */
import type { TimeRange } from "./claims.ts";

export interface Allowance {
  readonly allowed: boolean;
  /** When it ends, wall clock in ms; null: never, or not allowed. */
  readonly endsAtMs: number | null;
}

const ALWAYS: Allowance = { allowed: true, endsAtMs: null };
const NOT_NOW: Allowance = { allowed: false, endsAtMs: null };
const DAY_MS = 86_400_000;

/** @param location IANA name; empty: the server's time zone */
export function connectTimes(times: readonly TimeRange[], location: string, nowMs: number): Allowance {
  if (times.length === 0) return ALWAYS;
  if (location !== "" && zoneFault(location) !== null) return NOT_NOW;
  const zone = new Zone(location);
  let endsAtMs: number | null = null;
  for (const { start, end } of times) {
    const startClock = clockOf(start);
    const endClock = clockOf(end);
    if (startClock === null || endClock === null) return NOT_NOW;
    const until = rangeEnd(zone, startClock, endClock, nowMs);
    if (until !== null && (endsAtMs === null || until > endsAtMs)) endsAtMs = until;
  }
  return endsAtMs === null ? NOT_NOW : { allowed: true, endsAtMs };
}

/** When the range that `nowMs` is in ends; null when it is in none. */
function rangeEnd(zone: Zone, startClock: number, endClock: number, nowMs: number): number | null {
  const local = zone.wallOf(nowMs);
  const midnight = local - modulo(local, DAY_MS);
  const start = zone.instantOf(midnight + startClock);
  const end = zone.instantOf(midnight + endClock);
  if (start < nowMs && nowMs < end) return end;
  if (start <= end) return null;
  if (nowMs < end) return end;
  const tomorrow = zone.instantOf(zone.wallOf(end) + DAY_MS);
  return start < nowMs && nowMs < tomorrow ? tomorrow : null;
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

const CLOCK = /^(\d{1,2}):(\d{2}):(\d{2})(?:[.,]\d+)?$/;

/** Milliseconds after midnight; null when the text is not a time of day. A fraction of a second is ignored. */
export function clockOf(text: string): number | null {
  const match = CLOCK.exec(text);
  if (match === null) return null;
  const [hours, minutes, seconds] = match.slice(1).map(Number);
  return hours < 24 && minutes < 60 && seconds < 60 ? ((hours * 60 + minutes) * 60 + seconds) * 1000 : null;
}

/** Go's error text for an unknown time zone; null: it is known. Names are case-sensitive as far as the runtime's are. */
export function zoneFault(name: string): string | null {
  if (name === "UTC" || name === "Local") return null;
  if (name.includes("..") || name.startsWith("/") || name.startsWith("\\")) return "time: invalid location name";
  const unknown = `unknown time zone ${name}`;
  if (!/^[A-Za-z]/.test(name)) return unknown; // no `+02:00`
  try {
    const known = new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone;
    return known !== name && known.toLowerCase() === name.toLowerCase() ? unknown : null;
  } catch {
    return unknown;
  }
}

/** The clock of a time zone. A wall time is the time its clocks show, in ms, computed as if it were UTC. */
class Zone {
  private readonly format: Intl.DateTimeFormat;

  constructor(location: string) {
    const timeZone = location === "" || location === "Local" ? undefined : location;
    this.format = new Intl.DateTimeFormat("en-US", {
      ...(timeZone === undefined ? {} : { timeZone }),
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  wallOf(instantMs: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.format.formatToParts(instantMs)) parts[type] = Number(value);
    const { year, month, day, hour, minute, second } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) + modulo(instantMs, 1000);
  }

  /** When clocks change, a wall time may not exist or exist twice; the result is the one that Go chooses. */
  instantOf(wallMs: number): number {
    const offset = this.wallOf(wallMs) - wallMs;
    if (offset === 0) return wallMs;
    const instant = wallMs - offset;
    return wallMs - (this.wallOf(instant) - instant);
  }
}
