/** Durations as Go prints them. */

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
