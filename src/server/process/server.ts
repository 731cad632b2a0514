/**
 * A NATS server: wires the rooms together, from start to stop.
 *
 *   listener ─ accept ─▶ Client ──▶ account's interest ──▶ Client, local subscriptions
 *        └────────────── registry (open, closed) ◀─────────────┘
 *   stop: no new connections ─▶ everyone closed with ServerShutdown ─▶ farewells written, at most 10 s ─▶ forced
 * No module-level state: two servers in a process share nothing.
 */
import type { Account } from "../../accounts/account/account.ts";
import type { AccountHost } from "../../accounts/account/account-host.ts";
import { Accounts } from "../../accounts/account/accounts.ts";
import { accountsIn } from "../../accounts/account/accounts-in.ts";
import type { Authenticator, Verdict } from "../../auth/users/authenticator.ts";
import type { Authenticate } from "../../auth/users/given-authenticator.ts";
import { type Clock, SYSTEM_CLOCK } from "../../base/clock/clock.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import { newNonce } from "../../base/keys/nkey.ts";
import { newServerIdentity, type ServerIdentity } from "../../base/keys/server-identity.ts";
import type { Subsystem } from "../../base/log/level.ts";
import { isConfigurable, type Logger, logOf } from "../../base/log/logger.ts";
import { Random } from "../../base/random/random.ts";
import type { Options } from "../../config/schema/options.ts";
import { Client } from "../../connections/client/client.ts";
import { authenticateAgain } from "../../connections/client/client-admission.ts";
import { CLOSED_SUBSCRIPTIONS_MAX, connectionRecord } from "../../connections/client/connection-record.ts";
import type { Door } from "../../connections/client/door.ts";
import { type ConnectionHost, type InfoOccasion, ServerCounters } from "../../connections/link/host.ts";
import { Turn } from "../../connections/link/turn.ts";
import { CpuProfiler } from "../../operations/monitor/cpu-profile.ts";
import { MonitorState } from "../../operations/monitor/monitor-state.ts";
import type { MonitoredServer } from "../../operations/monitor/monitored-server.ts";
import { SystemAccount } from "../../operations/system/system-account.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { parseHostPort } from "../../wire/transport/host-port.ts";
import { type InProcessConnection, InProcessTransport } from "../../wire/transport/in-process.ts";
import type { OcspCacheStats } from "../../wire/transport/tls/ocsp/ocsp-cache.ts";
import type { Fetch } from "../../wire/transport/tls/ocsp/responders.ts";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import type { Transport, TransportEvents, TransportType } from "../../wire/transport/transport.ts";
import { Authentication } from "../shard/authentication.ts";
import { ClientDoors } from "../shard/client-doors.ts";
import type { Acceptor } from "../shard/client-listener.ts";
import { ClosedConnections } from "../shard/closed-connections.ts";
import { InfoLines, infoOf } from "../shard/info-lines.ts";
import { OpenTransports } from "../shard/open-transports.ts";
import { OperatorMode } from "../shard/operator-mode.ts";
import { StartError } from "../shard/start-error.ts";
import type { WebSocketListener, WebSocketOwnerName } from "../shard/websocket-listener.ts";
import { connectionsThatFit } from "./descriptor-limit.ts";
import { LameDuck, type LameDuckHost } from "./lame-duck.ts";
import { StoppedError } from "./lifecycle-errors.ts";
import { Ocsp } from "./ocsp.ts";
import { OperatorPorts } from "./operator-ports.ts";
import { ProcessFiles } from "./process-files.ts";
import { type ConfigSource, type ReloadTarget, reload } from "./reload.ts";
import { EventServer } from "./server-block.ts";
import { logStart } from "./start-log.ts";

/** Bound on `stop`. */
const STOP_MS = 10_000;

export interface ServerDependencies {
  clock?: Clock;
  log: Logger;
  /** Of the program that embeds the server: decides instead of the options. */
  authenticate?: Authenticate | null;
  /** How OCSP responders are asked. */
  fetch?: Fetch;
  /** Who holds the WebSocket listener; what its options call for when not given. */
  websocketOwner?: WebSocketOwnerName;
  /** Where the options come from, so that they can be reloaded; null when not from a file. */
  config?: { readonly source: ConfigSource; readonly digest: string } | null;
}

