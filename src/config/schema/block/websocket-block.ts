/** `websocket { }`: a listener for WebSocket clients. Without a port there is no listener. */

import { parseGoDuration } from "../../../base/go/duration.ts";
import { goTypeOf } from "../../language/config-value.ts";
import { type Field, field, readBlock } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import {
  boolean,
  duration,
  hostPort,
  integer,
  mapOf,
  millisecondsOf,
  type Reader,
  reader,
  safeInteger,
  text,
  textOrUnset,
  textsFor,
} from "../row/reader.ts";
import { WEBSOCKET_DEFAULTS, type WebSocketOptions } from "../websocket-options.ts";
import { SIMPLE_AUTHORIZATION_FIELDS, simpleAuthorizationBlock } from "./authorization-block.ts";
import type { Draft } from "./ocsp-block.ts";
import { TLS_FIELDS, tlsBlock } from "./tls-block.ts";

const handshakeTimeout = reader("duration, or seconds", ({ data }) => {
  if (typeof data === "bigint") return safeInteger(data * 1_000n);
  if (typeof data !== "string") throw new ConfigFault(`error parsing handshake timeout: unsupported type ${goTypeOf(data)}`);
  const nanoseconds = parseGoDuration(data);
  if (typeof nanoseconds === "string") throw new ConfigFault(nanoseconds);
  return millisecondsOf(nanoseconds);
});

const headers = mapOf(
  "map of strings",
  goType => `error parsing headers: unsupported type ${goType}`,
  ({ data }, name) => {
    if (typeof data === "string") return data;
    throw new ConfigFault(`error parsing header key ${name}: unsupported type ${goTypeOf(data)}`);
  },
);

const off = { initial: "false" };

/** Ports as in the file: 0 means no listener, -1 any free port. */
export const WEBSOCKET_FIELDS: readonly Field<Draft<WebSocketOptions>>[] = [
  field("listen", hostPort, "host and port together", (draft, { host, port }) => {
    draft.host = host || WEBSOCKET_DEFAULTS.host;
    draft.port = port;
  }),
  field("port", integer, "port; -1: any free port; without it there is no listener", (draft, port) => (draft.port = port)),
  field("host net", text, "address of the listener", (draft, host) => (draft.host = host || WEBSOCKET_DEFAULTS.host), {
    initial: "0.0.0.0",
  }),
  field("advertise", textOrUnset, "host[:port] for clients in INFO", (draft, advertise) => (draft.advertise = advertise)),
  field("no_tls", boolean, "plain HTTP; a tls block overrides this", (draft, on) => (draft.noTls = on), off),
  field("tls", tlsBlock, "TLS of this listener", (draft, tls) => (draft.tls = tls), { fields: TLS_FIELDS }),
  field("same_origin", boolean, "pages must have been loaded from the host they connect to", (draft, on) => (draft.sameOrigin = on), off),
  field(
    "allowed_origins allow_origins allowed_origin allow_origin origins origin",
    textsFor("allowed origins"),
    "allowed origins of pages, `scheme://host[:port]`",
    (draft, origins) => (draft.allowedOrigins = origins),
  ),
  field(
    "handshake_timeout",
    handshakeTimeout,
    "timeout of a handshake; negative: none",
    (draft, time) => (draft.handshakeTimeoutMs = time || WEBSOCKET_DEFAULTS.handshakeTimeoutMs),
    {
      initial: "2s",
    },
  ),
  field(
    "compression compress",
    boolean,
    "compression (permessage-deflate), if the client supports it",
    (draft, on) => (draft.compression = on),
    off,
  ),
  field(
    "authorization authentication",
    simpleAuthorizationBlock,
    "replaces the server's setting",
    (draft, { authorization, timeoutMs }) => {
      draft.authorization = authorization;
      draft.authTimeoutMs = timeoutMs || null;
    },
    { fields: SIMPLE_AUTHORIZATION_FIELDS },
  ),
  field("jwt_cookie", textOrUnset, "name of the cookie with the JWT", (draft, name) => (draft.jwtCookie = name)),
  field("user_cookie", textOrUnset, "name of the cookie with the user", (draft, name) => (draft.userCookie = name)),
  field("pass_cookie", textOrUnset, "name of the cookie with the password", (draft, name) => (draft.passwordCookie = name)),
  field("token_cookie", textOrUnset, "name of the cookie with the token", (draft, name) => (draft.tokenCookie = name)),
  field("headers", headers, "headers added to the response of the handshake", (draft, added) => (draft.headers = added)),
  field(
    "ping_interval",
    duration,
    "time between PINGs; the server's when not set",
    (draft, time) => (draft.pingIntervalMs = time > 0 ? time : null),
  ),
  field("no_auth_user", textOrUnset, "user or nkey of clients without credentials", (draft, user) => (draft.noAuthUser = user)),
];

/** @returns null without a port */
export const websocketBlock: Reader<WebSocketOptions | null> = reader("block", ({ data }, { problems }) => {
  if (!(data instanceof Map)) throw new ConfigFault(`Expected websocket to be a map, got ${goTypeOf(data)}`);
  const draft: Draft<WebSocketOptions> = { ...WEBSOCKET_DEFAULTS };
  readBlock(data, WEBSOCKET_FIELDS, draft, problems);
  if (draft.port === 0) return null;
  return { ...draft, port: draft.port === -1 ? 0 : draft.port };
});
