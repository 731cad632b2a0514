/** What options may not be, whoever gave them: of the wrong type, out of range, or at odds with each other. In the reference's order. */

import { SYSTEM_ACCOUNT } from "../../../accounts/account/account.ts";
import { type Authorization, allUsers } from "../../../auth/users/authorization.ts";
import { goDuration } from "../../../base/go/duration.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { isPublicNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { isValidSubjectText } from "../../../messaging/subject/subject-text.ts";
import type { TlsOptions } from "../../../wire/transport/tls/tls-options.ts";
import { GLOBAL_ACCOUNT } from "../block/account-block.ts";
import { clusterNameFault, SERVER_NAME_HAS_SPACES } from "../block/names.ts";
import type { Options } from "../options.ts";
import { OptionError } from "../row/problems.ts";
import { WRITE_TIMEOUT_POLICIES, WRITE_TIMEOUT_REFUSAL } from "../table/limits.ts";
import { isLogFormat, LOG_FORMAT_REFUSAL, levelFault } from "../table/logging.ts";
import type { WebSocketOptions } from "../websocket-options.ts";
import { checkNoAuthUser, checkSystemAccount, checkUsers } from "./auth-check.ts";
import { checkOperators } from "./operator-check.ts";

/** What the options have to be whose default is null. */
const NULLABLE: { readonly [K in keyof Options as null extends Options[K] ? K : never]: "string" | "number" | "object" } = {
  clientAdvertise: "string",
  serverName: "string",
  pidFile: "string",
  portsFileDirectory: "string",
  httpHost: "string",
  httpPort: "number",
  authorization: "object",
  listenUnix: "object",
  httpsHost: "string",
  httpsPort: "number",
  profilingPort: "number",
  tls: "object",
  ocspCache: "object",
  websocket: "object",
  clusterName: "string",
  logFile: "string",
  remoteSyslog: "string",
  systemAccount: "string",
  noAuthUser: "string",
  resolver: "object",
  resolverTls: "object",
};

const PORTS: readonly string[] = ["port", "httpPort", "httpsPort", "profilingPort"] satisfies (keyof Options)[];

/** Numbers for which a negative value means something, as in the reference: no connections at all, no limit. */
const MAY_BE_NEGATIVE: readonly string[] = [
  "connectionsMax",
  "subscriptionsMax",
  "profilingBlockRate",
  "tracedBytesMax",
  "connectErrorReports",
  "reconnectErrorReports",
  "closedClientsMax",
] satisfies (keyof Options)[];

/** Sizes travel as 32-bit integers. */
const PAYLOAD_BYTES_LIMIT = 2 ** 31 - 1;

/** @throws OptionError */
export function checkTypes(options: Options, initial: Options): void {
  for (const name of Object.keys(options) as (keyof Options)[]) checkType(name, options[name], initial[name]);
}

/** @throws OptionError */
export function checkOptions(options: Options): void {
  checkLimits(options);
  if (options.serverName?.includes(" ")) throw new OptionError(SERVER_NAME_HAS_SPACES);
  checkOperators(options, allUsers(options).length > 0);
  checkTls(options.tls);
  checkUsers(options);
  const clusterFault = clusterNameFault(options.clusterName ?? "");
  if (clusterFault !== null) throw new OptionError(clusterFault);
  checkDefaultDomains(options);
  if (!isLogFormat(options.logFormat)) throw new OptionError(LOG_FORMAT_REFUSAL);
  for (const [subsystem, level] of Object.entries(options.logLevelOverrides)) {
    const fault = levelFault(subsystem, level);
    if (fault !== null) throw new OptionError(fault);
  }
  if (options.websocket !== null) checkWebsocket(options.websocket, options);
  checkMonitoring(options);
  checkSystemAccount(options);
}

function checkType(name: keyof Options, value: unknown, initial: unknown): void {
  if (initial === null && value === null) return;
  const wanted = initial === null ? NULLABLE[name as keyof typeof NULLABLE] : Array.isArray(initial) ? "array" : typeof initial;
  const found = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  if (found !== wanted) throw new OptionError(`option "${name}" must be ${/^[ao]/.test(wanted) ? "an" : "a"} ${wanted}`);
  if (typeof value !== "number") return;
  if (!Number.isSafeInteger(value)) throw new OptionError(`option "${name}" must be an integer`);
  if (PORTS.includes(name)) checkPort(value);
  else if (value < 0 && !MAY_BE_NEGATIVE.includes(name)) throw new OptionError(`option "${name}" cannot be negative`);
}

