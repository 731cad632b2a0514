// Types of the package. Written by scripts/declarations.ts from src/index.ts; do not edit.
/// <reference lib="esnext.disposable" />

/** Permissions as given by a program: every field is optional. */
export interface GivenPermissions {
  readonly publish?: Partial<SubjectPermissions> | null;
  readonly subscribe?: Partial<SubjectPermissions> | null;
  readonly responses?: Partial<ResponsePermission> | null;
}

/**
 * A single user or a token, several users of `$G`, and rules for all of them. All fields are optional. An empty block has no users: when
 * accounts have users, a client without credentials is refused.
 */
export interface Authorization {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly users?: readonly UserOptions[];
  /** For `users` without permissions of their own. They do not apply to the single user, who may do everything. */
  readonly defaultPermissions?: PermissionOptions | null;
  readonly callout?: CalloutOptions | null;
  /** The single user or token is accepted only through a trusted proxy. */
  readonly proxyRequired?: boolean;
}

/**
 * Decides about a client. An exception, a rejection, or a promise that takes longer than the auth timeout refuses the login; it is logged
 * without the client's secrets.
 */
export type Authenticate = (request: GivenRequest) => GivenAnswer | Promise<GivenAnswer>;

/** A login, or `true` for a login with defaults; anything else refuses. */
export type GivenAnswer = GivenLogin | boolean | null | undefined;

/** Identity and rights of a client. Every field is optional. */
export interface GivenLogin {
  /** Name for logs and monitoring; by default the name given by the client. */
  readonly user?: string;
  /** A configured account; `$G` by default. An unknown account refuses the login and logs an error. */
  readonly account?: string;
  /** By default everything is allowed. The same object for several clients is compiled once. */
  readonly permissions?: GivenPermissions | null;
  /** When it is disconnected: a `Date`, or milliseconds since 1970. */
  readonly expiresAt?: Date | number | null;
}

/** A client's data from CONNECT, and its address. Texts are empty when absent. */
export interface GivenRequest {
  readonly user: string;
  readonly password: string;
  readonly token: string;
  /** Public nkey given by the client; `verifyNkey` checks that it has the private key. */
  readonly nkey: string;
  /** The JWT as received, unchecked. */
  readonly jwt: string;
  /** Signature of `nonce`, base64. */
  readonly signature: string;
  /** Nonce sent by the server. */
  readonly nonce: string;
  /** Connection name given by the client. */
  readonly name: string;
  /** Language and version of the client library. */
  readonly lang: string;
  readonly version: string;
  /** Peer address; empty for an in-process connection. */
  readonly address: string;
  readonly port: number;
  /** Its verified certificate, if the `tls` option requires one; otherwise null. */
  readonly certificate: PeerCertificate | null;
  readonly connectionType: ConnectionType;
  /**
   * Whether the client proved that it has the private key of an nkey.
   * @param nkey public nkey; by default the one given by the client
   */
  verifyNkey(nkey?: string): boolean;
}

export declare class AssertionBroken extends Error {
  name: string;
}

/**
 * The log as used by all parts. Text is built only when the level is enabled: hot paths check `traceEnabled` first.
 */
