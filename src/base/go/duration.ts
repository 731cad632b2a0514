/** Durations as Go prints and reads them. */
import { INT64_MAX, quoted } from "./strconv.ts";

/** `time.Duration.String`: `0s`, `412µs`, `1.25ms`, `1m2.5s`. */
export function goDuration(nanoseconds: number | bigint): string {
  const ns = typeof nanoseconds === "bigint" ? nanoseconds : BigInt(Math.round(nanoseconds));
  if (ns === 0n) return "0s";
  if (ns < 0n) return `-${goDuration(-ns)}`;
  if (ns < 1_000n) return `${ns}ns`;
  if (ns < 1_000_000n) return `${fraction(ns, 3)}µs`;
  if (ns < 1_000_000_000n) return `${fraction(ns, 6)}ms`;
  const minutes = ns / NANOSECONDS.m;
  const seconds = `${fraction(ns % NANOSECONDS.m, 9)}s`;
  if (minutes === 0n) return seconds;
  const hours = minutes / 60n;
  return hours === 0n ? `${minutes}m${seconds}` : `${hours}h${minutes % 60n}m${seconds}`;
}

/** A decimal fraction, exactly: `value / 10^digits` without trailing zeros. */
function fraction(value: bigint, digits: number): string {
  const text = String(value).padStart(digits + 1, "0");
  const rest = text.slice(-digits).replace(/0+$/, "");
  const whole = text.slice(0, -digits);
  return rest === "" ? whole : `${whole}.${rest}`;
}

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n, // U+00B5, the micro sign
  μs: 1_000n, // U+03BC, the Greek letter
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/**
 * `time.ParseDuration`: `1h30m`, `1.5s`, `-10ms`, `0`.
 * @returns nanoseconds, or the error's text
 */
export function parseGoDuration(text: string): bigint | string {
  const invalid = `time: invalid duration ${quoted(text)}`;
  const sign = /^[+-]/.test(text) ? text[0] : "";
  let rest = text.slice(sign!.length);
  if (rest === "0") return 0n;
  if (rest === "") return invalid;
  let sum = 0n;
  while (rest !== "") {
    const [number, whole, fraction = ""] = /^(\d*)(?:\.(\d*))?/.exec(rest)!;
    if (whole === "" && fraction === "") return invalid;
    rest = rest.slice(number.length);
    const [unit] = /^[^.\d]*/.exec(rest)!;
    if (unit === "") return `time: missing unit in duration ${quoted(text)}`;
    const scale = Object.hasOwn(NANOSECONDS, unit) ? NANOSECONDS[unit]! : undefined;
    if (scale === undefined) return `time: unknown unit ${quoted(unit)} in duration ${quoted(text)}`;
    sum += BigInt(whole || "0") * scale;
    if (fraction !== "") sum += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
    if (sum > INT64_MAX) return invalid; // Go accepts the most negative value, 292 years; it is refused here
    rest = rest.slice(unit.length);
  }
  return sign === "-" ? -sum : sum;
}
