/** Integers with a unit: `8k` is 8,000 and `8kb`, `8ki`, `8kib` are 8,192, up to `e`. They have 64 bits and overflow like Go's. */
import { INT64_MAX, INT64_MIN } from "../../base/go/strconv.ts";
import { LanguageError } from "./config-value.ts";

export const INVALID_NUMBER = Symbol("no number");

const UNITS = "kmgtpe";

/**
 * @returns undefined for an unknown unit
 * @throws LanguageError  the number does not fit in 64 bits, before its unit is applied
 */
export function integerOf(text: string): bigint | undefined | typeof INVALID_NUMBER {
  const [digits] = /^[-\p{Nd}]*/u.exec(text)!;
  if (!/^-?\d+$/.test(digits)) return INVALID_NUMBER;
  const value = BigInt(digits);
  if (value < INT64_MIN || value > INT64_MAX) throw new LanguageError(`integer '${text}' is out of the range`);
  const unit = text.slice(digits.length).toLowerCase();
  if (unit === "") return value;
  if (!/^[kmgtpe](b|i|ib)?$/.test(unit)) return undefined;
  const power = BigInt(UNITS.indexOf(unit[0]!) + 1);
  return BigInt.asIntN(64, value * (unit.length === 1 ? 1_000n : 1_024n) ** power);
}
