/**
 * Readers convert a value of the file into the value of an option. Each names its type for the reference page, and refuses other values
 * with the reference's text. For a single value of the wrong type that is the text of Go's failed type assertion.
 */

import { goDuration, parseGoDuration } from "../../../base/go/duration.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { type ConfigMap, type ConfigValue, goTypeOf } from "../../language/config-value.ts";
import { ConfigFault, type Problems } from "./problems.ts";

export interface ReadContext {
  readonly problems: Problems;
  /** The key, as it is written. */
  readonly key: string;
}

export interface Reader<T> {
  /** The type of the values, as the reference page shows it. */
  readonly type: string;
  /** @throws ConfigFault  the value is of another type or out of range */
  read(value: ConfigValue, context: ReadContext): T;
}

export function reader<T>(type: string, read: Reader<T>["read"]): Reader<T> {
  return { type, read };
}

/** The error for a value of the wrong type, with the text of Go's failed type assertion. */
export function notA(wanted: string, value: ConfigValue): ConfigFault {
  return new ConfigFault(`interface conversion: interface {} is ${goTypeOf(value.data)}, not ${wanted}`, value);
}

export function textIn(value: ConfigValue): string {
  const { data } = value;
  if (typeof data === "string") return data;
  throw notA("string", value);
}

export function booleanIn(value: ConfigValue): boolean {
  const { data } = value;
  if (typeof data === "boolean") return data;
  throw notA("bool", value);
}

export function integerIn(value: ConfigValue): bigint {
  const { data } = value;
  if (typeof data === "bigint") return data;
  throw notA("int64", value);
}

export function mapIn(value: ConfigValue): ConfigMap {
  const { data } = value;
  if (data instanceof Map) return data;
  throw notA("map[string]interface {}", value);
}

export function arrayIn(value: ConfigValue): readonly ConfigValue[] {
  const { data } = value;
  if (Array.isArray(data)) return data;
  throw notA("[]interface {}", value);
}

/** Values beyond 2^53 become the largest safe integer, which has the same effect as a limit. */
export function safeInteger(value: bigint): number {
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > most ? most : value < -most ? -most : value);
}

export const text: Reader<string> = reader("string", textIn);

/** Empty text leaves the option unset. */
export const textOrUnset: Reader<string | null> = reader("string", value => textIn(value) || null);

export const boolean: Reader<boolean> = reader("boolean", booleanIn);

/** For a field whose meaning is the opposite of our option's. */
export const negated: Reader<boolean> = reader("boolean", value => !booleanIn(value));

/**
 * Refuses negative values, with which the reference starts and then closes every client.
 * @param of reads the value
 */
export function notNegative(of: Reader<number>): Reader<number> {
  return reader(of.type, (value, context) => {
    const read = of.read(value, context);
    if (read < 0) throw new ConfigFault(`${context.key} value can not be negative`);
    return read;
  });
}

export const integer: Reader<number> = reader("integer", value => safeInteger(integerIn(value)));

/** A number of bytes, with an optional unit: `8kb`. */
export const size: Reader<number> = reader("size", value => safeInteger(integerIn(value)));

/** A size that fits in a signed 32-bit integer. */
export const size32: Reader<number> = reader("size", (value, { key }) => {
  const bytes = integerIn(value);
  if (bytes > 2n ** 31n - 1n) throw new ConfigFault(`${key} value is too big`);
  return safeInteger(bytes);
});

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

/** Durations are stored in whole milliseconds; shorter ones that are not 0 become 1. */
export function millisecondsOf(nanoseconds: bigint): number {
  if (nanoseconds > 0n && nanoseconds < NS_PER_MS) return 1;
  return safeInteger(nanoseconds / NS_PER_MS);
}

/** A duration, in milliseconds. A number without a unit means seconds and causes a warning. */
export const duration: Reader<number> = reader("duration", (value, { key, problems }) => {
  const name = key.toLowerCase();
  if (typeof value.data === "string") {
    const nanoseconds = parseGoDuration(value.data);
    if (typeof nanoseconds === "string") throw new ConfigFault(`error parsing ${name}: ${nanoseconds}`);
    return millisecondsOf(nanoseconds);
  }
  problems.warn(value, name, `${name} should be converted to a duration`);
  return millisecondsOf(integerIn(value) * NS_PER_SECOND);
});

