/**
 * One event loop of a server: its accounts, listeners, connections and authentication.
 *
 *   listener ─ accept ─▶ Client ──▶ account's interest ──▶ Client, local subscriptions
 *        └────────────── registry (open, closed) ◀─────────────┘
 *   start   operator mode ─▶ WebSocket port ─▶ client port
 *   stop    all connections closed with ServerShutdown ─▶ their last output written, at most 10 s ─▶ the rest terminated
 * A process has one shard today; later several may listen on one port. So a shard never assumes that it is the only one: what exists
 * once per process (log, identity, connection ids, limits on all connections, OCSP cache) comes from `ShardHost`.
 */
import type { AccountClaims } from "../../access/jwt/claims.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { AccountHost } from "../../accounts/account/account-host.ts";
import { Accounts } from "../../accounts/account/accounts.ts";
import { accountsIn } from "../../accounts/account/accounts-in.ts";
import { reasonOf } from "../../auth/operator/lookup-error.ts";
import type { Authenticator, Verdict } from "../../auth/users/authenticator.ts";
import type { Authenticate } from "../../auth/users/given-authenticator.ts";
import type { Clock } from "../../base/clock/clock.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Disk } from "../../base/disk/disk.ts";
import { quoted } from "../../base/go/strconv.ts";
import { newNonce } from "../../base/keys/nkey.ts";
import type { ServerIdentity } from "../../base/keys/server-identity.ts";
import type { Subsystem } from "../../base/log/level.ts";
import { type Logger, logOf } from "../../base/log/logger.ts";
import { RepeatFilter } from "../../base/log/repeat-filter.ts";
import { Random } from "../../base/random/random.ts";
import { forEachInShares } from "../../base/scheduling/for-each.ts";
import { jetStreamAccess } from "../../config/schema/jetstream-accounts.ts";
import type { Options } from "../../config/schema/options.ts";
import { unitsToBind } from "../../connections/client/binding.ts";
import type { Client, ClientHost, InfoOccasion } from "../../connections/client/client.ts";
import { authenticateAgain } from "../../connections/client/client-admission.ts";
import { ClientConnection } from "../../connections/client/client-connection.ts";
import { CLOSED_SUBSCRIPTIONS_MAX, connectionRecord } from "../../connections/client/connection-record.ts";
import type { ConnectionSettings } from "../../connections/client/connection-settings.ts";
import { ServerCounters } from "../../connections/link/host.ts";
import { logLimited } from "../../connections/link/limited-log.ts";
import { Turn } from "../../connections/link/turn.ts";
import { jetStreamOfClaims } from "../../jetstream/config/account-jetstream.ts";
import { SystemAccount } from "../../operations/system/system-account.ts";
import type { SystemHost } from "../../operations/system/system-host.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import type { Descriptors } from "../../wire/transport/descriptors.ts";
import { parseHostPort } from "../../wire/transport/host-port.ts";
import { type InProcessConnection, InProcessTransport } from "../../wire/transport/in-process.ts";
import type { Transport, TransportEvents, TransportType } from "../../wire/transport/transport.ts";
import type { Acceptor } from "./acceptor.ts";
import { Authentication } from "./authentication.ts";
import { ClientPorts } from "./client-ports.ts";
import { ClosedConnections } from "./closed-connections.ts";
import { InfoLines, infoOf } from "./info-lines.ts";
import { JetStreamControl } from "./jetstream-control.ts";
import type { TlsGuards } from "./load-tls.ts";
import { OpenTransports } from "./open-transports.ts";
import type { OperatorMode } from "./operator-mode.ts";
import { StartError } from "./server-errors.ts";
import type { ServerJetStream } from "./server-jetstream.ts";
import type { WebSocketOwnerName } from "./websocket-listener.ts";

/** A seed has 53 bits, so that nobody can find it by trying all seeds. */
const SEED_HIGH_MASK = 0x1f_ffff;
/** Longest duration of `stop`. */
const STOP_MS = 10_000;

