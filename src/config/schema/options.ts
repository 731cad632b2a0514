/**
 * The option table, and what makes options complete.
 *
 *   table/*.ts rows ──▶ OPTIONS ──▶ the library's options, flags, fields of the file, reload, docs/configuration.md
 * Options of features that do not exist yet have no rows; they are refused by name (table/missing.ts), never ignored.
 */

import { quoted } from "../../base/go/strconv.ts";

import { withOperator } from "./check/operator-check.ts";
import { checkOptions } from "./check/option-check.ts";
import type { GivenOptions } from "./given/given-options.ts";
import { boolean, type Shape, type ShapeFields, text } from "./given/shape.ts";
import { unknownOption } from "./given/unknown-option.ts";
import type { Row } from "./row/option-row.ts";
import { OptionError } from "./row/problems.ts";
import { ACCOUNT_TABLE_OPTIONS } from "./table/accounts.ts";
import { LIMIT_OPTIONS } from "./table/limits.ts";
import { LOGGING_OPTIONS } from "./table/logging.ts";
import { isNothingGiven, missingOption } from "./table/missing.ts";
import { MONITORING_OPTIONS } from "./table/monitoring.ts";
import { OPERATOR_TABLE_OPTIONS } from "./table/operators.ts";
import { SECURITY_OPTIONS } from "./table/security.ts";
import { SERVER_OPTIONS } from "./table/server.ts";

export type { GivenOptions } from "./given/given-options.ts";
export type { WriteTimeoutPolicy } from "./table/limits.ts";
export type { LogFormat } from "./table/logging.ts";
export { OptionError };

export const OPTIONS = {
  ...SERVER_OPTIONS,
  ...MONITORING_OPTIONS,
  ...LIMIT_OPTIONS,
  ...SECURITY_OPTIONS,
  ...ACCOUNT_TABLE_OPTIONS,
  ...OPERATOR_TABLE_OPTIONS,
  ...LOGGING_OPTIONS,
};

export type Options = { [K in keyof typeof OPTIONS]: (typeof OPTIONS)[K]["initial"] };

export function defaultOptions(): Options {
  const rows: [string, Pick<Row<unknown>, "initial">][] = Object.entries(OPTIONS);
  return Object.fromEntries(rows.map(([name, { initial }]) => [name, initial])) as Options;
}

/** Added to the time of the TLS handshake: the time that a client with TLS has to authenticate. */
const AUTH_AFTER_TLS_MS = 1_000;

/**
 * Completes options with the defaults; blocks (`tls`, `websocket`), accounts and users too.
 * @throws OptionError  an option is unknown, not there yet or of the wrong type, or contradicts another one
 */
export function completeOptions(given: GivenOptions): Options {
  for (const [name, value] of Object.entries(given)) if (!Object.hasOwn(OPTIONS, name)) refuseUnknown(name, value);
  const rows = Object.entries(OPTIONS) as [keyof Options, Row<unknown>][];
  const options = Object.fromEntries(rows.map(([name, row]) => [name, completeOption(name, row, given[name])])) as Options;
  const { tls, trustedKeys, authTimeoutMs } = options;
  const complete = withOperator({
    ...options,
    trustedKeys: [...trustedKeys].sort(), // a reload compares them in this order
    authTimeoutMs: tls === null || given.authTimeoutMs ? authTimeoutMs : tls.timeoutMs + AUTH_AFTER_TLS_MS,
  });
  checkOptions(complete, OPTIONS as unknown as Readonly<Record<keyof Options, Row<never>>>);
  return complete;
}

function completeOption(name: string, row: Row<unknown>, given: unknown): unknown {
  const { initial, zeroIsDefault } = row;
  if (given === undefined || (zeroIsDefault === true && given === 0)) return initial;
  return shapeOf(row).complete(given, name);
}

/** The shape of an option's values; of a text or a boolean, which have none in their rows, that of the initial value. */
export function shapeOf({ given, initial }: Pick<Row<unknown>, "given" | "initial">): Shape<unknown> {
  return given ?? (typeof initial === "string" ? text : boolean);
}

/** @throws OptionError  unless it is a feature to come, and asks for nothing */
function refuseUnknown(name: string, value: unknown): void {
  const feature = missingOption(name);
  if (feature === null) throw new OptionError(unknownOption(name, "", optionShapes()));
  if (!isNothingGiven(value)) throw new OptionError(`${quoted(name)} is not supported yet (${feature})`);
}

function optionShapes(): ShapeFields {
  const rows = Object.entries(OPTIONS) as [string, Row<unknown>][];
  return Object.fromEntries(
    rows.map(([name, row]) => {
      const { type, fields } = shapeOf(row);
      return [name, { type, fields, initial: row.initial }];
    }),
  );
}