export interface Logger {
  readonly debugEnabled: boolean;
  readonly traceEnabled: boolean;
  notice(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  fatal(text: string): void;
  debug(text: string): void;
  trace(text: string): void;
  /** Like `warn`, but the same text at most once per second. */
  warnRateLimited(text: string): void;
}

export interface GivenAccount extends Partial<Pick<AccountOptions, "nkey">> {
  readonly name: string;
  readonly users?: readonly GivenUser[];
  readonly defaultPermissions?: GivenPermissions | null;
  readonly exports?: readonly GivenExport[];
  readonly imports?: readonly GivenImport[];
  readonly mappings?: readonly GivenMapping[];
  readonly limits?: Partial<AccountLimits>;
  /** Whether it may use JetStream, and how much of it; not given: false. */
  readonly jetStream?: boolean | GivenTier | AccountJetStream | null;
  readonly trace?: (Partial<TraceOptions> & Pick<TraceOptions, "destination">) | null;
}

/** Options of `NatsServer.start`. Every option and every field may be left out. Times are in milliseconds; port 0 means any free port. */
export interface GivenOptions extends Partial<Omit<Options, "accounts" | "authorization" | "jetStream" | "listenUnix" | "mappings" | "ocspCache" | "resolver" | "resolverTls" | "tls" | "websocket">> {
  readonly accounts?: readonly GivenAccount[];
  readonly authorization?: GivenAuthorization | null;
  readonly jetStream?: boolean | GivenJetStream;
  readonly listenUnix?: (Partial<UnixListener> & Pick<UnixListener, "path">) | null;
  readonly mappings?: readonly GivenMapping[];
  readonly ocspCache?: Partial<OcspCacheRules> | null;
  readonly resolver?: GivenResolver | null;
  readonly resolverTls?: GivenTls | null;
  readonly tls?: GivenTls | null;
  readonly websocket?: GivenWebSocket | null;
}

/** Either `user` and `password`, or `nkey`. */
export interface GivenUser extends Partial<Omit<UserOptions, "permissions">> {
  readonly permissions?: GivenPermissions | null;
}

/** JetStream. An object turns it on, unless `enabled` is false. */
export interface GivenJetStream extends Partial<Omit<JetStreamOptions, "limits">> {
  /** Streams are kept in its directory `jetstream`. Not given: in the temporary directory of the machine, which a reboot may empty. */
  readonly storeDirectory?: string | null;
  readonly limits?: Partial<JetStreamServerLimits>;
}

/** Limits of an account for JetStream; -1, or not given: no limit. */
export type GivenTier = Partial<JetStreamLimits>;

export interface Options {
  /** log debug lines */
  debug: boolean;
  /** log every protocol line */
  trace: boolean;
  /** trace the system account too */
  traceVerbose: boolean;
  /** trace only the headers of messages */
  traceHeaders: boolean;
  /** largest number of payload bytes in a trace line; 0: all */
  tracedBytesMax: number;
  /** log lines have a timestamp */
  logTime: boolean;
  /** timestamps in UTC */
  logTimeUtc: boolean;
  /** log file */
  logFile: string | null;
  /** size in bytes at which the log file is rotated; 0 or negative: never */
  logSizeLimit: number;
  /** number of log files kept, including the current one; 0 or negative: all */
  logFilesMax: number;
  /** log to the system's log */
  syslog: boolean;
  /** log to the syslog server at this URL: `udp://`, `tcp://`, `unix://` */
  remoteSyslog: string | null;
  /** format of log lines; nats-server supports only text */
  logFormat: "text" | "json";
  /** level of single subsystems (server, client, websocket, monitor); not in nats-server */
  logLevelOverrides: { readonly [x: string]: string; };
  /** JetStream: streams of stored messages */
  jetStream: JetStreamOptions;
  /** directory of JetStream; in a program `jetStream.storeDirectory` */
  storeDirectory: string | null;
  /** operator JWTs; in a file also names of files that contain them */
  operators: readonly string[];
  /** public operator nkeys that are trusted without a JWT */
  trustedKeys: readonly string[];
  /** source of account JWTs; when not set, the operator's JWT names it */
  resolver: ResolverOptions | null;
  /** TLS of connections to a resolver at an https address */
  resolverTls: TlsOptions | null;
  /** map of accounts to JWTs that the resolver starts with */
  resolverPreload: { readonly [x: string]: string; };
  /** accounts whose users may connect; empty: all */
  pinnedAccounts: readonly string[];
  /** bearer JWT of clients that send no JWT */
  defaultSentinel: string;
  /** accounts in addition to `$G`, which always exists */
  accounts: readonly ServerAccount[];
  /** mappings of subjects to other subjects, in `$G` */
  mappings: readonly MappingRule[];
  /** account for the server's events and services; `$SYS` when not set */
  systemAccount: string | null;
  /** do not create the account `$SYS` by default */
  noSystemAccount: boolean;
  /** user or nkey of clients without credentials */
  noAuthUser: string | null;
  /** public nkeys of proxies whose signatures are trusted; in a file `proxies { trusted: [ { key } ] }` */
  trustedProxies: readonly string[];
  /** logins: a user and password, a token, or `users` of `$G`; `defaultPermissions`, `callout`, `proxyRequired` */
  authorization: Authorization | null;
  /** time a client has to authenticate, ms; with TLS the default is one second more than the TLS timeout */
  authTimeoutMs: number;
  /** TLS of the client listener, and of https monitoring */
  tls: TlsOptions | null;
  /** clients may connect without TLS */
  allowNonTls: boolean;
  /** OCSP stapling, which is not supported: only modes that work without it */
  ocspStapling: "auto" | "never";
  /** cache of OCSP responses about peers */
  ocspCache: OcspCacheRules | null;
  /** expect PROXY headers on the client port */
  proxyProtocol: boolean;
  /** WebSocket listener */
  websocket: WebSocketOptions | null;
  /** longest protocol line, bytes */
  controlLineBytesMax: number;
  /** largest message, headers included, bytes; not above max_pending; negative: no limit */
  payloadBytesMax: number;
  /** bytes of pending output at which a client is closed */
  pendingBytesMax: number;
  /** maximum number of client connections; negative, or 0 in a file: no connections */
  connectionsMax: number;
  /** maximum subscriptions of a connection; 0: no limit */
  subscriptionsMax: number;
  /** maximum tokens of a subscribed subject, 1 to 255; 0: no limit */
  subscriptionTokensMax: number;
  /** time between the server's PINGs */
  pingIntervalMs: number;
  /** unanswered PINGs before a connection is stale */
  pingsOutMax: number;
  /** longest time to write a batch of output to the socket */
  writeDeadlineMs: number;
  /** what happens when the write deadline passes */
  writeTimeout: "default" | "close" | "retry";
  /** number of closed connections kept for /connz */
  closedClientsMax: number;
  /** message headers; in a file `no_header_support: true` turns them off */
  headers: boolean;
  /** cache the results of subject matching; in a file `disable_sublist_cache: true` turns that off */
  sublistCache: boolean;
  /** pause a producer while a consumer is slow; in a file `no_fast_producer_stall: true` turns that off */
  fastProducerStall: boolean;
  /** address of the monitoring listener; the value of `host` when not set */
  httpHost: string | null;
  /** monitoring port; 0: no monitoring; -1: any free port (in the library null and 0) */
  httpPort: number | null;
  /** path prefix of every monitoring endpoint */
  httpBasePath: string;
  /** address of the https monitoring listener; the value of `host` when not set */
  httpsHost: string | null;
  /** monitoring port with TLS, which uses the certificate of the `tls` block; not together with http_port */
  httpsPort: number | null;
  /** first part of the names on /metrics, such as `nats`, instead of `gnatsd` and `jetstream`; nats-server has no /metrics */
  metricsPrefix: string;
  /** address of the client listener; 0.0.0.0: all addresses, including IPv6 */
  host: string;
  /** client port; -1: any free port (in the library 0) */
  port: number;
  /** Unix domain socket for clients, in addition to the port; mode in octal, 0770 by default; not in nats-server */
  listenUnix: UnixListener | null;
  /** host[:port] for clients in INFO */
  clientAdvertise: string | null;
  /** name of the server; the server id when not set */
  serverName: string | null;
  /** tags of the server, in lower case */
  serverTags: readonly string[];
  /** names and values of the server, shown in varz */
  serverMetadata: { readonly [x: string]: string; };
  /** features to switch on or off */
  featureFlags: { readonly [x: string]: boolean; };
  /** file for the process id */
  pidFile: string | null;
  /** directory for the file <program>_<pid>.ports with the listening addresses */
  portsFileDirectory: string | null;
  /** time within which lame duck mode closes all clients */
  lameDuckDurationMs: number;
  /** time before lame duck mode closes the first client; shorter than the duration */
  lameDuckGraceMs: number;
  /** name of the cluster, shown in INFO and varz */
  clusterName: string | null;
  /** map of accounts to JetStream domains; no effect, as clusters are not supported yet */
  defaultJsDomain: { readonly [x: string]: string; };
  /** failed attempts to connect to another server between two log lines */
  connectErrorReports: number;
  /** failed attempts to reconnect between two log lines */
  reconnectErrorReports: number;
  /** port for profiling; -1: any free port */
  profilingPort: number | null;
  /** profiles may be requested from other hosts; nats-server always allows it */
  profilingRemote: boolean;
  /** rate of the block profile; only logs a warning */
  profilingBlockRate: number;
}

/** A configuration file that cannot be used. The message has one line for each problem. */
export declare class ConfigErrors extends OptionError {
  readonly lines: readonly string[];
  name: string;
  readonly code = "ERR_CONFIG_FILE";
  /**
   * @param lines warnings first, then errors
   * @param collected true: errors of all fields, which the reference prints with a new line after each; false: a single error that stopped reading
   */
  constructor(lines: readonly string[], collected: boolean);
  /** The lines in structured form. */
  get problems(): readonly ConfigProblem[];
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

/** An option has an invalid value. The text is the reference's if it has one. */
export declare class OptionError extends Error {
  name: string;
  /** Stable: `ERR_OPTIONS`, or `ERR_CONFIG_FILE` for a configuration file. */
  readonly code: "ERR_OPTIONS" | "ERR_CONFIG_FILE";
}

export type WriteTimeoutPolicy = "default" | "close" | "retry";

export interface WebSocketOptions extends WebSocketListenerOptions, ListenerAuthorization {
}

/** A reload was refused; the server keeps its previous options. `cause` is the reason. `code` is stable. */
export declare class ReloadError extends Error {
  name: string;
  readonly code = "ERR_RELOAD";
}

/**
 * The server could not start; nothing keeps running. The message is the reference's.
 *
 * `code` is stable: the system's error code (`EADDRINUSE`, `EACCES`, `ENOENT` …), `ERR_TLS` for a `tls` block that
 * cannot be used, otherwise `ERR_START`. `cause` is the underlying error, if any.
 */
export declare class StartError extends Error {
  name: string;
  readonly code: string;
  constructor(message: string, options?: {
    readonly cause?: unknown;
    readonly code?: string;
  });
}

/** The server has stopped, so nothing can connect to it. `code` is stable. */
export declare class StoppedError extends Error {
  name: string;
  readonly code = "ERR_STOPPED";
}

/**
 * The fields of CONNECT. Fields that a CONNECT does not name keep their value, so a second CONNECT changes only the fields that it names.
 * Before the first CONNECT `verbose`, `pedantic` and `echo` are on.
 */
export interface ConnectOptions {
  verbose: boolean;
  pedantic: boolean;
  tls_required: boolean;
  echo: boolean;
  nkey: string;
  jwt: string;
  sig: string;
  auth_token: string;
  user: string;
  pass: string;
  name: string;
  lang: string;
  version: string;
  protocol: number;
  account: string;
  new_account: boolean;
  headers: boolean;
  no_responders: boolean;
  proxy_sig: string;
}

/** The program's side of the pipe. */
export interface InProcessConnection {
  /** Sends protocol bytes to the server; they are copied. Ignored after either side has ended. */
  write(bytes: Uint8Array | string): void;
  /** Called with the bytes that the server sends, in order; the program owns them. Set it before the first turn of the event loop ends. */
  onData: (bytes: Uint8Array) => void;
  /** Called once, after either side has ended. */
  onClose: () => void;
  /** Ends the connection after the server has received the bytes written so far. `onData` is not called any more. */
  close(): void;
  /** Either side has ended. */
  readonly closed: boolean;
}

/** The whole block. `verify` is true whenever `mapsCertificate` is. */
export interface TlsOptions extends TlsRules {
  /** `verify_and_map`: the certificate identifies the user. */
  readonly mapsCertificate: boolean;
  /** For outgoing connections only: do not verify the server. */
  readonly insecure: boolean;
  readonly ocspPeer: OcspPeerRules | null;
}

export interface StartOptions extends GivenOptions {
  /** Receives log lines; nothing is logged when not set. "stderr": logs to standard error, or to the file or syslog that the options name. */
  log?: Logger | "stderr";
  /** A file in nats-server's configuration language. Options given here override it, at start and at every reload. */
  configFile?: string | null;
  /** Decides who may connect; replaces the options about users. */
  authenticate?: Authenticate;
}

export declare class NatsServer implements AsyncDisposable {
  /** Resolves when the server has stopped. */
  readonly closed: Promise<void>;
  private readonly server;
  private constructor();
  /**
   * Starts a server. Options that are not given have nats-server's defaults. After an error nothing keeps running. docs/errors.md
   * lists the errors and their codes.
   * @throws ConfigErrors  the configuration file cannot be used; `problems` has file, line and column of each
   * @throws OptionError  an option does not exist, has a wrong value, or contradicts another option
   * @throws StartError  a port cannot be bound, a certificate or another file cannot be used
   */
  static start(options?: StartOptions): Promise<NatsServer>;
  /** The client port. */
  get port(): number;
  /** The monitoring port; null without monitoring. */
  get monitorPort(): number | null;
  /** The port for WebSocket clients; null without one. */
  get websocketPort(): number | null;
  /** Where clients of this machine connect: `nats://127.0.0.1:<port>`. */
  get clientUrl(): string;
  /**
   * Opens a client connection without a socket: protocol bytes in, protocol bytes out. docs/library.md shows how the official client uses it.
   * @throws StoppedError  the server has stopped
   */
  connect(): InProcessConnection;
  /** Stops the server. Calls after the first wait for the same stop. Takes at most 10 s. */
  stop(): Promise<void>;
  /**
   * Reads the configuration file again and applies what changed; options given to `start` override it. After an error the server keeps
   * its previous options.
   * @throws ConfigErrors  the file cannot be used
   * @throws OptionError  options of the file and of the program contradict each other
   * @throws ReloadError  the server has no configuration file, an option changed that needs a restart, or a certificate or another file cannot be used
   */
  reload(): void;
  /**
   * Lame duck mode: accepts no new clients, closes the connected ones one by one (`lameDuckGraceMs`, `lameDuckDurationMs`), then stops.
   * Resolves when it has stopped.
   */
  lameDuck(): Promise<void>;
  get inLameDuck(): boolean;
  [Symbol.asyncDispose](): Promise<void>;
}

/** null: the list is absent. An empty `allow` list allows nothing. */
interface SubjectPermissions {
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[] | null;
}

/** Permission to answer reply subjects that were delivered to the client. */
interface ResponsePermission {
  /** Answers per reply subject; negative: no limit. */
  readonly messagesMax: number;
  /** Time after the request, ms; negative: no limit. */
  readonly expiresMs: number;
}

/** One user: by name and password, or by nkey. */
interface UserOptions {
  /** Empty for a user with an nkey. */
  readonly user: string;
  /** As configured: plain text or a bcrypt hash. */
  readonly password: string;
  /** Public user nkey, `U…`; empty for a user with a name. */
  readonly nkey: string;
  /** null: the default permissions of its block, else everything. */
  readonly permissions: PermissionOptions | null;
  /** null: every type. */
  readonly connectionTypes: readonly ConnectionType[] | null;
  /** The user must connect through a trusted proxy. */
  readonly proxyRequired: boolean;
}

interface PermissionOptions {
  /** null: everything may be published. */
  readonly publish: SubjectPermissions | null;
  /** null: every subscription is allowed. An entry is a subject or `<subject> <queue>`; the queue may have wildcards. */
  readonly subscribe: SubjectPermissions | null;
  readonly responses: ResponsePermission | null;
}

/** `auth_callout { }`: a service decides who may connect. */
interface CalloutOptions {
  /** Public account nkey that signs the answers. */
  readonly issuer: string;
  /** Account in which the service listens; empty: `$G`. */
  readonly account: string;
  /** Users that the service itself logs in as; the server checks their credentials. */
  readonly authUsers: readonly string[];
  /** Public curve key of the service, `X…`; empty: requests and answers are not encrypted. */
  readonly xkey: string;
  /** Accounts whose users are delegated to the service; null: all accounts. */
  readonly allowedAccounts: readonly string[] | null;
}

/** Results of a TLS handshake. */
interface PeerCertificate {
  /** DER. */
  readonly raw: Uint8Array;
  /** RFC 2253, as Go's `pkix.Name.String` prints it. */
  readonly subject: string;
  /** The subject as encoded in the certificate: contents of its SEQUENCE, a part of `raw`. Parsed by `readName` to map users by it. */
  readonly name: Uint8Array;
  /** Lower-case hex. */
  readonly spkiSha256: string;
  readonly certSha256: string;
  /** Subject alternative names. */
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

type ConnectionType = "STANDARD" | "WEBSOCKET" | "LEAFNODE" | "LEAFNODE_WS" | "MQTT" | "MQTT_WS" | "IN_PROCESS";

interface AccountOptions extends TradeOptions {
  /** Public account nkey; empty: none. */
  readonly nkey: string;
  /** For users without permissions of their own. */
  readonly defaultPermissions: PermissionOptions | null;
  readonly mappings: readonly MappingRule[];
  readonly limits: AccountLimits;
  readonly trace: TraceOptions | null;
}

type GivenExport = (Partial<StreamExportOptions> & Pick<StreamExportOptions, "kind" | "subject">) | (Partial<Omit<ServiceExportOptions, "latency">> & Pick<ServiceExportOptions, "kind" | "subject"> & {
  readonly latency?: (Partial<LatencyOptions> & Pick<LatencyOptions, "subject">) | null;
});

type GivenImport = (Partial<StreamImportOptions> & Pick<StreamImportOptions, "kind" | "account" | "subject">) | (Partial<ServiceImportOptions> & Pick<ServiceImportOptions, "kind" | "account" | "subject">);

interface GivenMapping extends Omit<MappingRule, "destinations"> {
  /** A subject that receives all messages, or destinations with weights. */
  readonly destinations: readonly (Partial<MappingDestination> & Pick<MappingDestination, "subject">)[];
}

interface AccountLimits {
  readonly connectionsMax: number;
  readonly leafNodesMax: number;
  readonly subscriptionsMax: number;
  readonly payloadBytesMax: number;
}

/** JetStream of one account that may use it. */
interface AccountJetStream {
  /** By name: `SINGLE_TIER` alone, or `R1`, `R3`, … */
  readonly tiers: Readonly<Record<string, JetStreamLimits>>;
  /** The account that carries the traffic between the servers of a cluster; without effect on a server alone. */
  readonly clusterTraffic: "system" | "owner";
}

/** Tracing of messages with a `traceparent` header. */
interface TraceOptions {
  readonly destination: string;
  /** Percent of these messages that are traced, 1 to 100. */
  readonly sampling: number;
}

interface GivenAuthorization extends Omit<Authorization, "users" | "defaultPermissions" | "callout"> {
  readonly users?: readonly GivenUser[];
  readonly defaultPermissions?: GivenPermissions | null;
  readonly callout?: Partial<CalloutOptions> | null;
}

interface UnixListener {
  readonly path: string;
  /** Permission bits of the socket file: a process that may write the socket may connect. */
  readonly mode: number;
}

interface OcspCacheRules {
  readonly type: "none" | "local";
  /** Directory of `cache.json`. */
  readonly localStore: string;
  readonly preserveRevoked: boolean;
  readonly saveIntervalMs: number;
}

type GivenResolver = ResolverOf<"memory"> | ResolverOf<"url"> | (Directory<ResolverOf<"full">> & {
  readonly kind: "full";
}) | (Directory<ResolverOf<"cache">> & {
  readonly kind: "cache";
});

/** Either `certificates`, for a listener, or only rules, for a resolver. */
interface GivenTls extends Partial<Omit<TlsOptions, "ocspPeer">> {
  /** `{}` checks clients' certificates by OCSP with the default settings. */
  readonly ocspPeer?: Partial<OcspPeerRules> | null;
}

interface GivenWebSocket extends Partial<Omit<WebSocketOptions, "tls" | "authorization">> {
  readonly tls?: GivenTls | null;
  /** A single user or a token, instead of the server's `authorization`. */
  readonly authorization?: Pick<Authorization, "user" | "password" | "token"> | null;
}

interface JetStreamOptions {
  readonly enabled: boolean;
  /** Most bytes of all memory streams. 0: no memory streams; null: 75 % of the machine's memory. */
  readonly memoryBytesMax: number | null;
  /** Most bytes of all file streams. 0: no file streams; null: 75 % of the free disk space. */
  readonly fileBytesMax: number | null;
  /**
   * Time between two background syncs, in milliseconds. null: every message is on the disk before it is acknowledged. A given interval
   * gives that promise up (`durabilityOf`).
   */
  readonly syncIntervalMs: number | null;
  /** `sync_interval: always`: every message is on the disk before it is acknowledged, which is the default here. */
  readonly syncAlways: boolean;
  /** One token, without wildcards; empty: none. */
  readonly domain: string;
  /** Secret from which the keys of streams are derived; empty: files are not encrypted. */
  readonly encryptionKey: string;
  /** The secret before a change, so that files encrypted with it can be read; empty: none. */
  readonly previousEncryptionKey: string;
  readonly cipher: StoreCipherName;
  /** Refuse unknown fields in requests of the API. */
  readonly strict: boolean;
  readonly limits: JetStreamServerLimits;
  /** Most requests of the API that wait, of those that change something. */
  readonly requestQueueMax: number;
  /** Most requests of the API that wait, of those that only read. null: as `requestQueueMax`. */
  readonly infoQueueMax: number | null;
  /** Most messages, and their bytes, that wait for one stream. */
  readonly bufferedMessagesMax: number;
  readonly bufferedBytesMax: number;
  /** Most disk operations at the same time in nats-server; 4 to 8192. Without effect here. */
  readonly concurrentIoMax: number;
  readonly uniqueTag: string;
  readonly extensionHint: string;
  /** 0: 64 MiB. */
  readonly catchupBytesMax: number;
  readonly metaCompactEntries: number;
  readonly metaCompactBytes: number;
  readonly metaCompactSync: boolean;
}

/** `limits { }`: limits of the server for single streams and consumers. 0: no limit, or the default of the limit. */
interface JetStreamServerLimits {
  /** Most messages of one batch of direct get. */
  readonly requestBatchMax: number;
  /** Most unacknowledged messages of a consumer. */
  readonly ackPendingMax: number;
  /** Most streams and consumers with more than one replica, in a cluster. */
  readonly haAssetsMax: number;
  /** Longest duplicate window of a stream, in milliseconds; a fraction is part of it. */
  readonly duplicateWindowMs: number;
  /** Consumers of a stream, if neither the stream nor the account limits them; -1: no limit. */
  readonly defaultConsumersMax: number;
  /** Open batches of one stream. */
  readonly batchesPerStreamMax: number;
  /** Open batches of the server. */
  readonly batchesMax: number;
  /** Messages of one batch. */
  readonly batchMessagesMax: number;
  /** Time from the first message of a batch to its commit, in milliseconds. */
  readonly batchTimeoutMs: number;
}

/** Limits of an account, or of one of its tiers. */
interface JetStreamLimits {
  /** `max_memory`; -1: unlimited, as for all but the last three. */
  readonly memoryBytesMax: Integer;
  /** `max_storage` */
  readonly storageBytesMax: Integer;
  readonly streamsMax: Integer;
  readonly consumersMax: Integer;
  readonly ackPendingMax: Integer;
  /** `memory_max_stream_bytes`: of one stream; 0 and -1: unlimited. */
  readonly memoryStreamBytesMax: Integer;
  /** `storage_max_stream_bytes` */
  readonly storageStreamBytesMax: Integer;
  /** `max_bytes_required`: a stream must have `max_bytes`. */
  readonly streamBytesRequired: boolean;
}

/** `resolver`: the source of account JWTs. Durations in milliseconds. */
type ResolverOptions = {
  readonly kind: "memory";
}
/** Requested by HTTP GET of `<url><account>`. */
 | {
  readonly kind: "url";
  readonly url: string;
} | {
  readonly kind: "full";
  readonly directory: string;
  /** Most JWTs kept; 0: any number. */
  readonly limit: number;
  /** Interval between comparisons with other servers. */
  readonly syncIntervalMs: number;
  readonly allowDelete: boolean;
  /** Files are deleted instead of renamed. */
  readonly hardDelete: boolean;
  readonly fetchTimeoutMs: number;
} | {
  readonly kind: "cache";
  readonly directory: string;
  readonly limit: number;
  /** How long a JWT is kept; 0: no limit. */
  readonly ttlMs: number;
  readonly fetchTimeoutMs: number;
};

interface ServerAccount extends ConfiguredAccount {
  /** null: the account has no JetStream. */
  readonly jetStream: AccountJetStream | null;
}

interface MappingRule {
  readonly source: string;
  readonly destinations: readonly MappingDestination[];
}

interface WebSocketListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** host[:port] sent to clients in `ws_connect_urls`. */
  readonly advertise: string | null;
  /** Plain HTTP. A `tls` block wins over it. */
  readonly noTls: boolean;
  readonly tls: TlsOptions | null;
  readonly sameOrigin: boolean;
  /** `scheme://host[:port]`, as written; empty: any. */
  readonly allowedOrigins: readonly string[];
  readonly handshakeTimeoutMs: number;
  readonly compression: boolean;
  /** Names of cookies whose values replace what CONNECT leaves empty. */
  readonly jwtCookie: string | null;
  readonly userCookie: string | null;
  readonly passwordCookie: string | null;
  readonly tokenCookie: string | null;
  /** Added to the response of the handshake. */
  readonly headers: Readonly<Record<string, string>>;
  /** null: the server's. */
  readonly pingIntervalMs: number | null;
}

/** Login rules of a listener other than the client listener. null: as for the client listener. */
interface ListenerAuthorization {
  /** A single user or a token only. Replaces the server's. */
  readonly authorization: Authorization | null;
  readonly authTimeoutMs: number | null;
  /** User or nkey of clients that give no credentials. */
  readonly noAuthUser: string | null;
}

/** The settings of a block that the transport itself applies. */
interface TlsRules {
  /** Among several, the server name requested by the client decides. Never empty for a listener. */
  readonly certificates: readonly KeyPairFiles[];
  readonly caFile: string | null;
  /** Clients must show a certificate issued by an authority of `caFile`, or by one of the system's. */
  readonly verify: boolean;
  /** Clients need no certificate, but one that they show must be as for `verify`. Never together with `verify`. */
  readonly verifyOptional: boolean;
  /** Time for a handshake, ms. */
  readonly timeoutMs: number;
  /** SHA-256 of SPKIs, lower-case hex; empty: any certificate. */
  readonly pinnedCerts: readonly string[];
  readonly minVersion: "1.2" | "1.3";
  /** Go's names; empty: the default. */
  readonly cipherSuites: readonly string[];
  readonly curvePreferences: readonly string[];
  readonly allowInsecureCipherSuites: boolean;
  /** Handshakes a second; 0: no limit. */
  readonly connectionRateLimit: number;
  /** TLS before INFO. */
  readonly handshakeFirst: boolean;
  /** With `handshakeFirst`: time to wait for the client's handshake before INFO is sent in the clear, ms; 0: wait without limit. */
  readonly handshakeFirstFallbackMs: number;
}

/** Settings of `tls { ocsp_peer }` and `ocsp_cache`: core §9.3.2. */
interface OcspPeerRules {
  /** Time limit per responder, ms; 0: the default. */
  readonly caTimeoutMs: number;
  readonly allowedClockSkewMs: number;
  /** Failed checks are logged, but the peer is accepted. */
  readonly warnOnly: boolean;
  readonly unknownIsGood: boolean;
  readonly allowWhenCaUnreachable: boolean;
  /** How long a response without NextUpdate is valid. */
  readonly cacheTtlWhenNextUpdateUnsetMs: number;
}

/** The options from which the trades of an account are planned. */
interface TradeOptions {
  readonly name: string;
  readonly exports: readonly (StreamExportOptions | ServiceExportOptions)[];
  readonly imports: readonly (StreamImportOptions | ServiceImportOptions)[];
}

interface StreamExportOptions extends ExportOptions {
  readonly kind: "stream";
}

interface ServiceExportOptions extends ExportOptions {
  readonly kind: "service";
  readonly responseType: ResponseType;
  /** How long an answer may take, ms; 0: the default of 2 minutes. */
  readonly responseThresholdMs: number;
  readonly latency: LatencyOptions | null;
  readonly allowTrace: boolean;
}

/** Metrics of a service's latency. */
interface LatencyOptions {
  /** Percent of the requests, 1 to 100; 0: only requests whose tracing headers are sampled. */
  readonly sampling: number;
  /** Subject of the metrics, in the exporting account. */
  readonly subject: string;
}

interface StreamImportOptions {
  readonly kind: "stream";
  /** The exporting account. */
  readonly account: string;
  /** Subject in the exporting account. */
  readonly subject: string;
  /** Subject in the importing account; empty: derived from `prefix`. */
  readonly to: string;
  /** Prefix of the subject in the importing account; empty: none. */
  readonly prefix: string;
  readonly allowTrace: boolean;
  /** Activation JWT; empty: none. */
  readonly token: string;
}

interface ServiceImportOptions {
  readonly kind: "service";
  readonly account: string;
  readonly subject: string;
  /** Subject of requests in the importing account; empty: `subject`. */
  readonly to: string;
  /** The requester's details are shared with the service. */
  readonly share: boolean;
  readonly token: string;
}

/** A subject to which a part of the messages is sent instead. */
interface MappingDestination {
  readonly subject: string;
  /** Percent of the messages. */
  readonly weight: number;
  /** Applies only in this cluster; empty: in clusters that no destination names. */
  readonly cluster: string;
}

type ResolverOf<K extends ResolverOptions["kind"]> = Extract<ResolverOptions, {
  readonly kind: K;
}>;

type Directory<T> = Partial<T> & Pick<ResolverOf<"full"> | ResolverOf<"cache">, "directory">;

/**
 * What an operator or a program configures about JetStream of one server: the `jetstream` block. The limits of accounts are in
 * `account-limits.ts`; `jetstream-settings.ts` adds what is measured on the machine.
 *
 * The fields that only a cluster uses are kept, because a standalone server accepts and ignores them as the reference does: `extensionHint`,
 * `uniqueTag`, `catchupBytesMax`, the `metaCompact…` and `limits.haAssetsMax`.
 * Source: reference, jetstream.md §7.4.
 */
type StoreCipherName = "chacha" | "aes";

/** A number up to 2^53 - 1, a bigint beyond. */
type Integer = number | bigint;

/** An account of the configuration. Accounts of an operator have no users here, because their users log in with JWTs. */
interface ConfiguredAccount extends AccountOptions {
  readonly users: readonly UserOptions[];
}

/** A certificate chain and its private key, PEM files. */
interface KeyPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

interface ExportOptions {
  readonly subject: string;
  /** Accounts that may import it; null: all. An empty list requires an activation token, unless claims say `public`. */
  readonly accounts: readonly string[] | null;
  /** Importers need an activation token, in claims only. */
  readonly tokenRequired: boolean;
  /** Position, from 1, of the subject token that must be the importing account's name; 0: none. */
  readonly accountTokenPosition: number;
  /** Revoked activations: account or `*` → Unix seconds; activations issued until then are revoked. */
  readonly revocations: Readonly<Record<string, number>>;
}

/**
 * Exports and imports of an account, from the `accounts` block or from claims. Names as in the reference's configuration; durations in
 * milliseconds.
 */
type ResponseType = "Singleton" | "Stream" | "Chunked";

export {};
