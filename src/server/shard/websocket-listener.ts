/**
 * The WebSocket port: chooses its implementation, and creates a client for each connection that completes the handshake.
 *
 *   websocket { … } ─┬─ TLS, PROXY headers, compression, a handshake timeout ─▶ RawWebSockets      our own codec
 *                    └─ otherwise ─────────────────────────────────────────────▶ ServedWebSockets   Bun.serve
 * One implementation owns the port and all its connections; no data passes through a second socket. docs/differences.md gives the reasons
 * for the choice. A reload cannot change the options that decide.
 */

import type { Authenticator } from "../../auth/users/authenticator.ts";
import { assert } from "../../base/assert/assert.ts";
import { logOf } from "../../base/log/logger.ts";
import { WEBSOCKET_DEFAULTS, type WebSocketOptions } from "../../config/schema/websocket-options.ts";
import type { ConnectionSettings } from "../../connections/client/connection-settings.ts";
import { PAYLOAD_UNLIMITED } from "../../wire/protocol/parser.ts";
import type { Descriptors } from "../../wire/transport/descriptors.ts";
import { bindHost, hostPort, isWildcard, parseHostPort, reachableHosts } from "../../wire/transport/host-port.ts";
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

/** As good as no limit. */
const NO_HANDSHAKE_TIMEOUT_MS = 24 * 60 * 60 * 1_000;

export type WebSocketOwnerName = "Bun.serve" | "codec";

/** The implementation that can serve these options. */
export function ownerFor({ compression, handshakeTimeoutMs, tls }: WebSocketOptions, proxyProtocol: boolean): WebSocketOwnerName {
  if (proxyProtocol) return "codec"; // Bun.serve expects a request
  if (compression) return "codec"; // Bun has one size limit for compressed and uncompressed messages
  if (handshakeTimeoutMs !== WEBSOCKET_DEFAULTS.handshakeTimeoutMs) return "codec"; // Bun's time limit cannot be set
  // Bun.serve reports no failed handshakes, shows no peer certificates, has one own certificate and no limit of handshakes.
  return tls === null ? "Bun.serve" : "codec";
}

/** The server, as the listener uses it. */
export interface WebSocketAcceptor extends Acceptor {
  readonly options: { readonly payloadBytesMax: number; readonly proxyProtocol: boolean };
  readonly descriptors: Descriptors;
  /** The current authenticator of its clients; a reload replaces it. */
  authenticatorOf(type: TransportType): Authenticator;
}

export class WebSocketListener {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** `host:port` of this server for WebSocket clients. */
  readonly connectUrls: readonly string[];
  private readonly options: WebSocketOptions;
  private readonly acceptor: WebSocketAcceptor;
  private readonly owner: WebSocketOwner;
  /** TLS of new connections; null without TLS. */
  tls: TlsContext | null;

  /**
   * Binds the port; 0: any free port. Logs what the reference logs.
   * @param ownerName the implementation; tests use both with the same options
   * @param guards TLS requirements in addition to the `tls` block
   * @throws StartError when the port cannot be bound, or a TLS file cannot be used
   */
  constructor(acceptor: WebSocketAcceptor, options: WebSocketOptions, ownerName: WebSocketOwnerName, guards: TlsGuards | null = null) {
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
      handshakeTimeoutMs: options.handshakeTimeoutMs < 0 ? NO_HANDSHAKE_TIMEOUT_MS : options.handshakeTimeoutMs,
      proxyProtocol: this.acceptor.options.proxyProtocol,
      headers: options.headers,
    };
    try {
      return bindHost(options.host, hostname => {
        if (ownerName === "codec") return new RawWebSockets(host, rules, hostname, options.port, tls);
        assert(tls === null, "Bun.serve has no secure WebSocket port");
        return new ServedWebSockets(host, rules, hostname, options.port);
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
      scheduler: acceptor.turn.scheduler,
      descriptors: acceptor.descriptors,
      onCrowded: () => logOf(acceptor.log, "websocket").warnRateLimited("websocket: connections refused: too many open files"),
      get payloadBytesMax() {
        const { payloadBytesMax } = acceptor.options;
        return payloadBytesMax < 0 ? PAYLOAD_UNLIMITED : payloadBytesMax;
      },
      accept: (transport, info) => acceptor.accept(transport, this.settingsFor(info)),
      endTurn: () => acceptor.turn.end(),
      clock: acceptor.turn.clock,
      onDefect: error => acceptor.onDefect(error),
    };
  }

  private settingsFor(info: WebSocketClientInfo): ConnectionSettings {
    const { options } = this;
    const cookie = (name: string | null) => (name === null ? "" : (info.cookies.get(name) ?? ""));
    return {
      forwardedFor: info.forwardedFor,
      defaultCredentials: {
        jwt: cookie(options.jwtCookie),
        user: cookie(options.userCookie),
        pass: cookie(options.passwordCookie),
        auth_token: cookie(options.tokenCookie),
      },
      authTimeoutMs: options.authTimeoutMs,
      pingIntervalMs: options.pingIntervalMs,
    };
  }

  /** Clients of this port must authenticate. */
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
   * Reads the TLS files of this block, the only part of it that a reload changes.
   * @param guards TLS requirements of the new options
   * @returns applies them to new connections
   * @throws StartError with the reason; nothing has changed
   */
  prepare(after: WebSocketOptions | null, guards: TlsGuards | null = null): () => void {
    const tls = loadTls(after?.tls ?? null, guards);
    return () => {
      if (tls === null || this.tls === null) return;
      this.tls = tls;
      this.owner.updateTls?.(tls);
    };
  }

  /** Stops accepting connections. @param force also closes the accepted ones */
  stop(force: boolean): void {
    this.owner.stop(force);
  }
}
