/**
 * The option table, and what makes options complete.
 *
 *   table/*.ts rows ──▶ OPTIONS ──▶ the library's options, flags, fields of the file, reload, docs/configuration.md
 * A row whose feature is not there yet has no place here: such options are refused by name (table/missing.ts), never ignored.
 */

import type { Authorization } from "./authorization.ts";
import { checkOptions } from "./option-check.ts";
import type { OptionRow } from "./option-row.ts";
import { OptionError } from "./problems.ts";
import { LIMIT_OPTIONS } from "./table/limits.ts";
import { LOGGING_OPTIONS } from "./table/logging.ts";
import { MONITORING_OPTIONS } from "./table/monitoring.ts";
import { SECURITY_OPTIONS } from "./table/security.ts";
import { SERVER_OPTIONS } from "./table/server.ts";
import { TLS_DEFAULTS, type TlsOptions } from "./tls-options.ts";
import { WEBSOCKET_DEFAULTS } from "./websocket-options.ts";

export type { Authorization } from "./authorization.ts";
export type { OcspCacheOptions } from "./ocsp-options.ts";
export type { WriteTimeoutPolicy } from "./table/limits.ts";
export type { LogFormat } from "./table/logging.ts";
export type { UnixListener } from "./unix-listener.ts";
export { OptionError };

export const OPTIONS = { ...SERVER_OPTIONS, ...MONITORING_OPTIONS, ...LIMIT_OPTIONS, ...SECURITY_OPTIONS, ...LOGGING_OPTIONS };

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
 * Completes options with the defaults; blocks (`tls`, `websocket`) too.
 * @throws OptionError  an option is unknown, of another type than its default, or contradicts another one
 */
export function completeOptions(given: Partial<Options>): Options {
  const options: Record<string, unknown> = defaultOptions();
  const initial = defaultOptions();
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(OPTIONS, name)) throw new OptionError(`unknown option "${name}"`);
    if (value !== undefined) options[name] = value;
  }
  for (const name of ZERO_IS_DEFAULT) if (options[name] === 0) options[name] = initial[name];
  const complete = options as Options;
  checkOptions(complete, initial);
  const { authorization, tls, websocket, authTimeoutMs } = complete;
  return {
    ...complete,
    authorization: completeAuthorization(authorization),
    tls: completeTls(tls),
    websocket: websocket === null ? null : { ...WEBSOCKET_DEFAULTS, ...websocket, tls: completeTls(websocket.tls ?? null) },
    authTimeoutMs: tls === null || given.authTimeoutMs ? authTimeoutMs : (tls.timeoutMs ?? TLS_DEFAULTS.timeoutMs) + AUTH_AFTER_TLS_MS,
  };
}

function completeTls(tls: TlsOptions | null): TlsOptions | null {
  return tls === null ? null : { ...TLS_DEFAULTS, ...tls };
}

/** What is empty asks for nothing, a password of nobody neither. */
function completeAuthorization(authorization: Authorization | null): Authorization | null {
  const { user = "", password, token } = authorization ?? {};
  if (user === "" && !token) return null;
  return { ...(user === "" ? {} : { user }), ...(password === undefined ? {} : { password }), ...(token ? { token } : {}) };
}
