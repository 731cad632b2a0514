/**
 * JSON as Go's encoder writes it, which tools compare and parse:
 * - `<`, `>`, `&` and the line separators of JavaScript are escaped, two spaces per level, no newline at the end
 * - times are RFC 3339 with as many digits as needed; durations are nanoseconds, or Go's text (`1.5s`), or an uptime (`1d2h3m4s`)
 */
const ESCAPES: Record<string, string> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029" };

/** @param indent spaces per level; 0: one line */
export function goJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(/[<>&\u2028\u2029]/g, character => ESCAPES[character]); // they occur in strings only
}

/** @param ms wall clock */
export function goTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0*Z$/, "Z");
}

/** `1y2d3h4m5s`, without leading units that are zero. */
export function uptimeText(ms: number): string {
  const seconds = Math.max(0, Math.trunc(ms / 1000));
  const minutes = Math.trunc(seconds / 60);
  const hours = Math.trunc(minutes / 60);
  const days = Math.trunc(hours / 24);
  const years = Math.trunc(days / 365);
  const parts = [`${years}y`, `${days % 365}d`, `${hours % 24}h`, `${minutes % 60}m`, `${seconds % 60}s`];
  if (years === 0) parts[1] = `${days}d`;
  const first = years > 0 ? 0 : days > 0 ? 1 : hours > 0 ? 2 : minutes > 0 ? 3 : 4;
  return parts.slice(first).join("");
}

/** `time.Duration.String`: `0s`, `412µs`, `1.25ms`, `1m2.5s`. */
export function goDuration(nanoseconds: number): string {
  const ns = Math.round(nanoseconds);
  if (ns === 0) return "0s";
  if (ns < 0) return `-${goDuration(-ns)}`;
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${fraction(ns, 3)}µs`;
  if (ns < 1e9) return `${fraction(ns, 6)}ms`;
  const minutes = Math.trunc(ns / 60e9);
  const seconds = `${fraction(ns - minutes * 60e9, 9)}s`;
  if (minutes === 0) return seconds;
  const hours = Math.trunc(minutes / 60);
  return hours === 0 ? `${minutes}m${seconds}` : `${hours}h${minutes % 60}m${seconds}`;
}

/** A decimal fraction, exactly: `value / 10^digits` without trailing zeros. */
function fraction(value: number, digits: number): string {
  const text = String(value).padStart(digits + 1, "0");
  const rest = text.slice(-digits).replace(/0+$/, "");
  const whole = text.slice(0, -digits);
  return rest === "" ? whole : `${whole}.${rest}`;
}
