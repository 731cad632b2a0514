/** What options may not be, whoever gave them: of the wrong type, out of range, or at odds with each other. In the reference's order. */
import { encode } from "../bytes/ascii.ts";
import { isValidSubject } from "../subject/subject.ts";
import { clusterNameFault, SERVER_NAME_HAS_SPACES } from "./block/names.ts";
import { goDuration } from "./go-duration.ts";
import { quoted } from "./go-values.ts";
import type { Options } from "./options.ts";
import { OptionError } from "./problems.ts";
import { WRITE_TIMEOUT_POLICIES, WRITE_TIMEOUT_REFUSAL } from "./table/limits.ts";
import { isLogFormat, LOG_FORMAT_REFUSAL, levelFault } from "./table/logging.ts";
import type { TlsOptions } from "./tls-options.ts";
import type { WebSocketOptions } from "./websocket-options.ts";

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
export function checkOptions(options: Options, initial: Options): void {
  for (const name of Object.keys(options) as (keyof Options)[]) checkType(name, options[name], initial[name]);
  checkAuthorization(options);
  checkLimits(options);
  if (options.serverName?.includes(" ")) throw new OptionError(SERVER_NAME_HAS_SPACES);
  const clusterFault = clusterNameFault(options.clusterName ?? "");
  if (clusterFault !== null) throw new OptionError(clusterFault);
  checkDefaultDomains(options.defaultJsDomain);
  if (!isLogFormat(options.logFormat)) throw new OptionError(LOG_FORMAT_REFUSAL);
  for (const [subsystem, level] of Object.entries(options.logLevelOverrides)) {
    const fault = levelFault(subsystem, level);
    if (fault !== null) throw new OptionError(fault);
  }
  checkTls(options.tls);
  if (options.websocket !== null) checkWebsocket(options.websocket);
  checkMonitoring(options);
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

function checkAuthorization({ authorization }: Options): void {
  for (const [part, secret] of Object.entries(authorization ?? {})) {
    if (!["user", "password", "token"].includes(part)) throw new OptionError(`unknown option "authorization.${part}"`);
    if (secret !== undefined && typeof secret !== "string") throw new OptionError(`option "authorization.${part}" must be a string`);
  }
  if (/^\$2[abxy]\$\d{2}\$/.test(authorization?.password ?? "") || /^\$2[abxy]\$\d{2}\$/.test(authorization?.token ?? "")) {
    throw new OptionError("bcrypt passwords are not supported yet");
  }
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

/** The account that is always there; others come with accounts. */
const GLOBAL_ACCOUNT = "$G";

function checkDefaultDomains(domains: Options["defaultJsDomain"]): void {
  for (const account of Object.keys(domains)) {
    if (account === GLOBAL_ACCOUNT) continue;
    throw new OptionError(`in non operator mode, \`default_js_domain\` references non existing account ${quoted(account)}`);
  }
  for (const [account, domain] of Object.entries(domains)) {
    const subject = encode(`$JS.${domain}.API.>`);
    if (domain === "" || isValidSubject(subject, 0, subject.length)) continue;
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

function checkWebsocket({ port, tls, noTls, allowedOrigins, jwtCookie, headers }: Partial<WebSocketOptions>): void {
  if (port !== undefined) checkPort(port);
  if (!tls && !noTls) throw new OptionError("websocket requires TLS configuration");
  checkTls(tls ?? null);
  for (const origin of allowedOrigins ?? []) checkOrigin(origin);
  if (jwtCookie) {
    const need = "trusted operators or trusted keys configuration is required for JWT authentication via cookie";
    throw new OptionError(`${need} ${quoted(jwtCookie)}`);
  }
  for (const name of Object.keys(headers ?? {})) {
    const lower = name.toLowerCase();
    if (FORBIDDEN_HEADERS.includes(lower)) throw new OptionError(`websocket: invalid header ${quoted(name)} not allowed`);
    if (lower.startsWith("sec-websocket-")) {
      throw new OptionError(`websocket: invalid header ${quoted(name)}, "Sec-WebSocket-" prefix not allowed`);
    }
  }
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
