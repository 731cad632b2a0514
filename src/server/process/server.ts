/**
 * A NATS server: the parts that exist once per process, for any number of event loops, from start to stop.
 *
 *   Server ── log, identity, pid and ports files, configuration, OCSP cache, monitoring, profiling, lame duck
 *      └─ Shard ── accounts, listeners, connections (one today, see server/shard/)
 *   stop: no new connections ─▶ all connections closed ─▶ operator ports closed ─▶ files removed
 * No module-level state: two servers in one operating system process share nothing. cli/ installs the signal handlers.
 */

import type { Account } from "../../accounts/account/account.ts";
import type { Authenticate } from "../../auth/users/given-authenticator.ts";
import { type Clock, SYSTEM_CLOCK } from "../../base/clock/clock.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Disk } from "../../base/disk/disk.ts";
import { SYSTEM_DISK } from "../../base/disk/system-disk.ts";
import { newServerIdentity, type ServerIdentity } from "../../base/keys/server-identity.ts";
import { isConfigurable, type Logger } from "../../base/log/logger.ts";
import { directFetch } from "../../base/runtime/direct-fetch.ts";
import type { Options } from "../../config/schema/options.ts";
import { Client } from "../../connections/client/client.ts";
import type { ServerCounters } from "../../connections/link/host.ts";
import type { Turn } from "../../connections/link/turn.ts";
import { CpuProfiler } from "../../operations/monitor/cpu-profile.ts";
import { secretsIn } from "../../operations/monitor/heap-profile.ts";
import type { JetStreamReport } from "../../operations/monitor/jetstream-report.ts";
import type { MonitoredClient } from "../../operations/monitor/monitored-client.ts";
import type { MonitoredServer } from "../../operations/monitor/monitored-server.ts";
import { MonitorState } from "../../operations/monitor/monitored-server.ts";
import type { SystemHost } from "../../operations/system/system-host.ts";
import type { InProcessConnection } from "../../wire/transport/in-process.ts";
import type { OcspCacheStats } from "../../wire/transport/tls/ocsp/ocsp-cache.ts";
import type { Fetch } from "../../wire/transport/tls/ocsp/responders.ts";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import type { ClosedConnections } from "../shard/closed-connections.ts";
import type { TlsGuards } from "../shard/load-tls.ts";
import { StoppedError } from "../shard/server-errors.ts";
import { Shard, type ShardHost } from "../shard/shard.ts";
import type { WebSocketListener, WebSocketOwnerName } from "../shard/websocket-listener.ts";
import type { ConfigSource } from "./config-source.ts";
import { DescriptorCount } from "./descriptor-limit.ts";
import type { LameDuck, LameDuckHost } from "./lame-duck.ts";
import type { Ocsp } from "./ocsp.ts";
import { OperatorPorts } from "./operator-ports.ts";
import { ProcessFiles } from "./process-files.ts";
import type { ReloadTarget } from "./reload.ts";
import { ServerBlock } from "./server-block.ts";
import { logStart } from "./start-log.ts";

export interface ServerDependencies {
  clock?: Clock;
  disk?: Disk;
  log: Logger;
  /** Given by the embedding program: decides about logins instead of the options. */
  authenticate?: Authenticate | null;
  /** Sends requests to OCSP responders. */
  fetch?: Fetch;
  /** The implementation of the WebSocket listener; when not given, its options decide. */
  websocketOwner?: WebSocketOwnerName;
  /** The configuration file, for reloads; null when there is none. */
  config?: { readonly source: ConfigSource; readonly digest: string } | null;
}

export class Server implements ShardHost, SystemHost, ReloadTarget, LameDuckHost {
  options: Options;
  readonly log: Logger;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly identity: ServerIdentity = newServerIdentity();
  readonly monitoring: MonitorState;
  readonly cpuProfiler = new CpuProfiler();
  readonly operatorPorts = new OperatorPorts(this);
  readonly files = new ProcessFiles(this);
  private readonly fetch: Fetch;
  /** null until the options enable TLS. */
  private ocsp: Ocsp | null = null;
  private readonly serverBlock = new ServerBlock(this);
  private readonly configSource: ConfigSource | null;
  /** `sha256:` and hex digits; empty without a file. */
  configDigest: string;
  /** Wall clock, ms. */
  readonly startedAt: number;
  configLoadedAt: number;
  /** Resolves when the start is complete; null: it is. */
  starting: Promise<void> | null;
  private readonly markStarted: () => void;
  /** Resolves when the server has stopped. */
  readonly stopped: Promise<void>;
  private readonly markStopped: () => void;
  readonly shard: Shard;
  private lastConnectionId = 0;
  /** Counts the connections that are not clients: monitoring, profiling. */
  readonly descriptors = new DescriptorCount(() => this.shard.transports.size);
  private lameDuck: LameDuck | null = null;
  private stopping: Promise<void> | null = null;

