/**
 * The option table: one row serves the library, the command line, and later the configuration file, reload and the reference page.
 * A row whose feature is not there yet has no place here: unknown options are refused, never ignored.
 */
import { type FlagRow, integerFlag, portOrDefault, switchFlag, textFlag, textOrNull } from "./flag-row.ts";
import type { TlsOptions } from "./tls-options.ts";
import type { WebSocketOptions } from "./websocket-options.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** How a text (flag, later a configuration value) becomes the option's value. Throws `OptionError` with the reference's text. */
export type Reader<T> = (text: string) => T;

export interface OptionRow<T> {
  /** Names in the configuration file, the first one canonical. Empty: not to be set in a file. */
  readonly names: readonly string[];
  readonly initial: T;
  /** What it is, with its unit; shown by `--help` and the reference page. */
  readonly text: string;
  /** Flags that set it. */
  readonly flags?: readonly FlagRow<T>[];
}

function option<T>(row: OptionRow<T>): OptionRow<T> {
  return row;
}

/** A single user, or a token, that clients must give. More users, accounts and mechanisms come with the auth room. */
export interface Authorization {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

const WRITE_TIMEOUT_POLICIES = ["default", "close", "retry"] as const;
export type WriteTimeoutPolicy = (typeof WRITE_TIMEOUT_POLICIES)[number];

/** A listener on a Unix domain socket, beside the one on a port. */
export interface UnixListener {
  readonly path: string;
  /** Permission bits of the socket file. */
  readonly mode: number;
}

/** Responses of OCSP responders about peers, kept: core §9.3.2. */
export interface OcspCacheOptions {
  readonly type: "none" | "local";
  /** Directory that gets `cache.json`. */
  readonly localStore: string;
  readonly preserveRevoked: boolean;
  readonly saveIntervalMs: number;
}

export type LogFormat = "text" | "json";

export const OPTIONS = {
  host: option<string>({
    names: ["host", "net"],
    initial: "0.0.0.0",
    text: "address the client listener binds; 0.0.0.0: every address, IPv6 included",
    flags: [textFlag("a addr net", "Server", "host", "Bind to host address (default: 0.0.0.0)", given => given || "0.0.0.0")],
  }),
  port: option<number>({
    names: ["port"],
    initial: 4222,
    text: "client port; in the library 0 means any free port",
    flags: [
      integerFlag("p port", "Server", "port", "Use port for clients, -1 for any (default: 4222)", given => portOrDefault(given, 4222)),
    ],
  }),
  clientAdvertise: option<string | null>({
    names: ["client_advertise"],
    initial: null,
    text: "host[:port] told to clients in INFO",
    flags: [textFlag("client_advertise", "Server", "string", "Client URL to advertise in INFO", textOrNull)],
  }),
  serverName: option<string | null>({
    names: ["server_name"],
    initial: null,
    text: "name of the server; its id when not set",
    flags: [textFlag("n name server_name", "Server", "name", "Server name (default: auto)", textOrNull)],
  }),
  debug: option<boolean>({
    names: ["debug"],
    initial: false,
    text: "log debug lines",
    flags: [switchFlag("D debug", "Logging", "Enable debugging output")],
  }),
  trace: option<boolean>({
    names: ["trace"],
    initial: false,
    text: "log every protocol line",
    flags: [switchFlag("V trace", "Logging", "Trace the raw protocol")],
  }),
  traceVerbose: option<boolean>({ names: ["trace_verbose"], initial: false, text: "trace the system account too" }),
  traceHeaders: option<boolean>({ names: ["trace_headers"], initial: false, text: "trace only the headers of messages" }),
  tracedBytesMax: option<number>({
    names: ["max_traced_msg_len"],
    initial: 0,
    text: "bytes of a payload shown in a trace line; 0: all",
    flags: [
      integerFlag(
        "max_traced_msg_len",
        "Logging",
        "len",
        "Maximum printable length for traced messages (default: unlimited)",
        given => given,
      ),
    ],
  }),
  logTime: option<boolean>({
    names: ["logtime"],
    initial: true,
    text: "timestamp log lines",
    flags: [switchFlag("T logtime", "Logging", "Timestamp log entries (default: true)")],
  }),
  logTimeUtc: option<boolean>({
    names: ["logtime_utc"],
    initial: false,
    text: "timestamps in UTC",
    flags: [switchFlag("logtime_utc", "Logging", "Timestamps in UTC instead of local timezone (default: false)")],
  }),
  pidFile: option<string | null>({
    names: ["pid_file", "pidfile"],
    initial: null,
    text: "file that gets the process id",
    flags: [textFlag("P pid", "Server", "file", "File to store PID", textOrNull)],
  }),
  portsFileDirectory: option<string | null>({
    names: ["ports_file_dir"],
    initial: null,
    text: "directory that gets <program>_<pid>.ports",
    flags: [
      textFlag("ports_file_dir", "Server", "dir", "Creates a ports file in the specified directory (<program>_<pid>.ports)", textOrNull),
    ],
  }),
  httpHost: option<string | null>({ names: [], initial: null, text: "address of the monitoring listener; host when not set" }),
  httpPort: option<number | null>({
    names: ["http_port", "monitor_port"],
    initial: null,
    text: "monitoring port; null: no monitoring; in the library 0 means any free port",
    flags: [
      integerFlag<number | null>("m http_port", "Server", "port", "Use port for http monitoring, -1 for any", given =>
        portOrDefault(given, null),
      ),
    ],
  }),
  httpBasePath: option<string>({
    names: ["http_base_path"],
    initial: "/",
    text: "path before every monitoring endpoint",
    flags: [textFlag("http_base_path", "Server", "path", "Path before every monitoring endpoint (default: /)", given => given || "/")],
  }),
  controlLineBytesMax: option<number>({ names: ["max_control_line"], initial: 4 * KIB, text: "longest protocol line, bytes" }),
  payloadBytesMax: option<number>({ names: ["max_payload"], initial: MIB, text: "largest message, headers included, bytes" }),
  pendingBytesMax: option<number>({
    names: ["max_pending"],
    initial: 64 * MIB,
    text: "bytes a client may have unread before it is closed",
  }),
  connectionsMax: option<number>({ names: ["max_connections", "max_conn"], initial: 65_536, text: "client connections; negative: none" }),
  subscriptionsMax: option<number>({
    names: ["max_subscriptions", "max_subs"],
    initial: 0,
    text: "subscriptions of a connection; 0: no limit",
  }),
  subscriptionTokensMax: option<number>({
    names: ["max_subscription_tokens", "max_sub_tokens"],
    initial: 0,
    text: "tokens of a subscribed subject; 0: no limit",
  }),
  pingIntervalMs: option<number>({ names: ["ping_interval"], initial: 120_000, text: "time between server PINGs, ms" }),
  pingsOutMax: option<number>({ names: ["ping_max"], initial: 2, text: "unanswered PINGs before a connection is stale" }),
  writeDeadlineMs: option<number>({
    names: ["write_deadline"],
    initial: 10_000,
    text: "time the kernel has to take a batch of output, ms",
  }),
  writeTimeout: option<WriteTimeoutPolicy>({ names: ["write_timeout"], initial: "default", text: "what a missed write deadline does" }),
  authorization: option<Authorization | null>({
    names: ["authorization"],
    initial: null,
    text: "user and password, or token",
    flags: [
      textFlag("user", "Authorization", "user", "User required for connections", (user, before) => ({ ...before, user })),
      textFlag("pass", "Authorization", "password", "Password required for connections", (password, before) => ({ ...before, password })),
      textFlag("auth", "Authorization", "token", "Authorization token required for connections", (token, before) => ({ ...before, token })),
    ],
  }),
  authTimeoutMs: option<number>({ names: [], initial: 2_000, text: "time a client has to authenticate, ms" }),
  headers: option<boolean>({ names: [], initial: true, text: "message headers; false is no_header_support" }),
  sublistCache: option<boolean>({ names: [], initial: true, text: "cache match results; false is disable_sublist_cache" }),
  fastProducerStall: option<boolean>({ names: [], initial: true, text: "stall fast producers; false is no_fast_producer_stall" }),
  closedClientsMax: option<number>({ names: ["max_closed_clients"], initial: 10_000, text: "closed connections remembered for /connz" }),
  listenUnix: option<UnixListener | null>({
    names: ["listen_unix"],
    initial: null,
    text: "Unix domain socket for clients, beside the port",
  }),
  httpsHost: option<string | null>({ names: [], initial: null, text: "address of the https monitoring listener; host when not set" }),
  httpsPort: option<number | null>({ names: ["https_port"], initial: null, text: "monitoring port with TLS; null: none" }),
  profilingPort: option<number | null>({ names: ["prof_port"], initial: null, text: "port for profiles; null: none" }),
  profilingBlockRate: option<number>({ names: ["prof_block_rate"], initial: 0, text: "rate of the block profile" }),
  tls: option<TlsOptions | null>({ names: ["tls"], initial: null, text: "TLS of the client listener" }),
  allowNonTls: option<boolean>({ names: ["allow_non_tls"], initial: false, text: "clients may do without TLS" }),
  ocspStapling: option<"auto" | "never">({
    names: ["ocsp"],
    initial: "auto",
    text: "stapling, which is not there: only modes that need none",
  }),
  ocspCache: option<OcspCacheOptions | null>({ names: ["ocsp_cache"], initial: null, text: "cache of OCSP responses about peers" }),
  proxyProtocol: option<boolean>({ names: ["proxy_protocol"], initial: false, text: "take PROXY headers on the client port" }),
  websocket: option<WebSocketOptions | null>({ names: ["websocket", "ws"], initial: null, text: "WebSocket listener" }),
  lameDuckDurationMs: option<number>({
    names: ["lame_duck_duration"],
    initial: 120_000,
    text: "how long lame duck mode takes to close clients, ms",
  }),
  lameDuckGraceMs: option<number>({ names: ["lame_duck_grace_period"], initial: 10_000, text: "how long it waits before the first, ms" }),
  connectErrorReports: option<number>({
    names: ["connect_error_reports"],
    initial: 3_600,
    text: "attempts between reports of failing connects",
  }),
  reconnectErrorReports: option<number>({ names: ["reconnect_error_reports"], initial: 1, text: "the same for reconnects" }),
  serverTags: option<readonly string[]>({ names: ["server_tags"], initial: [], text: "tags of the server" }),
  serverMetadata: option<Readonly<Record<string, string>>>({
    names: ["server_metadata"],
    initial: {},
    text: "names and values of the server",
  }),
  featureFlags: option<Readonly<Record<string, boolean>>>({ names: ["feature_flags"], initial: {}, text: "switches of single features" }),
  clusterName: option<string | null>({ names: [], initial: null, text: "name of the cluster; shown" }),
  defaultJsDomain: option<Readonly<Record<string, string>>>({
    names: ["default_js_domain"],
    initial: {},
    text: "account to JetStream domain",
  }),
  logFile: option<string | null>({ names: ["log_file", "logfile"], initial: null, text: "file that gets the log" }),
  logSizeLimit: option<number>({
    names: ["log_size_limit", "logfile_size_limit"],
    initial: 0,
    text: "bytes after which the log file is rotated; 0: never",
  }),
  logFilesMax: option<number>({
    names: ["log_max_num", "logfile_max_num"],
    initial: 0,
    text: "log files kept, the current one included; 0: all",
  }),
  syslog: option<boolean>({ names: ["syslog"], initial: false, text: "log to the system's log" }),
  remoteSyslog: option<string | null>({ names: ["remote_syslog"], initial: null, text: "log to the syslog server at this URL" }),
  logFormat: option<LogFormat>({ names: ["log_format"], initial: "text", text: "form of log lines" }),
  logLevelOverrides: option<Readonly<Record<string, string>>>({
    names: ["log_level_override"],
    initial: {},
    text: "level of single subsystems",
  }),
};

export type Options = { [K in keyof typeof OPTIONS]: (typeof OPTIONS)[K]["initial"] };

export function defaultOptions(): Options {
  return Object.fromEntries(Object.entries(OPTIONS).map(([name, row]) => [name, row.initial])) as Options;
}

/** An option with a value that it cannot have. The text is the reference's, where it has one. */
export class OptionError extends Error {
  override name = "OptionError";
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
] as const satisfies readonly (keyof Options)[];

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

/** Numbers for which a negative value means something, as in the reference: no connections at all, no limit. */
const MAY_BE_NEGATIVE: readonly string[] = ["connectionsMax", "subscriptionsMax"] satisfies (keyof Options)[];

/** Sizes travel as 32-bit integers. */
const PAYLOAD_BYTES_LIMIT = 2 ** 31 - 1;

function checkType(name: keyof Options, value: unknown): void {
  const { initial } = OPTIONS[name];
  if (initial === null && value === null) return;
  const wanted = initial === null ? NULLABLE[name as keyof typeof NULLABLE] : typeof initial;
  if (typeof value !== wanted) throw new OptionError(`option "${name}" must be ${wanted === "object" ? "an" : "a"} ${wanted}`);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new OptionError(`option "${name}" must be an integer`);
    if (name === "port" || name === "httpPort") {
      if (value < 0 || value > 65_535) throw new OptionError(`invalid port ${value}`);
    } else if (value < 0 && !MAY_BE_NEGATIVE.includes(name)) throw new OptionError(`option "${name}" cannot be negative`);
  }
  if (name === "authorization") {
    for (const [part, secret] of Object.entries(value as Authorization)) {
      if (!["user", "password", "token"].includes(part)) throw new OptionError(`unknown option "authorization.${part}"`);
      if (secret !== undefined && typeof secret !== "string") throw new OptionError(`option "authorization.${part}" must be a string`);
    }
  }
}

