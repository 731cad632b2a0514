import type { TlsOptions } from "../../wire/transport/tls/tls-options.ts";
import type { Authorization } from "./authorization.ts";

/** The `websocket` block: core §6.8. */
export interface WebSocketOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** host[:port] told to clients in `ws_connect_urls`. */
  readonly advertise: string | null;
  /** Plain HTTP. A `tls` block wins over it. */
  readonly noTls: boolean;
  readonly tls: TlsOptions | null;
  readonly sameOrigin: boolean;
  /** `scheme://host[:port]`, as written; empty: any. */
  readonly allowedOrigins: readonly string[];
  readonly handshakeTimeoutMs: number;
  readonly compression: boolean;
  /** Replaces the server's `authorization` for WebSocket clients. */
  readonly authorization: Authorization | null;
  /** null: the server's. */
  readonly authTimeoutMs: number | null;
  /** User or nkey of clients that give no credentials; null: the server's. */
  readonly noAuthUser: string | null;
  /** Names of cookies that stand in for what CONNECT leaves empty. */
  readonly jwtCookie: string | null;
  readonly userCookie: string | null;
  readonly passwordCookie: string | null;
  readonly tokenCookie: string | null;
  /** Added to the response of the handshake. */
  readonly headers: Readonly<Record<string, string>>;
  /** null: the server's. */
  readonly pingIntervalMs: number | null;
}

export const WEBSOCKET_DEFAULTS: WebSocketOptions = {
  host: "0.0.0.0",
  port: 0,
  advertise: null,
  noTls: false,
  tls: null,
  sameOrigin: false,
  allowedOrigins: [],
  handshakeTimeoutMs: 2_000,
  compression: false,
  authorization: null,
  authTimeoutMs: null,
  noAuthUser: null,
  jwtCookie: null,
  userCookie: null,
  passwordCookie: null,
  tokenCookie: null,
  headers: {},
  pingIntervalMs: null,
};