  constructor(options: Options, dependencies: ServerDependencies) {
    const { authenticate = null, config = null, websocketOwner = null } = dependencies;
    this.options = options;
    this.log = dependencies.log;
    this.clock = dependencies.clock ?? SYSTEM_CLOCK;
    this.disk = dependencies.disk ?? SYSTEM_DISK;
    this.startedAt = this.clock.now();
    this.configSource = config?.source ?? null;
    this.configDigest = config?.digest ?? "";
    this.configLoadedAt = this.startedAt;
    const started = Promise.withResolvers<void>();
    this.starting = started.promise;
    this.markStarted = started.resolve;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopped = promise;
    this.markStopped = resolve;
    this.fetch = dependencies.fetch ?? directFetch;
    this.shard = new Shard(this, options, { authenticate, websocketOwner });
    this.monitoring = new MonitorState(this.clock, this.shard.turn.scheduler);
    this.shard.openSystem(this);
  }

  // Start and stop

  /** Waits for other servers that `start` depends on. @throws StartError when one does not answer */
  open(): Promise<void> {
    return this.shard.open();
  }

  /**
   * Starts what the options configure, and logs it as the reference does.
   * @throws StartError when a port cannot be bound, a file cannot be written or an address is invalid; nothing keeps running then
   */
  async start(): Promise<void> {
    const { options, shard } = this;
    logStart(this, shard.operator, () => this.operatorPorts.startProfiler(options));
    shard.reportAuthentication();
    try {
      this.files.writePid(options);
      shard.operator?.start();
      this.operatorPorts.startMonitor(options);
      this.ocspFor(options)?.start(options);
      this.descriptors.start();
      // Without JetStream the start is complete when this function returns.
      if (options.jetStream.enabled) await shard.jetStreamControl.start();
      if (this.stops) return;
      shard.listen();
    } catch (error) {
      shard.abandon();
      this.operatorPorts.stop();
      void this.ocsp?.stop();
      void shard.jetStreamControl.stop();
      throw error;
    }
    this.files.writePorts();
    shard.system?.start();
    this.log.notice("Server is ready");
    this.starting = null;
    this.markStarted();
  }

  /** Stops the server; resolves when every listener, socket and timer is closed. Every call returns the same promise. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** In the reference's order (core §9.7), except that subscribers of the system account still get SHUTDOWN. */
  private async shutDown(): Promise<void> {
    const { shard } = this;
    this.lameDuck?.cancel();
    shard.system?.stop();
    shard.closeConnections();
    this.log.notice("Initiating Shutdown...");
    shard.operator?.stop();
    if (this.lameDuck === null) {
      this.stopAccepting();
      this.log.debug("Client accept loop exiting..");
    }
    this.operatorPorts.stop();
    await shard.stop();
    await shard.jetStreamControl.stop();
    this.files.removePorts();
    this.log.notice("Server Exiting..");
    await this.ocsp?.stop();
    this.markStopped();
  }

  /** `stop` was called. */
  get stops(): boolean {
    return this.stopping !== null;
  }

  /** Opens a connection without a socket. @throws StoppedError the server has stopped */
  connect(): InProcessConnection {
    if (this.stopping !== null) throw new StoppedError("the server has stopped");
    return this.shard.connect();
  }

  // Lame duck

  /** Closes clients one by one, so that they do not all reconnect at once, then stops; resolves when it has stopped. */
  enterLameDuck(): Promise<void> {
    if (this.stopping === null && this.lameDuck === null && this.shard.clientPorts.open) {
      this.lameDuck = new (lameDuckModule().LameDuck)(this);
      this.lameDuck.enter();
    }
    return this.stopped;
  }

  get inLameDuck(): boolean {
    return this.lameDuck !== null;
  }

  stopAccepting(): void {
    this.shard.stopAccepting();
  }

  publishLameDuck(): void {
    this.shard.system?.lameDuckStarted();
  }

  announceLameDuck(): void {
    this.shard.announceLameDuck(null);
  }

  announceLameDuckTo({ id }: MonitoredClient): void {
    const client = this.shard.connections.get(id);
    if (client !== undefined) this.shard.announceLameDuck(client);
  }

  leaving(): Client[] {
    return [...this.connections.values()];
  }

  // Reload

  /**
   * Reads the configuration file again and applies what changed.
   * @throws Error with the reason, one message per line; the server keeps its previous options
   */
  reload(): void {
    if (this.configSource === null) throw new Error("can only reload config when a file is provided using -c or --config");
    const config = this.configSource.load();
    reloadModule().reload(this, config);
    this.configDigest = config.digest;
    this.configLoadedAt = this.clock.now();
    this.turn.end();
  }

  prepare(after: Options): () => void {
    const installShard = this.shard.prepare(after);
    const installLog = isConfigurable(this.log) ? this.log.prepare(after) : null;
    return () => {
      installShard();
      installLog?.();
      this.ocspFor(after)?.follow(after);
      this.followTls();
    };
  }

  /** Uses this TLS for new connections; closes connections whose certificate it does not pin. */
  useTls(context: TlsContext): void {
    this.shard.clientPorts.useTls(context);
    this.followTls();
  }

  private followTls(): void {
    this.operatorPorts.updateTls(this.shard.clientPorts.tls);
    this.shard.clientPorts.closeUnpinned();
  }