export class Server implements ConnectionHost, AccountHost, MonitoredServer, Acceptor, ReloadTarget, LameDuckHost {
  options: Options;
  readonly log: Logger;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly counters = new ServerCounters();
  readonly identity: ServerIdentity;
  readonly directory: Accounts;
  readonly connections = new Map<number, Client>();
  readonly closedConnections: ClosedConnections;
  readonly monitoring = new MonitorState();
  readonly cpuProfiler = new CpuProfiler();
  /** null: nobody is trusted but the configuration. */
  readonly operator: OperatorMode | null;
  private readonly authentication: Authentication;
  private readonly configSource: ConfigSource | null;
  /** `sha256:` and hex; empty without a file. */
  configDigest: string;
  /** Wall clock, ms. */
  readonly startedAt: number;
  configLoadedAt: number;
  get configFile(): { readonly path: string; readonly digest: string } | null {
    return this.configSource === null ? null : { path: this.configSource.file, digest: this.configDigest };
  }

  /** Resolves when the server has stopped, whoever stopped it. */
  readonly stopped: Promise<void>;
  private readonly markStopped: () => void;
  port = 0;
  private readonly random: Random;
  private readonly info: InfoLines;
  private advertised: [host: string, port: number];
  private lameDuck: LameDuck | null = null;
  announcesLameDuck = false;
  private readonly doors: ClientDoors;
  private readonly ocsp: Ocsp;
  readonly operatorPorts = new OperatorPorts(this);
  private readonly eventServer = new EventServer(this);
  readonly files = new ProcessFiles(this);
  private readonly system: SystemAccount | null;
  private lastConnectionId = 0;
  private readonly transports = new OpenTransports();
  private connectionsFit = Number.POSITIVE_INFINITY;
  /** Accounts that import other streams than before, until their clients follow. */
  private streamsChanged: ReadonlySet<Account> = new Set();
  private stopping: Promise<void> | null = null;

  constructor(options: Options, dependencies: ServerDependencies) {
    this.options = options;
    this.log = dependencies.log;
    this.clock = dependencies.clock ?? SYSTEM_CLOCK;
    this.random = new Random(crypto.getRandomValues(new Uint32Array(1))[0]);
    this.turn = new Turn(this.clock, new TimingWheel(this.clock), this.random);
    this.turn.now = this.clock.now();
    this.startedAt = this.clock.now();
    this.identity = newServerIdentity();
    this.directory = new Accounts(this);
    this.directory.prepare(accountsIn(options)).install();
    this.closedConnections = new ClosedConnections(options.closedClientsMax);
    this.operator = OperatorMode.of(this);
    this.authentication = new Authentication(this, dependencies.authenticate ?? null);
    this.ocsp = new Ocsp(this.log, this.clock, dependencies.fetch ?? ((url, how) => fetch(url, how)), () => this.system?.events ?? null);
    this.doors = new ClientDoors(this, this.ocsp, dependencies.websocketOwner ?? null);
    this.configSource = dependencies.config?.source ?? null;
    this.configDigest = dependencies.config?.digest ?? "";
    this.configLoadedAt = this.startedAt;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopped = promise;
    this.markStopped = resolve;
    this.advertised = [options.host, 0];
    this.info = new InfoLines(infoOf(this));
    this.system = this.systemAccount && new SystemAccount(this, this.systemAccount);
  }

  /** What a start waits for, before `start`: others that must answer. @throws StartError they do not */
  async open(): Promise<void> {
    await this.operator?.open();
  }

  get pinnedAccountFails(): number {
    return this.operator?.pinnedAccountFails ?? 0;
  }

  /**
   * Starts everything that the options ask for, and logs it as the reference does.
   * @throws StartError when a port cannot be bound, a file cannot be written or an address makes no sense; nothing is left running then
   */
  start(): void {
    const { options, log } = this;
    logStart(this, () => this.operatorPorts.startProfiler(options));
    this.authentication.report(options);
    try {
      this.files.writePid(options);
      this.operator?.start();
      this.operatorPorts.startMonitor(options);
      this.ocsp.start(options);
      if (options.websocket !== null) this.doors.openWebSocket(options.websocket);
      this.startListening();
    } catch (error) {
      this.doors.stop(true);
      void this.operatorPorts.stop();
      void this.ocsp.stop();
      this.operator?.stop();
      throw error;
    }
    this.files.writePorts();
    this.system?.start();
    log.notice("Server is ready");
  }

  /** Port of monitoring; null when there is none. */
  get monitorPort(): number | null {
    return this.operatorPorts.monitor?.port ?? null;
  }

