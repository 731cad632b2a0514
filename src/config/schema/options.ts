/**
 * The option table.
 *
 *   table/*.ts rows ──▶ OPTIONS ──▶ the library's options, flags, fields of the file, reload, docs/configuration.md
 * Options of unsupported features have no rows; they are refused by name (table/missing.ts), never ignored.
 */

import type { Row } from "./row/option-row.ts";
import { ACCOUNT_TABLE_OPTIONS } from "./table/accounts.ts";
import { JETSTREAM_TABLE_OPTIONS } from "./table/jetstream.ts";
import { LIMIT_OPTIONS } from "./table/limits.ts";
import { LOGGING_OPTIONS } from "./table/logging.ts";
import { MONITORING_OPTIONS } from "./table/monitoring.ts";
import { OPERATOR_TABLE_OPTIONS } from "./table/operators.ts";
import { SECURITY_OPTIONS } from "./table/security.ts";
import { SERVER_OPTIONS } from "./table/server.ts";

export const OPTIONS = {
  ...SERVER_OPTIONS,
  ...MONITORING_OPTIONS,
  ...LIMIT_OPTIONS,
  ...SECURITY_OPTIONS,
  ...ACCOUNT_TABLE_OPTIONS,
  ...OPERATOR_TABLE_OPTIONS,
  ...JETSTREAM_TABLE_OPTIONS,
  ...LOGGING_OPTIONS,
};

export type Options = { [K in keyof typeof OPTIONS]: (typeof OPTIONS)[K]["initial"] };

export function defaultOptions(): Options {
  const rows: [string, Pick<Row<unknown>, "initial">][] = Object.entries(OPTIONS);
  return Object.fromEntries(rows.map(([name, { initial }]) => [name, initial])) as Options;
}
