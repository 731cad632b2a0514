/**
 * Points in time as nanoseconds since 1970. A double cannot hold them exactly, so they are two numbers everywhere: `high`, the signed upper 32 bits
 * of the 64-bit number, and `low`, the unsigned lower ones. Times of messages, files and the JetStream API have this form.
 */
import type { Clock } from "./clock.ts";

const TWO_32 = 2 ** 32;
const NANOS_PER_MS = 1_000_000;

/** A point in time that is written in place, so that reading the clock allocates nothing. */
export class Nanoseconds {
  high = 0;
  low = 0;

  set(high: number, low: number): this {
    this.high = high | 0;
    this.low = low >>> 0;
    return this;
  }

  /** @param milliseconds since 1970, a whole number up to 2^53 / 10^6 × 10^6; may be negative */
  setMilliseconds(milliseconds: number): this {
    // Exact: both products are below 2^53.
    const highPart = Math.floor(milliseconds / TWO_32);
    const lowPart = milliseconds - highPart * TWO_32;
    const low = lowPart * NANOS_PER_MS;
    const carry = Math.floor(low / TWO_32);
    return this.set(highPart * NANOS_PER_MS + carry, low - carry * TWO_32);
  }

  setBigInt(value: bigint): this {
    return this.set(Number(BigInt.asIntN(32, value >> 32n)), Number(value & 0xffff_ffffn));
  }

  toBigInt(): bigint {
    return nanosecondsOf(this.high, this.low);
  }
}

export function nanosecondsOf(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/** @returns milliseconds since 1970, with a fraction; exact to about a microsecond */
export function millisecondsOf(high: number, low: number): number {
  return (high * TWO_32 + low) / NANOS_PER_MS;
}

/** Negative: a is earlier; positive: a is later. */
export function compareTimes(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  return aHigh !== bHigh ? aHigh - bHigh : aLow - bLow;
}

/** Reads the wall clock with microseconds, as far as the clock has them, and never goes back. */
export class NanosecondClock {
  private readonly now = new Nanoseconds();
  private readonly last = new Nanoseconds();
  private readonly clock: Clock;
  private readonly offsetMs: number;

  constructor(clock: Clock) {
    this.clock = clock;
    this.offsetMs = clock.now() - clock.monotonic();
  }

  /** The current time; later than that of every earlier call, or equal. Overwritten by the next call. */
  read(): Nanoseconds {
    const { clock, last, now } = this;
    const whole = clock.now();
    // The monotonic clock has the fraction of the millisecond; after a step of the wall clock it is meaningless, but harmless.
    const fine = clock.monotonic() + this.offsetMs;
    const nanos = Math.floor((fine - Math.floor(fine)) * NANOS_PER_MS);
    now.setMilliseconds(whole);
    const low = now.low + nanos;
    if (low >= TWO_32) now.set(now.high + 1, low - TWO_32);
    else now.low = low;
    if (compareTimes(now.high, now.low, last.high, last.low) < 0) now.set(last.high, last.low);
    else last.set(now.high, now.low);
    return now;
  }
}