  get monitorAddress(): MonitoredServer["monitorAddress"] {
    return this.operatorPorts.monitor;
  }

  /** Port for profiles; null without one. */
  get profilingPort(): number | null {
    return this.operatorPorts.profiler?.port ?? null;
  }

  /** Port for WebSocket clients; null when there is none. */
  get websocketPort(): number | null {
    return this.doors.websocket?.port ?? null;
  }

  get websocket(): WebSocketListener | null {
    return this.doors.websocket;
  }

  private startListening(): void {
    this.connectionsFit = connectionsThatFit();
    this.port = this.doors.openClients();
    try {
      this.advertised = this.advertisedBy(this.options);
    } catch (error) {
      const text = (error as Error).message;
      const value = this.options.clientAdvertise;
      throw new StartError(`Error setting server INFO with ClientAdvertise value of ${value}, err=${text}`, { cause: error });
    }
    this.updateInfo();
  }

  /** Throws with the reason when the address makes no sense. */
  private advertisedBy({ clientAdvertise, host }: Options): [host: string, port: number] {
    return clientAdvertise === null ? [host, this.port] : parseHostPort(clientAdvertise, this.port);
  }

  authenticatorOf(type: TransportType): Authenticator {
    return this.authentication.of(type);
  }

  updateInfo(): void {
    this.info.update(infoOf(this));
  }

  /** What clients are told in INFO. */
  get advertisedHost(): string {
    return this.advertised[0];
  }

  get advertisedPort(): number {
    return this.advertised[1];
  }

  get serverName(): string {
    return this.options.serverName ?? this.identity.id;
  }

  serverInfo(): object {
    return this.eventServer.next();
  }

  get authRequired(): boolean {
    return this.authenticatorOf("nats").required;
  }

  get globalAccount(): Account {
    return this.directory.global;
  }

  get systemAccount(): Account | null {
    return this.directory.system;
  }

  get accounts(): readonly Account[] {
    return [...this.directory.all()];
  }

  accountNamed(name: string): Account | undefined {
    return this.directory.get(name);
  }

  get clusterName(): string {
    return this.options.clusterName ?? "";
  }

  get timers(): TimingWheel {
    return this.turn.timers;
  }

  nextConnectionId(): number {
    return ++this.lastConnectionId;
  }

  get cachesInterest(): boolean {
    return this.options.sublistCache;
  }

  /** A connection without a socket. */
  connect(): InProcessConnection {
    if (this.stopping !== null) throw new StoppedError("the server has stopped");
    const transport = new InProcessTransport();
    transport.attach(this.accept(transport));
    this.turn.end();
    return transport.client;
  }

  onDefect(error: Error): void {
    this.log.error(`unexpected error on a client connection: ${error.stack ?? error.message}`);
    this.turn.batch.clear();
  }

  accept(transport: Transport, door: Door | null = null): TransportEvents {
    this.counters.totalConnections++;
    const client = new Client(this, transport, this.nextConnectionId(), door);
    this.transports.add(client);
    if (client.authenticator.usesNonce) client.nonce = newNonce();
    client.open();
    const most = this.options.connectionsMax;
    if (most < 0 || this.connections.size >= most || (!transport.inProcess && this.transports.size > this.connectionsFit)) {
      this.refuseConnection(client);
    } else this.connections.set(client.id, client);
    return client;
  }

  refuseConnection(client: Client): void {
    client.logError("maximum connections exceeded");
    client.refuse(Refusal.MaxConnectionsExceeded);
  }

  logOf(subsystem: Subsystem): Logger {
    return logOf(this.log, subsystem);
  }

  infoLine(client: Client, occasion: InfoOccasion): Buffer {
    return this.info.line(client, occasion);
  }

  /** Sends INFO to everyone who takes it: something that it says has changed. */
  announceInfo(): void {
    this.updateInfo();
    for (const client of this.connections.values()) if (client.takesAsyncInfo) client.sendInfo("change");
    this.turn.end();
  }

  authenticate(client: Client): Verdict | Promise<Verdict> {
    return this.authentication.ask(client);
  }

  onAuthenticated(client: Client): void {
    this.system?.onAuthenticated(client);
  }

  onAuthenticationFailed(client: Client, refusal: Refusal, told = true): void {
    this.system?.onAuthenticationFailed(client, refusal, told);
  }

  onRefusedBy(client: Client, account: Account, reason: string | null): void {
    this.system?.events.refusedBy(client, account, reason);
  }