function checkPort(port: number): void {
  if (port < 0 || port > 65_535) throw new OptionError(`invalid port ${port}`);
}

function checkLimits(options: Options): void {
  const { lameDuckGraceMs, lameDuckDurationMs, payloadBytesMax, pendingBytesMax, subscriptionTokensMax } = options;
  if (lameDuckGraceMs >= lameDuckDurationMs) {
    const [grace, duration] = [lameDuckGraceMs, lameDuckDurationMs].map(ms => goDuration(ms * 1e6));
    throw new OptionError(`lame duck grace period (${grace}) should be strictly lower than lame duck duration (${duration})`);
  }
  if (payloadBytesMax > pendingBytesMax) {
    throw new OptionError(`max_payload (${payloadBytesMax}) cannot be higher than max_pending (${pendingBytesMax})`);
  }
  if (payloadBytesMax > PAYLOAD_BYTES_LIMIT) {
    throw new OptionError(`max_payload (${payloadBytesMax}) cannot be higher than ${PAYLOAD_BYTES_LIMIT}`);
  }
  if (subscriptionTokensMax > 255) throw new OptionError("max_subscription_tokens value is too big");
  if (!WRITE_TIMEOUT_POLICIES.includes(options.writeTimeout)) throw new OptionError(WRITE_TIMEOUT_REFUSAL);
}

function checkDefaultDomains(options: Options): void {
  const domains = Object.entries(options.defaultJsDomain);
  for (const [account] of domains) {
    if (options.operators.length > 0) {
      if (isPublicNkey(account, NkeyKind.Account)) continue;
      throw new OptionError(`default_js_domain contains account name ${quoted(account)}, which is not a valid public account nkey`);
    }
    if (account === GLOBAL_ACCOUNT || options.accounts.some(({ name }) => name === account)) continue;
    throw new OptionError(`in non operator mode, \`default_js_domain\` references non existing account ${quoted(account)}`);
  }
  for (const [account, domain] of domains) {
    if (account === (options.systemAccount ?? SYSTEM_ACCOUNT)) {
      throw new OptionError(`system account ${quoted(account)} can not be in default_js_domain`);
    }
    if (domain === "" || isValidSubjectText(`$JS.${domain}.API.>`)) continue;
    throw new OptionError(`default_js_domain contains account ${quoted(account)} with invalid domain name ${quoted(domain)}`);
  }
}

function checkTls(tls: TlsOptions | null): void {
  if (tls?.ocspPeer && !tls.verify) {
    throw new OptionError("OCSP peer verification for client connections requires TLS verify (mTLS) to be enabled");
  }
  for (const digest of tls?.pinnedCerts ?? []) {
    if (/^[0-9a-f]{64}$/.test(digest)) continue;
    const form = "lower case hex-encoded sha256 of DER encoded SubjectPublicKeyInfo";
    throw new OptionError(`error parsing 'pinned_certs' key ${digest} does not look like ${form}`);
  }
}

const FORBIDDEN_HEADERS = ["host", "content-length", "connection", "upgrade", "nats-no-masking"];

function checkWebsocket(websocket: WebSocketOptions, options: Options): void {
  const { port, tls, noTls, allowedOrigins, noAuthUser, authorization, jwtCookie, headers } = websocket;
  checkPort(port);
  if (!tls && !noTls) throw new OptionError("websocket requires TLS configuration");
  checkTls(tls);
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

/** Of a WebSocket listener: a single user or token, where the server has none of its own. */
function checkOwnAuthorization(authorization: Authorization, options: Options): void {
  for (const part of Object.keys(authorization)) {
    if (!["user", "password", "token"].includes(part)) throw new OptionError(`unknown option "websocket.authorization.${part}"`);
  }
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
    const [http, https] = [httpPort, httpsPort].map(port => port || -1); // any free one, as a file says it
    throw new OptionError(`can't specify both HTTP (${http}) and HTTPs (${https}) ports`);
  }
  if (httpsPort !== null && tls === null) throw new OptionError("TLS cert and key required for HTTPS");
}