/**
 * Completes options with the defaults.
 * @throws OptionError  an option is unknown, of another type than its default, or contradicts another one
 */
export function completeOptions(given: Partial<Options>): Options {
  const options = defaultOptions();
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(OPTIONS, name)) throw new OptionError(`unknown option "${name}"`);
    if (value === undefined) continue;
    checkType(name as keyof Options, value);
    (options as Record<string, unknown>)[name] = value;
  }
  for (const name of ZERO_IS_DEFAULT) if (options[name] === 0) options[name] = OPTIONS[name].initial;
  if (options.payloadBytesMax > options.pendingBytesMax) {
    throw new OptionError(`max_payload (${options.payloadBytesMax}) cannot be higher than max_pending (${options.pendingBytesMax})`);
  }
  if (options.payloadBytesMax > PAYLOAD_BYTES_LIMIT) {
    throw new OptionError(`max_payload (${options.payloadBytesMax}) cannot be higher than ${PAYLOAD_BYTES_LIMIT}`);
  }
  if (!WRITE_TIMEOUT_POLICIES.includes(options.writeTimeout)) throw new OptionError("write_timeout must be 'default', 'close' or 'retry'");
  if (/^\$2[abxy]\$\d{2}\$/.test(options.authorization?.password ?? "")) {
    throw new OptionError("bcrypt passwords are not supported yet");
  }
  if (options.serverName?.includes(" ")) throw new OptionError("server name cannot contain spaces");
  return options;
}
