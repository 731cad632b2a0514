/** The listeners for clients, a port and optionally a Unix socket, and the TLS of both. */
import type { Options } from "../../config/schema/options.ts";
import { hostPort } from "../../wire/transport/host-port.ts";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import type { Acceptor } from "./acceptor.ts";
import type { BusyPolling } from "./busy-polling.ts";
import { ClientListener } from "./client-listener.ts";
import type { GuardOptions } from "./connection-guard.ts";
import { loadTls, type TlsGuards } from "./load-tls.ts";
import { listenErrorText, StartError } from "./server-errors.ts";

export class ClientListeners {
  readonly port: number;
  /** TLS of new connections; null without TLS. */
  tls: TlsContext | null;
  private options: Options;
  private readonly onPort: ClientListener;
  private readonly onPath: ClientListener | null = null;

  /**
   * Binds the addresses in the options, and logs them as the reference does.
   * @param guards TLS requirements in addition to the `tls` block
   * @throws StartError when an address cannot be bound, or a TLS file cannot be used; nothing listens then
   */
  constructor(acceptor: Acceptor, polling: BusyPolling, options: Options, guards: TlsGuards | null = null) {
    const { host, port, listenUnix } = options;
    this.options = options;
    this.tls = loadTls(options.tls, guards);
    const guard = guardOptionsOf(options, this.tls);
    try {
      this.onPort = ClientListener.onPort(acceptor, polling, host, port, guard);
    } catch (error) {
      const text = JSON.stringify(listenErrorText(host, port, error));
      throw new StartError(`Error listening on port: ${hostPort(host, port)}, ${text}`, { cause: error });
    }
    this.port = this.onPort.port;
    const { log } = acceptor;
    log.notice(`Listening for client connections on ${hostPort(host, this.port)}`);
    if (listenUnix !== null) {
      const { path, mode } = listenUnix;
      try {
        this.onPath = ClientListener.onPath(acceptor, polling, path, mode, guard);
      } catch (error) {
        this.onPort.stop(true);
        if (error instanceof StartError) throw error;
        throw new StartError(`Error listening on unix socket: ${path}, ${JSON.stringify((error as Error).message)}`, { cause: error });
      }
      log.notice(`Listening for client connections on unix:${path}`);
    }
    if (options.proxyProtocol) log.notice("PROXY protocol enabled for client connections");
    if (this.tls !== null) announceTls(acceptor, options);
  }

  /**
   * Reads the TLS files of these options.
   * @param guards TLS requirements of these options
   * @returns applies the options to new connections
   * @throws Error with the reason; nothing has changed
   */
  prepare(after: Options, guards: TlsGuards | null = null): () => void {
    const tls = loadTls(after.tls, guards);
    return () => this.update(tls, after);
  }

  /** New connections use this TLS. */
  useTls(tls: TlsContext): void {
    this.update(tls, this.options);
  }

  private update(tls: TlsContext | null, options: Options): void {
    this.tls = tls;
    this.options = options;
    const guard = guardOptionsOf(options, tls);
    this.onPort.updateGuard(guard);
    this.onPath?.updateGuard(guard);
  }

  /** Stops accepting connections. @param force also closes the accepted ones */
  stop(force: boolean): void {
    this.onPort.stop(force);
    this.onPath?.stop(force);
  }
}

function guardOptionsOf({ allowNonTls, proxyProtocol }: Options, tls: TlsContext | null): GuardOptions {
  return { tls, allowNonTls, proxyProtocol };
}

function announceTls({ log }: Acceptor, { tls, allowNonTls }: Options): void {
  const handshakeFirstOnly = tls!.handshakeFirst && tls!.handshakeFirstFallbackMs === 0;
  log.notice(`TLS ${allowNonTls && !handshakeFirstOnly ? "available" : "required"} for client connections`);
  if (handshakeFirstOnly) log.warn('Clients that are not using "TLS Handshake First" option will fail to connect');
}