  onConnectionsChanged(account: Account): void {
    this.system?.onConnectionsChanged(account);
  }

  /**
   * Reads the configuration file again and puts to use what changed.
   * @throws Error with the reason, one message per line; the server goes on as it was then
   */
  reload(): void {
    if (this.configSource === null) throw new Error("can only reload config when a file is provided using -c or --config");
    const config = this.configSource.load();
    reload(this, config);
    this.configDigest = config.digest;
    this.configLoadedAt = this.clock.now();
    this.turn.end();
  }

  prepare(after: Options): () => void {
    let advertised: [host: string, port: number];
    try {
      advertised = this.advertisedBy(after);
    } catch (error) {
      throw new Error(`invalid ClientAdvertise value of ${after.clientAdvertise}, err=${(error as Error).message}`);
    }
    const accounts = this.directory.prepare(accountsIn(after));
    const installOperator = this.operator?.prepare(after);
    const installDoors = this.doors.prepare(after);
    const installLog = isConfigurable(this.log) ? this.log.prepare(after) : null;
    return () => {
      this.advertised = advertised;
      this.streamsChanged = accounts.install();
      installOperator?.();
      this.authentication.follow(after);
      installLog?.();
      installDoors();
      this.ocsp.follow(after);
      this.operatorPorts.updateTls(this.doors.tls);
      this.doors.closeUnpinned();
    };
  }

  /** New connections meet this TLS; those whose certificate it does not pin are closed. */
  useTls(context: TlsContext): void {
    this.doors.useTls(context);
    this.operatorPorts.updateTls(this.doors.tls);
    this.doors.closeUnpinned();
  }

  get certificateExpiry(): MonitoredServer["certificateExpiry"] {
    return this.doors.certificateExpiry;
  }

  get ocspCacheStats(): OcspCacheStats | null {
    return this.ocsp.cacheStats;
  }

  get missingListeners(): readonly string[] {
    if (this.doors.open && this.lameDuck === null) return [];
    return this.options.websocket === null ? ["server"] : ["server", "websocket"];
  }

  replaceOptions(after: Options): void {
    this.options = after;
  }

  authenticateAgain(): void {
    for (const client of [...this.connections.values()]) authenticateAgain(client, this.streamsChanged);
    this.streamsChanged = new Set();
  }

  /** Leaves in a way that spares its clients a stampede, and stops; resolves when it has stopped. */
  enterLameDuck(): Promise<void> {
    if (this.stopping === null && this.lameDuck === null && this.doors.open) {
      this.system?.events.leavesSoon();
      this.lameDuck = new LameDuck(this);
      this.lameDuck.enter();
    }
    return this.stopped;
  }

  get inLameDuck(): boolean {
    return this.lameDuck !== null;
  }

  stopAccepting(): void {
    this.doors.stop(false);
    this.log.debug("Client accept loop exiting..");
  }

  announceLameDuck(): void {
    this.asLameDuck(() => this.announceInfo());
  }

  announceLameDuckTo(client: Client): void {
    this.asLameDuck(() => client.sendInfo("change"));
  }

  /** INFO tells of it once. */
  private asLameDuck(tell: () => void): void {
    this.announcesLameDuck = true;
    this.updateInfo();
    tell();
    this.announcesLameDuck = false;
    this.updateInfo();
  }

  leaving(): Client[] {
    return [...this.connections.values()];
  }

  onConnectionClosed(client: Client, reason: CloseReason): void {
    this.connections.delete(client.id);
    this.system?.onConnectionClosed(client, reason);
    this.closedConnections.add(connectionRecord(client, CLOSED_SUBSCRIPTIONS_MAX));
  }

  onTransportClosed(client: Client): void {
    this.transports.delete(client);
  }

  /** Resolves when every listener, socket and timer is gone; the same promise however often it is called. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  private async shutDown(): Promise<void> {
    this.log.notice("Initiating Shutdown...");
    this.system?.stop();
    if (this.lameDuck === null) this.stopAccepting();
    this.lameDuck?.cancel();
    this.operator?.stop();
    const portsStopped = this.operatorPorts.stop();
    for (const client of [...this.connections.values()]) client.close(CloseReason.ServerShutdown);
    this.turn.end();
    await this.transports.empty(this.turn.timers, STOP_MS);
    this.turn.timers.stop();
    this.doors.stop(true);
    await Promise.all([portsStopped, this.ocsp.stop()]);
    this.files.removePorts();
    this.log.notice("Server Exiting..");
    this.markStopped();
  }
}
