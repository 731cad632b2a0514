/** Collects all errors and warnings of a configuration, so that an operator sees them together. */

import { quoted } from "../../../base/go/strconv.ts";
import { type ConfigValue, placeOf } from "../../language/config-value.ts";

/** An invalid value. The reader of its block records the error and continues with the next field. */
export class ConfigFault extends Error {
  override name = "ConfigFault";

  /** @param at the wrong value; null: the value being read */
  constructor(
    text: string,
    readonly at: ConfigValue | null = null,
  ) {
    super(text);
  }
}

export class Problems {
  readonly errors: string[] = [];
  readonly warnings: string[] = [];

  error(at: ConfigValue, text: string): void {
    this.errors.push(`${placeOf(at)}: ${text}`);
  }

  /** An error without a place. */
  errorAnywhere(text: string): void {
    this.errors.push(text);
  }

  /** @param field as it is written */
  warn(at: ConfigValue, field: string, reason: string): void {
    this.warnings.push(`${placeOf(at)}: invalid use of field ${quoted(field)}: ${reason}`);
  }

  warnAt(at: ConfigValue, text: string): void {
    this.warnings.push(`${placeOf(at)}: ${text}`);
  }

  /** Warnings first, as the reference prints them. */
  get lines(): string[] {
    return [...this.warnings, ...this.errors];
  }
}

/** An option has an invalid value. The text is the reference's if it has one. */
export class OptionError extends Error {
  override name = "OptionError";
  /** Stable: `ERR_OPTIONS`, or `ERR_CONFIG_FILE` for a configuration file. */
  readonly code: "ERR_OPTIONS" | "ERR_CONFIG_FILE" = "ERR_OPTIONS";
}

/** One error or warning of a configuration file. */
export interface ConfigProblem {
  readonly message: string;
  /** Path of the file, as it was opened; null for a problem without a place. */
  readonly file: string | null;
  /** Counted from 1. The column is counted as nats-server does, from 0 or 1. Both are null when the file is null. */
  readonly line: number | null;
  readonly column: number | null;
}

/** A configuration file that cannot be used. The message has one line for each problem. */
export class ConfigErrors extends OptionError {
  override name = "ConfigErrors";
  override readonly code = "ERR_CONFIG_FILE";

  /**
   * @param lines warnings first, then errors
   * @param collected true: errors of all fields, which the reference prints with a new line after each; false: a single error that stopped reading
   */
  constructor(
    readonly lines: readonly string[],
    collected: boolean,
  ) {
    super(collected ? lines.map(line => `${line}\n`).join("") : lines.join("\n"));
  }

  /** The lines in structured form. */
  get problems(): readonly ConfigProblem[] {
    return this.lines.map(line => {
      const place = /^(.+?):(\d+):(\d+): (.*)$/s.exec(line); // the format of `placeOf`
      if (place === null) return { message: line, file: null, line: null, column: null };
      return { message: place[4]!, file: place[1]!, line: Number(place[2]), column: Number(place[3]) };
    });
  }
}
