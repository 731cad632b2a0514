/**
 * The option table, and what makes options complete.
 *
 *   table/*.ts rows ──▶ OPTIONS ──▶ the library's options, flags, fields of the file, reload, docs/configuration.md
 * A row whose feature is not there yet has no place here: such options are refused by name (table/missing.ts), never ignored.
 */

import { TLS_DEFAULTS, type TlsOptions } from "../../wire/transport/tls/tls-options.ts";
import { withOperator } from "./check/operator-check.ts";
import { checkOptions, checkTypes } from "./check/option-check.ts";
import { completeAccounts, completeAuthorization, completeMappings } from "./given/complete-accounts.ts";
import type { GivenOptions } from "./given/given-options.ts";
import type { OptionRow } from "./row/option-row.ts";
import { OptionError } from "./row/problems.ts";
import { ACCOUNT_TABLE_OPTIONS } from "./table/accounts.ts";
import { LIMIT_OPTIONS } from "./table/limits.ts";
import { LOGGING_OPTIONS } from "./table/logging.ts";
import { MONITORING_OPTIONS } from "./table/monitoring.ts";
import { OPERATOR_TABLE_OPTIONS } from "./table/operators.ts";
import { SECURITY_OPTIONS } from "./table/security.ts";
import { SERVER_OPTIONS } from "./table/server.ts";
import { WEBSOCKET_DEFAULTS, type WebSocketOptions } from "./websocket-options.ts";

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
  const rows: [string, Pick<OptionRow<unknown>, "initial">][] = Object.entries(OPTIONS);
  return Object.fromEntries(rows.map(([name, { initial }]) => [name, initial])) as Options;
}

/** Options for which 0 means their default, as in the reference. */
const ZERO_IS_DEFAULT = [
  "controlLineBytesMax",
  "payloadBytesMax",
  "pendingBytesMax",
  "connectionsMax",
  "pingIntervalMs",
  "pingsOutMax",
  "writeDeadlineMs",
  "authTimeoutMs",
  "closedClientsMax",
  "lameDuckDurationMs",
  "lameDuckGraceMs",
  "connectErrorReports",
  "reconnectErrorReports",
] as const satisfies readonly (keyof Options)[];

/** With TLS a client has the time of the handshake and this much more. */
const AUTH_AFTER_TLS_MS = 1_000;

/**
 * Completes options with the defaults; blocks (`tls`, `websocket`), accounts and users too.
 * @throws OptionError  an option is unknown, of another type than its default, or contradicts another one
 */
export function completeOptions(given: GivenOptions): Options {
  const options: Record<string, unknown> = defaultOptions();
  const initial = defaultOptions();
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(OPTIONS, name)) throw new OptionError(`unknown option "${name}"`);
    if (value !== undefined) options[name] = value;
  }
  for (const name of ZERO_IS_DEFAULT) if (options[name] === 0) options[name] = initial[name];
  checkTypes(options as Options, initial);
  const { websocket, tls, resolverTls, authTimeoutMs, trustedKeys, ...rest } = options as Options;
  const complete = withOperator({
    ...rest,
    accounts: completeAccounts(rest.accounts),
    mappings: completeMappings(rest.mappings),
    authorization: completeAuthorization(rest.authorization, "authorization"),
    trustedKeys: [...trustedKeys].sort(), // a reload tells them so
    tls: completeTls(tls),
    resolverTls: completeTls(resolverTls),
    websocket: completeWebsocket(websocket),
    authTimeoutMs: tls === null || given.authTimeoutMs ? authTimeoutMs : (tls.timeoutMs ?? TLS_DEFAULTS.timeoutMs) + AUTH_AFTER_TLS_MS,
  });
  checkOptions(complete);
  return complete;
}

function completeTls(tls: TlsOptions | null): TlsOptions | null {
  return tls === null ? null : { ...TLS_DEFAULTS, ...tls };
}

function completeWebsocket(websocket: Partial<WebSocketOptions> | null): WebSocketOptions | null {
  if (websocket === null) return null;
  const { tls = null, authorization = null } = websocket;
  return {
    ...WEBSOCKET_DEFAULTS,
    ...websocket,
    tls: completeTls(tls),
    authorization: completeAuthorization(authorization, "websocket.authorization"),
  };
}
