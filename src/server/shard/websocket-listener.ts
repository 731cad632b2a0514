/**
 * The WebSocket port: chooses which implementation owns it, and makes clients of connections that complete the handshake.
 *
 *   websocket { … } ─┬─ compression, or certificates of peers ─▶ RawWebSockets      our own codec
 *                    └─ otherwise ─────────────────────────────▶ ServedWebSockets   Bun.serve
 * One owner holds the port and everything behind it; nothing passes through a second socket. Why which one: docs/differences.md.
 */

import type { Authenticator } from "../../auth/users/authenticator.ts";
import { logOf } from "../../base/log/logger.ts";
import { WEBSOCKET_DEFAULTS, type WebSocketOptions } from "../../config/schema/websocket-options.ts";
import type { Door } from "../../connections/client/door.ts";
import { bindWildcard, hostPort, isWildcard, parseHostPort, reachableHosts } from "../../wire/transport/host-port.ts";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import type { TransportType } from "../../wire/transport/transport.ts";
import type { WebSocketClientInfo } from "../../wire/transport/websocket/client-info.ts";
import { OriginRules } from "../../wire/transport/websocket/origin.ts";
import type { HandshakeRules, WebSocketHost, WebSocketOwner } from "../../wire/transport/websocket/owner.ts";
import { RawWebSockets } from "../../wire/transport/websocket/raw-websockets.ts";
import { ServedWebSockets } from "../../wire/transport/websocket/served-websockets.ts";
import type { Acceptor } from "./acceptor.ts";
import { loadTls, type TlsGuards } from "./load-tls.ts";
import { listenErrorText, StartError } from "./server-errors.ts";

export type WebSocketOwnerName = "Bun.serve" | "codec";

/** The implementation that can serve these options. */
export function ownerFor({ compression, handshakeTimeoutMs, tls }: WebSocketOptions): WebSocketOwnerName {
  if (compression) return "codec"; // Bun bounds a message, compressed or not, by one number
  if (handshakeTimeoutMs !== WEBSOCKET_DEFAULTS.handshakeTimeoutMs) return "codec"; // Bun has a time of its own
  if (tls === null) return "Bun.serve";
  // Bun.serve shows no certificate of a peer, knows one certificate of its own, and counts no handshakes.
  const plain = !tls.verify && tls.pinnedCerts.length === 0 && tls.ocspPeer === null && tls.certificates.length === 1;
  return plain && tls.connectionRateLimit === 0 ? "Bun.serve" : "codec";
}

/** What the listener needs of the server. */
export interface WebSocketAcceptor extends Acceptor {
  readonly options: { readonly payloadBytesMax: number };
  /** Decides about its clients; another one after a reload. */
  authenticatorOf(type: TransportType): Authenticator;
}

export class WebSocketListener {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** `host:port` of this server, told to WebSocket clients. */
  readonly connectUrls: readonly string[];
  private readonly options: WebSocketOptions;
  private readonly acceptor: WebSocketAcceptor;
  private readonly owner: WebSocketOwner;
  /** TLS of new connections; null without TLS. */
  tls: TlsContext | null;

  /**
   * Binds the port; 0: a free one. Logs what the reference logs.
   * @param ownerName who holds it; tests try both with the same options
   * @param guards what TLS must satisfy beyond what its block says
   * @throws StartError when it cannot, or a file of TLS cannot be used
   */
  constructor(acceptor: WebSocketAcceptor, options: WebSocketOptions, ownerName = ownerFor(options), guards: TlsGuards | null = null) {
    this.options = options;
    this.host = options.host;
    this.secure = options.tls !== null;
    this.tls = loadTls(options.tls, guards);
    this.acceptor = acceptor;
    this.owner = this.bind(this.hostFor(acceptor), ownerName);
    this.port = this.owner.port;
    const log = logOf(acceptor.log, "websocket");
    log.notice(`Listening for websocket clients on ${this.secure ? "wss" : "ws"}://${hostPort(this.host, this.port)}`);
    if (!this.secure) log.warn("Websocket not configured with TLS. DO NOT USE IN PRODUCTION!");
    try {
      this.connectUrls = this.findConnectUrls();
    } catch (error) {
      this.owner.stop(true);
      throw new StartError(`Unable to get websocket connect URLs: ${(error as Error).message}`, { cause: error });
    }
  }

  private bind(host: WebSocketHost, ownerName: WebSocketOwnerName): WebSocketOwner {
    const { options, tls } = this;
    const rules: HandshakeRules = {
      origins: new OriginRules(options.sameOrigin, options.allowedOrigins),
      compression: options.compression,
      handshakeTimeoutMs: options.handshakeTimeoutMs,
      headers: options.headers,
    };
    try {
      return bindWildcard(options.host, hostname => {
        if (ownerName === "codec") return new RawWebSockets(host, rules, hostname, options.port, tls);
        return new ServedWebSockets(host, rules, hostname, options.port, tls);
      });
    } catch (error) {
      const text = listenErrorText(options.host, options.port, error);
      throw new StartError(`Unable to listen for websocket connections: ${text}`, { cause: error });
    }
  }

  private hostFor(acceptor: WebSocketAcceptor): WebSocketHost {
    return {
      logWarning: text => logOf(acceptor.log, "websocket").warn(text),
      logError: text => logOf(acceptor.log, "websocket").error(text),
      timers: acceptor.turn.timers,
      get payloadBytesMax() {
        return acceptor.options.payloadBytesMax;
      },
      accept: (transport, visitor) => acceptor.accept(transport, this.doorFor(visitor)),
      endTurn: () => acceptor.turn.end(),
      clock: acceptor.turn.clock,
      onDefect: error => acceptor.onDefect(error),
    };
  }

  private doorFor(visitor: WebSocketClientInfo): Door {
    const { options } = this;
    const cookie = (name: string | null) => (name === null ? "" : (visitor.cookies.get(name) ?? ""));
    return {
      forwardedFor: visitor.forwardedFor,
      standIns: {
        jwt: cookie(options.jwtCookie),
        user: cookie(options.userCookie),
        pass: cookie(options.passwordCookie),
        auth_token: cookie(options.tokenCookie),
      },
      authTimeoutMs: options.authTimeoutMs,
      pingIntervalMs: options.pingIntervalMs,
    };
  }

  /** Clients must authenticate, on this port or on all. */
  get authRequired(): boolean {
    return this.acceptor.authenticatorOf("websocket").required;
  }

  /** When its certificate expires, wall clock, ms; null without TLS. */
  get certificateExpiryMs(): number | null {
    return this.tls?.notAfterMs ?? null;
  }

  private findConnectUrls(): readonly string[] {
    const { advertise, host } = this.options;
    if (advertise !== null) return [hostPort(...parseHostPort(advertise, this.port))];
    return (isWildcard(host) ? reachableHosts(host) : [host]).map(address => hostPort(address, this.port));
  }

  /**
   * Reads the files that this block names, the only part of it that a reload changes.
   * @param guards of the new options
   * @returns puts them to use for those who come from now on
   * @throws StartError with the reason; nothing has changed
   */
  prepare(after: WebSocketOptions | null, guards: TlsGuards | null = null): () => void {
    const tls = loadTls(after?.tls ?? null, guards);
    return () => {
      if (tls === null || this.tls === null) return;
      this.tls = tls;
      this.owner.updateTls(tls);
    };
  }

  /** Accepts no connection any more. @param force ends those it accepted, too */
  stop(force: boolean): void {
    this.owner.stop(force);
  }
}