  replaceOptions(after: Options): void {
    this.options = after;
    this.shard.options = after;
  }

  followJetStream(before: Options): void {
    this.shard.jetStreamControl.follow(before, this.options);
  }

  updateInfo(): void {
    this.shard.updateInfo();
  }

  announceInfo(): void {
    this.shard.announceInfo();
  }

  authenticateAgain(): void {
    this.shard.authenticateAgain();
  }

  refuseConnection(client: Client): void {
    this.shard.refuseConnection(client);
  }

  // ShardHost

  nextConnectionId(): number {
    return ++this.lastConnectionId;
  }

  hasRoom(inProcess: boolean): boolean {
    const { connections, transports } = this.shard;
    const limit = this.options.connectionsMax;
    return limit >= 0 && connections.size < limit && (inProcess || this.descriptors.hasRoom(transports.size));
  }

  guardsFor(options: Options): TlsGuards | null {
    return this.ocspFor(options)?.guards(options) ?? null;
  }

  /** Checks certificates of clients; created when options enable TLS for the first time. */
  private ocspFor({ tls, websocket }: Options): Ocsp | null {
    if (tls === null && !websocket?.tls) return this.ocsp;
    this.ocsp ??= new (ocspModule().Ocsp)(this.log, this.clock, this.disk, this.fetch, () => this.shard.system?.events ?? null);
    return this.ocsp;
  }

  serverInfo(): object {
    return this.serverBlock.next();
  }

  // Descriptions for events, services and monitoring

  get serverName(): string {
    return this.options.serverName ?? this.identity.id;
  }

  get clusterName(): string {
    return this.options.clusterName ?? "";
  }

  get configFile(): { readonly path: string; readonly digest: string } | null {
    return this.configSource === null ? null : { path: this.configSource.file, digest: this.configDigest };
  }

  /** Monitoring port; null without monitoring. */
  get monitorPort(): number | null {
    return this.operatorPorts.monitor?.port ?? null;
  }

  get monitorAddress(): MonitoredServer["monitorAddress"] {
    return this.operatorPorts.monitor;
  }

  /** Profiling port; null without profiling. */
  get profilingPort(): number | null {
    return this.operatorPorts.profiler?.port ?? null;
  }

  get ocspCacheStats(): OcspCacheStats | null {
    return this.ocsp?.cacheStats ?? null;
  }

  get jetStream(): JetStreamReport | null {
    return this.shard.jetStream;
  }

  get missingListeners(): readonly string[] {
    if (this.shard.clientPorts.open && this.lameDuck === null) return [];
    return this.options.websocket === null ? ["server"] : ["server", "websocket"];
  }

  // MonitoredConnections: the shard's values. With several shards their sum would be built here.

  get port(): number {
    return this.shard.port;
  }

  get advertisedHost(): string {
    return this.shard.advertisedHost;
  }

  get advertisedPort(): number {
    return this.shard.advertisedPort;
  }

  get authRequired(): boolean {
    return this.shard.authRequired;
  }

  get websocket(): WebSocketListener | null {
    return this.shard.websocket;
  }

  /** Port for WebSocket clients; null without WebSocket. */
  get websocketPort(): number | null {
    return this.websocket?.port ?? null;
  }

  get certificateExpiry(): MonitoredServer["certificateExpiry"] {
    return this.shard.clientPorts.certificateExpiry;
  }

  get turn(): Turn {
    return this.shard.turn;
  }

  get timers(): TimingWheel {
    return this.shard.timers;
  }

  get counters(): ServerCounters {
    return this.shard.counters;
  }

  /** Connections whose sockets are open, with those that are being closed. */
  get openSockets(): number {
    return this.shard.transports.size;
  }

  get connections(): ReadonlyMap<number, Client> {
    return this.shard.connections;
  }

  *secrets(): Generator<string> {
    yield* secretsIn(this.options);
    for (const { connect } of this.shard.connections.values()) yield* [connect.pass, connect.auth_token, connect.sig, connect.proxy_sig];
  }

  clientOf(sink: object): MonitoredClient | null {
    return sink instanceof Client ? sink : null;
  }

  get closedConnections(): ClosedConnections {
    return this.shard.closedConnections;
  }

  get accounts(): readonly Account[] {
    return [...this.shard.directory.all()];
  }

  accountNamed(name: string): Account | undefined {
    return this.shard.directory.get(name);
  }

  get globalAccount(): Account {
    return this.shard.globalAccount;
  }

  get systemAccount(): Account | null {
    return this.shard.systemAccount;
  }

  get pinnedAccountFails(): number {
    return this.shard.operator?.pinnedAccountFails ?? 0;
  }
}

// Loaded when they are needed, as a default start does without them (bench/start.ts); synchronously, so that a reload stays one step.

function ocspModule(): typeof import("./ocsp.ts") {
  return require("./ocsp.ts");
}

function lameDuckModule(): typeof import("./lame-duck.ts") {
  return require("./lame-duck.ts");
}

function reloadModule(): typeof import("./reload.ts") {
  return require("./reload.ts");
}
