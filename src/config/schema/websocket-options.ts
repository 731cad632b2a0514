/** A `websocket` block: the listener and its authorization. */
import type { ListenerAuthorization } from "../../auth/users/authorization.ts";
import type { WebSocketListenerOptions } from "../../wire/transport/websocket/websocket-options.ts";

export interface WebSocketOptions extends WebSocketListenerOptions, ListenerAuthorization {}

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
