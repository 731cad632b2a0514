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
