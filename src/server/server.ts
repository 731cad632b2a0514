/**
 * A NATS server: wires the rooms together, from start to stop.
 *
 *   listener ─ accept ─▶ Client ──▶ account's interest ──▶ Client, local subscriptions
 *        └────────────── registry (open, closed) ◀─────────────┘
 *   stop: no new connections ─▶ everyone closed with ServerShutdown ─▶ farewells written, at most 10 s ─▶ forced
 * No module-level state: two servers in a process share nothing.
 */
import { Account, GLOBAL_ACCOUNT, SYSTEM_ACCOUNT } from "../account/account.ts";
import { type Authenticator, type Identity, SingleUserAuthenticator } from "../auth/authenticator.ts";
import { type Clock, SYSTEM_CLOCK } from "../clock/clock.ts";
import { TimingWheel, WheelTimer } from "../clock/timing-wheel.ts";
import type { Options } from "../config/options.ts";
import { Client } from "../connection/client.ts";
import { CLOSED_SUBSCRIPTIONS_MAX, connectionRecord } from "../connection/connection-record.ts";
import { type ConnectionHost, type InfoOccasion, ServerCounters } from "../connection/host.ts";
import { Turn } from "../connection/turn.ts";
import { newNonce } from "../identity/nkey.ts";
import { newServerIdentity, type ServerIdentity } from "../identity/server-identity.ts";
import type { Logger } from "../log/logger.ts";
import { Monitor } from "../monitor/monitor.ts";
import type { MonitoredServer } from "../monitor/monitored-server.ts";
import { CloseReason } from "../protocol/close-reason.ts";
import { Refusal } from "../protocol/refusal.ts";
import { Random } from "../random/random.ts";
import { type InProcessConnection, InProcessTransport } from "../transport/in-process.ts";
import type { Transport, TransportEvents } from "../transport/transport.ts";
import type { Acceptor } from "./acceptor.ts";
import { BusyPolling } from "./busy-polling.ts";
import { ClientListener } from "./client-listener.ts";
import { ClosedConnections } from "./closed-connections.ts";
import { connectionsThatFit } from "./descriptor-limit.ts";
import { bindWildcard, hostPort, parseHostPort } from "./host-port.ts";
import { listenErrorText } from "./listen-error.ts";
import { PortsFile, writePidFile } from "./process-files.ts";
import { InfoLines } from "./server-info.ts";
import { StartError } from "./start-error.ts";
import { logStart } from "./start-log.ts";

/** Bound on `stop`. */
const STOP_MS = 10_000;

export interface ServerDependencies {
  clock?: Clock;
  log: Logger;
  /** Replaces the check of the `authorization` option. */
  authenticator?: Authenticator | null;
}

export class Server implements ConnectionHost, MonitoredServer, Acceptor {
  readonly options: Options;
  readonly log: Logger;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly counters = new ServerCounters();
  readonly identity: ServerIdentity;
  readonly globalAccount: Account;
  readonly systemAccount: Account;
  readonly connections = new Map<number, Client>();
  readonly closedConnections: ClosedConnections;
  readonly authenticator: Authenticator | null;
  /** Wall clock, ms. */
  readonly startedAt: number;
  port = 0;
  private readonly random: Random;
  private readonly info: InfoLines;
  private advertised: [host: string, port: number];
  private listener: ClientListener | null = null;
  private monitor: Monitor | null = null;
  private portsFile: PortsFile | null = null;
  private lastConnectionId = 0;
  /** Transports that are not gone yet, those of closed connections included. */
  private readonly transports = new Set<Client>();
  private connectionsFit = Number.POSITIVE_INFINITY;
  private stopping: Promise<void> | null = null;
  private onIdle: (() => void) | null = null;

  constructor(options: Options, dependencies: ServerDependencies) {
    this.options = options;
    this.log = dependencies.log;
    this.clock = dependencies.clock ?? SYSTEM_CLOCK;
    this.random = new Random(crypto.getRandomValues(new Uint32Array(1))[0]);
    this.turn = new Turn(this.clock, new TimingWheel(this.clock), this.random);
    this.turn.now = this.clock.now();
    this.startedAt = this.clock.now();
    this.identity = newServerIdentity();
    this.globalAccount = new Account(GLOBAL_ACCOUNT, options.sublistCache, this.random);
    this.systemAccount = new Account(SYSTEM_ACCOUNT, options.sublistCache, this.random);
    this.closedConnections = new ClosedConnections(options.closedClientsMax);
    const authorization = options.authorization;
    this.authenticator = dependencies.authenticator ?? (authorization === null ? null : new SingleUserAuthenticator(authorization));
    this.advertised = [options.host, 0];
    this.info = new InfoLines(this.describe());
  }

  /**
   * Starts everything that the options ask for, and logs it as the reference does.
   * @throws StartError when a port cannot be bound, a file cannot be written or an address makes no sense; nothing is left running then
   */
  start(): void {
    const { options, log } = this;
    logStart(this);
    try {
      if (options.pidFile !== null) writePidFile(options.pidFile);
      if (options.httpPort !== null) this.startMonitor(options.httpHost ?? options.host, options.httpPort);
      this.startListening();
    } catch (error) {
      this.listener?.stop(true);
      this.monitor?.stop();
      throw error;
    }
    if (options.portsFileDirectory !== null) {
      this.portsFile = new PortsFile(options.portsFileDirectory, log);
      this.portsFile.write({ host: options.host, port: this.port }, this.monitor);
    }
    log.notice("Server is ready");
  }