/** The process of a shard, as the shard uses it. */
export interface ShardHost {
  readonly log: Logger;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly identity: ServerIdentity;
  readonly serverName: string;
  /** Empty: no cluster. */
  readonly clusterName: string;
  /** The field `server` of one message: numbered, so call this once per message. */
  serverInfo(): object;
  /** Returns a connection id that is unique in the process. */
  nextConnectionId(): number;
  /** Whether the process may have one more connection. Called when the new one is already in the shard's transports, not in its connections. */
  hasRoom(inProcess: boolean): boolean;
  /** Counts connections that are not clients yet. */
  readonly descriptors: Descriptors;
  /** TLS requirements of listeners with these options; null without TLS. */
  guardsFor(options: Options): TlsGuards | null;
}

/** Settings of the embedding program. */
export interface ShardChoices {
  /** Decides about logins instead of the options; null: the options decide. */
  readonly authenticate: Authenticate | null;
  /** The implementation of the WebSocket listener; null: its options decide. */
  readonly websocketOwner: WebSocketOwnerName | null;
}

export class Shard implements ClientHost, AccountHost, Acceptor {
  options: Options;
  readonly log: Logger;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly identity: ServerIdentity;
  readonly turn: Turn;
  readonly counters = new ServerCounters();
  readonly repeats = new RepeatFilter();
  readonly directory: Accounts;
  readonly connections = new Map<number, Client>();
  readonly closedConnections: ClosedConnections;
  readonly transports = new OpenTransports();
  readonly clientPorts: ClientPorts;
  /** null: only the configuration is trusted. */
  readonly operator: OperatorMode | null;
  /** null: no system account, or not opened yet. */
  system: SystemAccount | null = null;
  readonly jetStreamControl = new JetStreamControl(this);
  /** The client port; 0 until it listens. */
  port = 0;
  /** INFO contains `ldm`, which tells clients to leave. */
  announcesLameDuck = false;
  /** False from the start of lame duck mode, or of the stop: a connection that still arrives gets INFO and is closed. */
  private accepting = true;
  private readonly host: ShardHost;
  private readonly authentication: Authentication;
  private readonly info: InfoLines;
  private advertised: [host: string, port: number];
  /** Accounts whose imported streams have changed, until their clients are updated. */
  private streamsChanged: ReadonlySet<Account> = new Set();

  /** @throws StartError when the options name a resolver that cannot be used */
  constructor(host: ShardHost, options: Options, { authenticate, websocketOwner }: ShardChoices) {
    this.host = host;
    this.options = options;
    this.log = host.log;
    this.clock = host.clock;
    this.disk = host.disk;
    this.identity = host.identity;
    const [low, high] = crypto.getRandomValues(new Uint32Array(2));
    const random = new Random((high & SEED_HIGH_MASK) * 2 ** 32 + low);
    this.turn = new Turn(this.clock, new TimingWheel(this.clock), random);
    this.turn.now = this.clock.now();
    this.turn.onDefect = error => this.onDefect(error);
    this.directory = new Accounts(this);
    this.directory.prepare(accountsIn(options, jetStreamAccess(options))).install();
    this.closedConnections = new ClosedConnections(options.closedClientsMax);
    this.operator = hasOperatorMode(options) ? new (operatorModeModule().OperatorMode)(this) : null;
    this.authentication = new Authentication(this, authenticate);
    this.clientPorts = new ClientPorts(this, after => host.guardsFor(after), websocketOwner);
    this.advertised = [options.host, 0];
    this.info = new InfoLines(infoOf(this));
  }

  // Start and stop

  /** Opens the services and events of the system account, if the server has one. */
  openSystem(host: SystemHost): void {
    if (this.systemAccount !== null) this.system = new SystemAccount(host, this.systemAccount);
  }

  /** Waits for other servers that the start depends on. @throws StartError when one does not answer */
  async open(): Promise<void> {
    await this.operator?.open();
  }

  /** null: JetStream does not run. */
  get jetStream(): ServerJetStream | null {
    return this.jetStreamControl.running;
  }

  /** Logs errors in the auth callout configuration. */
  reportAuthentication(): void {
    this.authentication.report(this.options);
  }

