/** A `websocket` block without its authorization rules: core §6.8. */
import type { TlsOptions } from "../tls/tls-options.ts";

export interface WebSocketListenerOptions {
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
