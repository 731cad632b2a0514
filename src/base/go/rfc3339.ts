/**
 * Times of nanoseconds since 1970 as text, as Go prints them: RFC 3339 in UTC, with as many digits of the fraction as needed. Nothing is allocated
 * by `writeTime`, because messages that are read directly carry their time as text.
 *
 *   1700000000 s + 120 ns ─▶ 2023-11-14T22:13:20.00000012Z
 * The 64-bit number is divided in base 2^16, so that every step is exact in a double.
 */
import { decode } from "../bytes/ascii.ts";
import type { Timestamp } from "./time.ts";

/** Longest text, bytes. */
export const TIME_BYTES_MAX = "2006-01-02T15:04:05.999999999Z".length;

/** Bytes of a text up to its seconds. */
const SECOND_BYTES = "2006-01-02T15:04:05".length;

const NANOS_PER_SECOND = 1_000_000_000;
const SECONDS_PER_DAY = 86_400;
const LIMB = 65_536;
const ZERO = 0x30;
const DASH = 0x2d;
const COLON = 0x3a;
const DAYS_PER_400_YEARS = 146_097;
const DAYS_FROM_YEAR_0_TO_1970 = 719_468; // year 0 begins on 1 March, so that a leap day is the last day of its year

/** Nanoseconds since the last whole second, 0 to 999,999,999. */
export function nanosecondsWithin(high: number, low: number): number {
  const top = high >> 16;
  let rest = top < 0 ? top + NANOS_PER_SECOND : top;
  rest = (rest * LIMB + (high & 0xffff)) % NANOS_PER_SECOND;
  rest = (rest * LIMB + (low >>> 16)) % NANOS_PER_SECOND;
  return (rest * LIMB + (low & 0xffff)) % NANOS_PER_SECOND;
}

/** Whole seconds since 1970, rounded down. */
export function secondsOf(high: number, low: number): number {
  return wholeSeconds(high, low, nanosecondsWithin(high, low));
}

function wholeSeconds(high: number, low: number, nanoseconds: number): number {
  // A multiple of 10^9 below 2^63 in a double is off by less than a thousandth of a second, so rounding is exact.
  return Math.round((high * LIMB * LIMB + low - nanoseconds) / NANOS_PER_SECOND);
}

export function timestampAt(high: number, low: number): Timestamp {
  return { seconds: secondsOf(high, low), nanoseconds: nanosecondsWithin(high, low), offsetMinutes: 0 };
}

/** Nanoseconds since 1970; may need more than 64 bits. */
export function nanosecondsSince1970({ seconds, nanoseconds }: Timestamp): bigint {
  return BigInt(seconds) * BigInt(NANOS_PER_SECOND) + BigInt(nanoseconds);
}

export function timeText(high: number, low: number): string {
  const bytes = Buffer.allocUnsafe(TIME_BYTES_MAX);
  return decode(bytes, 0, writeTime(bytes, 0, high, low));
}

/** @param target has `TIME_BYTES_MAX` bytes left @returns the offset after the text */
export function writeTime(target: Uint8Array, at: number, high: number, low: number): number {
  const nanoseconds = nanosecondsWithin(high, low);
  return writeRest(target, writeSecond(target, at, wholeSeconds(high, low, nanoseconds)), nanoseconds);
}

/** Writes times of which many have the same second, as messages that are stored one after the other: the text of a second is kept. */
export class TimeWriter {
  private readonly text = new Uint8Array(SECOND_BYTES);
  private second = Number.NaN;

  /** As `writeTime`. */
  write(target: Uint8Array, at: number, high: number, low: number): number {
    const nanoseconds = nanosecondsWithin(high, low);
    const second = wholeSeconds(high, low, nanoseconds);
    const { text } = this;
    if (second !== this.second) {
      this.second = second;
      writeSecond(text, 0, second);
    }
    for (let index = 0; index < SECOND_BYTES; index++) target[at + index] = text[index];
    return writeRest(target, at + SECOND_BYTES, nanoseconds);
  }
}

/** @param second since 1970 */
function writeSecond(target: Uint8Array, at: number, second: number): number {
  const days = Math.floor(second / SECONDS_PER_DAY);
  const ofDay = second - days * SECONDS_PER_DAY;
  let next = writeDate(target, at, days);
  target[next++] = 0x54; // T
  next = writeTwo(target, next, Math.floor(ofDay / 3_600));
  target[next++] = COLON;
  next = writeTwo(target, next, Math.floor(ofDay / 60) % 60);
  target[next++] = COLON;
  return writeTwo(target, next, ofDay % 60);
}

function writeRest(target: Uint8Array, at: number, nanoseconds: number): number {
  const next = writeFraction(target, at, nanoseconds);
  target[next] = 0x5a; // Z
  return next + 1;
}

/** @param days since 1970 */
function writeDate(target: Uint8Array, at: number, days: number): number {
  const since = days + DAYS_FROM_YEAR_0_TO_1970;
  const period = Math.floor(since / DAYS_PER_400_YEARS);
  const day = since - period * DAYS_PER_400_YEARS;
  const yearInPeriod = Math.floor((day - Math.floor(day / 1_460) + Math.floor(day / 36_524) - Math.floor(day / 146_096)) / 365);
  const dayOfYear = day - (365 * yearInPeriod + Math.floor(yearInPeriod / 4) - Math.floor(yearInPeriod / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153); // 0 is March
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearInPeriod + period * 400 + (month <= 2 ? 1 : 0);
  let next = writeTwo(target, at, Math.floor(year / 100));
  next = writeTwo(target, next, year % 100);
  target[next++] = DASH;
  next = writeTwo(target, next, month);
  target[next++] = DASH;
  return writeTwo(target, next, dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1);
}

function writeTwo(target: Uint8Array, at: number, value: number): number {
  target[at] = ZERO + Math.floor(value / 10);
  target[at + 1] = ZERO + (value % 10);
  return at + 2;
}

function writeFraction(target: Uint8Array, at: number, nanos: number): number {
  if (nanos === 0) return at;
  target[at] = 0x2e; // .
  let rest = nanos;
  let last = 0;
  for (let digit = 9; digit >= 1; digit--) {
    const quotient = (rest / 10) | 0;
    const value = rest - quotient * 10;
    if (value !== 0 && last === 0) last = digit;
    target[at + digit] = ZERO + value;
    rest = quotient;
  }
  return at + last + 1;
}