/** A duration, in milliseconds. It must be text and at least `leastNs`. */
export function durationAtLeast(leastNs: bigint, refusal: (name: string, given: string) => string): Reader<number> {
  return reader("duration", (value, { key }) => {
    const nanoseconds = parseGoDuration(textIn(value));
    if (typeof nanoseconds === "string") throw new ConfigFault(`error parsing ${key.toLowerCase()}: ${nanoseconds}`);
    if (nanoseconds < leastNs) throw new ConfigFault(refusal(key.toLowerCase(), goDuration(Number(nanoseconds))));
    return millisecondsOf(nanoseconds);
  });
}

/**
 * A number of seconds, integer or fraction, or a duration. In milliseconds.
 * @param wrongType error text for any other type
 * @param invalid error text for text that is not a duration
 */
export function seconds(wrongType: string, invalid: (error: string) => string): Reader<number> {
  return reader("duration, or seconds", ({ data }) => {
    if (typeof data === "bigint") return safeInteger(data * 1_000n);
    if (typeof data === "number") return Math.min(Math.round(data * 1_000), Number.MAX_SAFE_INTEGER);
    if (typeof data !== "string") throw new ConfigFault(wrongType);
    const nanoseconds = parseGoDuration(data);
    if (typeof nanoseconds === "string") throw new ConfigFault(invalid(nanoseconds));
    return millisecondsOf(nanoseconds);
  });
}

/**
 * A list of texts; a single text needs no brackets.
 * @param what the reference's name for the texts, in errors
 */
export function textsFor(what: string): Reader<readonly string[]> {
  return reader("string or list of strings", ({ data }, { problems }) => {
    if (typeof data === "string") return [data];
    if (!Array.isArray(data)) throw new ConfigFault(`error parsing ${what}: unsupported type ${goTypeOf(data)}`);
    const texts: string[] = [];
    for (const element of data) {
      if (typeof element.data === "string") texts.push(element.data);
      else problems.error(element, `error parsing ${what}: unsupported type in array ${goTypeOf(element.data)}`);
    }
    return texts;
  });
}

/** One of the given words. */
export function oneOf<T extends string>(words: readonly T[], refusal: string): Reader<T> {
  return reader(words.map(word => `\`${word}\``).join(", "), value => {
    const given = textIn(value) as T;
    if (!words.includes(given)) throw new ConfigFault(refusal);
    return given;
  });
}

/**
 * A map with arbitrary names.
 * @param wrongType error text for any other type
 */
export function mapOf<T>(type: string, wrongType: (goType: string) => string, readOne: (value: ConfigValue, name: string) => T) {
  return reader<Readonly<Record<string, T>>>(type, (value, { problems }) => {
    if (!(value.data instanceof Map)) throw new ConfigFault(wrongType(goTypeOf(value.data)));
    const read: [string, T][] = [];
    for (const [name, one] of value.data) {
      try {
        read.push([name, readOne(one, name)]);
      } catch (fault) {
        if (!(fault instanceof ConfigFault)) throw fault;
        problems.error(fault.at ?? one, fault.message);
      }
    }
    return Object.fromEntries(read);
  });
}

/** Host and port of a listener. Port 0 means the default, -1 any free port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export const hostPort: Reader<HostPort> = reader("port or `host:port`", ({ data }) => {
  if (typeof data === "bigint") return { host: "", port: safeInteger(data) };
  if (typeof data !== "string") throw new ConfigFault(`expected port or host:port, got ${goTypeOf(data)}`);
  const split = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(data);
  if (split === null) throw new ConfigFault(`could not parse address string ${quoted(data)}`);
  const port = split[3]!;
  if (!/^[+-]?\d{1,18}$/.test(port)) throw new ConfigFault(`could not parse port ${quoted(port)}`);
  return { host: split[1] ?? split[2]!, port: safeInteger(BigInt(port.replace("+", ""))) };
});
