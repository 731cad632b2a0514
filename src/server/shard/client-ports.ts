/**
 * The listeners for clients: the client port with its Unix socket, and the WebSocket port. Options and certificates of
 * both can change while they listen.
 */
import type { Clock } from "../../base/clock/clock.ts";
import type { Logger } from "../../base/log/logger.ts";
import { processorYield } from "../../base/runtime/processor-yield.ts";
import type { Options } from "../../config/schema/options.ts";
import type { WebSocketOptions } from "../../config/schema/websocket-options.ts";
import type { Client } from "../../connections/client/client.ts";
import type { MonitoredServer } from "../../operations/monitor/monitored-server.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import type { Acceptor } from "./acceptor.ts";
import { BusyPolling } from "./busy-polling.ts";
import { ClientListeners } from "./client-listeners.ts";
import type { TlsGuards } from "./load-tls.ts";
import type { WebSocketAcceptor, WebSocketListener, WebSocketOwnerName } from "./websocket-listener.ts";

type ListeningServer = ConstructorParameters<typeof ClientListeners>[0] &
  WebSocketAcceptor &
  Acceptor & {
    readonly options: Options;
    readonly clock: Clock;
    readonly log: Logger;
    readonly connections: ReadonlyMap<number, Client>;
  };

export class ClientPorts {
  private clients: ClientListeners | null = null;
  websocket: WebSocketListener | null = null;
  private readonly server: ListeningServer;
  private readonly guardsFor: (options: Options) => TlsGuards | null;
  private readonly websocketOwner: WebSocketOwnerName | null;

  /** @param guardsFor returns the TLS requirements of the given options */
  constructor(server: ListeningServer, guardsFor: (options: Options) => TlsGuards | null, websocketOwner: WebSocketOwnerName | null) {
    this.server = server;
    this.guardsFor = guardsFor;
    this.websocketOwner = websocketOwner;
  }

  /** The client port listens, or has been closed softly. */
  get open(): boolean {
    return this.clients !== null;
  }

  /** @throws StartError when the port cannot be bound */
  openWebSocket(options: WebSocketOptions): void {
    const { ownerFor, WebSocketListener } = websocketListenerModule();
    const guards = this.guardsFor(this.server.options);
    const owner = this.websocketOwner ?? ownerFor(options, this.server.options.proxyProtocol);
    this.websocket = new WebSocketListener(this.server, options, owner, guards);
  }

  /** @returns the client port @throws StartError when it cannot be bound */
  openClients(): number {
    const { clock, options } = this.server;
    const polling = new BusyPolling(clock, setImmediate, processorYield());
    this.clients = new ClientListeners(this.server, polling, options, this.guardsFor(options));
    return this.clients.port;
  }

  /** Runs the steps of a reload that may fail. @returns applies the new options and cannot fail */
  prepare(after: Options): () => void {
    const guards = this.guardsFor(after);
    const installClients = this.clients?.prepare(after, guards);
    const installWebSocket = this.websocket?.prepare(after.websocket, guards);
    return () => {
      installClients?.();
      installWebSocket?.();
    };
  }

  /** TLS of the client port. */
  get tls(): TlsContext | null {
    return this.clients?.tls ?? null;
  }

  useTls(context: TlsContext): void {
    this.clients?.useTls(context);
  }

  get certificateExpiry(): MonitoredServer["certificateExpiry"] {
    return { client: this.tls?.notAfterMs ?? null, websocket: this.websocket?.certificateExpiryMs ?? null };
  }

  /** Closes clients whose certificate is no longer pinned. */
  closeUnpinned(): void {
    const { connections, log } = this.server;
    const contexts = { nats: this.tls, websocket: this.websocket?.tls ?? null };
    let closed = 0;
    for (const client of [...connections.values()]) {
      const { tls, type } = client.transport;
      const context = contexts[type];
      if (tls === null || context === null || context.isPinned(tls.peerCertificates[0] ?? null)) continue;
      client.close(CloseReason.TlsHandshakeError);
      closed++;
    }
    if (closed > 0) log.notice(`Disconnect ${closed} clients due to pinned certs reload`);
  }

  /** Stops accepting clients. @param closes also closes the accepted sockets */
  stop(closes: boolean): void {
    this.clients?.stop(closes);
    this.websocket?.stop(closes);
    if (closes) this.clients = null;
  }
}

/** Loaded when it is needed, as a default start does without it (bench/start.ts); synchronously, so that a reload stays one step. */
function websocketListenerModule(): typeof import("./websocket-listener.ts") {
  return require("./websocket-listener.ts");
}
