/** Checks complete options of a file or a program: single rows and contradictions between options, in the reference's order. */

import { type Authorization, allUsers } from "../../../auth/users/authorization.ts";
import { goDuration } from "../../../base/go/duration.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { tlsFault } from "../block/tls-block.ts";
import type { OPTIONS, Options } from "../options.ts";
import type { Checked } from "../row/option-row.ts";
import { OptionError } from "../row/problems.ts";
import { checkNoAuthUser, checkSystemAccount, checkUsers } from "./auth-check.ts";
import { checkDefaultDomains } from "./jetstream-check.ts";
import { checkOperators } from "./operator-check.ts";

/** Names of the rows that have a check. */
type CheckedName = { [K in keyof Options]: (typeof OPTIONS)[K] extends Checked<never> ? K : never }[keyof Options];

/** The checks, by row name or rule, in the reference's order, because an operator sees only the first error. */
export const CHECK_ORDER = [
  checkLameDuck,
  checkPending,
  "payloadBytesMax",
  "subscriptionTokensMax",
  "writeTimeout",
  "serverName",
  (options: Options) => checkOperators(options, allUsers(options).length > 0),
  "tls",
  checkUsers,
  "clusterName",
  checkDefaultDomains,
  "jetStream",
  "logFormat",
  "logLevelOverrides",
  "metricsPrefix",
  checkWebsocket,
  checkMonitoring,
  checkSystemAccount,
] as const satisfies readonly (CheckedName | ((options: Options) => void))[];

type OrderedName = Extract<(typeof CHECK_ORDER)[number], string>;

/** The rows with a check. A row that is not in `CHECK_ORDER` has a type that no row has, so the compiler reports it. */
type CheckedRows = { readonly [K in CheckedName]: K extends OrderedName ? Checked<never> : "is missing in CHECK_ORDER" };

/** @throws OptionError */
export function checkOptions(options: Options, rows: CheckedRows): void {
  for (const check of CHECK_ORDER) {
    if (typeof check === "function") check(options);
    else refuse(rows[check].check(options[check] as never));
  }
}

function refuse(fault: string | null): void {
  if (fault !== null) throw new OptionError(fault);
}

function checkLameDuck({ lameDuckGraceMs, lameDuckDurationMs }: Options): void {
  if (lameDuckGraceMs < lameDuckDurationMs) return;
  const [grace, duration] = [lameDuckGraceMs, lameDuckDurationMs].map(ms => goDuration(ms * 1e6));
  refuse(`lame duck grace period (${grace}) should be strictly lower than lame duck duration (${duration})`);
}

function checkPending({ payloadBytesMax, pendingBytesMax }: Options): void {
  if (payloadBytesMax > pendingBytesMax) refuse(`max_payload (${payloadBytesMax}) cannot be higher than max_pending (${pendingBytesMax})`);
  if (pendingBytesMax < 0) refuse("max_pending value can not be negative");
}

const FORBIDDEN_HEADERS = ["host", "content-length", "connection", "upgrade", "nats-no-masking"];

function checkWebsocket(options: Options): void {
  const { websocket } = options;
  if (websocket === null) return;
  const { tls, noTls, allowedOrigins, noAuthUser, authorization, jwtCookie, headers } = websocket;
  if (!tls && !noTls) throw new OptionError("websocket requires TLS configuration");
  refuse(tlsFault(tls));
  for (const origin of allowedOrigins) checkOrigin(origin);
  if (noAuthUser) checkNoAuthUser(noAuthUser, options);
  if (authorization !== null) checkOwnAuthorization(authorization, options);
  if (jwtCookie && options.operators.length === 0 && options.trustedKeys.length === 0) {
    const need = "trusted operators or trusted keys configuration is required for JWT authentication via cookie";
    throw new OptionError(`${need} ${quoted(jwtCookie)}`);
  }
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    if (FORBIDDEN_HEADERS.includes(lower)) throw new OptionError(`websocket: invalid header ${quoted(name)} not allowed`);
    if (lower.startsWith("sec-websocket-")) {
      throw new OptionError(`websocket: invalid header ${quoted(name)}, "Sec-WebSocket-" prefix not allowed`);
    }
  }
}

/** The WebSocket listener may have a user or token only if the server has no users. */
function checkOwnAuthorization(authorization: Authorization, options: Options): void {
  const which = authorization.user ? "username" : "token";
  if (allUsers(options).length === 0 || (!authorization.user && !authorization.token)) return;
  throw new OptionError(`websocket authentication ${which} not compatible with presence of users/nkeys`);
}

function checkOrigin(origin: string): void {
  const refuse = (reason: string): never => {
    throw new OptionError(`unable to parse allowed origin${reason}`);
  };
  if (origin === "") refuse(`: parse "": empty url`);
  const [, scheme, rest] = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/.exec(origin) ?? [];
  if (scheme === undefined && !origin.startsWith("/")) refuse(`: parse ${quoted(origin)}: invalid URI for request`);
  if (scheme?.toLowerCase() !== "http" && scheme?.toLowerCase() !== "https") {
    refuse(` ${quoted(origin)}: allowed origins must be absolute URLs with http or https scheme`);
  }
  const authority = /^\/\/(?:[^/?@]*@)?([^/?]*)/.exec(rest!)?.[1] ?? "";
  if (authority === "") refuse(` ${quoted(origin)}: host is required`);
  const invalid = (reason: string) => refuse(`: parse ${quoted(origin)}: ${reason}`);
  const strange = /[\s"<>\\^`{|}]/.exec(authority)?.[0];
  if (strange !== undefined) invalid(`invalid character ${quoted(strange)} in host name`);
  const port = authority.slice(authority.lastIndexOf("]") + 1).match(/:.*$/)?.[0] ?? "";
  if (!/^(:\d*)?$/.test(port)) invalid(`invalid port ${quoted(port)} after host`);
}

function checkMonitoring({ httpPort, httpsPort, tls }: Options): void {
  if (httpPort !== null && httpsPort !== null) {
    const [http, https] = [httpPort, httpsPort].map(port => port || -1); // any free port, as written in a file
    throw new OptionError(`can't specify both HTTP (${http}) and HTTPs (${https}) ports`);
  }
  if (httpsPort !== null && tls === null) throw new OptionError("TLS cert and key required for HTTPS");
}