  /** Port of monitoring; null when there is none. */
  get monitorPort(): number | null {
    return this.monitor?.port ?? null;
  }

  private startMonitor(host: string, port: number): void {
    try {
      this.monitor = bindWildcard(host, bindHost => new Monitor(this, host, bindHost, port));
    } catch (error) {
      const text = listenErrorText(host, port, error);
      throw new StartError(`Can't start monitoring: can't listen to the monitor port: ${text}`, { cause: error });
    }
    this.log.notice(`Starting http monitor on ${hostPort(host, this.monitor.port)}`);
  }

  private startListening(): void {
    const { host, port, clientAdvertise } = this.options;
    try {
      this.connectionsFit = connectionsThatFit();
      this.listener = new ClientListener(this, new BusyPolling(this.clock, setImmediate), host, port);
      this.port = this.listener.port;
    } catch (error) {
      const text = JSON.stringify(listenErrorText(host, port, error));
      throw new StartError(`Error listening on port: ${hostPort(host, port)}, ${text}`, { cause: error });
    }
    this.log.notice(`Listening for client connections on ${hostPort(host, this.port)}`);
    try {
      this.advertised = clientAdvertise === null ? [host, this.port] : parseHostPort(clientAdvertise, this.port);
    } catch (error) {
      const text = (error as Error).message;
      throw new StartError(`Error setting server INFO with ClientAdvertise value of ${clientAdvertise}, err=${text}`, { cause: error });
    }
    this.info.update(this.describe());
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

  get authRequired(): boolean {
    return this.authenticator !== null;
  }

  get accounts(): readonly Account[] {
    return [this.globalAccount, this.systemAccount];
  }

  /** A connection without a socket. */
  connect(): InProcessConnection {
    if (this.stopping !== null) throw new Error("the server has stopped");
    const transport = new InProcessTransport();
    transport.attach(this.accept(transport));
    this.turn.end();
    return transport.client;
  }

  onDefect(error: Error): void {
    this.log.error(`unexpected error on a client connection: ${error.stack ?? error.message}`);
    this.turn.batch.clear();
  }

  accept(transport: Transport): TransportEvents {
    this.counters.totalConnections++;
    const client = new Client(this, transport, ++this.lastConnectionId);
    this.transports.add(client);
    if (this.authenticator?.usesNonce) client.nonce = newNonce();
    client.open();
    const most = this.options.connectionsMax;
    if (most < 0 || this.connections.size >= most || (!transport.inProcess && this.transports.size > this.connectionsFit)) {
      this.refuseConnection(client);
    } else this.connections.set(client.id, client);
    return client;
  }

  private refuseConnection(client: Client): void {
    client.logError("maximum connections exceeded");
    client.refuse(Refusal.MaxConnectionsExceeded);
  }

  infoLine(client: Client, occasion: InfoOccasion): Buffer {
    return this.info.line(client, occasion);
  }

  /** Sends INFO to everyone who takes it: something that it says has changed. */
  announceInfo(): void {
    this.info.update(this.describe());
    for (const client of this.connections.values()) if (client.takesAsyncInfo) client.sendInfo("change");
    this.turn.end();
  }

  private describe() {
    const options = this.options;
    const [host, port] = this.advertised;
    return {
      serverId: this.identity.id,
      serverName: this.serverName,
      host,
      port,
      headers: options.headers,
      authRequired: this.authRequired,
      payloadBytesMax: options.payloadBytesMax,
      connectUrls: [],
      lameDuck: false,
      xkey: this.identity.xkey,
    };
  }

  authenticate(client: Client): Refusal | Promise<Refusal> {
    if (this.authenticator === null) return Refusal.None;
    const settle = (identity: Identity): Refusal => {
      if (identity === null) return Refusal.AuthorizationViolation;
      client.user = identity.user;
      return Refusal.None;
    };
    try {
      const { remoteAddress: address, remotePort: port } = client.transport;
      const identity = this.authenticator.authenticate({ connect: client.connect, nonce: client.nonce, address, port });
      return identity instanceof Promise ? identity.then(settle) : settle(identity);
    } catch (error) {
      this.log.error(`the authenticator failed: ${(error as Error).message}`);
      return Refusal.AuthorizationViolation;
    }
  }

  onConnectionClosed(client: Client, _reason: CloseReason): void {
    this.connections.delete(client.id);
    this.closedConnections.add(connectionRecord(client, CLOSED_SUBSCRIPTIONS_MAX));
  }

  onTransportClosed(client: Client): void {
    this.transports.delete(client);
    if (this.transports.size === 0) this.onIdle?.();
  }

  /** Resolves when every listener, socket and timer is gone; the same promise however often it is called. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  private async shutDown(): Promise<void> {
    this.log.notice("Initiating Shutdown...");
    this.listener?.stop(false);
    this.log.debug("Client accept loop exiting..");
    const monitorStopped = this.monitor?.stop();
    for (const client of [...this.connections.values()]) client.close(CloseReason.ServerShutdown);
    this.turn.end();
    if (this.transports.size > 0) {
      await new Promise<void>(resolve => {
        const forced = new WheelTimer(resolve);
        this.turn.timers.set(forced, STOP_MS);
        this.onIdle = resolve;
      });
    }
    for (const client of this.transports) client.transport.terminate();
    this.turn.timers.stop();
    this.listener?.stop(true);
    this.listener = null;
    await monitorStopped;
    this.portsFile?.remove();
    this.log.notice("Server Exiting..");
  }
}