  /** Opens the ports for clients. @throws StartError when one cannot be bound, or an address is invalid; call `abandon` then */
  listen(): void {
    const { websocket } = this.options;
    if (websocket !== null) this.clientPorts.openWebSocket(websocket);
    this.port = this.clientPorts.openClients();
    try {
      this.advertised = this.advertisedBy(this.options);
    } catch (error) {
      const text = (error as Error).message;
      const value = this.options.clientAdvertise;
      throw new StartError(`Error setting server INFO with ClientAdvertise value of ${value}, err=${text}`, { cause: error });
    }
    this.updateInfo();
  }

  /** Stops what a failed start has already started. */
  abandon(): void {
    this.clientPorts.stop(true);
    this.operator?.stop();
  }

  /** Stops accepting clients; connected clients stay. */
  stopAccepting(): void {
    this.accepting = false;
    this.clientPorts.stop(false);
  }

  closeConnections(): void {
    this.accepting = false;
    for (const client of [...this.connections.values()]) client.close(CloseReason.ServerShutdown);
    this.turn.end();
  }

  /** Called after `closeConnections`; resolves when their sockets are closed and all timers are stopped. */
  async stop(): Promise<void> {
    await this.transports.empty(this.turn.timers, STOP_MS);
    this.turn.timers.stop();
    this.clientPorts.stop(true);
  }

  // Reload

  /**
   * Runs the steps of a reload that may fail.
   * @returns applies the new options and cannot fail
   * @throws Error with the reason; nothing has changed
   */
  prepare(after: Options): () => void {
    let advertised: [host: string, port: number];
    try {
      advertised = this.advertisedBy(after);
    } catch (error) {
      throw new Error(`invalid ClientAdvertise value of ${after.clientAdvertise}, err=${(error as Error).message}`);
    }
    const accounts = this.directory.prepare(accountsIn(after, jetStreamAccess(after)));
    const installOperator = this.operator?.prepare(after);
    const installPorts = this.clientPorts.prepare(after);
    return () => {
      this.advertised = advertised;
      this.streamsChanged = accounts.install();
      this.followStreamImports(this.streamsChanged);
      installOperator?.();
      this.authentication.follow(after);
      installPorts();
    };
  }

  /** Authenticates every connected client again, the newest first: an account that has too many connections loses its newest. */
  authenticateAgain(): void {
    const { streamsChanged } = this;
    this.streamsChanged = new Set();
    const newestFirst = [...this.connections.values()].reverse();
    forEachInShares(this.turn.scheduler, newestFirst, unitsToBind, client => authenticateAgain(client, streamsChanged));
  }

  // Connections

  accept(transport: Transport, settings: ConnectionSettings | null = null): TransportEvents {
    this.counters.totalConnections++;
    const client = new ClientConnection(this, transport, this.nextConnectionId(), settings);
    this.transports.add(client);
    if (client.authenticator.usesNonce) client.nonce = newNonce();
    client.open();
    if (!this.host.hasRoom(transport.inProcess)) this.refuseConnection(client);
    else {
      this.connections.set(client.id, client);
      if (!this.accepting) client.close(CloseReason.ServerShutdown); // it was accepted while the listeners closed
    }
    return client;
  }

  refuseConnection(client: Client): void {
    logLimited(client, "error", "maximum connections exceeded");
    client.refuse(Refusal.MaxConnectionsExceeded);
  }

  /** Opens a connection without a socket. */
  connect(): InProcessConnection {
    const transport = new InProcessTransport();
    transport.attach(this.accept(transport));
    this.turn.end();
    return transport.client;
  }

  onDefect(error: Error): void {
    this.turn.batch.clear(); // first, because the log of an embedding program may throw
    this.log.error(`unexpected error on a client connection: ${error.stack ?? error.message}`);
  }

  onConnectionClosed(client: Client, reason: CloseReason): void {
    this.connections.delete(client.id);
    this.system?.onConnectionClosed(client, reason);
    this.closedConnections.add(connectionRecord(client, CLOSED_SUBSCRIPTIONS_MAX));
  }

  onTransportClosed(client: Client): void {
    this.transports.delete(client);
  }

  // Logins

  authenticatorOf(type: TransportType): Authenticator {
    return this.authentication.of(type);
  }

  get authRequired(): boolean {
    return this.authenticatorOf("nats").required;
  }

  authenticate(client: Client): Verdict | Promise<Verdict> {
    return this.authentication.ask(client);
  }

  onAuthenticated(client: Client): void {
    this.system?.onAuthenticated(client);
  }

  onAuthenticationFailed(client: Client, refusal: Refusal, inAccount = true): void {
    this.system?.onAuthenticationFailed(client, refusal, inAccount);
  }

  onRefusedBy(client: Client, account: Account, reason: string | null): void {
    this.system?.events.refusedBy(client, account, reason);
  }

  async loadAccount(name: string): Promise<void> {
    try {
      await this.operator?.accounts.find(name);
    } catch (error) {
      this.log.warn(`JetStream cannot load account ${quoted(name)}, which has streams: ${reasonOf(error)}`);
    }
  }

  followJetStreamClaims(account: Account, claims: AccountClaims | null): void {
    const jetStream = claims === null ? null : jetStreamOfClaims(claims.nats.limits, claims.nats.clusterTraffic);
    this.jetStreamControl.followClaims(account, jetStream);
  }

  followStreamImports(accounts: ReadonlySet<Account>): void {
    this.jetStream?.engine.followImports(accounts);
  }

  onConnectionsChanged(account: Account): void {
    this.system?.onConnectionsChanged(account);
  }

  // INFO

  /** The address in INFO. */
  get advertisedHost(): string {
    return this.advertised[0];
  }

  get advertisedPort(): number {
    return this.advertised[1];
  }

  get descriptors(): Descriptors {
    return this.host.descriptors;
  }

  get websocket(): ClientPorts["websocket"] {
    return this.clientPorts.websocket;
  }

  /** The address for INFO. @throws Error with the reason when it is invalid */
  private advertisedBy({ clientAdvertise, host }: Options): [host: string, port: number] {
    return clientAdvertise === null ? [host, this.port] : parseHostPort(clientAdvertise, this.port);
  }

  infoLine(client: Client, occasion: InfoOccasion): Buffer {
    return this.info.line(client, occasion);
  }

  updateInfo(): void {
    this.info.update(infoOf(this));
  }

  /** Sends the changed INFO to all clients that accept updates. */
  announceInfo(): void {
    this.updateInfo();
    for (const client of this.connections.values()) if (client.takesAsyncInfo) client.sendInfo("change");
    this.turn.end();
  }

  /** Sends INFO with `ldm`. @param only the only receiver; null: all clients */
  announceLameDuck(only: Client | null): void {
    this.announcesLameDuck = true; // only for the INFO lines sent here
    if (only === null) this.announceInfo();
    else {
      this.updateInfo();
      only.sendInfo("change");
    }
    this.announcesLameDuck = false;
    this.updateInfo();
  }

  // Values for accounts and connections

  get serverName(): string {
    return this.host.serverName;
  }

  get clusterName(): string {
    return this.host.clusterName;
  }

  serverInfo(): object {
    return this.host.serverInfo();
  }

  nextConnectionId(): number {
    return this.host.nextConnectionId();
  }

  logOf(subsystem: Subsystem): Logger {
    return logOf(this.log, subsystem);
  }

  get globalAccount(): Account {
    return this.directory.global;
  }

  get systemAccount(): Account | null {
    return this.directory.system;
  }

  get timers(): TimingWheel {
    return this.turn.timers;
  }

  get cachesInterest(): boolean {
    return this.options.sublistCache;
  }
}

/** Whether the options name trusted operators or an account resolver. */
function hasOperatorMode({ operators, trustedKeys, resolver }: Options): boolean {
  return operators.length > 0 || trustedKeys.length > 0 || resolver !== null;
}

/** Loaded when it is needed, as a default start does without it (bench/start.ts); synchronously, so that a reload stays one step. */
function operatorModeModule(): typeof import("./operator-mode.ts") {
  return require("./operator-mode.ts");
}
